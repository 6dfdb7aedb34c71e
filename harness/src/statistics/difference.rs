//! The difference between two rates, with its interval.

use super::Rate;

/// The rate of one group less that of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Difference {
    /// The difference of the shares.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// The difference `one - other` with the interval of Newcombe (1998, method 10), which is made of
/// the two rates' own intervals by Wilson and does well also of few runs, and where a rate is 0 or 1.
/// None where a group is empty.
pub(crate) fn difference(one: Rate, other: Rate) -> Option<Difference> {
    let (p1, p2) = (one.share()?, other.share()?);
    let ((l1, u1), (l2, u2)) = (one.interval(), other.interval());
    let value = p1 - p2;
    Some(Difference {
        value,
        low: value - (p1 - l1).hypot(u2 - p2),
        high: value + (u1 - p1).hypot(p2 - l2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table II of Newcombe, Statistics in Medicine 17 (1998), 873–890, method 10.
    #[test]
    fn intervals_are_those_of_newcombe_s_table() {
        let check = |one: (u64, u64), other: (u64, u64), expect: (f64, f64, f64)| {
            let rate = |(failed, runs)| Rate { failed, runs };
            let found = difference(rate(one), rate(other)).expect("both have runs");
            let close = |a: f64, b: f64| (a - b).abs() < 5.1e-5;
            assert!(close(found.value, expect.0), "{found:?}");
            assert!(close(found.low, expect.1) && close(found.high, expect.2), "{found:?}");
        };
        check((56, 70), (48, 80), (0.2, 0.0524, 0.3339));
        check((9, 10), (3, 10), (0.6, 0.1705, 0.8090));
        check((6, 7), (2, 7), (0.5714, 0.0582, 0.8062));
        check((5, 56), (0, 29), (0.0893, -0.0381, 0.1926));
        check((0, 10), (0, 20), (0.0, -0.1611, 0.2775));
        check((0, 10), (0, 10), (0.0, -0.2775, 0.2775));
        check((10, 10), (0, 20), (1.0, 0.6791, 1.0));
        check((10, 10), (0, 10), (1.0, 0.6075, 1.0));
    }

    #[test]
    fn of_an_empty_group_nothing_is_said() {
        assert_eq!(difference(Rate::default(), Rate { failed: 1, runs: 2 }), None);
    }
}
