//! The page as a whole: its first screen, and the order of its panels.

use checker::verdict::Verdict;
use maud::{Markup, html};

use super::address::{address, clock};
use super::coverage_panel::{coverage_panel, trends_panel};
use super::failures::{Course, failures};
use super::failures_panel::failures_panel;
use super::found::{Detection, Unreadable};
use super::growth::growth;
use super::matrix_panel::matrix_panel;
use super::model::{Index, Series};
use super::nights_panel::nights_panel;
use super::runs_panel::{runs_data, runs_panel};
use crate::page::columns::COLUMNS;
use crate::page::panel::{panel, verdict};
use crate::page::shell::Page;
use crate::words;

const STYLE: &str = include_str!("page/index.css");
const SCRIPTS: [&str; 2] = [COLUMNS, include_str!("page/index.js")];

/// The ways in which an index is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served<'a> {
    /// From a file beside the results.
    No,
    /// By a server, which has pages of its own and knows the folder by this path, empty or with a
    /// slash behind.
    At(&'a str),
}

impl<'a> Served<'a> {
    /// The path of the folder at the server; none without a server.
    pub(super) fn at(self) -> Option<&'a str> {
        match self {
            Served::No => None,
            Served::At(place) => Some(place),
        }
    }
}

/// The numbers of cells and nights over all series, by which addresses and data name them.
pub(super) struct Numbers {
    /// The cells and the nights before each series.
    before: Vec<(usize, usize)>,
}

impl Numbers {
    fn of(index: &Index) -> Numbers {
        let mut next = (0, 0);
        let mut before = Vec::new();
        for series in &index.series {
            before.push(next);
            next = (next.0 + series.cells.len(), next.1 + series.nights.len());
        }
        Numbers { before }
    }

    /// The number of a cell of a series.
    pub(super) fn cell(&self, series: usize, cell: usize) -> usize {
        self.before[series].0 + cell
    }

    /// The number of a night of a series.
    pub(super) fn night(&self, series: usize, night: usize) -> usize {
        self.before[series].1 + night
    }

    /// True if there are several series, so that one has to be named.
    pub(super) fn many(&self) -> bool {
        self.before.len() > 1
    }
}

/// The index as one file; `name` is that of its folder.
pub fn html(index: &Index, name: &str, served: Served<'_>) -> String {
    let numbers = Numbers::of(index);
    let page = Page {
        title: format!("{} · {name}", title(index)),
        name: html! {
            @if served.at().is_some() { a href="/" { "index" } " · " a href="/live" { "live" } " · " }
            (name)
        },
        body: body(index, &numbers, served),
        style: STYLE,
        data: Some(("index-data", runs_data(index, &numbers, served))),
        scripts: &SCRIPTS,
    };
    page.text()
}

fn title(index: &Index) -> String {
    let last = index.series.first().and_then(|series| series.nights.last());
    let worst = last.and_then(|night| night.verdict());
    worst.map_or("results".to_owned(), |worst| words::verdict(worst).to_uppercase())
}

fn body(index: &Index, numbers: &Numbers, served: Served<'_>) -> Markup {
    let series = || index.series.iter().enumerate();
    html! {
        header { (header(index)) }
        main {
            @if !index.series.is_empty() { (failures_panel(index, numbers)) }
            @for (at, one) in series() { (matrix_panel(at, one, numbers)) }
            @for detection in &index.detections { (detection_panel(detection)) }
            @for (at, one) in series() { @if let Some(panel) = trends_panel(at, one) { (panel) } }
            @for (at, one) in series() { @if let Some(panel) = coverage_panel(at, one) { (panel) } }
            @if !index.series.is_empty() {
                (nights_panel(index, numbers))
                (runs_panel(index, numbers, served))
            }
            @if !index.unreadable.is_empty() { (unreadable_panel(&index.unreadable)) }
        }
        footer {
            "Drawn from the night.json and verdict.json of what lies beside this page. Times are UTC. "
            "A run for which its machine had no time counts neither way."
        }
    }
}

