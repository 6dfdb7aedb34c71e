//! From the nemesis' events to the intervals in which faults were on.
//!
//! The events of one fault are tied together by the number in `value.fault`: the intent to inject
//! (`invoke`), what came of it (`info`), the same for each later step of a fault that changes while
//! it is on, and for the undoing. `value.stage` is `inject`, `step` or `undo`; `f` names the family.

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

/// What was measured of a fault, by name, such as `packets_dropped` → 312.
pub type MeasuredEffect = BTreeMap<String, Value>;

/// A change of a fault while it is on, such as one beat of a strobe.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultStep {
    /// Index of the event that tells of it.
    pub index: u64,
    /// When it was made, in nanoseconds since the start of the run.
    pub time: u64,
    /// What was measured.
    pub effect: MeasuredEffect,
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
    /// What came of it. An effect that shows only over time is seen when the fault is undone, so
    /// the better of the two outcomes counts.
    pub outcome: FaultOutcome,
    /// What was measured in all. What was measured last, which is the total, stands for each name;
    /// of clocks, which are right again in the end, the farthest that they were off.
    pub effect: MeasuredEffect,
    /// What was measured when it was injected.
    pub effect_at_injection: MeasuredEffect,
    /// What was measured after that, until it was undone.
    pub effect_over_life: MeasuredEffect,
    /// Its changes between injection and undoing, by time.
    pub steps: Vec<FaultStep>,
    /// Why it was skipped, or why no effect was shown.
    pub reason: Option<String>,
    /// What else there is to know, such as that nobody was known to lead.
    pub note: Option<String>,
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
    /// What could not be undone the last time that it was tried.
    pub undo_problems: Vec<String>,
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
        effect_at_injection: BTreeMap::new(),
        effect_over_life: BTreeMap::new(),
        steps: Vec::new(),
        reason: None,
        note: None,
        index: event.index,
        start: event.time,
        injected: None,
        undo_start: None,
        end: None,
        undo_problems: Vec::new(),
    }
}

/// Takes over what an event tells. A field that is missing or of another type tells nothing: a page
/// with a fault half described is worth more than none.
fn apply(interval: &mut FaultInterval, event: &Event) {
    let value = &event.value;
    if let Some(name) = value["name"].as_str() {
        interval.name = name.to_owned();
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
    if let Some(note) = value["note"].as_str() {
        interval.note = Some(note.to_owned());
    }
    let effect = measured(&value["effect"]);
    merge(&mut interval.effect, &effect);
    match (value["stage"].as_str(), event.kind) {
        (Some("undo"), EventType::Invoke) => interval.undo_start = Some(event.time),
        (Some("undo"), _) => {
            merge(&mut interval.effect_over_life, &effect);
            interval.undo_problems =
                value["problems"].as_array().map_or(Vec::new(), |p| strings(p));
            // What could not be undone wholly is still on.
            interval.end = interval.undo_problems.is_empty().then_some(event.time);
            judge_again(interval, value);
        }
        (Some("step"), EventType::Invoke) => {}
        (Some("step"), _) => {
            merge(&mut interval.effect_over_life, &effect);
            interval.steps.push(FaultStep { index: event.index, time: event.time, effect });
        }
        (_, EventType::Invoke) => {}
        (_, _) => {
            interval.effect_at_injection = effect;
            interval.injected = Some(event.time);
            interval.reason = value["reason"].as_str().map(str::to_owned);
            interval.outcome = outcome_named(value["outcome"].as_str());
            if interval.outcome == FaultOutcome::Skipped {
                interval.end = Some(event.time);
            }
        }
    }
}

/// Takes over the outcome that was seen over the whole life of a fault, when it proves more than the
/// one seen at its injection.
fn judge_again(interval: &mut FaultInterval, value: &Value) {
    let outcome = outcome_named(value["outcome"].as_str());
    let proves_more = match outcome {
        FaultOutcome::Installed => interval.outcome != FaultOutcome::Installed,
        FaultOutcome::Indeterminate => interval.outcome == FaultOutcome::Unreported,
        FaultOutcome::Skipped | FaultOutcome::Unreported => false,
    };
    let reason = value["reason"].as_str().map(str::to_owned);
    if proves_more {
        interval.outcome = outcome;
        interval.reason = reason;
    } else if outcome == interval.outcome && reason.is_some() {
        interval.reason = reason;
    }
}

fn measured(effect: &Value) -> MeasuredEffect {
    let effect = effect.as_object().into_iter().flatten();
    effect.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Takes over what was measured later.
fn merge(effect: &mut MeasuredEffect, later: &MeasuredEffect) {
    for (name, value) in later {
        let off = |value: &Value| farness(name, value);
        let farther = effect.get(name).and_then(off).zip(off(value));
        if farther.is_none_or(|(before, now)| now >= before) {
            effect.insert(name.clone(), value.clone());
        }
    }
}

/// How wrong a clock is; none for any other measurement.
fn farness(name: &str, value: &Value) -> Option<f64> {
    let value = value.as_f64()?;
    match name {
        "rate" => Some((value - 1.0).abs()),
        _ if name.ends_with("_offset_ms") => Some(value.abs()),
        _ => None,
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
