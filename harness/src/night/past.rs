//! The knowledge of earlier nights: what failed lately, how long runs took, what was covered.

use std::collections::BTreeMap;

use checker::verdict::Verdict;
use results::night::{Night, Reached};
use serde::{Deserialize, Serialize};

/// The nights before this one, as far as it learns from them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    /// The number of nights.
    pub nights: u64,
    /// By the name of a cell.
    pub cells: BTreeMap<String, PastCell>,
    /// The situations that were reached, by the name of the target.
    pub reached: BTreeMap<String, Reached>,
}

/// A cell in earlier nights.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastCell {
    /// Its runs.
    pub runs: u64,
    /// The time that all of them took, in seconds.
    pub seconds: f64,
    /// The nights in which it failed, counted back: 1 for the last one.
    pub failed: Vec<u64>,
}

/// The most nights that are looked back.
const NIGHTS: usize = 30;

/// The weight of a cell that failed in the night before, beside one that did not. It is halved with
/// every night since.
const FAILED: f64 = 3.0;

/// The weight of a cell that was never run, beside one that was.
const NEVER_RUN: f64 = 2.0;

/// The time that a run takes beside its load, where none was measured: start, recovery, judgement.
const BESIDE_LOAD: f64 = 12.0;

/// The last `most` of some nights, from the oldest to the newest, each with its parts: shards of one
/// night, or the night that they were merged to, are one.
pub(crate) fn whole_nights<N: AsRef<Night> + Copy>(
    nights: impl Iterator<Item = N>,
    most: usize,
) -> Vec<Vec<N>> {
    let mut whole: Vec<Vec<N>> = Vec::new();
    for night in nights {
        match whole.iter_mut().find(|parts| parts[0].as_ref().digest == night.as_ref().digest) {
            Some(parts) => parts.push(night),
            None => whole.push(vec![night]),
        }
    }
    let mut whole = whole.split_off(whole.len().saturating_sub(most));
    for parts in &mut whole {
        if let Some(merged) = parts.iter().find(|night| night.as_ref().shard.is_none()) {
            *parts = vec![*merged];
        }
    }
    whole
}

impl Past {
    /// All that follows from nights of one plan, from the oldest to the newest. Shards of one night,
    /// and the night that they were merged to, are one.
    pub fn of(nights: &[Night]) -> Past {
        let whole = whole_nights(nights.iter(), NIGHTS);
        let mut past = Past { nights: whole.len() as u64, ..Past::default() };
        for (parts, ago) in whole.iter().rev().zip(1..) {
            for night in parts {
                past.take(night, ago);
            }
        }
        past
    }

    fn take(&mut self, night: &Night, ago: u64) {
        for run in &night.runs {
            let Some(cell) = night.cell_of(run) else { continue };
            let known = self.cells.entry(cell.name()).or_default();
            known.runs += 1;
            known.seconds += run.seconds;
            if run.verdict == Verdict::Invalid && !run.starved && known.failed.last() != Some(&ago)
            {
                known.failed.push(ago);
            }
        }
        for (target, reached) in &night.reached {
            self.reached.entry(target.clone()).or_default().join(reached);
        }
    }

    /// The weight of a cell beside one that was run and did not fail, with the reason for it.
    pub fn weight(&self, cell: &str) -> (f64, Option<String>) {
        let known = self.cells.get(cell).filter(|known| known.runs > 0);
        let Some(known) = known else {
            // In the first night all are new, and none is newer than the others.
            return match self.nights {
                0 => (1.0, None),
                _ => (NEVER_RUN, Some("it was never run".to_owned())),
            };
        };
        let halved = |ago: &u64| 0.5_f64.powi((*ago - 1).min(60) as i32);
        let weight = 1.0 + FAILED * known.failed.iter().map(halved).sum::<f64>().min(1.0);
        let because = known.failed.first().map(|ago| match ago {
            1 => "it failed in the night before".to_owned(),
            ago => format!("it failed {ago} nights before"),
        });
        (weight, because)
    }

