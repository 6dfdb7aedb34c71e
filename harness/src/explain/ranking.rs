//! The order of signs by how well they tell runs that failed from runs that did not.

use std::collections::{BTreeMap, BTreeSet};

use crate::statistics::{Difference, Rate, difference};

/// Signs that exactly the same runs have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked {
    /// The signs.
    pub signs: Vec<String>,
    /// The runs that failed and have them.
    pub failed: Rate,
    /// The runs that did not fail and have them.
    pub passed: Rate,
    /// The difference of the two shares, with its interval.
    pub difference: Difference,
}

/// Compares runs that failed with runs that did not, each given by its signs. Those signs come first
/// of which the lower end of the difference's interval is the highest; none that failed runs have as
/// seldom as the others or more seldom, since a run that failed was mostly cut short.
pub(crate) fn compare(failed: &[BTreeSet<String>], passed: &[BTreeSet<String>]) -> Vec<Ranked> {
    let all: BTreeSet<&String> = failed.iter().flatten().collect();
    let mut same: BTreeMap<Vec<bool>, Vec<String>> = BTreeMap::new();
    for sign in all {
        let has = failed.iter().chain(passed).map(|signs| signs.contains(sign)).collect();
        same.entry(has).or_default().push(sign.clone());
    }
    let rate = |has: &[bool]| Rate {
        failed: has.iter().filter(|has| **has).count() as u64,
        runs: has.len() as u64,
    };
    let ranked = same.into_iter().filter_map(|(has, signs)| {
        let (of_failed, of_passed) = has.split_at(failed.len());
        let (failed, passed) = (rate(of_failed), rate(of_passed));
        let difference = difference(failed, passed)?;
        (difference.value > 0.0).then_some(Ranked { signs, failed, passed, difference })
    });
    let mut ranked: Vec<Ranked> = ranked.collect();
    ranked.sort_by(|one, other| {
        let by_difference = other.difference.low.total_cmp(&one.difference.low);
        by_difference.then_with(|| one.signs.cmp(&other.signs))
    });
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(runs: &[&str]) -> Vec<BTreeSet<String>> {
        runs.iter().map(|signs| signs.split(' ').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn the_signs_that_tell_runs_apart_come_first() {
        let failed = runs(&["a b c e", "a b c", "a b d", "a b c", "a b c d"]);
        let passed = runs(&["a c", "a c d", "a c d f", "a d", "a c"]);
        let ranked = compare(&failed, &passed);
        let told: Vec<(String, u64, u64)> = ranked
            .iter()
            .map(|it| (it.signs.join(" "), it.failed.failed, it.passed.failed))
            .collect();
        // Not a, which all have, nor d and f, which those that passed have as often or more often.
        assert_eq!(told, [("b".to_owned(), 5, 0), ("e".to_owned(), 1, 0)]);
        assert!(ranked[0].difference.low > 0.3 && ranked[1].difference.low < 0.0, "{ranked:?}");
    }

    #[test]
    fn signs_that_the_same_runs_have_are_one() {
        let ranked = compare(&runs(&["x y", "x y"]), &runs(&["z"]));
        assert_eq!(ranked.len(), 1);
        assert_eq!(ranked[0].signs, ["x", "y"]);
    }
}
