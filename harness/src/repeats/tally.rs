//! The count of runs of one plan, and what it says.

use std::collections::BTreeMap;

use checker::verdict::Verdict;
use results::words::counted;

use super::outcome::{Counted, Failing, Reason, RunOutcome};
use crate::exit::Exit;
use crate::statistics::Rate;

/// The runs of one plan, by the order in which they were begun.
///
/// A run that fails mostly ends sooner than one that does not. With several at a time, those that
/// ended first are therefore no fair sample: a rate is that of all up to the first that still goes
/// on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    runs: BTreeMap<u64, RunOutcome>,
}

impl Tally {
    /// Takes in the run of this number, counted from 0.
    pub fn take(&mut self, number: u64, outcome: RunOutcome) {
        self.runs.insert(number, outcome);
    }

    /// All runs that ended.
    pub fn all(&self) -> impl Iterator<Item = (u64, &RunOutcome)> {
        self.runs.iter().map(|(number, outcome)| (*number, outcome))
    }

    /// Those before the first that did not end.
    pub fn in_order(&self) -> impl Iterator<Item = &RunOutcome> {
        (0..).map_while(|number| self.runs.get(&number))
    }

    /// The number of the first that is not known, but for those `running`.
    pub fn next_number(&self, running: &[u64]) -> u64 {
        let free = |number: &u64| !self.runs.contains_key(number) && !running.contains(number);
        (0..).find(free).unwrap_or_default()
    }

    /// Failure or not of each that counts, in order.
    pub fn failures(&self, failing: Failing) -> Vec<bool> {
        let counted = self.in_order().map(|outcome| outcome.counted(failing));
        let failed = |counted| match counted {
            Counted::Failed => Some(true),
            Counted::Passed => Some(false),
            Counted::Not(_) => None,
        };
        counted.filter_map(failed).collect()
    }

    /// The rate of such failures.
    pub fn rate(&self, failing: Failing) -> Rate {
        let failures = self.failures(failing);
        let failed = failures.iter().filter(|failed| **failed).count() as u64;
        Rate { failed, runs: failures.len() as u64 }
    }

    /// The number of those in order that count neither way.
    pub fn uncounted(&self, failing: Failing) -> usize {
        self.in_order().count() - self.failures(failing).len()
    }

    /// The exit code of them all.
    pub fn exit(&self) -> Exit {
        self.runs.values().map(RunOutcome::exit).fold(Exit::Valid, Exit::or_worse)
    }

    /// Everything that they say, for a person.
    pub fn text(&self) -> String {
        let rate = self.rate(Failing::Either);
        let mut lines = vec![match rate.runs {
            0 => "no run counts".to_owned(),
            _ => format!("failed {rate}"),
        }];
        let of = |failing| {
            let failed = |it: &&RunOutcome| it.counted(failing) == Counted::Failed;
            let both = |it: &&RunOutcome| it.counted(Failing::Either) == Counted::Failed;
            self.in_order().filter(both).filter(failed).count()
        };
        if rate.failed > 0 {
            lines.push(format!(
                "  by safety {}, by liveness {}",
                of(Failing::Safety),
                of(Failing::Liveness)
            ));
        }
        let mut reasons: BTreeMap<Reason, Vec<&RunOutcome>> = BTreeMap::new();
        for outcome in self.in_order() {
            if let Counted::Not(reason) = outcome.counted(Failing::Either) {
                reasons.entry(reason).or_default().push(outcome);
            }
        }
        for (reason, runs) in reasons {
            let why = match reason {
                Reason::Unknown => "unknown",
                Reason::Starved => "on a machine without time for it",
                Reason::Harness => "in which the harness failed",
                Reason::Interrupted => "interrupted",
            };
            let failed = runs.iter().filter(|run| run.verdict == Verdict::Invalid).count();
            let failed = if failed > 0 { format!(" ({failed} failed)") } else { String::new() };
            let count = counted(runs.len() as u64, "run");
            lines.push(format!("  not counted: {count} {why}{failed}: {}", runs[0].first_clause()));
        }
        let late = self.runs.len() - self.in_order().count();
        if late > 0 {
            let failed = self.runs.values().skip(self.in_order().count());
            let failed = failed.filter(|it| it.counted(Failing::Either) == Counted::Failed).count();
            lines.push(format!(
                "  not counted: {} that overtook one that did not end ({failed} failed)",
                counted(late as u64, "run")
            ));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use Verdict::{Invalid, Unknown, Valid};

    use super::super::outcome::tests::outcome;
    use super::*;

    fn tally(runs: impl IntoIterator<Item = (u64, RunOutcome)>) -> Tally {
        let mut tally = Tally::default();
        runs.into_iter().for_each(|(number, outcome)| tally.take(number, outcome));
        tally
    }

    #[test]
    fn failures_are_told_apart_and_what_does_not_count_is_said() {
        let starved = RunOutcome { starved: true, ..outcome(Invalid, Valid) };
        let broken = RunOutcome { failure: Some("no".to_owned()), ..outcome(Unknown, Unknown) };
        let runs = tally([
            (0, outcome(Invalid, Valid)),
            (1, outcome(Valid, Invalid)),
            (2, outcome(Valid, Valid)),
            (3, outcome(Unknown, Valid)),
            (4, starved),
            (5, broken),
            (7, outcome(Invalid, Valid)),
        ]);
        assert_eq!(
            runs.text(),
            "failed 2 of 3 (67 %; 20 % to 94 % at 95 % confidence)\n  \
             by safety 1, by liveness 1\n  \
             not counted: 1 run unknown: a sentence\n  \
             not counted: 1 run on a machine without time for it (1 failed): a sentence\n  \
             not counted: 1 run in which the harness failed: a sentence\n  \
             not counted: 1 run that overtook one that did not end (1 failed)"
        );
        assert_eq!(runs.uncounted(Failing::Either), 3);
        assert_eq!((runs.next_number(&[]), runs.next_number(&[6, 8])), (6, 9));
        assert_eq!(runs.exit(), Exit::Invalid);
        assert_eq!(Tally::default().text(), "no run counts");
    }

    #[test]
    fn one_beats_three_beats_two_beats_nothing() {
        let broken = RunOutcome { failure: Some("no".to_owned()), ..outcome(Unknown, Unknown) };
        let check = |runs: &[&RunOutcome], expect: Exit| {
            let runs = (0..).zip(runs.iter().map(|run| (*run).clone()));
            assert_eq!(tally(runs).exit(), expect);
        };
        let (valid, unknown) = (outcome(Valid, Valid), outcome(Unknown, Valid));
        let invalid = outcome(Invalid, Valid);
        check(&[&valid, &valid], Exit::Valid);
        check(&[&valid, &unknown], Exit::Unknown);
        check(&[&unknown, &broken], Exit::HarnessFailure);
        check(&[&broken, &invalid, &unknown], Exit::Invalid);
    }
}
