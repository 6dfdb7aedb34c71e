//! The panel of the divergence check: the contents of each member in the end, and where they differ.

use checker::oracle::divergence::{Difference, DivergenceReport};
use checker::verdict::Verdict;
use maud::{Markup, html};

use super::report_data::ReportData;
use crate::page::panel::{Column, more, panel, table};
use crate::words;

/// The panel; none when the members were not asked.
pub(super) fn members(data: &ReportData<'_>) -> Option<Markup> {
    let report = data.summary.safety.divergence.as_ref()?;
    let columns = [
        Column::Text("member"),
        Column::Number("applied"),
        Column::Number("revision"),
        Column::Number("names"),
    ];
    let or_dash = |figure: Option<u64>| figure.map_or_else(|| "–".to_owned(), words::count);
    let rows = html! {
        @for member in &report.members {
            tr {
                th scope="row" { (member.node) }
                td.number { (or_dash(member.position)) }
                td.number { (or_dash(member.revision)) }
                td.number { (words::count(member.names)) }
            }
        }
    };
    let content = html! {
        p.lead { (words::members(report)) "." }
        (table(&columns, rows))
        (differences(report))
    };
    Some(panel("members", "Members", content))
}

/// A table with a column for each member, and in each row who wrote what differs.
fn differences(report: &DivergenceReport) -> Markup {
    if report.differences.is_empty() || report.verdict() != Verdict::Invalid {
        return Markup::default();
    }
    let mut columns = vec![Column::Text("name")];
    columns.extend(report.members.iter().map(|member| Column::Text(&member.node)));
    columns.push(Column::Text("written by"));
    let rows = html! { @for difference in &report.differences { (row(difference)) } };
    html! {
        (table(&columns, rows))
        (more(report.differing, report.differences.len(), "more name"))
    }
}

fn row(difference: &Difference) -> Markup {
    html! {
        tr {
            th scope="row" { (difference.name) }
            @for held in &difference.held {
                @match held {
                    None => { td.muted { "nothing" } }
                    Some(held) => {
                        td {
                            (checker::verdict::shortened(&held.value))
                            @if let Some(version) = held.version { " at " (version) }
                        }
                    }
                }
            }
            td {
                @if difference.written_by.is_empty() { "not known" }
                @else { (difference.written_by.join("; ")) }
            }
        }
    }
}
