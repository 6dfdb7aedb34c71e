//! `night.json`: a night and what came of it.

use std::collections::BTreeMap;

use checker::verdict::{Contradiction, Verdict};
use faults::coverage::{AtMoment, Cell as Situation, Coverage, Pair as PairOfFaults};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{Comparison, RecoveryOfNight};
use crate::conclusion::{Conclusion, Part};
use crate::loaded_run::Form;
use crate::summary::{Degree, Latency};

/// The version of this form. A reader refuses others.
///
/// A new field that may be missing leaves it as it is; a field that means something else, or that
/// is gone, raises it.
pub const SCHEMA: u32 = 1;

/// A night: the runs that a plan of plans led to, on one machine or on several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Night {
    /// The version of this form.
    pub schema: u32,
    /// The name of its folder.
    pub id: String,
    /// The name of its plan. Nights of one name are compared with each other.
    pub name: String,
    /// The seed from which the seeds of all runs follow.
    pub seed: u64,
    /// The part of the night that this machine took; none of a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// A digest of all that its runs follow from: the plan, the seed, the earlier nights. Shards of
    /// one night have the same.
    pub digest: String,
    /// The time that it may take, in seconds; none without a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_seconds: Option<f64>,
    /// The most runs of the whole night, those of all shards; none without a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_runs: Option<u64>,
    /// The state in which it is. A night whose process was killed still says that it goes on.
    pub state: State,
    /// The reason for which it ended, in a sentence; none as long as it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// When it began, in UTC, as RFC 3339.
    pub started: String,
    /// The time that it took, in seconds, without the time between an interruption and going on.
    pub seconds: f64,
    /// The worst verdict of its runs; Unknown of none.
    pub verdict: Verdict,
    /// The machine: kernel, processors, memory, version of stormproof.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The cells of the matrix. A run names its cell by its place in this list.
    pub cells: Vec<Cell>,
    /// Every run that ended, by its number.
    pub runs: Vec<NightRun>,
    /// The situations that faults reached, by the name of the target in the plan.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reached: BTreeMap<String, Reached>,
    /// The recovery from faults, by target, family and role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recoveries: Vec<RecoveryOfNight>,
    /// The comparison with the nights before, once it has ended; none if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Things that a reader should know: a run that was killed, a clock that went back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

impl Form for Night {
    const SCHEMA: u32 = SCHEMA;
    const BEFORE: Option<u32> = None;

    fn schema(&self) -> u32 {
        self.schema
    }
}

/// A part of a night, for one machine of several.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Shard {
    /// Its number, from 1.
    pub index: u64,
    /// The number of shards.
    pub of: u64,
}

/// The state of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its process records, or was killed.
    GoesOn,
    /// It was interrupted; the same command goes on.
    Interrupted,
    /// It ended: all runs were made, or its budget was used.
    Ended,
}

/// A cell of the matrix: the runs that differ in nothing but their seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The name of the target in the plan of the night, such as `etcd-3.5.1`.
    pub target: String,
    /// The workload.
    pub workload: String,
    /// The profile of the faults.
    pub profile: String,
    /// Its share of the runs compared with the others.
    pub weight: f64,
    /// The reasons for its weight, where it is not 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The time that a run of it was expected to take, in seconds.
    pub expected_seconds: f64,
}

impl Cell {
    /// Its name, alike in every night: `etcd-3.5.1 · register · nightly`.
    pub fn name(&self) -> String {
        let Cell { target, workload, profile, .. } = self;
        format!("{target} · {workload} · {profile}")
    }
}

/// A run of a night that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NightRun {
    /// Its number, from 0. Of shards, the number that it has in the whole night.
    pub number: u64,
    /// Its cell, by its place in the list of the night.
    pub cell: usize,
    /// Its seed.
    pub seed: u64,
    /// The worst of safety, liveness and coverage.
    pub verdict: Verdict,
    /// The half about the history.
    pub safety: Verdict,
    /// The half about the end.
    pub liveness: Verdict,
    /// The part about its availability; none where nothing was promised of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Verdict>,
    /// True if the control probe was late: this machine had no time for the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starved: bool,
    /// The plainest contradiction in its history; none if there is none, and of runs of older
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<Contradiction>,
    /// The failure of the harness, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The verdict in a sentence.
    pub sentence: String,
    /// The version of the target; none if the run did not come so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_version: Option<String>,
    /// When it started, in UTC, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The time that it took as a whole, in seconds.
    pub seconds: f64,
    /// The seconds from the last undo to the last node's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<f64>,
    /// The effort that it took until the healed cluster served again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degree: Option<Degree>,
    /// The latency of its operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The greatest lateness of the control probe, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_lateness_seconds: Option<f64>,
    /// The command that makes the same run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its run directory, from the folder of the night on; none if it made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The part of it that is kept.
    pub kept: Kept,
    /// Its repeats and its shrunk plan, if it was followed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<FollowUp>,
}

impl NightRun {
    /// The conclusion about the run.
    pub fn conclusion(&self) -> Conclusion {
        Conclusion::of(self.verdict, self.safety, self.failure.is_some())
    }

    /// The part of the verdict that failed, if one did.
    pub fn failed_part(&self) -> Option<Part> {
        let failed = self.failure.is_some();
        Part::failed(self.verdict, self.safety, self.liveness, self.availability, failed)
    }
}

