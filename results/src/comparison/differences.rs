//! The differences between two runs.

use std::collections::BTreeMap;

use checker::history::EventType;

use crate::loaded_run::LoadedRun;
use crate::metrics::{FaultInterval, OperationFigures, latency, operation_figures, recoveries};
use crate::page::lanes::Lanes;
use crate::summary::Summary;
use crate::words;

/// A run of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The address of its folder, with a slash behind.
    pub address: &'a str,
    /// Everything that it left.
    pub run: &'a LoadedRun,
}

/// A flag that the plans of two runs have with different values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagDifference {
    /// The flag, by its key in the plan.
    pub flag: String,
    /// Its value in the one plan; none if it is not there.
    pub one: Option<String>,
    /// Its value in the other.
    pub other: Option<String>,
}

impl<'a> Side<'a> {
    /// The summary of the run; none if it was not judged.
    pub(super) fn summary(&self) -> Option<&'a Summary> {
        self.run.summary.as_ref()
    }

    /// True if its history is there. Of a run that passed, nights keep its page alone.
    pub(super) fn has_history(&self) -> bool {
        self.run.history.end() > 0
    }

    /// The name of the run.
    pub(super) fn id(&self) -> String {
        let name = self.run.path.file_name();
        name.map_or_else(|| self.address.to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// A fault of either plan, or of both.
#[derive(Debug, Clone, Copy)]
pub(super) struct FaultPair<'a> {
    pub one: Option<&'a FaultInterval>,
    pub other: Option<&'a FaultInterval>,
}

impl FaultPair<'_> {
    /// True if it came to another outcome, or to one run alone.
    pub(super) fn differs(&self) -> bool {
        match (self.one, self.other) {
            (Some(one), Some(other)) => {
                one.outcome_name() != other.outcome_name() || one.nodes != other.nodes
            }
            _ => true,
        }
    }
}

/// The faults of two runs: those of one number and one family belong together.
pub(super) fn fault_pairs<'a>(one: &'a Lanes, other: &'a Lanes) -> Vec<FaultPair<'a>> {
    let mut pairs: BTreeMap<(u32, &str), FaultPair<'a>> = BTreeMap::new();
    let empty = FaultPair { one: None, other: None };
    for fault in &one.faults {
        pairs.entry((fault.fault, fault.family.name())).or_insert(empty).one = Some(fault);
    }
    for fault in &other.faults {
        pairs.entry((fault.fault, fault.family.name())).or_insert(empty).other = Some(fault);
    }
    pairs.into_values().collect()
}

/// A figure of both runs, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    pub name: String,
    pub one: String,
    pub other: String,
}

/// The figures of two runs.
pub(super) fn figures(sides: [&Side<'_>; 2], lanes: [&Lanes; 2]) -> Vec<Figure> {
    let [one, other] = [of_run(sides[0], lanes[0]), of_run(sides[1], lanes[1])];
    let mut all: Vec<Figure> = Vec::new();
    for (name, value) in one {
        all.push(Figure { name, one: value, other: "–".to_owned() });
    }
    for (name, value) in other {
        match all.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.other = value,
            None => all.push(Figure { name, one: "–".to_owned(), other: value }),
        }
    }
    all
}

fn of_run(side: &Side<'_>, lanes: &Lanes) -> Vec<(String, String)> {
    let operations = &side.run.history.operations;
    let recovery = side.summary().and_then(|summary| summary.liveness.recovery_seconds);
    let recovery = recovery.map(|it| ("time to recovery".to_owned(), words::seconds(it)));
    let known = side.summary().and_then(|summary| summary.latency);
    let latency = known.or_else(|| latency(operations));
    let latency = latency.into_iter().flat_map(|it| [("p50", it.p50_ms), ("p99", it.p99_ms)]);
    let latency = latency.map(|(name, ms)| (format!("latency, {name}"), words::seconds(ms / 1e3)));
    if !side.has_history() {
        return latency.chain(recovery).collect();
    }
    let figures = operation_figures(operations);
    let count = |outcome| -> u64 {
        figures.iter().filter(|it| it.outcome == outcome).map(|it| it.count).sum()
    };
    let mut all = vec![("operations".to_owned(), words::count(operations.iter().len() as u64))];
    for outcome in [EventType::Ok, EventType::Fail, EventType::Info] {
        all.push((words::outcome(outcome).to_owned(), words::count(count(outcome))));
    }
    all.extend(latency);
    let oks = |it: &&OperationFigures| it.outcome == EventType::Ok;
    for figure in figures.iter().filter(oks) {
        if let Some(p99) = figure.p99 {
            all.push((format!("latency of {}, p99", figure.f), words::duration(p99)));
        }
    }
    let gaps = recoveries(&lanes.faults, operations, &lanes.phases);
    if let Some(longest) = gaps.iter().map(|it| it.longest_gap).max() {
        all.push(("longest without an ok".to_owned(), words::duration(longest)));
    }
    all.extend(recovery);
    all
}
