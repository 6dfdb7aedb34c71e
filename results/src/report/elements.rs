//! The panel of the accounting: what became of the elements of sets and queues.

use checker::accounting::{Accounting, ElementOutcome as Fate};
use checker::model::Collection;

use super::facts::Facts;
use super::markup::Markup;
use super::tables::{head, number, section};
use super::units;
use crate::words;

/// The panel; none for runs without sets and queues.
pub(super) fn elements(facts: &Facts<'_>) -> Option<Markup> {
    let accounting = facts.summary.safety.accounting.as_ref()?;
    let mut out = section("elements", "Elements");
    out.raw("<p class=\"lead\">").text(words::elements(accounting)).raw(".</p>");
    out.raw("<div class=\"scroll\">");
    out.piece(head(&[("fate", ""), ("elements", "number"), ("that is", "")]));
    for fate in fates(accounting.kind) {
        out.piece(row(accounting, *fate));
    }
    out.raw("</tbody></table></div>").piece(findings(accounting)).raw("</section>");
    Some(out)
}

/// What can become of the elements of such objects.
fn fates(kind: Collection) -> &'static [Fate] {
    match kind {
        Collection::Queue => &[
            Fate::Lost,
            Fate::Duplicated,
            Fate::Unexpected,
            Fate::NeverDequeued,
            Fate::InDoubt,
            Fate::Recovered,
            Fate::Dequeued,
        ],
        Collection::Set | Collection::List => &[
            Fate::Lost,
            Fate::Duplicated,
            Fate::Unexpected,
            Fate::Stale,
            Fate::NeverRead,
            Fate::InDoubt,
            Fate::Stable,
        ],
    }
}

fn row(accounting: &Accounting, fate: Fate) -> Markup {
    let mut out = Markup::new();
    out.raw("<tr><th scope=\"row\">").text(fate.name()).raw("</th>");
    match (accounting.count(fate), fate.is_wrong()) {
        (0, _) => drop(out.raw("<td class=\"number muted\">–</td>")),
        (count, true) => drop(
            out.raw("<td class=\"number broken\"><span aria-hidden=\"true\">✗</span> ")
                .text(words::count(count))
                .raw("</td>"),
        ),
        (count, false) => number(&mut out, words::count(count)),
    }
    out.raw("<td>").text(meaning(accounting.kind, fate));
    if let (Fate::Stale, Some(longest)) = (fate, accounting.worst_staleness) {
        out.text(format!(", at most {} late", units::duration(longest)));
    }
    out.raw("</td></tr>");
    out
}

fn meaning(kind: Collection, fate: Fate) -> &'static str {
    match (fate, kind) {
        (Fate::Lost, Collection::Queue) => {
            "acknowledged, never dequeued, and the queue was found empty"
        }
        (Fate::Lost, _) => "was there for certain, and the last read lacks it",
        (Fate::Duplicated, Collection::Queue) => "dequeued more often than enqueued",
        (Fate::Duplicated, _) => "answered more than once by one read",
        (Fate::Unexpected, _) => "seen, although nobody put it in",
        (Fate::Stale, _) => "missing from a read after it was there for certain, found later",
        (Fate::NeverDequeued, _) => {
            "acknowledged; still in the queue, or taken by a dequeue of unknown outcome"
        }
        (Fate::NeverRead, _) => "acknowledged, and no read began after that",
        (Fate::InDoubt, _) => "not acknowledged and never seen; it may never have come in",
        (Fate::Recovered, _) => "dequeued, although it was not acknowledged",
        (Fate::Dequeued, _) => "acknowledged and dequeued",
        (Fate::Stable, _) => "found by every read after it was there for certain",
    }
}

fn findings(accounting: &Accounting) -> Markup {
    let mut out = Markup::new();
    if accounting.findings.is_empty() {
        return out;
    }
    out.raw("<ul class=\"violations\">");
    for finding in &accounting.findings {
        out.raw("<li><b>").raw(finding.fate.name()).raw("</b> ").text(&finding.sentence);
        out.raw("</li>");
    }
    out.raw("</ul>");
    let more = accounting.wrong().saturating_sub(accounting.findings.len() as u64);
    if more > 0 {
        out.raw("<p class=\"muted\">and ").text(words::counted(more, "more element")).raw("</p>");
    }
    out
}
