//! Wald's sequential test of a rate: run by run until enough is known.

/// A sequential probability ratio test (Wald, 1945) between "fails with at most `low`" and "fails
/// with at least `high`". Between the two it may go either way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SequentialTest {
    /// The rate at which, or below, [`Decision::High`] is wrong.
    pub low: f64,
    /// The rate at which, or above, [`Decision::Low`] is wrong.
    pub high: f64,
    /// The greatest chance that [`Decision::High`] is wrong.
    pub wrong_high: f64,
    /// The greatest chance that [`Decision::Low`] is wrong.
    pub wrong_low: f64,
}

/// The decision of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It fails more often than the low rate.
    High,
    /// It fails less often than the high rate.
    Low,
}

impl SequentialTest {
    /// The decision after these runs, by the first of them that decide; none when more are needed.
    pub fn decide(&self, failed: impl IntoIterator<Item = bool>) -> Option<Decision> {
        let if_failed = (self.high / self.low).ln();
        let if_passed = ((1.0 - self.high) / (1.0 - self.low)).ln();
        let upper = ((1.0 - self.wrong_low) / self.wrong_high).ln();
        let lower = (self.wrong_low / (1.0 - self.wrong_high)).ln();
        let mut ratio = 0.0;
        for failed in failed {
            ratio += if failed { if_failed } else { if_passed };
            if ratio >= upper {
                return Some(Decision::High);
            }
            if ratio <= lower {
                return Some(Decision::Low);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use workloads::stream;

    use super::*;

    /// The NIST/SEMATECH e-Handbook of Statistical Methods, 6.2.6: p1 = 0.01, p2 = 0.10, α = 0.05,
    /// β = 0.10, with acceptance line -0.939 + 0.0397 n and rejection line 1.205 + 0.0397 n.
    #[test]
    fn the_example_of_the_handbook_is_decided_where_it_says() {
        let test = SequentialTest { low: 0.01, high: 0.10, wrong_high: 0.05, wrong_low: 0.10 };
        let passes = |count: usize| std::iter::repeat_n(false, count);
        assert_eq!(test.decide(passes(23)), None);
        assert_eq!(test.decide(passes(24)), Some(Decision::Low));
        // Two failures reject as long as 1.205 + 0.0397 n is below two: up to the nineteenth.
        assert_eq!(test.decide([true]), None);
        assert_eq!(test.decide([true, true]), Some(Decision::High));
        assert_eq!(test.decide(passes(17).chain([true, true])), Some(Decision::High));
        assert_eq!(test.decide(passes(18).chain([true, true])), None);
        // What comes after a decision does not change it.
        assert_eq!(test.decide([true, true].into_iter().chain(passes(99))), Some(Decision::High));
    }

    #[test]
    fn it_is_wrong_no_more_often_than_it_says() {
        let test = SequentialTest { low: 0.4, high: 0.8, wrong_high: 0.05, wrong_low: 0.10 };
        let mut random = stream(1, "sequential test");
        let mut wrong = |rate: f64, wrong: Decision| {
            let tries = 20_000;
            let count = (0..tries).filter(|_| {
                let runs: Vec<bool> = (0..200).map(|_| random.random_bool(rate)).collect();
                test.decide(runs) == Some(wrong)
            });
            count.count() as f64 / f64::from(tries)
        };
        let (high, low) = (wrong(0.4, Decision::High), wrong(0.8, Decision::Low));
        assert!(high <= 0.05 && low <= 0.10, "{high} and {low}");
    }
}
