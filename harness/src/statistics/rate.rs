//! A rate of failures, with the interval in which the true one lies.

use std::fmt;

use super::beta::quantile;

/// The confidence of every interval.
const CONFIDENCE: f64 = 0.95;

/// So many failures in so many runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The runs that failed.
    pub failed: u64,
    /// All runs.
    pub runs: u64,
}

impl Rate {
    /// The share that failed; none of no runs.
    pub fn share(self) -> Option<f64> {
        (self.runs > 0).then(|| self.failed as f64 / self.runs as f64)
    }

    /// The interval of Clopper and Pearson (1934): it holds the true rate at least 95 times in 100,
    /// also of few runs, where shorter intervals promise too much.
    pub fn interval(self) -> (f64, f64) {
        let tail = (1.0 - CONFIDENCE) / 2.0;
        let (failed, passed) = (self.failed as f64, (self.runs - self.failed) as f64);
        let low = match self.failed {
            0 => 0.0,
            _ => quantile(failed, passed + 1.0, tail),
        };
        let high = match self.runs - self.failed {
            0 => 1.0,
            _ => quantile(failed + 1.0, passed, 1.0 - tail),
        };
        (low, high)
    }

    /// The interval in whole percent, rounded outwards, so that it is never shorter than it is.
    pub fn percents(self) -> (f64, f64) {
        let (low, high) = self.interval();
        ((100.0 * low).floor(), (100.0 * high).ceil())
    }
}

/// `17 of 19 (89 %; 67 % to 99 % at 95 % confidence)`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.failed, self.runs)?;
        let Some(share) = self.share() else { return Ok(()) };
        let (low, high) = self.percents();
        let (share, sure) = (100.0 * share, 100.0 * CONFIDENCE);
        write!(f, " ({share:.0} %; {low} % to {high} % at {sure} % confidence)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_textbooks() {
        let check = |failed, runs, expect: (f64, f64)| {
            let (low, high) = Rate { failed, runs }.interval();
            let close = (low - expect.0).abs() < 5e-8 && (high - expect.1).abs() < 5e-8;
            assert!(close, "{failed} of {runs}: {low} to {high}");
        };
        // R's own example of `binom.test`, after Conover (1971): Mendel's giant and dwarf peas.
        check(682, 925, (0.707_668_3, 0.765_406_6));
        // By hand: one minus the tenth root of 0.025.
        check(0, 10, (0.0, 0.308_497_1));
        check(10, 10, (0.691_502_9, 1.0));
        check(1, 10, (0.002_528_58, 0.445_016_12));
        check(5, 10, (0.187_086_03, 0.812_913_97));
        check(7, 10, (0.347_547_15, 0.933_260_49));
    }

    #[test]
    fn a_rate_is_said_with_its_interval() {
        assert_eq!(
            Rate { failed: 7, runs: 10 }.to_string(),
            "7 of 10 (70 %; 34 % to 94 % at 95 % confidence)"
        );
        assert_eq!(Rate::default().to_string(), "0 of 0");
        assert_eq!(
            Rate { failed: 3, runs: 3 }.to_string(),
            "3 of 3 (100 %; 29 % to 100 % at 95 % confidence)"
        );
    }
}
