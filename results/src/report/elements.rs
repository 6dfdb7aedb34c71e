//! The panel of the accounting: the outcomes of the elements of sets and queues.

use checker::accounting::{Accounting, Fate};
use checker::oracle::audit::Kind;
use maud::{Markup, html};

use super::panel::{Column, count_cell, more, panel, table};
use super::report_data::ReportData;
use crate::words;

/// The panel; none for runs without sets and queues.
pub(super) fn elements(data: &ReportData<'_>) -> Option<Markup> {
    let accounting = data.summary.safety.accounting.as_ref()?;
    let columns = [Column::Text("fate"), Column::Number("elements"), Column::Text("that is")];
    let rows = html! { @for &fate in fates(accounting.kind) { (row(accounting, fate)) } };
    let content = html! {
        p.lead { (words::elements(accounting)) "." }
        (table(&columns, rows))
        @if !accounting.findings.is_empty() {
            ul.violations {
                @for finding in &accounting.findings {
                    li { b { (finding.fate.name()) } " " (finding.sentence) }
                }
            }
            (more(accounting.wrong(), accounting.findings.len(), "more element"))
        }
    };
    Some(panel("elements", "Elements", content))
}

/// The outcomes that elements of such objects can have.
fn fates(kind: Kind) -> &'static [Fate] {
    match kind {
        Kind::Queue => &[
            Fate::Lost,
            Fate::Duplicated,
            Fate::Unexpected,
            Fate::NeverDequeued,
            Fate::InDoubt,
            Fate::Recovered,
            Fate::Dequeued,
        ],
        Kind::Set | Kind::List => &[
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
    html! {
        tr {
            th scope="row" { (fate.name()) }
            (count_cell(accounting.count(fate), fate.is_wrong()))
            td {
                (meaning(accounting.kind, fate))
                @if let (Fate::Stale, Some(longest)) = (fate, accounting.worst_staleness) {
                    ", at most " (words::duration(longest)) " late"
                }
            }
        }
    }
}

fn meaning(kind: Kind, fate: Fate) -> &'static str {
    match (fate, kind) {
        (Fate::Lost, Kind::Queue) => "acknowledged, never dequeued, and the queue was found empty",
        (Fate::Lost, _) => "was there for certain, and the last read lacks it",
        (Fate::Duplicated, Kind::Queue) => "dequeued more often than enqueued",
        (Fate::Duplicated, _) => "answered more than once by one read",
        (Fate::Unexpected, _) => "seen, although no client put it in",
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
