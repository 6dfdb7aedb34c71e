//! The panel of runs: the newest as HTML, and all of them as data from which the script lists those
//! that a reader asks for.

use std::collections::BTreeMap;

use checker::verdict::Verdict;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::address::{address, clock, epoch};
use super::document::{Numbers, Served};
use super::failures_panel::{first_clause, report};
use super::model::{Index, IndexNight, IndexRun, Series, Uncounted};
use crate::conclusion::Part;
use crate::page::columns::Column;
use crate::page::panel::verdict;
use crate::words;

/// The most runs that are listed without a script.
const LISTED: usize = 50;

/// The most letters of a sentence, and the most sentences: those of the newest runs.
const LETTERS: usize = 160;
const SENTENCES: usize = 1500;

/// All runs with their places, the newest night first.
fn newest_first(index: &Index) -> Vec<(usize, usize, &IndexNight, &IndexRun)> {
    let nights = index.series.iter().enumerate().flat_map(|(at, series)| {
        series.nights.iter().enumerate().map(move |(place, night)| (at, place, night))
    });
    let mut nights: Vec<_> = nights.collect();
    nights.sort_by(|(.., one), (.., other)| {
        (&other.started, &other.id).cmp(&(&one.started, &one.id))
    });
    let of_night = |(at, place, night)| {
        let night: &IndexNight = night;
        night.runs.iter().rev().map(move |run| (at, place, night, run))
    };
    nights.into_iter().flat_map(of_night).collect()
}

/// The panel: choices, and a table that the script fills anew.
pub(super) fn runs_panel(index: &Index, numbers: &Numbers, served: Served<'_>) -> Markup {
    let all = newest_first(index);
    let option = |value: String, text: String| html! { option value=(value) { (text) } };
    let cells = index.series.iter().enumerate().flat_map(|(at, series)| {
        let cells = series.cells.iter().enumerate();
        cells.map(move |(place, cell)| (numbers.cell(at, place).to_string(), cell.text()))
    });
    let parts = Part::ALL.map(Part::name);
    let verdicts = [&["failed"][..], &parts, &["unknown", "starved", "passed"]].concat();
    html! {
        section #runs aria-labelledby="runs-title" tabindex="-1" {
            div.bar-of-tools {
                h2 #runs-title { "Runs" }
                output #chosen aria-live="polite" { (words::counted(all.len() as u64, "run")) }
                @if served.at().is_some() {
                    button #compare type="button" disabled { "compare two" }
                }
            }
            div.choices.needs-script {
                label { "cell " select #cell {
                    option value="" { "all" }
                    @for (value, text) in cells { (option(value, text)) }
                } }
                label { "show " select #show {
                    option value="" { "all" }
                    @for name in verdicts { (option(name.to_owned(), name.to_owned())) }
                } }
                label { "seed or words " input #words type="search" size="16"; }
                button #all-nights type="button" hidden { "all nights" }
            }
            div.scroll tabindex="0" role="region" aria-labelledby="runs-title" {
                table {
                    thead {
                        tr {
                            @if served.at().is_some() { th scope="col" { span.spoken { "compare" } } }
                            th scope="col" { "verdict" }
                            th scope="col" { "cell" }
                            th scope="col" { "began (UTC)" }
                            th.number scope="col" { "seed" }
                            th.number scope="col" { "recovery" }
                            th.number scope="col" { "p99" }
                            th.number scope="col" { "took" }
                            th scope="col" { "look" }
                        }
                    }
                    tbody #rows {
                        @for (at, _, night, run) in all.iter().take(LISTED) {
                            (row(&index.series[*at], night, run, served))
                        }
                    }
                }
            }
            p { button #more .needs-script type="button" hidden { "show more" } }
            @if all.len() > LISTED {
                noscript { p.muted { "A script lists the others; their folders lie beside this page." } }
            }
        }
    }
}

/// The state of a run in a word: its verdict, or why it counts neither way.
fn state(run: &IndexRun) -> Markup {
    let starved = run.uncounted == Some(Uncounted::Starved);
    html! {
        @match run.uncounted {
            Some(Uncounted::GoesOn) => { b.now { "goes on" } }
            Some(Uncounted::NotJudged) => { span.pill { "? not judged" } }
            _ => { span.pill { (verdict(run.verdict)) } @if starved { small { "this machine was starved" } } }
        }
    }
}