    /// The time that a run of a cell takes, in seconds, as it did before.
    pub fn expected_seconds(&self, cell: &str, load: f64) -> f64 {
        match self.cells.get(cell) {
            Some(known) if known.runs > 0 => known.seconds / known.runs as f64,
            _ => load + BESIDE_LOAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use results::night::{Cell, Kept, NightRun, SCHEMA, Shard, State};

    use super::*;

    fn run(number: u64, cell: usize, verdict: Verdict) -> NightRun {
        NightRun {
            number,
            cell,
            seed: number,
            verdict,
            safety: verdict,
            liveness: Verdict::Valid,
            availability: None,
            starved: false,
            contradiction: None,
            failure: None,
            sentence: String::new(),
            target_version: None,
            started: None,
            seconds: 40.0 + number as f64,
            recovery_seconds: None,
            degree: None,
            latency: None,
            probe_lateness_seconds: None,
            command: None,
            directory: None,
            kept: Kept::Nothing,
            follow_up: None,
        }
    }

    /// A night of the cells a and b.
    fn night(digest: &str, shard: Option<Shard>, runs: &[(usize, Verdict)]) -> Night {
        let cells = ["a", "b"].map(|target| Cell {
            target: target.to_owned(),
            workload: "set".to_owned(),
            profile: "nightly".to_owned(),
            weight: 1.0,
            because: None,
            expected_seconds: 40.0,
        });
        let runs = (0..).zip(runs).map(|(number, (cell, verdict))| run(number, *cell, *verdict));
        Night {
            schema: SCHEMA,
            id: digest.to_owned(),
            name: "test".to_owned(),
            seed: 1,
            shard,
            digest: digest.to_owned(),
            budget_seconds: None,
            most_runs: None,
            state: State::Ended,
            ended: None,
            started: String::new(),
            seconds: 0.0,
            verdict: Verdict::Valid,
            environment: BTreeMap::new(),
            cells: cells.into(),
            runs: runs.collect(),
            reached: BTreeMap::new(),
            recoveries: Vec::new(),
            comparison: None,
            remarks: Vec::new(),
        }
    }

    const A: &str = "a · set · nightly";
    const B: &str = "b · set · nightly";

    #[test]
    fn what_failed_lately_weighs_more_and_what_failed_long_ago_hardly() {
        use Verdict::{Invalid, Valid};
        let failed = || night("1", None, &[(0, Invalid), (0, Invalid), (1, Valid)]);
        let passed = |digest: &str| night(digest, None, &[(0, Valid), (1, Valid)]);
        let weight = |nights: &[Night]| Past::of(nights).weight(A).0;
        assert_eq!(weight(&[failed()]), 4.0);
        assert_eq!(weight(&[failed(), passed("2")]), 2.5);
        assert_eq!(weight(&[failed(), passed("2"), passed("3")]), 1.75);
        assert_eq!(weight(&[passed("2"), failed()]), 4.0);
        let past = Past::of(&[failed(), passed("2")]);
        assert_eq!(past.weight(B), (1.0, None));
        assert_eq!(past.weight(A).1.as_deref(), Some("it failed 2 nights before"));
        assert_eq!(past.weight("c").0, 2.0, "it was never run");
        assert_eq!(Past::default().weight("c").0, 1.0, "in the first night none was");
    }

    #[test]
    fn a_run_takes_as_long_as_it_took() {
        let past = Past::of(&[night("1", None, &[(0, Verdict::Valid), (0, Verdict::Valid)])]);
        assert_eq!(past.expected_seconds(A, 30.0), 40.5);
        assert_eq!(past.expected_seconds(B, 30.0), 42.0);
    }

    #[test]
    fn shards_and_what_they_were_merged_to_are_one_night() {
        use Verdict::{Invalid, Valid};
        let shard = |index| Some(Shard { index, of: 2 });
        let parts = [night("1", shard(1), &[(0, Invalid)]), night("1", shard(2), &[(1, Valid)])];
        let whole = night("1", None, &[(0, Invalid), (1, Valid)]);
        let of_parts = Past::of(&parts);
        assert_eq!((of_parts.nights, of_parts.cells[A].runs, of_parts.cells[B].runs), (1, 1, 1));
        let all = Past::of(&[parts[0].clone(), whole, parts[1].clone()]);
        assert_eq!((all.nights, all.cells[A].runs, all.cells[B].runs), (1, 1, 1));
        assert_eq!(all.cells[A].failed, [1]);
    }
}
