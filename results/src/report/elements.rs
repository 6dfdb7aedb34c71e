//! The panel of the accounting: the outcomes of the elements of sets and queues.

use checker::accounting::{Accounting, ElementOutcome};
use checker::model::Collection;
use maud::{Markup, html};

use super::report_data::ReportData;
use crate::page::panel::{Column, count_cell, more, panel, table};
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
fn fates(kind: Collection) -> &'static [ElementOutcome] {
    match kind {
        Collection::Queue => &[
            ElementOutcome::Lost,
            ElementOutcome::Duplicated,
            ElementOutcome::Unexpected,
            ElementOutcome::NeverDequeued,
            ElementOutcome::InDoubt,
            ElementOutcome::Recovered,
            ElementOutcome::Dequeued,
        ],
        Collection::Set | Collection::List => &[
            ElementOutcome::Lost,
            ElementOutcome::Duplicated,
            ElementOutcome::Unexpected,
            ElementOutcome::Stale,
            ElementOutcome::NeverRead,
            ElementOutcome::InDoubt,
            ElementOutcome::Stable,
        ],
    }
}

fn row(accounting: &Accounting, fate: ElementOutcome) -> Markup {
    html! {
        tr {
            th scope="row" { (fate.name()) }
            (count_cell(accounting.count(fate), fate.is_wrong()))
            td {
                (meaning(accounting.kind, fate))
                @if let (ElementOutcome::Stale, Some(longest)) = (fate, accounting.worst_staleness) {
                    ", at most " (words::duration(longest)) " late"
                }
            }
        }
    }
}

fn meaning(kind: Collection, fate: ElementOutcome) -> &'static str {
    match (fate, kind) {
        (ElementOutcome::Lost, Collection::Queue) => {
            "acknowledged, never dequeued, and the queue was found empty"
        }
        (ElementOutcome::Lost, _) => "was there for certain, and the last read lacks it",
        (ElementOutcome::Duplicated, Collection::Queue) => "dequeued more often than enqueued",
        (ElementOutcome::Duplicated, _) => "answered more than once by one read",
        (ElementOutcome::Unexpected, _) => "seen, although no client put it in",
        (ElementOutcome::Stale, _) => {
            "missing from a read after it was there for certain, found later"
        }
        (ElementOutcome::NeverDequeued, _) => {
            "acknowledged; still in the queue, or taken by a dequeue of unknown outcome"
        }
        (ElementOutcome::NeverRead, _) => "acknowledged, and no read began after that",
        (ElementOutcome::InDoubt, _) => {
            "not acknowledged and never seen; it may never have come in"
        }
        (ElementOutcome::Recovered, _) => "dequeued, although it was not acknowledged",
        (ElementOutcome::Dequeued, _) => "acknowledged and dequeued",
        (ElementOutcome::Stable, _) => "found by every read after it was there for certain",
    }
}
