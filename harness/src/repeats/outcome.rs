//! The outcome of one of many runs, as far as the others need it.

use std::path::{Path, PathBuf};

use checker::verdict::Verdict;
use clap::ValueEnum;
use results::conclusion::Conclusion;
use results::run_directory::RunDirectory;
use results::summary::{EarlyEnd, STARVED, Summary};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunOutcome {
    /// The verdict as a whole.
    pub verdict: Verdict,
    /// Its half about the history.
    pub safety: Verdict,
    /// Its half about the end.
    pub liveness: Verdict,
    /// The part about its availability; none where nothing was promised of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Verdict>,
    /// True if the control probe was late: this machine had no time for the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starved: bool,
    /// True if the run was interrupted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The failure of the harness, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The verdict in a sentence.
    pub sentence: String,
    /// The time that the whole run took.
    pub seconds: f64,
    /// The families of faults that this machine or the target could not have, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<(String, String)>,
    /// When it began, in UTC, as RFC 3339; none if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The target with its version; none if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its directory, if it made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<PathBuf>,
}

/// The most letters of a sentence on a line.
const SHOWN: usize = 120;

/// The failure that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Failing {
    /// A history without a legal order.
    Safety,
    /// A healed cluster that does not serve.
    Liveness,
    /// A promise of availability that was broken.
    Availability,
    /// Any of them.
    Either,
}

/// The part of a run in the count of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// It failed.
    Failed,
    /// It did not.
    Passed,
    /// It says nothing about the rate.
    Not(Reason),
}

/// The reason for which a run counts neither way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Its verdict is Unknown.
    Unknown,
    /// This machine was starved.
    Starved,
    /// The harness failed.
    Harness,
    /// It was interrupted.
    Interrupted,
}

impl RunOutcome {
    /// Reads the run that stands in `folder`, which took so many `seconds`. One without a verdict is
    /// a failure of the harness, told by the last line that it printed.
    pub fn read(folder: &Path, log: &Path, seconds: f64) -> RunOutcome {
        let latest = RunDirectory::open(&folder.join("latest"));
        let run = latest.as_ref().ok().map(|run| run.path().to_owned());
        let summary = latest.and_then(|run| run.summary());
        match summary {
            Ok(Some(summary)) => RunOutcome::of(&summary, seconds, run),
            Ok(None) | Err(_) => {
                let lines = results::node_logs::last_lines(log);
                let said = lines.iter().rev().find(|line| line.contains("stormproof: "));
                let said =
                    said.or(lines.last()).map(|line| line.trim_start_matches("stormproof: "));
                let failure = said.unwrap_or("it ended without a word").to_owned();
                RunOutcome {
                    verdict: Verdict::Unknown,
                    safety: Verdict::Unknown,
                    liveness: Verdict::Unknown,
                    availability: None,
                    starved: false,
                    interrupted: false,
                    sentence: failure.clone(),
                    failure: Some(failure),
                    seconds,
                    left_out: Vec::new(),
                    started: None,
                    target: None,
                    run,
                }
            }
        }
    }

    /// The outcome that a summary tells of.
    pub fn of(summary: &Summary, seconds: f64, run: Option<PathBuf>) -> RunOutcome {
        let interrupt = |cause| matches!(cause, EarlyEnd::Interrupt | EarlyEnd::Kill);
        RunOutcome {
            verdict: summary.verdict,
            safety: summary.safety.verdict,
            liveness: summary.liveness.verdict,
            availability: summary.availability.as_ref().and_then(|it| it.verdict),
            starved: summary.liveness.probe_lateness_seconds > STARVED.as_secs_f64(),
            interrupted: summary.ended_early.as_ref().is_some_and(|ended| interrupt(ended.cause)),
            failure: summary.failure.clone(),
            sentence: summary.sentence.clone(),
            seconds,
            left_out: summary.run.skipped.clone(),
            started: Some(summary.run.started.clone()),
            target: Some(format!("{} {}", summary.run.target, summary.run.target_version)),
            run,
        }
    }