/// The part of a run that is kept. Each holds all of those before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// Its line in `night.json`.
    Nothing,
    /// Plan, account and verdict.
    Summary,
    /// The page.
    Page,
    /// The history, compressed, and what the nodes left; all that the run left.
    Everything,
}

/// The way from a failure to its cause, as far as the night went it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUp {
    /// Repeats that failed in the same half of the verdict.
    pub failed: u64,
    /// Repeats that count: neither unknown nor on a starved machine.
    pub counted: u64,
    /// All repeats.
    pub repeats: u64,
    /// The smaller plan that fails as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
}

/// The smallest plan that was found to fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shrunk {
    /// The faults of the run.
    pub faults_before: u64,
    /// The faults of the smaller plan.
    pub faults: u64,
    /// False if the time was over before nothing smaller was left to try.
    pub finished: bool,
    /// The folder of the plan, from that of the night on; `stormproof replay` takes it.
    pub directory: String,
}

/// The situations that the faults of many runs reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reached {
    /// By family, role and phase.
    pub cells: Vec<Situation>,
    /// By what faults waited for, whom they hit, and their family.
    pub moments: Vec<AtMoment>,
    /// Pairs of families that were on at once.
    pub pairs: Vec<Pair>,
}

/// Two families that were on at once.
pub type Pair = PairOfFaults;

impl Reached {
    /// Adds what a run reached.
    pub fn add(&mut self, coverage: &Coverage) {
        for new in &coverage.cells {
            let same = |it: &&mut Situation| {
                (it.family, it.role, it.phase) == (new.family, new.role, new.phase)
            };
            match self.cells.iter_mut().find(same) {
                Some(known) => known.count += new.count,
                None => self.cells.push(new.clone()),
            }
        }
        for new in &coverage.moments {
            let same = |it: &&mut AtMoment| {
                (it.trigger, it.role, it.family) == (new.trigger, new.role, new.family)
            };
            match self.moments.iter_mut().find(same) {
                Some(known) => known.count += new.count,
                None => self.moments.push(new.clone()),
            }
        }
        for new in &coverage.pairs {
            let same = |it: &&mut Pair| (it.one, it.other) == (new.one, new.other);
            match self.pairs.iter_mut().find(same) {
                Some(known) => known.count += new.count,
                None => self.pairs.push(new.clone()),
            }
        }
        // Whatever the order in which runs ended.
        self.cells.sort();
        self.moments.sort();
        self.pairs.sort();
    }

    /// Adds what the runs of another night, or of another shard, reached.
    pub fn join(&mut self, other: &Reached) {
        let Reached { cells, moments, pairs } = other.clone();
        self.add(&Coverage { cells, moments, pairs, missed: Vec::new() });
    }
}

/// A sentence about the night, or about one of its runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// The number of the run that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// The sentence.
    pub text: String,
}

impl AsRef<Night> for Night {
    fn as_ref(&self) -> &Night {
        self
    }
}

impl Night {
    /// The cell of a run.
    pub fn cell_of(&self, run: &NightRun) -> Option<&Cell> {
        self.cells.get(run.cell)
    }

    /// Sorts what came in the order of time, and sums up.
    pub fn settle(&mut self) {
        self.runs.sort_by_key(|run| run.number);
        self.remarks.sort();
        self.remarks.dedup();
        let worst = self.runs.iter().map(|run| run.verdict).max();
        self.verdict = worst.unwrap_or(Verdict::Unknown);
    }
}

#[cfg(test)]
mod tests {
    use faults::coverage::{Phase, Role};
    use faults::fault::Family;

    use super::*;

    /// A night of this form, as it may lie in a folder for years.
    const NIGHT: &str = include_str!("../../tests/saved/night.json");

    #[test]
    fn a_night_of_this_form_is_read_and_written_as_it_is() {
        let night: Night = serde_json::from_str(NIGHT).expect("it is a night");
        assert_eq!(night.schema, SCHEMA, "another form has another number, and a text of its own");
        assert_eq!(serde_json::to_string_pretty(&night).expect("plain data") + "\n", NIGHT);
        let run = &night.runs[0];
        let cell = night.cell_of(run).expect("it has a cell");
        assert_eq!(cell.name(), "etcd-3.5.1 · register · power");
    }

    #[test]
    fn what_runs_reached_is_the_same_in_whichever_order_they_ended() {
        let of = |family, role, count| Coverage {
            cells: vec![Situation { family, role, phase: Phase::Steady, count }],
            pairs: vec![Pair { one: Family::Kill, other: family, count }],
            ..Coverage::default()
        };
        let all = [
            of(Family::Power, Role::Leader, 2),
            of(Family::Kill, Role::Follower, 1),
            of(Family::Power, Role::Leader, 3),
        ];
        let mut reached = Reached::default();
        all.iter().for_each(|one| reached.add(one));
        let mut backwards = Reached::default();
        all.iter().rev().for_each(|one| backwards.add(one));
        assert_eq!(reached, backwards);
        assert_eq!((reached.cells.len(), reached.pairs.len()), (2, 2));
        assert_eq!(reached.cells.iter().map(|cell| cell.count).max(), Some(5));
        // Two halves make the whole.
        let mut joined = Reached::default();
        joined.add(&all[0]);
        let mut rest = Reached::default();
        all[1..].iter().for_each(|one| rest.add(one));
        joined.join(&rest);
        assert_eq!(joined, reached);
    }
}
