//! The panels of the verdict matrix.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use checker::verdict::Verdict;
use maud::{Markup, html};

use super::document::Numbers;
use super::matrix::{MatrixCell, Runs, matrix};
use super::model::{CellName, Series};
use crate::page::panel::panel;
use crate::words;

/// The matrix of a series: targets and workloads by profiles.
pub(super) fn matrix_panel(at: usize, series: &Series, numbers: &Numbers) -> Markup {
    let cells = matrix(series);
    let profiles: BTreeSet<&str> = series.cells.iter().map(|it| it.profile.as_str()).collect();
    let rows: BTreeSet<(&str, &str)> =
        series.cells.iter().map(|it| (it.target.as_str(), it.workload.as_str())).collect();
    let place = |target: &str, workload: &str, profile: &str| {
        let [target, workload, profile] = [target, workload, profile].map(str::to_owned);
        series.cells.binary_search(&CellName { target, workload, profile }).ok()
    };
    let unit = series.unit();
    let content = html! {
        p.muted {
            "Each cell has its runs of the last " (unit) ", and a mark for each of the "
            (unit) "s before: its worst verdict. A cell leads to its runs."
        }
        div.scroll tabindex="0" role="region" aria-label={ "matrix of " (series.name) } {
            table.matrix {
                thead {
                    tr {
                        th scope="col" { "target" }
                        th scope="col" { "workload" }
                        @for profile in &profiles { th scope="col" { (profile) } }
                    }
                }
                tbody {
                    @for (target, workload) in &rows {
                        tr {
                            th scope="row" { (target) }
                            th scope="row" { (workload) }
                            @for profile in &profiles {
                                @match place(target, workload, profile) {
                                    Some(cell) => {
                                        (matrix_cell(&cells[cell], numbers.cell(at, cell), unit))
                                    }
                                    None => { td.muted { span aria-hidden="true" { "·" } span.spoken { "no cell" } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    panel(&format!("matrix-{at}"), format!("Verdicts: {}", series.name), content)
}

fn matrix_cell(cell: &MatrixCell, number: usize, unit: &str) -> Markup {
    let now = cell.last.verdict();
    let class = now.map_or("none", words::verdict);
    html! {
        td class={ "cell " (class) } {
            a.pick href={ "#cell=" (number) } {
                @match now {
                    Some(verdict) => {
                        b {
                            span aria-hidden="true" { (words::verdict_sign(verdict)) }
                            " " (words::verdict(verdict))
                        }
                    }
                    None => { b { "not run" } }
                }
                span.counts { (counts(cell.last)) }
            }
            (strip(&cell.nights, unit))
        }
    }
}

/// `1 failed · 4 passed`.
fn counts(runs: Runs) -> String {
    let parts = [
        (runs.invalid, "failed"),
        (runs.unknown - runs.starved, "unknown"),
        (runs.starved, "starved"),
        (runs.valid, "passed"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> =
        parts.map(|(count, what)| format!("{} {what}", words::count(count))).collect();
    parts.join(" · ")
}

/// A mark for each night, the oldest on the left: tall if it failed, half as tall if it is unknown.
fn strip(nights: &[Option<Verdict>], unit: &str) -> Markup {
    let of = |verdict: Verdict| nights.iter().filter(|night| **night == Some(verdict)).count();
    let said = format!(
        "of {} {unit}s: failed in {}, unknown in {}, passed in {}",
        nights.len(),
        of(Verdict::Invalid),
        of(Verdict::Unknown),
        of(Verdict::Valid)
    );
    html! {
        svg.strip width=(nights.len() * 6) height="14" role="img" aria-label=(said) {
            title { (said) }
            @for verdict in [Verdict::Invalid, Verdict::Unknown, Verdict::Valid] {
                @let marks = marks(nights, verdict);
                @if !marks.is_empty() { path class=(words::verdict(verdict)) d=(marks) {} }
            }
        }
    }
}

fn marks(nights: &[Option<Verdict>], verdict: Verdict) -> String {
    let height = match verdict {
        Verdict::Invalid => 14,
        Verdict::Unknown => 8,
        Verdict::Valid => 4,
    };
    let mut path = String::new();
    for (at, night) in nights.iter().enumerate() {
        if *night == Some(verdict) {
            let _ = write!(path, "M{} 14v-{height}h4v{height}z", at * 6);
        }
    }
    path
}
