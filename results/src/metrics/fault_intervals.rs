//! From the nemesis' events to the intervals in which faults were on.
//!
//! Every fault leaves up to four events, tied together by the number in `value.fault`:
//! the intent to inject (`invoke`), what came of it (`info`), the intent to undo, and what came of
//! that. `value.stage` is `inject` or `undo`; `f` names the family.

use std::collections::BTreeMap;
use std::fmt;

use checker::history::{Event, EventType, History, Process};
use serde::Deserialize;
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
    /// What it does, in words, such as `isolate the leader n2`.
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

/// The parts of a nemesis event's value that are read here. All have defaults, since a page with a
/// fault half described is worth more than none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    fault: u64,
    stage: String,
    name: String,
    nodes: Vec<String>,
    grudge: BTreeMap<String, Vec<String>>,
    outcome: Option<String>,
    effect: BTreeMap<String, Value>,
    reason: Option<String>,
}

/// All faults of a history, by the time at which they began.
pub fn fault_intervals(history: &History) -> Vec<FaultInterval> {
    let mut faults: Vec<FaultInterval> = Vec::new();
    let mut positions: BTreeMap<(String, u64), usize> = BTreeMap::new();
    for event in history.events.iter().filter(|event| event.process == Process::Nemesis) {
        let Ok(details) = serde_json::from_value::<Details>(event.value.clone()) else { continue };
        let position = *positions.entry((event.f.clone(), details.fault)).or_insert_with(|| {
            faults.push(new_interval(event, details.fault));
            faults.len() - 1
        });
        apply(&mut faults[position], event, details);
    }
    faults
}

fn new_interval(event: &Event, fault: u64) -> FaultInterval {
    FaultInterval {
        fault,
        family: event.f.clone(),
        name: String::new(),
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

fn apply(interval: &mut FaultInterval, event: &Event, details: Details) {
    if !details.name.is_empty() {
        interval.name = details.name;
    }
    if !details.nodes.is_empty() {
        interval.nodes = details.nodes;
    }
    if !details.grudge.is_empty() {
        interval.grudge = details.grudge;
    }
    interval.effect.extend(details.effect);
    if details.reason.is_some() {
        interval.reason = details.reason;
    }
    match (details.stage.as_str(), event.kind) {
        ("undo", EventType::Invoke) => interval.undo_start = Some(event.time),
        ("undo", _) => {
            interval.end = Some(event.time);
            interval.undo_outcome = details.outcome;
        }
        (_, EventType::Invoke) => {}
        (_, _) => {
            interval.injected = Some(event.time);
            interval.outcome = details.outcome.map_or(FaultOutcome::Unreported, outcome_named);
            if interval.outcome == FaultOutcome::Skipped {
                interval.end = Some(event.time);
            }
        }
    }
}

fn outcome_named(name: String) -> FaultOutcome {
    match name.as_str() {
        "installed" => FaultOutcome::Installed,
        "skipped" => FaultOutcome::Skipped,
        "indeterminate" => FaultOutcome::Indeterminate,
        // An outcome that this version does not know proves nothing.
        _ => FaultOutcome::Unreported,
    }
}
