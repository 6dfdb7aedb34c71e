//! The data of the timeline, which the script of the page draws, as one JSON value.
//!
//! Times are whole microseconds since the start of the run, which is finer than a screen shows.

use std::collections::BTreeMap;

use checker::history::EventType;
use serde_json::{Value, json};

use super::clock_data::clocks;
use super::effects::{effect_label, effect_words};
use super::node_data::{commits, logs};
use super::report_data::ReportData;
use super::sample::Drawn;
use crate::metrics::{FaultInterval, Names, NodeSpan, NodeState};
use crate::page::columns::Column;
use crate::words;

/// An axis needs some length, even when nothing was recorded; in nanoseconds.
const SHORTEST_RUN: u64 = 1_000_000_000;

/// A strobe may step a thousand times; no screen shows more ticks in one bar than this.
const MOST_STEPS: usize = 300;

pub(super) fn drawing_data(data: &ReportData<'_>) -> Value {
    let nodes: Vec<Value> = data
        .nodes
        .iter()
        .map(|(name, spans)| {
            let spans: Vec<Value> = spans.iter().map(span).collect();
            json!({"name": name, "spans": spans})
        })
        .collect();
    let faults: Vec<Value> = data.faults.iter().map(|fault| self::fault(fault, data.end)).collect();
    let phases: Vec<Value> = data
        .phases
        .iter()
        .map(|phase| json!([words::phase(phase.phase), micros(phase.start), micros(phase.end)]))
        .collect();
    let marks: Vec<Value> = data
        .culprits()
        .map(|culprit| {
            json!({"time": micros(culprit.end.unwrap_or(culprit.start)),
                   "label": words::operation(culprit), "index": culprit.invoked})
        })
        .collect();
    let findings: Vec<Value> = data
        .summary
        .findings
        .iter()
        .map(|finding| {
            let time = micros(words::nanoseconds(finding.seconds));
            json!({"time": time, "node": finding.node, "text": finding.text})
        })
        .collect();
    json!({
        "end": micros(data.end.max(SHORTEST_RUN)),
        "phases": phases,
        "nodes": nodes,
        "faults": faults,
        "marks": marks,
        "findings": findings,
        "clocks": clocks(&data.clocks),
        "commits": commits(&data.commits),
        "elections": data.elections.drawn(),
        "logs": logs(data.logs),
        "operations": operations(&data.drawn, data.end),
    })
}

fn micros(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000
}

/// A span of a node, as scripts take it.
pub(super) fn span(span: &NodeSpan) -> Value {
    let state = match &span.state {
        NodeState::Silent => "silent",
        NodeState::Down => "down",
        NodeState::Paused => "paused",
        NodeState::Role(role) => role,
    };
    json!([micros(span.start), micros(span.end), state, span.term])
}

/// A fault, as scripts take it.
pub(super) fn fault(fault: &FaultInterval, end: u64) -> Value {
    json!({
        "index": fault.index,
        "family": fault.family,
        "name": fault.name,
        "nodes": fault.nodes,
        "cuts": cuts(fault),
        "outcome": fault.outcome_name(),
        "reason": fault.reason(),
        "effect": effect_words(&fault.effect),
        "label": effect_label(&fault.effect),
        "letter": fault.family.letter(),
        "steps": steps(fault),
        "stepCount": fault.steps.len(),
        "start": micros(fault.start),
        "end": micros(fault.end.unwrap_or(end)),
        "undone": fault.end.is_some(),
    })
}

/// The links that a partition cuts, each from sender to receiver.
fn cuts(fault: &FaultInterval) -> Vec<[String; 2]> {
    let links = fault.grudge.iter().flat_map(|grudge| grudge.links());
    links.map(|link| [link.from, link.to]).collect()
}

/// The times of the steps of a fault; of more than [`MOST_STEPS`], evenly chosen ones.
fn steps(fault: &FaultInterval) -> Vec<u64> {
    let every = fault.steps.len().div_ceil(MOST_STEPS).max(1);
    fault.steps.iter().step_by(every).map(|step| micros(step.time)).collect()
}

/// 0 for none, else one more than the number.
fn one_more(number: u32) -> u64 {
    if number == Names::NONE { 0 } else { u64::from(number) + 1 }
}

fn operations(drawn: &[Drawn<'_>], end: u64) -> Value {
    let (mut kinds, mut keys, mut nodes) = (Names::default(), Names::default(), Names::default());
    let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
    let is_sample = drawn.iter().any(|drawn| drawn.weight > 1);
    for Drawn { operation, weight } in drawn {
        let completion_index = operation.completed().unwrap_or(operation.invoked());
        let latency = operation.latency().unwrap_or(end.saturating_sub(operation.start()));
        let outcome = match operation.outcome() {
            EventType::Ok => 0,
            EventType::Fail => 1,
            EventType::Info | EventType::Invoke => 2,
        };
        columns.entry("start").or_default().push_rising(micros(operation.start()));
        columns.entry("latency").or_default().push(micros(latency));
        columns.entry("outcome").or_default().push(outcome);
        columns.entry("kind").or_default().push(kinds.number(operation.f()).into());
        columns.entry("process").or_default().push(operation.process());
        columns.entry("key").or_default().push(one_more(keys.number_or_none(operation.key())));
        columns.entry("node").or_default().push(one_more(nodes.number_or_none(operation.node())));
        columns.entry("index").or_default().push_rising(operation.invoked());
        // 0 for an operation that never ended, since no completion has its invocation's index.
        columns
            .entry("completion")
            .or_default()
            .push(completion_index.saturating_sub(operation.invoked()));
        columns.entry("attempts").or_default().push(operation.attempts().len() as u64);
        if is_sample {
            columns.entry("weight").or_default().push(*weight);
        }
    }
    let columns: BTreeMap<&str, String> =
        columns.iter().map(|(name, column)| (*name, column.encode())).collect();
    json!({
        "count": drawn.len(),
        "kinds": kinds.all(),
        "keys": keys.all(),
        "nodes": nodes.all(),
        "columns": columns,
    })
}