fn row(series: &Series, night: &IndexNight, run: &IndexRun, served: Served<'_>) -> Markup {
    let cell = &series.cells[run.cell];
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), words::seconds);
    let began = run.started.as_deref().unwrap_or(&night.started);
    html! {
        tr {
            @if let Some(place) = served.at() {
                td {
                    @if let Some(folder) = &run.folder {
                        input.two type="checkbox" value={ (place) (folder) }
                            aria-label={ "compare " (folder) };
                    }
                }
            }
            td class={ "said " (words::verdict(run.verdict)) } {
                (state(run))
                @if run.verdict != Verdict::Valid || run.uncounted.is_some() {
                    small { (cut(first_clause(&run.sentence))) }
                }
            }
            th scope="row" { (cell.target) small { (cell.workload) " · " (cell.profile) } }
            td {
                (clock(began))
                @if let Some(number) = run.number { small { "run " (number) " of " (night.id) } }
            }
            td.number { (run.seed) }
            td.number { (figure(run.recovery_seconds)) }
            td.number { (figure(run.latency.map(|it| it.p99_ms / 1e3))) }
            td.number { (words::seconds(run.seconds)) }
            td.links { (report(run, "report")) }
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// All runs as columns, with the names that they share.
pub(super) fn runs_data(index: &Index, numbers: &Numbers, served: Served<'_>) -> Value {
    let all = newest_first(index);
    let mut names = Names::default();
    let mut columns: [Column; 11] = Default::default();
    let mut places: BTreeMap<usize, &str> = BTreeMap::new();
    let mut stems: BTreeMap<usize, String> = BTreeMap::new();
    for (row, (at, place, night, run)) in all.iter().enumerate() {
        let cell = numbers.cell(*at, run.cell);
        let folder = run.folder.as_deref();
        let stem = folder.and_then(|folder| stem(night, run, folder));
        let follows = match (&stem, stems.get(&cell)) {
            (Some(stem), Some(known)) => stem == known,
            (Some(stem), None) => {
                stems.insert(cell, stem.clone());
                true
            }
            (None, _) => false,
        };
        if let Some(folder) = folder.filter(|_| !follows) {
            places.insert(row, folder);
        }
        let kept = u64::from(folder.is_some()) + u64::from(run.has_page);
        let micros = |seconds: Option<f64>| seconds.map_or(0, |it| (it * 1e6) as u64 + 1);
        let began = run.started.as_deref().and_then(epoch).zip(epoch(&night.started));
        let said = run.verdict != Verdict::Valid || run.uncounted.is_some();
        let values = [
            numbers.night(*at, *place) as u64,
            cell as u64,
            run.number.map_or(0, |number| number + 1),
            run.seed,
            code(run),
            kept,
            // A clock may go back within a night; such a run began when the night did.
            began.map_or(0, |(began, night)| began.saturating_sub(night) + 1),
            micros(run.recovery_seconds),
            micros(run.latency.map(|it| it.p99_ms / 1e3)),
            (run.seconds.max(0.0) * 10.0) as u64,
            if said { names.number(&cut(first_clause(&run.sentence))) } else { 0 },
        ];
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    const NAMES: [&str; 11] = [
        "night", "cell", "number", "seed", "state", "kept", "began", "recovery", "p99", "took",
        "said",
    ];
    let columns: BTreeMap<&str, String> =
        NAMES.into_iter().zip(columns.iter().map(Column::encode)).collect();
    let nights: Vec<Value> = index
        .series
        .iter()
        .flat_map(|series| series.nights.iter().map(move |night| (series, night)))
        .map(|(series, night)| {
            let folder = night.folders.first().map_or("", String::as_str);
            json!([night.id, epoch(&night.started), address(folder), series.by_day])
        })
        .collect();
    let cells: Vec<Value> = index
        .series
        .iter()
        .flat_map(|series| &series.cells)
        .zip(0..)
        .map(|(cell, at)| json!([cell.target, cell.workload, cell.profile, stems.get(&at)]))
        .collect();
    let places: BTreeMap<usize, String> =
        places.into_iter().map(|(row, place)| (row, address(place))).collect();
    json!({
        "count": all.len(), "nights": nights, "cells": cells, "columns": columns,
        "sentences": names.all, "places": places, "served": served.at(),
    })
}

/// Verdict, failed part and reason to count neither way, in one number.
fn code(run: &IndexRun) -> u64 {
    let verdict = match run.verdict {
        Verdict::Valid => 0,
        Verdict::Unknown => 1,
        Verdict::Invalid => 2,
    };
    let part = match run.failed {
        None => 0,
        Some(Part::Safety) => 1,
        Some(Part::Liveness) => 2,
        Some(Part::Availability) => 3,
        Some(Part::Harness) => 4,
    };
    let uncounted = match run.uncounted {
        None => 0,
        Some(Uncounted::Starved) => 1,
        Some(Uncounted::Unknown) => 2,
        Some(Uncounted::GoesOn) => 3,
        Some(Uncounted::NotJudged) => 4,
    };
    verdict + 4 * part + 32 * uncounted
}

/// The part of the name of a run directory that its time, number and seed do not tell; none if it is
/// not named in that way.
fn stem(night: &IndexNight, run: &IndexRun, folder: &str) -> Option<String> {
    let of_night = night.folders.first()?;
    let below = match of_night.as_str() {
        "" => folder,
        parent => folder.strip_prefix(parent)?.strip_prefix('/')?,
    };
    let name = match run.number {
        Some(number) => below.strip_prefix(&format!("runs/{number}/"))?,
        None => below,
    };
    epoch(run.started.as_deref()?)?;
    epoch(&night.started)?;
    let time = run.started.as_deref()?.replace(['-', ':'], "");
    let rest = name.strip_prefix(&time)?.strip_prefix('-')?;
    let stem = rest.strip_suffix(&format!("-s{}", run.seed))?;
    (!stem.contains('/') && address(stem) == stem).then(|| stem.to_owned())
}

/// Sentences by their numbers, each once; 0 is none.
#[derive(Default)]
struct Names {
    all: Vec<String>,
    known: BTreeMap<String, u64>,
}

impl Names {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.known.get(text) {
            return *number;
        }
        if self.all.len() == SENTENCES {
            return 0;
        }
        self.all.push(text.to_owned());
        self.known.insert(text.to_owned(), self.all.len() as u64);
        self.all.len() as u64
    }
}
