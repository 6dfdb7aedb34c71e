//! From what happened to faults to the intervals in which they were on.

use std::collections::{BTreeMap, BTreeSet};

use faults::coverage::ClusterSnapshot;
use faults::effect::Effect;
use faults::fault::{Action, Family};
use faults::grudge::Grudge;
use faults::outcome::Outcome;
use faults::record::{FaultStage, Happened, Seen};

use crate::event::FaultEvent;
use crate::metrics::RunHistory;

/// A change of a fault while it is on, such as one beat of a strobe.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultStep {
    /// Index of its event.
    pub index: u64,
    /// When it was made, in nanoseconds since the start of the run.
    pub time: u64,
    /// The measurements.
    pub effect: Effect,
}

/// One fault, from the intent to inject it to the end of its undoing.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultInterval {
    /// Its number in the schedule.
    pub fault: u32,
    /// Its family.
    pub family: Family,
    /// The fault in words, such as `isolate the leader (n2)`.
    pub name: String,
    /// The nodes that it hit.
    pub nodes: BTreeSet<String>,
    /// For partitions, whose packets each node drops.
    pub grudge: Option<Grudge>,
    /// Its outcome; none when the run ended before that was known. An effect that shows only
    /// over time is seen when the fault is undone, so the better of the two outcomes counts.
    pub outcome: Option<Outcome>,
    /// The facts about the cluster when it began.
    pub facts: Option<ClusterSnapshot>,
    /// The event that it waited for, where it waited for one.
    pub trigger: Option<Seen>,
    /// All measurements, see [`Effect::absorb`].
    pub effect: Effect,
    /// The measurements when it was injected.
    pub effect_at_injection: Effect,
    /// The measurements after that, until it was undone.
    pub effect_over_life: Effect,
    /// Its changes between injection and undoing, by time.
    pub steps: Vec<FaultStep>,
    /// Another remark, such as that no node was known to lead.
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
    /// The parts that could not be undone the last time that it was tried.
    pub undo_problems: Vec<String>,
}

impl FaultInterval {
    fn new(event: &FaultEvent) -> Self {
        let record = &event.record;
        Self {
            fault: record.fault,
            family: record.family,
            name: record.name.clone(),
            nodes: BTreeSet::new(),
            grudge: None,
            outcome: None,
            facts: None,
            trigger: None,
            effect: Effect::new(),
            effect_at_injection: Effect::new(),
            effect_over_life: Effect::new(),
            steps: Vec::new(),
            note: None,
            index: event.index,
            start: event.time,
            injected: None,
            undo_start: None,
            end: None,
            undo_problems: Vec::new(),
        }
    }

    /// The outcome as a word: `unreported` when the run ended before it was known.
    pub fn outcome_name(&self) -> &'static str {
        self.outcome.as_ref().map_or("unreported", Outcome::name)
    }

    /// The reason for which no effect was seen.
    pub fn reason(&self) -> Option<&str> {
        self.outcome.as_ref().and_then(Outcome::reason)
    }

    /// True if its effect was seen.
    pub fn took_effect(&self) -> bool {
        self.outcome == Some(Outcome::Installed)
    }

    /// True if the fault may have disturbed the cluster: it was attempted.
    pub fn was_attempted(&self) -> bool {
        !matches!(self.outcome, Some(Outcome::Skipped { .. }))
    }

    /// True if it was injected and not undone since.
    pub fn is_on(&self) -> bool {
        self.injected.is_some() && self.end.is_none()
    }

    /// True if the fault may have been on at some moment from `from` to `to`, both included.
    pub fn overlaps(&self, from: u64, to: u64) -> bool {
        self.was_attempted() && self.start <= to && self.end.is_none_or(|end| from <= end)
    }

    fn take(&mut self, event: &FaultEvent) {
        let record = &event.record;
        self.name.clone_from(&record.name);
        if !record.nodes.is_empty() {
            self.nodes.clone_from(&record.nodes);
        }
        if let (None, Action::Partition(grudge)) = (&self.grudge, record.what.action()) {
            self.grudge = Some(grudge.clone()).filter(|grudge| !grudge.is_empty());
        }
        match &record.what {
            Happened::Intended(FaultStage::Undo, _) => self.undo_start = Some(event.time),
            Happened::Intended(FaultStage::Inject | FaultStage::Step, _) => {}
            Happened::Injected(injected) => {
                self.effect.absorb(&injected.effect);
                self.effect_at_injection = injected.effect.clone();
                self.injected = Some(event.time);
                self.outcome = Some(injected.outcome.clone());
                self.note.clone_from(&injected.note);
                self.facts.clone_from(&injected.facts);
                self.trigger = injected.trigger.as_deref().cloned();
                self.end = (!self.was_attempted()).then_some(event.time);
            }
            Happened::Stepped(stepped) => {
                self.effect.absorb(&stepped.effect);
                self.effect_over_life.absorb(&stepped.effect);
                let effect = stepped.effect.clone();
                self.steps.push(FaultStep { index: event.index, time: event.time, effect });
            }
            Happened::Undone(undone) => {
                self.effect.absorb(&undone.effect);
                self.effect_over_life.absorb(&undone.effect);
                self.undo_problems.clone_from(&undone.problems);
                // What could not be undone wholly is still on.
                self.end = self.undo_problems.is_empty().then_some(event.time);
                let later = undone.outcome.clone();
                self.outcome = Some(match self.outcome.take() {
                    Some(before) => before.better(later),
                    None => later,
                });
            }
        }
    }
}

/// The faults of a run, kept up to date by what happens to them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultIntervals {
    intervals: Vec<FaultInterval>,
    /// The place of each fault in `intervals`, by its number.
    places: BTreeMap<u32, usize>,
}

impl FaultIntervals {
    /// The faults of a recorded history.
    pub fn of(history: &RunHistory) -> Self {
        let mut faults = Self::default();
        history.events.iter().filter_map(FaultEvent::of_history).for_each(|e| faults.take(&e));
        faults
    }

    /// Takes over what happened to a fault.
    pub fn take(&mut self, event: &FaultEvent) {
        let place = *self.places.entry(event.record.fault).or_insert_with(|| {
            self.intervals.push(FaultInterval::new(event));
            self.intervals.len() - 1
        });
        self.intervals[place].take(event);
    }

    /// Every fault, by the time at which it began.
    pub fn iter(&self) -> impl Iterator<Item = &FaultInterval> {
        self.intervals.iter()
    }

    /// The number of faults of each outcome, by its name.
    pub fn outcome_counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for fault in self.iter().filter(|fault| fault.outcome.is_some()) {
            *counts.entry(fault.outcome_name()).or_default() += 1;
        }
        counts
    }
}

/// All faults of a history, by the time at which they began.
pub fn fault_intervals(history: &RunHistory) -> Vec<FaultInterval> {
    FaultIntervals::of(history).intervals
}