    /// The failure that it showed; none if it did not fail.
    pub fn failing(&self) -> Option<Failing> {
        let invalid = |verdict| verdict == Verdict::Invalid;
        match (self.safety, self.liveness, self.availability) {
            (safety, _, _) if invalid(safety) => Some(Failing::Safety),
            (_, liveness, _) if invalid(liveness) => Some(Failing::Liveness),
            (_, _, Some(availability)) if invalid(availability) => Some(Failing::Availability),
            _ => None,
        }
    }

    /// Its part in the count of such failures. A starved run is left out, also one that failed: to
    /// count only failures of them would raise the rate.
    pub fn counted(&self, failing: Failing) -> Counted {
        let verdict = match failing {
            Failing::Safety => self.safety,
            Failing::Liveness => self.liveness,
            Failing::Availability => self.availability.unwrap_or(Verdict::Valid),
            Failing::Either => self.verdict,
        };
        match verdict {
            _ if self.starved => Counted::Not(Reason::Starved),
            Verdict::Invalid => Counted::Failed,
            _ if self.interrupted => Counted::Not(Reason::Interrupted),
            _ if self.failure.is_some() => Counted::Not(Reason::Harness),
            Verdict::Valid => Counted::Passed,
            Verdict::Unknown => Counted::Not(Reason::Unknown),
        }
    }

    /// The sentence as far as it fits on a line.
    pub fn first_clause(&self) -> String {
        let clause = self.sentence.split(';').next().unwrap_or_default();
        match clause.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &clause[..end]),
            None => clause.to_owned(),
        }
    }

    /// The exit code of a command that was this run alone.
    pub fn exit(&self) -> Exit {
        Conclusion::of(self.verdict, self.safety, self.failure.is_some()).into()
    }
}

impl Failing {
    /// The failure that a run showed; none if it did not fail.
    pub fn of(summary: &Summary) -> Option<Failing> {
        RunOutcome::of(summary, 0.0, None).failing()
    }

    /// The failure in words.
    pub fn words(self) -> &'static str {
        match self {
            Failing::Safety => "safety",
            Failing::Liveness => "liveness",
            Failing::Availability => "availability",
            Failing::Either => "safety or liveness",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run that ended like this.
    pub(crate) fn outcome(safety: Verdict, liveness: Verdict) -> RunOutcome {
        RunOutcome {
            verdict: safety.max(liveness),
            safety,
            liveness,
            availability: None,
            starved: false,
            interrupted: false,
            failure: None,
            sentence: "a sentence".to_owned(),
            seconds: 10.0,
            left_out: Vec::new(),
            started: None,
            target: None,
            run: None,
        }
    }

    #[test]
    fn a_run_counts_by_the_failure_that_is_looked_for() {
        use Verdict::{Invalid, Unknown, Valid};
        let check = |outcome: &RunOutcome, expect: [Counted; 3]| {
            let kinds = [Failing::Safety, Failing::Liveness, Failing::Either];
            assert_eq!(kinds.map(|kind| outcome.counted(kind)), expect);
        };
        let (failed, passed) = (Counted::Failed, Counted::Passed);
        let not = Counted::Not;
        check(&outcome(Valid, Valid), [passed, passed, passed]);
        check(&outcome(Invalid, Valid), [failed, passed, failed]);
        check(&outcome(Valid, Invalid), [passed, failed, failed]);
        check(&outcome(Unknown, Valid), [not(Reason::Unknown), passed, not(Reason::Unknown)]);
        let starved = RunOutcome { starved: true, ..outcome(Invalid, Valid) };
        check(&starved, [not(Reason::Starved); 3]);
        let cut = RunOutcome { interrupted: true, ..outcome(Valid, Valid) };
        check(&cut, [not(Reason::Interrupted); 3]);
        let slow =
            RunOutcome { verdict: Invalid, availability: Some(Invalid), ..outcome(Valid, Valid) };
        check(&slow, [passed, passed, failed]);
        assert_eq!(slow.failing(), Some(Failing::Availability));
        assert_eq!(slow.counted(Failing::Availability), failed);
        let broken = RunOutcome { failure: Some("no".to_owned()), ..outcome(Invalid, Unknown) };
        check(&broken, [failed, not(Reason::Harness), failed]);
        assert_eq!(broken.exit(), Exit::Invalid);
        let broken = RunOutcome { failure: Some("no".to_owned()), ..outcome(Unknown, Unknown) };
        assert_eq!(broken.exit(), Exit::HarnessFailure);
    }
}
