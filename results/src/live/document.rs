//! The page of a run that goes on.

use checker::history::EventType;
use maud::{Markup, html};

use super::tail::Tail;
use crate::event::Phase;
use crate::index::address;
use crate::metrics::{FaultInterval, RunHistory};
use crate::page::lanes::{self, Lanes, Scale, draw};
use crate::page::panel::{Column, panel, table};
use crate::page::shell::Page;
use crate::report::families::sign;
use crate::summary::Account;
use crate::words;

const STYLE: &str = include_str!("page/live.css");
const SCRIPTS: [&str; 1] = [include_str!("page/live.js")];

/// The most faults that are listed, the newest of them.
const LISTED: usize = 20;

/// A run that is looked at while it goes on.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Its path, from the folder that is served on.
    pub place: &'a str,
    /// The part of it that was read.
    pub tail: &'a Tail,
    /// The account of it; none if it has none yet.
    pub account: Option<&'a Account>,
    /// True if its process lives.
    pub goes_on: bool,
    /// True if it has a page of its own.
    pub has_page: bool,
}

/// The part of the page that changes.
#[derive(Debug, Clone)]
pub struct Body(Markup);

impl Body {
    /// The part as text.
    pub fn text(&self) -> String {
        self.0.clone().into_string()
    }
}

/// The page, which fetches its [`Body`] again and again from `source`.
pub fn html(body: &Body, source: &str) -> String {
    let page = Page {
        title: "live".to_owned(),
        name: html! { a href="/" { "index" } " · live " output #state aria-live="polite" {} },
        body: html! {
            div #live data-source=(source) { (body.0) }
            noscript { p { "Without a script, load this page again to see more." } }
        },
        style: &[lanes::STYLE, STYLE].concat(),
        data: None,
        scripts: &SCRIPTS,
    };
    page.fetching_text()
}

/// The changing part of the page: a run, and links to others that go on.
pub fn body(watched: Option<Watched<'_>>, others: &[String]) -> Body {
    Body(html! {
        @match watched {
            Some(watched) => { (of_run(watched)) }
            None => {
                header {
                    div.decision.unknown {
                        p.badge { "idle" }
                        div { h1 { "No run goes on here" } p.blame { "This page shows the next one that begins." } }
                    }
                }
            }
        }
        @if !others.is_empty() {
            main {
                section aria-labelledby="others-title" {
                    h2 #others-title { "Others that go on" }
                    ul { @for other in others { li { a href={ "/live?run=" (address(other)) } { (other) } } } }
                }
            }
        }
    })
}

fn of_run(watched: Watched<'_>) -> Markup {
    let Watched { tail, account, .. } = watched;
    let nodes = account.map(|account| account.run.nodes.clone()).unwrap_or_default();
    let lanes = Lanes::of(&tail.history, &nodes, &tail.node_events);
    let window = lanes.window();
    let buckets = window.buckets(&lanes, &tail.history);
    let scale = Scale::of(buckets.iter());
    html! {
        header { (head(watched, &lanes)) (tiles(&tail.history, &lanes)) }
        main {
            (panel("lanes", "So far", draw(&lanes, &buckets, window, scale)))
            (faults(&lanes))
        }
    }
}

fn head(watched: Watched<'_>, lanes: &Lanes) -> Markup {
    let phase = lanes.phases.last().map(|phase| phase.phase);
    let run = watched.account.map(|account| &account.run);
    let elapsed = words::duration(lanes.end);
    html! {
        div.decision.unknown {
            p.badge {
                @match (watched.goes_on, phase) {
                    (true, Some(phase)) => { (phase.name()) }
                    (true, None) => { "begins" }
                    (false, _) => { "ended" }
                }
            }
            div {
                h1 {
                    @match run {
                        Some(run) => { (run.target) " " (run.target_version) ", " (run.workload) ", seed " (run.seed) }
                        None => { (watched.place) }
                    }
                }
                p.blame {
                    (elapsed) " so far"
                    @if let (Some(run), Some(Phase::Load)) = (run, phase) {
                        @let load = lanes.end.saturating_sub(lanes.load_start);
                        ", " (words::duration(load)) " of " (words::seconds(run.time_limit_seconds)) " of load"
                    }
                    ". "
                    @if watched.has_page {
                        a href={ "/" (address(watched.place)) "/report.html" } { "Its report" }
                    } @else if !watched.goes_on {
                        "It left no report; `stormproof report` writes one."
                    } @else { "Nothing is judged yet." }
                    @if watched.tail.strange_lines > 0 {
                        " " (words::counted(watched.tail.strange_lines, "line")) " cannot be understood."
                    }
                }
            }
        }
    }
}

/// The last of the run, in nanoseconds, from which the present throughput is taken.
const PRESENT: u64 = 5_000_000_000;

fn tiles(history: &RunHistory, lanes: &Lanes) -> Markup {
    let operations = &history.operations;
    let with = |outcome| {
        operations.iter().filter(|it| it.completed().is_some() && it.outcome() == outcome).count()
            as u64
    };
    let [ok, fail, info] = [EventType::Ok, EventType::Fail, EventType::Info].map(with);
    let since = lanes.end.saturating_sub(PRESENT);
    let now = operations
        .iter()
        .filter(|it| it.outcome() == EventType::Ok && it.end().is_some_and(|end| end >= since))
        .count() as f64;
    let seconds = lanes.end.clamp(1, PRESENT) as f64 / 1e9;
    let last = operations
        .iter()
        .filter(|it| it.outcome() == EventType::Ok)
        .filter_map(|it| it.end())
        .max();
    let without = last.map(|last| words::duration(lanes.end.saturating_sub(last)));
    let on = lanes.faults.iter().filter(|fault| fault.is_on()).count() as u64;
    let tile = |name: &str, figure: String, remark: String| {
        html! { div { dt { (name) } dd { (figure) small { (remark) } } } }
    };
    html! {
        dl.tiles {
            (tile("operations", words::count(ok + fail + info), format!("{} ok · {} fail · {} info", words::count(ok), words::count(fail), words::count(info))))
            (tile("ok a second, now", words::count((now / seconds).round() as u64), "of the last 5 s".to_owned()))
            (tile("since the last ok", without.unwrap_or_else(|| "–".to_owned()), String::new()))
            (tile("faults that are on", words::count(on), format!("of {} so far", words::count(lanes.faults.len() as u64))))
        }
    }
}

fn faults(lanes: &Lanes) -> Markup {
    let rows = html! {
        @for fault in lanes.faults.iter().rev().take(LISTED) {
            tr {
                th scope="row" { (sign(fault.family.name())) (fault.name) }
                td { (state(fault)) }
                td.number { (words::moment(fault.start)) }
                td.number {
                    @match fault.end {
                        Some(end) => { (words::duration(end.saturating_sub(fault.start))) }
                        None => { "–" }
                    }
                }
            }
        }
    };
    let columns = [
        Column::Text("fault"),
        Column::Text("outcome"),
        Column::Number("at"),
        Column::Number("lasted"),
    ];
    let content = html! {
        @if lanes.faults.is_empty() { p.empty { "None so far." } } @else { (table(&columns, rows)) }
    };
    panel("faults", "Faults, the newest first", content)
}

fn state(fault: &FaultInterval) -> Markup {
    html! {
        @if fault.is_on() { b.now { "on" } " · " }
        (fault.outcome_name())
        @if let Some(reason) = fault.reason() { small { (reason) } }
    }
}
