//! The outcome of runs and nights, in sentences and in a number.

use results::conclusion::Conclusion;
use results::night::{Night, NightRun, State};
use results::words;

use crate::exit::Exit;
use crate::repeats::RunOutcome;

/// `INVALID after 14.2 s: process 7 read nothing from k11 at 3.842 s`.
pub(super) fn came_to(outcome: &RunOutcome) -> String {
    let verdict = words::verdict(outcome.verdict).to_uppercase();
    let starved = if outcome.starved { " (this machine was starved)" } else { "" };
    format!("{verdict}{starved} after {:.1} s: {}", outcome.seconds, outcome.first_clause())
}

/// The exit code of a night: that of its worst run, where 1 beats 3 beats 2 beats 0; and 2 at best
/// where runs are missing, such as those of a shard.
pub(crate) fn exit_of(night: &Night) -> Exit {
    let missing = (night.state != State::Ended).then_some(Conclusion::Unknown);
    Conclusion::of_all(night.runs.iter().map(NightRun::conclusion).chain(missing)).into()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict::{self, Invalid, Unknown, Valid};

    use super::*;

    /// The exit code of a night whose runs came to this, each with a failure of the harness or not.
    fn exit(state: State, runs: &[(Verdict, bool)]) -> Exit {
        let text = include_str!("../../../results/tests/saved/night.json");
        let mut night: Night = serde_json::from_str(text).expect("it is a night");
        let sample = night.runs[0].clone();
        let of = |(verdict, failed): &(Verdict, bool)| NightRun {
            verdict: *verdict,
            safety: *verdict,
            failure: failed.then(|| "no room".to_owned()),
            ..sample.clone()
        };
        (night.state, night.runs) = (state, runs.iter().map(of).collect());
        exit_of(&night)
    }

    #[test]
    fn one_beats_three_beats_two_beats_nothing_and_what_is_missing_is_no_pass() {
        let all = [(Invalid, false), (Unknown, true), (Unknown, false), (Valid, false)];
        let worst = [Exit::Invalid, Exit::HarnessFailure, Exit::Unknown, Exit::Valid];
        for (from, expect) in worst.into_iter().enumerate() {
            assert_eq!(exit(State::Ended, &all[from..]), expect);
        }
        assert_eq!(exit(State::Ended, &[]), Exit::Unknown);
        assert_eq!(exit(State::Interrupted, &all[3..]), Exit::Unknown);
        assert_eq!(exit(State::Interrupted, &all), Exit::Invalid);
    }
}
