//! A rate of failures, with the interval in which the true one lies.

use std::fmt;

use super::beta::quantile;

/// The confidence of every interval.
const CONFIDENCE: f64 = 0.95;

/// The normal quantile of an interval of that confidence.
pub(super) const Z: f64 = 1.959_963_984_540_054;

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

    /// Wilson's interval (1927), which is near 95 % also of few runs, and where the rate is 0 or 1. It
    /// is the interval of every rate that is shown, and those of differences are made of it.
    pub fn interval(self) -> (f64, f64) {
        if self.runs == 0 {
            return (0.0, 1.0);
        }
        let (n, z2) = (self.runs as f64, Z * Z);
        let p = self.failed as f64 / n;
        let middle = p + z2 / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z2 / n;
        (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
    }

    /// The rate that the true one is at most, by Clopper and Pearson (1934): such a bound is wrong at
    /// most once in 20 times, which Wilson's would be more often where hardly a run failed. For
    /// promises, such as that of false alarms.
    pub fn at_most(self) -> f64 {
        match self.runs - self.failed {
            0 => 1.0,
            passed => quantile(self.failed as f64 + 1.0, passed as f64, CONFIDENCE),
        }
    }

    /// The interval in whole percent, rounded outwards, so that it is never shorter than it is.
    pub fn percents(self) -> (f64, f64) {
        let (low, high) = self.interval();
        ((100.0 * low).floor(), (100.0 * high).ceil())
    }
}

/// `17 of 19 (89 %; 68 % to 98 % at 95 % confidence)`.
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
            let close = (low - expect.0).abs() < 5.1e-5 && (high - expect.1).abs() < 5.1e-5;
            assert!(close, "{failed} of {runs}: {low} to {high}");
        };
        // Table I of Newcombe, Statistics in Medicine 17 (1998), 857–872, method 3.
        check(81, 263, (0.2553, 0.3662));
        check(15, 148, (0.0624, 0.1605));
        check(0, 20, (0.0, 0.1611));
        check(1, 29, (0.0061, 0.1718));
        assert_eq!(Rate::default().interval(), (0.0, 1.0));
    }

    #[test]
    fn a_bound_is_exact() {
        let check = |failed, runs, expect: f64| {
            let bound = Rate { failed, runs }.at_most();
            assert!((bound - expect).abs() < 5e-8, "{failed} of {runs}: {bound}");
        };
        // By hand: one minus the root of 0.05; Hanley and Lippman-Hand's three in three hundred.
        check(0, 10, 1.0 - 0.05_f64.powf(0.1));
        check(0, 300, 1.0 - 0.05_f64.powf(1.0 / 300.0));
        check(9, 10, 0.95_f64.powf(0.1));
        check(10, 10, 1.0);
        // By chance alone, `failed` or fewer come in one of twenty times at the bound.
        let bound = Rate { failed: 1, runs: 10 }.at_most();
        let chance = (1.0 - bound).powi(10) + 10.0 * bound * (1.0 - bound).powi(9);
        assert!((chance - 0.05).abs() < 1e-9, "{chance}");
    }

    #[test]
    fn a_rate_is_said_with_its_interval() {
        assert_eq!(
            Rate { failed: 7, runs: 10 }.to_string(),
            "7 of 10 (70 %; 39 % to 90 % at 95 % confidence)"
        );
        assert_eq!(Rate::default().to_string(), "0 of 0");
        assert_eq!(
            Rate { failed: 3, runs: 3 }.to_string(),
            "3 of 3 (100 %; 43 % to 100 % at 95 % confidence)"
        );
    }
}
