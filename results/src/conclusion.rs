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

/// A part of a verdict that can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The history has no legal order, or a promise about it was broken.
    Safety,
    /// The healed cluster did not serve.
    Liveness,
    /// A promise about the service under faults was broken.
    Availability,
    /// The harness failed.
    Harness,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 4] = [Part::Safety, Part::Liveness, Part::Availability, Part::Harness];

    /// The part that failed of a run with these verdicts, of which `availability` is none where
    /// nothing was promised of it. Of several the first counts.
    pub fn failed(
        verdict: Verdict,
        safety: Verdict,
        liveness: Verdict,
        availability: Option<Verdict>,
        harness_failed: bool,
    ) -> Option<Part> {
        let is = |verdict| verdict == Verdict::Invalid;
        match Conclusion::of(verdict, safety, harness_failed) {
            Conclusion::Valid | Conclusion::Unknown => None,
            Conclusion::HarnessFailure => Some(Part::Harness),
            Conclusion::Invalid if is(safety) => Some(Part::Safety),
            Conclusion::Invalid if is(liveness) => Some(Part::Liveness),
            Conclusion::Invalid if availability.is_some_and(is) => Some(Part::Availability),
            // All else that a verdict may be made of is a promise as well.
            Conclusion::Invalid => Some(Part::Safety),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Part::Safety => "safety",
            Part::Liveness => "liveness",
            Part::Availability => "availability",
            Part::Harness => "harness",
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
    #[test]
    fn the_first_part_that_failed_counts() {
        for (safety, liveness, availability, harness_failed, expect) in [
            (Invalid, Invalid, Some(Invalid), true, Some(Part::Safety)),
            (Valid, Invalid, Some(Invalid), false, Some(Part::Liveness)),
            (Valid, Valid, Some(Invalid), false, Some(Part::Availability)),
            (Valid, Valid, Some(Invalid), true, Some(Part::Harness)),
            (Valid, Unknown, Some(Unknown), false, None),
            (Valid, Valid, None, false, None),
        ] {
            let verdict = safety.max(liveness).max(availability.unwrap_or(Valid));
            let failed = Part::failed(verdict, safety, liveness, availability, harness_failed);
            assert_eq!(failed, expect, "{safety:?} {liveness:?} {availability:?}");
        }
    }
}
