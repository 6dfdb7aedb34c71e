//! The panel of failures.

use maud::{Markup, html};

use super::address::{address, clock};
use super::document::Numbers;
use super::failures::{Course, Failure, failures};
use super::model::{Index, IndexRun, Series};
use crate::page::panel::panel;
use crate::words;

/// The failures of all series, those that are gone folded away.
pub(super) fn failures_panel(index: &Index, numbers: &Numbers) -> Markup {
    let rows: Vec<(usize, &Series, Failure)> = (0..)
        .zip(&index.series)
        .flat_map(|(at, series)| failures(series).into_iter().map(move |it| (at, series, it)))
        .collect();
    let is_gone =
        |(_, _, failure): &&(usize, &Series, Failure)| matches!(failure.course, Course::Gone(_));
    let gone: Vec<_> = rows.iter().filter(is_gone).collect();
    let mut there: Vec<_> = rows.iter().filter(|row| !is_gone(row)).collect();
    // Of all series, the new ones come first.
    there.sort_by_key(|(.., failure)| !matches!(failure.course, Course::New(_)));
    let content = html! {
        @if there.is_empty() {
            p.empty { "No run failed" @if !gone.is_empty() { " lately" } "." }
        } @else { (table(&there, numbers)) }
        @if !gone.is_empty() {
            details.gone {
                summary { (words::counted(gone.len() as u64, "failure")) " not seen lately" }
                (table(&gone, numbers))
            }
        }
    };
    panel("failures", "Failures", content)
}

fn table(rows: &[&(usize, &Series, Failure)], numbers: &Numbers) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "cell" }
                        th scope="col" { "course" }
                        th scope="col" { "last seen" }
                        th scope="col" { "runs" }
                    }
                }
                tbody {
                    @for (at, series, failure) in rows { (row(*at, series, failure, numbers)) }
                }
            }
        }
    }
}

fn row(at: usize, series: &Series, failure: &Failure, numbers: &Numbers) -> Markup {
    let cell = &series.cells[failure.cell];
    let unit = series.unit();
    let (night, run) = failure.last;
    let run = &series.nights[night].runs[run];
    let cell_number = numbers.cell(at, failure.cell);
    // The link leads to all that failed in this part, in whichever way.
    let all = series.nights.iter().flat_map(|night| &night.runs);
    let all = all.filter(|it| it.cell == failure.cell && it.failed == Some(failure.part)).count();
    html! {
        tr {
            th scope="row" {
                (cell.target) " · " (cell.workload) " · " (cell.profile)
                small { (failure.kind_in_words()) @if numbers.many() { " · " (series.name) } }
            }
            td.course {
                @if matches!(failure.course, Course::New(_)) {
                    b.new { (failure.course_in_words(unit)) }
                } @else { (failure.course_in_words(unit)) }
                small { (failure.seen_in_words()) }
                small { "first on " (clock(&series.nights[failure.first].started)) }
            }
            td.said {
                (words::headline(first_clause(&run.sentence)).0)
                @if let Some(follow_up) = &run.follow_up { small { (words::followed_up(follow_up)) } }
                (again(run))
            }
            td.links {
                (report(run, "report"))
                a.pick href={ "#cell=" (cell_number) "&show=" (failure.part.name()) } {
                    "all " (words::count(all as u64))
                }
            }
        }
    }
}

/// The verdict in a clause; all of it stands in the run's own page.
pub(super) fn first_clause(sentence: &str) -> &str {
    sentence.split(';').next().unwrap_or_default()
}

fn again(run: &IndexRun) -> Markup {
    html! {
        @if let Some(command) = &run.command {
            details { summary { "run it again" } pre tabindex="0" { (command) } }
        }
    }
}

/// The link to the page of a run, or to its folder where it has none.
pub(super) fn report(run: &IndexRun, text: &str) -> Markup {
    html! {
        @match (&run.folder, run.has_page) {
            (Some(folder), true) => { a href={ (address(folder)) "/report.html" } { (text) } }
            (Some(folder), false) => { a href={ (address(folder)) "/" } { "files" } }
            (None, _) => { span.muted { "not kept" } }
        }
    }
}
