//! The one word to which a run comes.

use checker::verdict::Verdict;

/// The conclusion about a run. The later weighs more: of several runs, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Conclusion {
    /// The service kept its promises.
    Valid,
    /// Nothing is known; this is no pass.
    Unknown,
    /// The harness failed, and what it had recorded by then proves nothing.
    HarnessFailure,
    /// The service broke a promise.
    Invalid,
}

impl Conclusion {
    /// The conclusion about a run with this verdict, of which `safety` is the half about the history.
    /// Where the harness failed, only that half still proves something.
    pub fn of(verdict: Verdict, safety: Verdict, harness_failed: bool) -> Conclusion {
        match (harness_failed, verdict) {
            (true, _) if safety != Verdict::Invalid => Conclusion::HarnessFailure,
            (true, _) | (false, Verdict::Invalid) => Conclusion::Invalid,
            (false, Verdict::Unknown) => Conclusion::Unknown,
            (false, Verdict::Valid) => Conclusion::Valid,
        }
    }

    /// The conclusion about several runs; Unknown of none.
    pub fn of_all(runs: impl IntoIterator<Item = Conclusion>) -> Conclusion {
        runs.into_iter().max().unwrap_or(Conclusion::Unknown)
    }

    /// The word for it, as in `INVALID`.
    pub fn word(self) -> &'static str {
        match self {
            Conclusion::Valid => "valid",
            Conclusion::Unknown => "unknown",
            Conclusion::HarnessFailure => "harness failure",
            Conclusion::Invalid => "invalid",
        }
    }
}

#[cfg(test)]
mod tests {
    use Verdict::{Invalid, Unknown, Valid};

    use super::*;

    #[test]
    fn a_failure_of_the_harness_leaves_only_what_the_history_proves() {
        for (verdict, safety, failed, expect) in [
            (Valid, Valid, false, Conclusion::Valid),
            (Unknown, Valid, false, Conclusion::Unknown),
            (Invalid, Valid, false, Conclusion::Invalid),
            (Invalid, Invalid, false, Conclusion::Invalid),
            (Invalid, Invalid, true, Conclusion::Invalid),
            (Invalid, Valid, true, Conclusion::HarnessFailure),
            (Unknown, Unknown, true, Conclusion::HarnessFailure),
            (Valid, Valid, true, Conclusion::HarnessFailure),
        ] {
            assert_eq!(Conclusion::of(verdict, safety, failed), expect, "{verdict:?} {safety:?}");
        }
    }

    #[test]
    fn of_several_runs_invalid_beats_a_failed_harness_beats_unknown_beats_valid() {
        let mut all = vec![Conclusion::Valid];
        for worse in [Conclusion::Unknown, Conclusion::HarnessFailure, Conclusion::Invalid] {
            all.insert(0, worse);
            assert_eq!(Conclusion::of_all(all.iter().copied()), worse);
            assert_eq!(Conclusion::of_all(all.iter().rev().copied()), worse);
        }
        assert_eq!(Conclusion::of_all([]), Conclusion::Unknown);
    }
}
