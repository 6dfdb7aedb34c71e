//! The progress of the nodes of a made-up run, and the lines of their logs.

use checker::history::{Event, EventType, History};
use stormproof_results::event::{NodeChange, NodeEvent};
use stormproof_results::summary::Summary;
use stormproof_results::timed_logs::{TimedLine, TimedLog};

use super::run::{MILLISECOND, NODES, Sample};

/// A run of these events; every half second, the nodes that run tell how far they are.
pub(super) fn of_events(
    summary: Summary,
    events: Vec<Event>,
    mut node_events: Vec<NodeEvent>,
) -> Sample {
    let logs = logs(&node_events);
    let commits = commits(&events, &node_events);
    node_events.extend(commits);
    node_events.sort_by_key(|event| event.time);
    Sample { summary, history: History { events }, node_events, logs }
}

fn commits(events: &[Event], node_events: &[NodeEvent]) -> Vec<NodeEvent> {
    let end = events.last().map_or(0, |event| event.time);
    let mut commits = Vec::new();
    let oks: Vec<u64> =
        events.iter().filter(|it| it.kind == EventType::Ok).map(|event| event.time).collect();
    for node in NODES {
        for time in (0..end).step_by(500 * MILLISECOND as usize) {
            let own = node_events.iter().rev().filter(|event| event.node == node);
            let last = own.filter(|event| event.time <= time).map(|event| &event.change).next();
            if matches!(last, None | Some(NodeChange::Exited { .. })) {
                continue;
            }
            let index = oks.partition_point(|ok| *ok <= time) as u64;
            // One of them applies late.
            let applied = Some(index.saturating_sub(if node == "n3" { 40 } else { 0 }));
            let change = NodeChange::Commit { index, applied, last: None };
            commits.push(NodeEvent { time, node: node.to_owned(), change, at: None });
        }
    }
    commits
}

fn logs(node_events: &[NodeEvent]) -> Vec<TimedLog> {
    let line = |event: &NodeEvent| {
        let text = match &event.change {
            NodeChange::Started { pid } => format!("{}: listening, process {pid}", event.node),
            NodeChange::Role { role, term, .. } => {
                format!("{}: {role} in term {term}", event.node)
            }
            _ => return None,
        };
        Some(TimedLine { time: event.time, text })
    };
    let log = |node: &str| TimedLog {
        node: node.to_owned(),
        file: "stderr.log".into(),
        lines: node_events.iter().filter(|event| event.node == node).filter_map(line).collect(),
    };
    NODES.map(log).into()
}
