//! The panel of nights.

use maud::{Markup, html};

use super::address::{address, clock};
use super::document::Numbers;
use super::growth::growth;
use super::model::{Index, IndexNight, Series};
use super::trends::of_night;
use crate::page::panel::{Column, panel, tall_table, verdict};
use crate::words;

/// The most nights that are listed; the figures are of all.
const LISTED: usize = 200;

/// The nights of all series, the newest first.
pub(super) fn nights_panel(index: &Index, numbers: &Numbers) -> Markup {
    let mut rows: Vec<(String, Markup)> = Vec::new();
    for (at, series) in index.series.iter().enumerate() {
        let new = growth(series).new;
        let first = series.nights.len().saturating_sub(LISTED);
        for (place, night) in series.nights.iter().enumerate().skip(first) {
            let number = numbers.night(at, place);
            let row = row(series, night, number, new[place], numbers.many());
            rows.push((night.started.clone(), row));
        }
    }
    rows.sort_by(|(one, _), (other, _)| other.cmp(one));
    let all: usize = index.series.iter().map(|series| series.nights.len()).sum();
    let listed = rows.len().min(LISTED);
    let columns = [
        Column::Text("began (UTC)"),
        Column::Text("verdict"),
        Column::Number("runs"),
        Column::Number("failed"),
        Column::Number("unknown"),
        Column::Number("recovery"),
        Column::Number("p99"),
        Column::Number("new situations"),
        Column::Number("took"),
    ];
    let content = html! {
        (tall_table("nights", &columns, html! { @for (_, row) in rows.iter().take(LISTED) { (row) } }))
        @if all > listed {
            p.muted { "and " (words::counted((all - listed) as u64, "older one")) ", whose runs are among those below" }
        }
    };
    panel("nights", "Nights", content)
}

fn row(series: &Series, night: &IndexNight, number: usize, new: u64, many: bool) -> Markup {
    let count = |of: fn(&super::model::IndexRun) -> bool| {
        night.runs.iter().filter(|run| of(run)).count() as u64
    };
    let unknown = count(|run| run.uncounted.is_some());
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), words::seconds);
    let recovery = of_night(night, 50, |run| run.recovery_seconds);
    let p99 = of_night(night, 50, |run| Some(run.latency?.p99_ms / 1e3));
    let name = if series.by_day { night.id.clone() } else { clock(&night.started) };
    html! {
        tr {
            th scope="row" {
                a.pick href={ "#night=" (number) } { (name) }
                @if many { small { (series.name) } }
                @if night.goes_on { small { b.now { "goes on" } } }
                @else if let Some(ended) = night.ended.as_ref().filter(|it| !it.is_empty()) {
                    small { (ended) }
                }
                @for remark in night.remarks.iter().take(REMARKS) { small.mark { (remark) } }
                @if !series.by_day {
                    small {
                        @for folder in &night.folders {
                            a href={ (address(if folder.is_empty() { "." } else { folder })) "/" } {
                                @if folder.is_empty() { "files" } @else { (folder) }
                            }
                            " "
                        }
                    }
                }
            }
            @match night.verdict() {
                Some(worst) => { td class=(words::verdict(worst)) { span.pill { (verdict(worst)) } } }
                None => { td.muted { "no run yet" } }
            }
            td.number { (words::count(night.runs.len() as u64)) }
            td.number { (words::count(night.failed())) }
            td.number { (words::count(unknown)) }
            td.number { (figure(recovery)) }
            td.number { (figure(p99)) }
            td.number { @if series.by_day { "–" } @else { (words::count(new)) } }
            td.number { (words::seconds(night.seconds)) }
        }
    }
}

/// The most remarks on a night that are shown.
const REMARKS: usize = 5;
