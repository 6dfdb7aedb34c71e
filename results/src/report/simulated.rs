//! The page of a simulated seed: its elections alone.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::drawing_data::{fault, span};
use super::election_data::ElectionData;
use super::elections::elections;
use super::node_data::commits;
use crate::event::NodeEvent;
use crate::metrics::{FaultInterval, at_told_times, commit_tracks, node_spans};
use crate::page::columns::COLUMNS;
use crate::page::shell::Page;

/// The scripts that the player needs.
pub(super) const PLAYER: [&str; 10] = [
    COLUMNS,
    include_str!("page/families.js"),
    include_str!("page/clocks.js"),
    include_str!("page/commits.js"),
    include_str!("page/drawing.js"),
    include_str!("page/readout.js"),
    include_str!("page/player/film.js"),
    include_str!("page/player/story.js"),
    include_str!("page/player/circle.js"),
    include_str!("page/player/player.js"),
];

/// The script that starts it.
const START: &str = include_str!("page/player/simulated.js");

/// The page of what these nodes told up to `end`, in nanoseconds of simulated time. `again` is the command
/// that brings the seed back, `outcome` what became of it.
pub fn html(
    nodes: &[String],
    events: &[NodeEvent],
    end: u64,
    again: &str,
    outcome: &str,
) -> String {
    let (data, drawn) = played(nodes, events, &[], end);
    let page = Page {
        title: format!("simulated · {again}"),
        name: "simulated",
        body: body(&data, again, outcome),
        style: "",
        data: Some(("run-data", drawn)),
        scripts: &[&PLAYER[..], &[START][..]].concat(),
    };
    page.text()
}

/// The elections that these nodes told of up to `end`, and the data of the player.
pub(super) fn played(
    nodes: &[String],
    events: &[NodeEvent],
    faults: &[FaultInterval],
    end: u64,
) -> (ElectionData, Value) {
    let events = at_told_times(events);
    let data = ElectionData::of(nodes, &events, faults);
    let spans = |node: &String| {
        let spans = node_spans(node, &events, faults, end);
        json!({"name": node, "spans": spans.iter().map(span).collect::<Vec<_>>()})
    };
    let drawn = json!({
        "end": end / 1_000,
        "nodes": nodes.iter().map(spans).collect::<Vec<_>>(),
        "faults": faults.iter().map(|it| fault(it, end)).collect::<Vec<_>>(),
        "commits": commits(&commit_tracks(nodes, &events)),
        "elections": data.drawn(),
    });
    (data, drawn)
}

fn body(data: &ElectionData, again: &str, outcome: &str) -> Markup {
    html! {
        main {
            section #seed aria-labelledby="seed-title" {
                h1 #seed-title { (outcome) }
                p.muted { "In simulated time, to the letter the same each time: " code { (again) } }
            }
            @match elections(data, &[]) {
                Some(panel) => { (panel) }
                None => { section { p.empty { "No node led, nor stood for election." } } }
            }
        }
    }
}
