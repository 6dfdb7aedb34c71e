//! From the nemesis' events to the intervals in which faults were on.
//!
//! Every fault leaves up to four events, tied together by the number in `value.fault`:
//! the intent to inject (`invoke`), what came of it (`info`), the intent to undo, and what came of
//! that. `value.stage` is `inject` or `undo`; `f` names the family.

use std::collections::BTreeMap;
use std::fmt;

use checker::history::{Event, EventType, History, Process};
use serde_json::Value;

/// What came of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultOutcome {
    /// Its effect was seen.
    Installed,
    /// It was not attempted; the reason says why.
    Skipped,
    /// It was attempted, and no effect was shown.
    Indeterminate,
    /// The run ended before anything was heard of it.
    Unreported,
}

impl fmt::Display for FaultOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultOutcome::Installed => "installed",
            FaultOutcome::Skipped => "skipped",
            FaultOutcome::Indeterminate => "indeterminate",
            FaultOutcome::Unreported => "unreported",
        })
    }
}

/// One fault, from the intent to inject it to the end of its undoing.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultInterval {
    /// Its number in the schedule.
    pub fault: u64,
    /// Its family, such as `partition`.
    pub family: String,
    /// What it does, in words, such as `isolate the leader n2`; the family when it has no name.
    pub name: String,
    /// The nodes it was aimed at.
    pub nodes: Vec<String>,
    /// For partitions, whose packets each node drops.
    pub grudge: BTreeMap<String, Vec<String>>,
    /// What came of injecting it.
    pub outcome: FaultOutcome,
    /// What was measured, such as `packets_dropped`; what was measured last, which is the total,
    /// stands for each name.
    pub effect: BTreeMap<String, Value>,
    /// Why it was skipped, or what else there is to know.
    pub reason: Option<String>,
    /// Index of its first event in the history.
    pub index: u64,
    /// When injecting began, in nanoseconds since the start of the run.
    pub start: u64,
    /// When injecting was done.
    pub injected: Option<u64>,
    /// When undoing began.
    pub undo_start: Option<u64>,
    /// When it was undone; none when it was on until the history ended.
    pub end: Option<u64>,
    /// What came of undoing it, as the history says, such as `installed`.
    pub undo_outcome: Option<String>,
}

impl FaultInterval {
    /// Whether the fault may have disturbed the cluster: it was attempted.
    pub fn was_attempted(&self) -> bool {
        self.outcome != FaultOutcome::Skipped
    }

    /// Whether the fault may have been on at some moment from `from` to `to`, both included.
    pub fn overlaps(&self, from: u64, to: u64) -> bool {
        self.was_attempted() && self.start <= to && self.end.is_none_or(|end| from <= end)
    }
}

/// All faults of a history, by the time at which they began. Nemesis events without a number of a
/// fault are about none, and are left out.
pub fn fault_intervals(history: &History) -> Vec<FaultInterval> {
    let mut faults: Vec<FaultInterval> = Vec::new();
    let mut positions: BTreeMap<(&str, u64), usize> = BTreeMap::new();
    for event in history.events.iter().filter(|event| event.process == Process::Nemesis) {
        let Some(fault) = event.value["fault"].as_u64() else { continue };
        let position = *positions.entry((&event.f, fault)).or_insert_with(|| {
            faults.push(new_interval(event, fault));
            faults.len() - 1
        });
        apply(&mut faults[position], event);
    }
    faults
}

fn new_interval(event: &Event, fault: u64) -> FaultInterval {
    FaultInterval {
        fault,
        family: event.f.clone(),
        name: event.f.clone(),
        nodes: Vec::new(),
        grudge: BTreeMap::new(),
        outcome: FaultOutcome::Unreported,
        effect: BTreeMap::new(),
        reason: None,
        index: event.index,
        start: event.time,
        injected: None,
        undo_start: None,
        end: None,
        undo_outcome: None,
    }
}

/// Takes over what an event tells. A field that is missing or of another type tells nothing: a page
/// with a fault half described is worth more than none.
fn apply(interval: &mut FaultInterval, event: &Event) {
    let value = &event.value;
    if let Some(name) = value["name"].as_str() {
        interval.name = name.to_owned();
    }
    if let Some(reason) = value["reason"].as_str() {
        interval.reason = Some(reason.to_owned());
    }
    if let Some(nodes) = value["nodes"].as_array() {
        interval.nodes = strings(nodes);
    }
    if let Some(grudge) = value["grudge"].as_object() {
        let dropped =
            |nodes: &Value| nodes.as_array().map_or_else(Vec::new, |nodes| strings(nodes));
        interval.grudge =
            grudge.iter().map(|(node, nodes)| (node.clone(), dropped(nodes))).collect();
    }
    if let Some(effect) = value["effect"].as_object() {
        let measured = effect.iter().map(|(name, value)| (name.clone(), value.clone()));
        interval.effect.extend(measured);
    }
    let outcome = value["outcome"].as_str();
    match (value["stage"].as_str(), event.kind) {
        (Some("undo"), EventType::Invoke) => interval.undo_start = Some(event.time),
        (Some("undo"), _) => {
            interval.end = Some(event.time);
            interval.undo_outcome = outcome.map(str::to_owned);
        }
        (_, EventType::Invoke) => {}
        (_, _) => {
            interval.injected = Some(event.time);
            interval.outcome = outcome_named(outcome);
            if interval.outcome == FaultOutcome::Skipped {
                interval.end = Some(event.time);
            }
        }
    }
}

fn strings(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn outcome_named(name: Option<&str>) -> FaultOutcome {
    match name {
        Some("installed") => FaultOutcome::Installed,
        Some("skipped") => FaultOutcome::Skipped,
        Some("indeterminate") => FaultOutcome::Indeterminate,
        // An outcome that this version does not know proves nothing.
        _ => FaultOutcome::Unreported,
    }
}
