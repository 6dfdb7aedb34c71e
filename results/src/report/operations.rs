//! The panel of operations by kind and outcome, with the errors of their attempts.

use maud::{Markup, html};

use super::report_data::ReportData;
use crate::metrics::{AttemptError, OperationFigures, attempt_errors, operation_figures};
use crate::page::panel::{self, Column, panel, table};
use crate::words;

/// Rarer errors than the most frequent so many are only counted.
const ERRORS_SHOWN: usize = 12;

pub(super) fn operations(data: &ReportData<'_>) -> Markup {
    let content = match operation_figures(data.operations).as_slice() {
        [] => html! { p.empty { "No client invoked an operation." } },
        figures => html! { (kinds(figures)) (errors(&attempt_errors(data.operations))) },
    };
    panel("operations", "Operations", content)
}

fn kinds(figures: &[OperationFigures]) -> Markup {
    let columns = [
        Column::Text("kind"),
        Column::Text("outcome"),
        Column::Number("count"),
        Column::Number("p50"),
        Column::Number("p99"),
        Column::Number("max"),
        Column::Number("retries"),
        Column::Number("most attempts"),
    ];
    let latency = |latency: Option<u64>| latency.map_or_else(|| "–".to_owned(), words::duration);
    let rows = html! {
        @for (position, row) in figures.iter().enumerate() {
            tr {
                th scope="row" {
                    @if position == 0 || figures[position - 1].f != row.f { (row.f) }
                }
                td { (panel::outcome(row.outcome)) }
                td.number { (words::count(row.count)) }
                td.number { (latency(row.p50)) }
                td.number { (latency(row.p99)) }
                td.number { (latency(row.max)) }
                td.number { (words::count(row.retries)) }
                td.number { (words::count(row.most_attempts)) }
            }
        }
    };
    table(&columns, rows)
}

fn errors(errors: &[AttemptError]) -> Markup {
    if errors.is_empty() {
        return html! { p.empty { "No attempt met an error." } };
    }
    let columns = [
        Column::Text("error"),
        Column::Text("proves"),
        Column::Number("attempts"),
        Column::Number("ok in the end"),
    ];
    let (shown, rarer) = errors.split_at(errors.len().min(ERRORS_SHOWN));
    let rows = html! {
        @for error in shown {
            tr {
                th.error scope="row" { (error.error) }
                td {
                    @match error.definite {
                        Some(true) => { "no effect (definite)" }
                        Some(false) => { "nothing (indefinite)" }
                        None => { "–" }
                    }
                }
                td.number { (words::count(error.count)) }
                td.number { (words::count(error.then_ok)) }
            }
        }
    };
    html! {
        h3 { "Errors of attempts" }
        (table(&columns, rows))
        @if !rarer.is_empty() {
            p.muted {
                "and " (words::counted(rarer.iter().map(|error| error.count).sum(), "attempt"))
                " that met " (words::counted(rarer.len() as u64, "rarer error"))
            }
        }
    }
}
