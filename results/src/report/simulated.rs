//! The page of a simulated seed: its elections alone.

use maud::{Markup, html};
use serde_json::json;

use super::drawing_data::span;
use super::election_data::ElectionData;
use super::elections::elections;
use super::node_data::commits;
use crate::event::NodeEvent;
use crate::metrics::{at_told_times, commit_tracks, node_spans};
use crate::page::columns::COLUMNS;
use crate::page::shell::Page;

/// The scripts that the player needs, and the one that starts it.
const SCRIPTS: [&str; 11] = [
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
    include_str!("page/player/simulated.js"),
];

/// The page of what these nodes told up to `end`, in nanoseconds of simulated time. `again` is the command
/// that brings the seed back, `outcome` what became of it.
pub fn html(
    nodes: &[String],
    events: &[NodeEvent],
    end: u64,
    again: &str,
    outcome: &str,
) -> String {
    let events = at_told_times(events);
    let data = ElectionData::of(nodes, &events, &[]);
    let spans = |node: &String| {
        let spans = node_spans(node, &events, &[], end);
        json!({"name": node, "spans": spans.iter().map(span).collect::<Vec<_>>()})
    };
    let drawn = json!({
        "end": end / 1_000,
        "nodes": nodes.iter().map(spans).collect::<Vec<_>>(),
        "faults": [],
        "commits": commits(&commit_tracks(nodes, &events)),
        "elections": data.drawn(),
    });
    let page = Page {
        title: format!("simulated · {again}"),
        name: "simulated",
        body: body(&data, again, outcome),
        style: "",
        data: Some(("run-data", drawn)),
        scripts: &SCRIPTS,
    };
    page.text()
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
