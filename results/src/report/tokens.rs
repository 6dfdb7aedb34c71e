//! The panel of the idempotency audit: how often each token took effect, against what its client
//! was told.

use checker::history::Attempt;
use checker::oracle::audit::{AuditReport, AuditViolation, Outcome, Row, Wrong};

use super::facts::Facts;
use super::markup::Markup;
use super::tables::{head, number, section};
use super::units;
use crate::words;

/// The panel; none when nothing showed what became of tokens.
pub(super) fn tokens(facts: &Facts<'_>) -> Option<Markup> {
    let audit = facts.summary.safety.audit.as_ref()?;
    let mut out = section("tokens", "Tokens");
    out.raw("<p class=\"lead\">").text(words::counted(audit.tokens, "token"));
    match audit.broken {
        0 => out.raw(": none was seen to break its promise.</p>"),
        broken => out.text(format!(": {} broke their promise.", words::count(broken))).raw("</p>"),
    };
    out.raw("<div class=\"scroll\">").piece(head(&[
        ("the client was told", ""),
        ("never took effect", "number"),
        ("once", "number"),
        ("repeatedly", "number"),
        ("once or more", "number"),
        ("not known", "number"),
    ]));
    for row in &audit.table {
        out.piece(table_row(row));
    }
    out.raw("</tbody></table></div>").piece(unknown(audit)).piece(violations(audit));
    out.raw("</section>");
    Some(out)
}

fn table_row(row: &Row) -> Markup {
    let told = match row.told {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Info => "info",
    };
    let mut out = Markup::new();
    out.raw("<tr><th scope=\"row\"><span class=\"outcome ").text(told).raw("\">").text(told);
    out.raw("</span></th>");
    // A lost effect or one too many is what a reader looks for; an unknown outcome excuses either
    // of none and one.
    let wrong = [
        row.told == Outcome::Ok,
        row.told == Outcome::Fail,
        true,
        row.told == Outcome::Fail,
        false,
    ];
    let counts = [row.never, row.once, row.repeatedly, row.at_least_once, row.unobservable];
    for (count, wrong) in counts.into_iter().zip(wrong) {
        match (count, wrong) {
            (0, _) => out.raw("<td class=\"number muted\">–</td>"),
            (_, true) => out
                .raw("<td class=\"number broken\"><span aria-hidden=\"true\">✗</span> ")
                .text(words::count(count))
                .raw("</td>"),
            (_, false) => {
                number(&mut out, words::count(count));
                &mut out
            }
        };
    }
    out.raw("</tr>");
    out
}

fn unknown(audit: &AuditReport) -> Markup {
    let mut out = Markup::new();
    if audit.unobservable.is_empty() {
        return out;
    }
    let reasons: Vec<String> = audit
        .unobservable
        .iter()
        .map(|unknown| format!("{} ({})", words::count(unknown.tokens), unknown.reason))
        .collect();
    out.raw("<p class=\"muted\">Not known exactly: ").text(reasons.join(", ")).raw(".</p>");
    out
}

fn violations(audit: &AuditReport) -> Markup {
    let mut out = Markup::new();
    if audit.violations.is_empty() {
        return out;
    }
    out.raw("<ul class=\"violations\">");
    for violation in &audit.violations {
        out.raw("<li><p><b>").raw(name(violation.wrong)).raw("</b> ");
        out.text(&violation.sentence).raw("</p>").piece(attempts(violation)).raw("</li>");
    }
    out.raw("</ul>");
    let more = audit.broken.saturating_sub(audit.violations.len() as u64);
    if more > 0 {
        out.raw("<p class=\"muted\">and ").text(words::counted(more, "more token"));
        out.raw("</p>");
    }
    out
}

fn name(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Lost => "lost",
        Wrong::FalseFailure => "not failed",
        Wrong::Repeated => "repeated",
        Wrong::Disagreement => "nodes disagree",
    }
}

/// The requests of an operation as bars, from the first one's beginning to the last one's end.
fn attempts(violation: &AuditViolation) -> Markup {
    let mut out = Markup::new();
    let (Some(from), Some(to)) = (
        violation.attempts.iter().map(|attempt| attempt.start).min(),
        violation.attempts.iter().map(|attempt| attempt.end).max(),
    ) else {
        return out;
    };
    let share = |time: u64| (time - from) as f64 * 100.0 / (to - from).max(1) as f64;
    out.raw("<ol class=\"attempts\">");
    for attempt in &violation.attempts {
        let Attempt { node, start, end, error, .. } = attempt;
        let met = error.as_deref().unwrap_or("answered");
        let (left, width) = (share(*start), share(*end) - share(*start));
        out.raw("<li class=\"").raw(if error.is_some() { "unanswered" } else { "answered" });
        out.raw("\"><span>").text(format!("{node} {}: {met}", units::moment(*start)));
        out.raw("</span><i style=\"--from:").text(format!("{left:.1}%;--share:{width:.1}%"));
        out.raw("\"></i></li>");
    }
    out.raw("</ol>");
    out
}
