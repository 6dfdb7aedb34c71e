//! The page of a cluster that runs: its elections as they happen, buttons that disturb it, and what its
//! clients see of that.

use maud::{Markup, html};
use serde::Serialize;
use serde_json::{Value, json};

use super::elections::{chapters, player};
use super::simulated::{PLAYER, played};
use crate::event::NodeEvent;
use crate::metrics::FaultInterval;
use crate::page::panel::panel;
use crate::page::shell::Page;

const STYLE: &str = include_str!("page/running.css");

/// The scripts of this page, after those of the player.
const SCRIPTS: [&str; 2] =
    [include_str!("page/running_clients.js"), include_str!("page/running.js")];

const STRIP_IN_WORDS: &str = "Operations of the last minute, one bar each, the higher the longer it took; \
    the figures above say the same";

/// A button that stands beside each node.
#[derive(Debug, Clone, Copy)]
pub struct Button<'a> {
    /// Its name in requests.
    pub name: &'a str,
    /// The word on it while it does something.
    pub word: &'a str,
    /// The word on it while it undoes that.
    pub undo: &'a str,
    /// A few words about what it does.
    pub about: &'a str,
}

/// The state of one node's button.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Control {
    /// True while its fault is on, so that pressing it undoes that.
    pub on: bool,
    /// True while it is being done or undone.
    pub busy: bool,
    /// The reason why it does nothing at the moment.
    pub why: Option<String>,
}

/// An operation of the client beside the cluster. Times are nanoseconds since the start of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOperation {
    /// When it began.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// `add` or `read`.
    pub f: &'static str,
    /// `ok`, `fail` or `info`.
    pub outcome: &'static str,
    /// The node that answered.
    pub node: Option<String>,
    /// The value that it read.
    pub value: Option<i64>,
    /// The last error.
    pub error: Option<String>,
}

/// A cluster as it is at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Running<'a> {
    /// The nodes.
    pub nodes: &'a [String],
    /// The events that they told of, and those of their processes.
    pub events: &'a [NodeEvent],
    /// The faults so far.
    pub faults: &'a [FaultInterval],
    /// The operations of the client, the last minute of them.
    pub operations: &'a [ClientOperation],
    /// The moment, in nanoseconds since the start of the cluster.
    pub end: u64,
}

/// The page, before anything is known. Its script asks `/now` for that, and `/press` to do something, with
/// the token.
pub fn html(nodes: &[String], buttons: &[Button<'_>], token: &str) -> String {
    let page = Page {
        title: "stormproof up".to_owned(),
        name: html! { "a cluster that runs · " output #state aria-live="polite" { "connecting" } },
        body: body(nodes, buttons),
        style: STYLE,
        data: Some(("run-data", json!({"token": token}))),
        scripts: &[&PLAYER[..], &SCRIPTS[..]].concat(),
    };
    page.fetching_text()
}

/// The part of the page that changes: for the player, the table of the elections, and of the clients.
pub fn now(running: Running<'_>) -> Value {
    let Running { nodes, events, faults, operations, end } = running;
    let (data, run) = played(nodes, events, faults, end);
    let operations: Vec<Value> = operations.iter().map(operation).collect();
    json!({
        "run": run,
        "chapters": if data.elections.is_empty() { String::new() } else { chapters(&data, faults).into_string() },
        "operations": operations,
    })
}

fn operation(operation: &ClientOperation) -> Value {
    let ClientOperation { start, end, f, outcome, node, value, error } = operation;
    json!({
        "start": start / 1_000,
        "end": end / 1_000,
        "f": f,
        "outcome": outcome,
        "node": node,
        "value": value,
        "error": error,
    })
}

fn body(nodes: &[String], buttons: &[Button<'_>]) -> Markup {
    html! {
        main {
            (panel("hands", "Disturb it", controls(nodes, buttons)))
            (panel("clients", "What its clients see", clients()))
            (panel("elections", "Elections", html! { (player(true)) div #chapters {} }))
            noscript { p { "This page needs its script: it shows a cluster that runs." } }
        }
    }
}

fn controls(nodes: &[String], buttons: &[Button<'_>]) -> Markup {
    html! {
        div.controls {
            @for node in nodes {
                div.node role="group" aria-label=(node) data-node=(node) {
                    b { (node) " " } span.state {} " "
                    @for Button { name, word, undo, about } in buttons {
                        button type="button" data-button=(name) data-word=(word) data-undo=(undo)
                            aria-pressed="false" title=(about) aria-label={ (word) " " (node) } { (word) }
                    }
                }
            }
        }
        p #done aria-live="polite" { "Each button is a fault; pressed once more, it is undone." }
        ul #whys.muted {}
    }
}

fn clients() -> Markup {
    let tile = |id: &str, name: &str| {
        html! { div { dt { (name) } dd #(id) { "–" } } }
    };
    html! {
        dl.tiles {
            (tile("acknowledged", "acknowledged"))
            (tile("latency", "median · longest"))
            (tile("refused", "refused"))
            (tile("unknown", "timed out"))
            (tile("counter", "the counter"))
        }
        canvas #strip role="img" aria-label=(STRIP_IN_WORDS) {}
        p.muted {
            "One client adds one to a counter and reads it, in turn, and tries again for two seconds. Refused: it "
            "surely did not happen; timed out: it may have. Figures are of ten seconds, bars of a minute."
        }
        p #last.muted {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::NodeChange;

    #[test]
    fn what_runs_is_told_for_the_player_and_in_words() {
        let nodes = ["n1".to_owned(), "n2".to_owned()];
        let role = |time: u64, role: &str| NodeEvent {
            time,
            node: "n1".into(),
            change: NodeChange::Role { role: role.into(), term: 2, leader: None },
            at: None,
        };
        let running =
            Running { nodes: &nodes, events: &[], faults: &[], operations: &[], end: 5_000_000 };
        assert_eq!(now(running)["chapters"], "", "nobody stood yet");
        let events = [role(1_000_000, "candidate"), role(2_000_000, "leader")];
        let operations = [ClientOperation {
            start: 3_000_000,
            end: 4_000_000,
            f: "read",
            outcome: "ok",
            node: Some("n1".into()),
            value: Some(7),
            error: None,
        }];
        let told = now(Running { events: &events, operations: &operations, ..running });
        assert_eq!(told["run"]["end"], 5_000);
        let spans = json!([
            [0, 1_000, "silent", null],
            [1_000, 2_000, "candidate", 2],
            [2_000, 5_000, "leader", 2]
        ]);
        assert_eq!(told["run"]["nodes"][0]["spans"], spans);
        assert!(told["chapters"].as_str().is_some_and(|table| table.contains("<b>n1</b>")));
        assert_eq!(told["operations"][0]["end"], 4_000);
    }
}