/// The first screen: the last night, and what is new in it.
fn header(index: &Index) -> Markup {
    let Some(series) = index.series.first() else {
        return html! {
            div.decision.unknown {
                p.badge { "empty" }
                div {
                    h1 { "No night and no run lies here" }
                    p.blame { "`stormproof nightly` and `stormproof run` leave some." }
                }
            }
        };
    };
    let last = series.nights.last();
    let worst = last.and_then(|night| night.verdict()).unwrap_or(Verdict::Unknown);
    html! {
        div class={ "decision " (words::verdict(worst)) } {
            p.badge { (verdict(worst)) }
            div {
                h1 { (headline(series)) }
                @if let Some(sentence) = news(index) { p.blame { (sentence) } }
            }
        }
        (tiles(index))
    }
}

/// `The last night, bundled of 2026-11-30 00:36: 1 of 6 runs failed`.
fn headline(series: &Series) -> String {
    let Some(night) = series.nights.last() else { return "No night yet".to_owned() };
    let when = if series.by_day { night.id.clone() } else { clock(&night.started) };
    let runs = night.runs.len() as u64;
    let failed = match (runs, night.failed()) {
        (0, _) => "no run ended yet".to_owned(),
        (1, 0) => "its run did not fail".to_owned(),
        (_, 0) => format!("none of {} failed", words::counted(runs, "run")),
        (_, failed) => {
            format!("{} of {} failed", words::count(failed), words::counted(runs, "run"))
        }
    };
    let goes_on = if night.goes_on { ", and it goes on" } else { "" };
    format!("The last {}, {} of {when}: {failed}{goes_on}", series.unit(), series.name)
}

/// The number of failures by their courses.
fn news(index: &Index) -> Option<String> {
    let mut counts = [0_u64; 3];
    for failure in index.series.iter().flat_map(failures) {
        match failure.course {
            Course::New(_) => counts[0] += 1,
            Course::Flaky | Course::Steady => counts[1] += 1,
            Course::Gone(_) => counts[2] += 1,
        }
    }
    let [new, known, gone] = counts;
    let parts = [
        (new, words::counted(new, "new failure")),
        (known, words::counted(known, "known failure")),
        (gone, format!("{} not seen lately", words::count(gone))),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| format!("{}.", parts.join(", ")))
}

fn tiles(index: &Index) -> Markup {
    let runs = index.runs().count() as u64;
    let passed = index.runs().filter(|run| run.failed.is_none() && run.uncounted.is_none()).count();
    let failed = index.runs().filter(|run| run.failed.is_some()).count() as u64;
    let cells: usize = index.series.iter().map(|series| series.cells.len()).sum();
    let reached: u64 =
        index.series.iter().filter_map(|series| growth(series).total.last().copied()).sum();
    let seconds: f64 = index.runs().map(|run| run.seconds).sum();
    let tile = |name: &str, figure: String, remark: String| {
        html! { div { dt { (name) } dd { (figure) small { (remark) } } } }
    };
    html! {
        dl.tiles {
            @if index.nights() > 0 {
                (tile("nights", words::count(index.nights() as u64), words::counted(cells as u64, "cell")))
            }
            (tile("runs", words::count(runs), format!("{:.1} h of them", seconds / 3600.0)))
            (tile("failed", words::count(failed), format!("{} passed", words::count(passed as u64))))
            @if reached > 0 {
                (tile("situations reached", words::count(reached), "role × fault × phase, moments, pairs".to_owned()))
            }
        }
    }
}

/// The table of a catalogue.
fn detection_panel(detection: &Detection) -> Markup {
    let content = html! {
        p.muted { "Planted bugs, and runs without one: how often each is caught. " a href={ (address(&detection.folder)) "/" } { (detection.folder) } }
        div.scroll tabindex="0" role="region" aria-label={ "detection, " (detection.folder) } {
            table {
                thead { tr { @for head in &detection.heads { th scope="col" { (head) } } } }
                tbody {
                    @for row in &detection.rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    };
    panel(&format!("detection-{}", detection.folder.replace('/', "-")), "Detection", content)
}

/// The most things that cannot be shown that are named.
const NAMED: usize = 100;

/// The things that lie there and cannot be shown.
fn unreadable_panel(unreadable: &[Unreadable]) -> Markup {
    let content = html! {
        ul.gaps {
            @for it in unreadable.iter().take(NAMED) {
                li { a href={ (address(&it.place)) "/" } { (it.place) } ": " (it.why) }
            }
        }
        @if unreadable.len() > NAMED {
            p.muted { "and " (words::counted((unreadable.len() - NAMED) as u64, "more")) }
        }
    };
    panel("unreadable", "Not shown", content)
}
