//! The page as a whole: the order of its panels, and the limits of the browser.

use maud::{Markup, html};

use super::report_data::ReportData;
use super::{
    availability, counterexample, drawing_data, elections, elements, environment, findings, header,
    members, nodes, not_tested, operations, recovery, schedule, tokens, versions,
};
use crate::event::NodeEvent;
use crate::metrics::RunHistory;
use crate::page::columns::COLUMNS;
use crate::page::shell::Page;
use crate::summary::Summary;
use crate::timed_logs::TimedLog;
use crate::words;

/// The scripts, in the order in which they need each other.
const SCRIPTS: [&str; 19] = [
    COLUMNS,
    include_str!("page/operations.js"),
    include_str!("page/families.js"),
    include_str!("page/faults.js"),
    include_str!("page/states.js"),
    include_str!("page/clocks.js"),
    include_str!("page/commits.js"),
    include_str!("page/figures.js"),
    include_str!("page/percentiles.js"),
    include_str!("page/splits.js"),
    include_str!("page/drawing.js"),
    include_str!("page/address.js"),
    include_str!("page/readout.js"),
    include_str!("page/timeline.js"),
    include_str!("page/player/film.js"),
    include_str!("page/player/story.js"),
    include_str!("page/player/circle.js"),
    include_str!("page/player/player.js"),
    include_str!("page/page.js"),
];

const TIMELINE_IN_WORDS: &str = "Faults, nodes, clocks, throughput and latency over time. Arrow \
    keys move the cursor, plus and minus zoom, Home shows the whole run. The schedule below says \
    the same as a table.";

/// The page of a run. The same run gives the same page, byte for byte.
pub fn html(
    summary: &Summary,
    history: &RunHistory,
    node_events: &[NodeEvent],
    logs: &[TimedLog],
) -> String {
    let data = ReportData::new(summary, history, node_events, logs);
    let id = &summary.run.id;
    let page = Page {
        title: format!("{} · {id}", words::verdict(summary.verdict).to_uppercase()),
        name: id,
        body: body(&data),
        style: "",
        data: Some(("run-data", drawing_data::drawing_data(&data))),
        scripts: &SCRIPTS,
    };
    page.text()
}

fn body(data: &ReportData<'_>) -> Markup {
    html! {
        header { (header::header(data)) }
        main {
            (timeline(data))
            @for panel in panels(data).into_iter().flatten() { (panel) }
        }
        (sources())
    }
}

/// The panels below the timeline, in order; a run has only those that say something about it.
fn panels(data: &ReportData<'_>) -> [Option<Markup>; 14] {
    [
        counterexample::counterexample(data),
        nodes::nodes(data),
        elections::elections(&data.elections, &data.faults),
        availability::availability(data),
        Some(recovery::recovery(data)),
        Some(operations::operations(data)),
        elements::elements(data),
        tokens::tokens(data),
        versions::versions(data),
        members::members(data),
        Some(not_tested::not_tested(data)),
        findings::findings(data),
        Some(schedule::schedule(data)),
        Some(environment::environment(data)),
    ]
}

/// The place where the script draws.
fn timeline(data: &ReportData<'_>) -> Markup {
    let (drawn, all) = (data.drawn.len(), data.operations.iter().len());
    html! {
        section #timeline aria-labelledby="timeline-title" {
            div.bar-of-tools {
                h2 #timeline-title { "Timeline" }
                output #range aria-live="off" {}
                div.choices {
                    label {
                        "throughput by "
                        select #split {
                            @for by in ["outcome", "kind", "node"] { option { (by) } }
                        }
                    }
                    label { "process " input #process inputmode="numeric" size="4" placeholder="all"; }
                }
                div.tools role="group" aria-label="zoom" {
                    button #zoom-in type="button" aria-label="zoom in" { "+" }
                    button #zoom-out type="button" aria-label="zoom out" { "−" }
                    button #zoom-reset type="button" { "whole run" }
                }
            }
            div #stage tabindex="0" role="application" aria-roledescription="timeline"
                aria-label=(TIMELINE_IN_WORDS) aria-describedby="readout" {
                canvas #drawing aria-hidden="true" {}
                canvas #overlay aria-hidden="true" {}
                noscript {
                    "The timeline is drawn by a script. The schedule below says the same as a table."
                }
            }
            @if drawn < all {
                p.sample {
                    "Of " (words::count(all as u64)) " operations " (words::count(drawn as u64))
                    " are drawn one by one: those of unknown outcome, the slowest, those of the \
                     counterexample, and one in place of some of the others. Throughput and \
                     percentiles count all; one process alone has gaps."
                }
            }
            div #reading { dl #readout aria-live="polite" {} }
            div #legend aria-hidden="true" {}
        }
    }
}

fn sources() -> Markup {
    html! {
        footer {
            "Drawn from " a href="history.jsonl" { "history.jsonl" } ", "
            a href="nodes" { "nodes" } " and " a href="verdict.json" { "verdict.json" }
            " beside this page; the plan is " a href="plan.toml" { "plan.toml" }
            ". Times are seconds of the controller’s monotonic clock since the start of the run; "
            "numbers with # are indices of events."
        }
    }
}
