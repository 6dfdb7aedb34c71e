//! The states of each node over time: its role and term, or that it was down or paused.

use faults::fault::Processes;

use crate::event::{NodeChange, NodeEvent};
use crate::metrics::FaultInterval;

/// The state of a node for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeState {
    /// Nothing was heard of it yet, or its process started and it has not reported its role.
    Silent,
    /// Its process had ended.
    Down,
    /// Its process was stopped by a pause.
    Paused,
    /// The role that it had reported: `follower`, `pre-candidate`, `candidate`, `leader`.
    Role(String),
}

/// A stretch of time in which one node's state and term did not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpan {
    /// When it began, in nanoseconds since the start of the run.
    pub start: u64,
    /// When it ended, in nanoseconds since the start of the run.
    pub end: u64,
    /// The state of the node.
    pub state: NodeState,
    /// The term that it reported last, while it has a role.
    pub term: Option<u64>,
}

/// The spans of `node` from 0 to `end`, without gaps. A pause is known from the faults, for a
/// stopped process reports nothing; so is a kill where no event of the process itself was recorded.
pub fn node_spans(
    node: &str,
    events: &[NodeEvent],
    faults: &[FaultInterval],
    end: u64,
) -> Vec<NodeSpan> {
    let mut reported = Spans::new();
    for event in events.iter().filter(|event| event.node == node) {
        match &event.change {
            NodeChange::Started { .. } => reported.change(event.time, NodeState::Silent, None),
            NodeChange::Exited { .. } => reported.change(event.time, NodeState::Down, None),
            NodeChange::Role { role, term, .. } => {
                reported.change(event.time, NodeState::Role(role.clone()), Some(*term));
            }
            _ => {}
        }
    }
    let mut spans = reported.finish(end);
    let process_seen = events
        .iter()
        .any(|event| event.node == node && matches!(event.change, NodeChange::Exited { .. }));
    for fault in faults.iter().filter(|fault| fault.was_attempted()) {
        let state = match fault.family.processes() {
            Processes::Paused => NodeState::Paused,
            Processes::Down if !process_seen => NodeState::Down,
            Processes::Down | Processes::Running => continue,
        };
        if fault.nodes.iter().any(|hit| hit == node) {
            let from = fault.injected.unwrap_or(fault.start);
            let to = fault.end.unwrap_or(end).min(end);
            spans = overlay(spans, from, to, &state);
        }
    }
    spans
}

/// Spans in the making: the last one is still open.
struct Spans(Vec<NodeSpan>);

impl Spans {
    fn new() -> Spans {
        Spans(vec![NodeSpan { start: 0, end: 0, state: NodeState::Silent, term: None }])
    }

    fn change(&mut self, time: u64, state: NodeState, term: Option<u64>) {
        if let Some(last) = self.0.last_mut() {
            if last.state == state && last.term == term {
                return;
            }
            last.end = time;
        }
        self.0.push(NodeSpan { start: time, end: time, state, term });
    }

    fn finish(mut self, end: u64) -> Vec<NodeSpan> {
        if let Some(last) = self.0.last_mut() {
            last.end = last.end.max(end);
        }
        self.0.retain(|span| span.start < span.end);
        self.0
    }
}

/// Lays `state` over the spans from `from` to `to`.
fn overlay(spans: Vec<NodeSpan>, from: u64, to: u64, state: &NodeState) -> Vec<NodeSpan> {
    if from >= to {
        return spans;
    }
    let mut result = Vec::with_capacity(spans.len() + 2);
    for span in &spans {
        result.push(NodeSpan { end: span.end.min(from), ..span.clone() });
    }
    let term = spans.iter().rev().find(|span| span.start <= from).and_then(|span| span.term);
    result.push(NodeSpan { start: from, end: to, state: state.clone(), term });
    for span in &spans {
        result.push(NodeSpan { start: span.start.max(to), ..span.clone() });
    }
    result.retain(|span| span.start < span.end);
    result
}
