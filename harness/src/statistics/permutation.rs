//! A test if one group of runs has higher values than another: a permutation test, which assumes of
//! the values nothing but that, were there no difference, any run could as well be of the other group.

use std::collections::BTreeMap;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// A run with what was measured in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit<S> {
    /// The runs that it may change places with: those that were planned alike.
    pub stratum: S,
    /// True if it is of the group that is asked about.
    pub new: bool,
    /// The values, which may have much to do with each other.
    pub values: Vec<f64>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Higher {
    /// The mean difference between new and old values that were planned alike.
    pub difference: f64,
    /// The probability of a difference as great by chance.
    pub p: f64,
}

/// A test ends once so many permutations had as great a difference: by then it is known that there
/// is nothing to see (Besag and Clifford, 1991, whose p is exact as well).
const ENOUGH: u32 = 20;

/// Tests by at most so many `permutations` if new values are higher. None where no stratum has both
/// new and old ones.
pub(crate) fn higher<S: Ord + Clone>(
    units: &[Unit<S>],
    permutations: u32,
    random: &mut ChaCha8Rng,
) -> Option<Higher> {
    let mut strata: BTreeMap<S, Vec<&Unit<S>>> = BTreeMap::new();
    for unit in units.iter().filter(|unit| !unit.values.is_empty()) {
        strata.entry(unit.stratum.clone()).or_default().push(unit);
    }
    let mut mixed: Vec<Stratum> = strata.values().filter_map(|units| Stratum::of(units)).collect();
    if mixed.is_empty() {
        return None;
    }
    let seen = sum(&mixed);
    // Sums in another order differ in the last digits.
    let as_great = seen - seen.abs() * 1e-9;
    let (mut greater, mut tried) = (0, 0);
    while tried < permutations && greater < ENOUGH {
        mixed.iter_mut().for_each(|stratum| stratum.runs.shuffle(random));
        tried += 1;
        greater += u32::from(sum(&mixed) >= as_great);
    }
    let p = match greater {
        ENOUGH => f64::from(ENOUGH) / f64::from(tried),
        _ => f64::from(greater + 1) / f64::from(tried + 1),
    };
    let (difference, weight) = mixed.iter().fold((0.0, 0.0), |(sum, weight), stratum| {
        (sum + stratum.difference * stratum.weight, weight + stratum.weight)
    });
    Some(Higher { difference: difference / weight, p })
}

/// Runs that may change places.
struct Stratum {
    /// Of each run the sum of its values, less the mean of all; the new ones first, until they are
    /// shuffled.
    runs: Vec<f64>,
    new: usize,
    difference: f64,
    /// The number of values in the smaller group, twice over where both are as large.
    weight: f64,
}

impl Stratum {
    fn of<S>(units: &[&Unit<S>]) -> Option<Stratum> {
        let group = |new| units.iter().filter(move |unit| unit.new == new);
        let values = |new| group(new).flat_map(|unit| unit.values.iter().copied());
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = values.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
            (count > 0.0).then_some((sum / count, count))
        };
        let ((new_mean, new_count), (old_mean, old_count)) =
            mean(&mut values(true)).zip(mean(&mut values(false)))?;
        let count = new_count + old_count;
        let middle = (new_mean * new_count + old_mean * old_count) / count;
        let ordered = group(true).chain(group(false));
        let runs = ordered.map(|unit| unit.values.iter().map(|value| value - middle).sum());
        Some(Stratum {
            runs: runs.collect(),
            new: group(true).count(),
            difference: new_mean - old_mean,
            weight: 2.0 * new_count * old_count / count,
        })
    }
}

fn sum(strata: &[Stratum]) -> f64 {
    strata.iter().flat_map(|stratum| &stratum.runs[..stratum.new]).sum()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn unit(stratum: u32, new: bool, values: &[f64]) -> Unit<u32> {
        Unit { stratum, new, values: values.to_vec() }
    }

    fn test(units: &[Unit<u32>]) -> Option<Higher> {
        higher(units, 10_000, &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn few_runs_prove_as_much_as_their_orders_allow() {
        // Of the twenty ways to choose three of six, one is as great.
        let units: Vec<_> = (0..6).map(|value| unit(1, value >= 3, &[f64::from(value)])).collect();
        let found = test(&units).expect("both groups");
        assert_eq!(found.difference, 3.0);
        assert!((found.p - 0.05).abs() < 0.01, "{found:?}");
        let lower: Vec<_> = (0..6).map(|value| unit(1, value < 3, &[f64::from(value)])).collect();
        assert!(test(&lower).expect("both groups").p > 0.9);
    }

    #[test]
    fn runs_change_places_only_with_those_planned_alike() {
        // The plans differ by far more than the nights; pair by pair, every new one is higher.
        let pairs = (0..12).flat_map(|plan| {
            let level = f64::from(plan) * 100.0;
            [unit(plan, false, &[level]), unit(plan, true, &[level + 1.0])]
        });
        let paired: Vec<_> = pairs.collect();
        let found = test(&paired).expect("both groups");
        assert!(found.p < 1.5e-3 && (found.difference - 1.0).abs() < 1e-9, "{found:?}");
        let unpaired: Vec<_> = paired.iter().map(|it| Unit { stratum: 0, ..it.clone() }).collect();
        assert!(test(&unpaired).expect("both groups").p > 0.2);
    }

    #[test]
    fn nothing_is_said_where_a_group_is_missing() {
        assert_eq!(test(&[unit(1, true, &[1.0]), unit(2, false, &[2.0])]), None);
        assert_eq!(test(&[unit(1, true, &[1.0]), unit(1, false, &[])]), None);
        assert_eq!(test(&[]), None);
    }

    #[test]
    fn of_equal_groups_few_seem_to_differ() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut seemed = 0;
        for _ in 0..1_000 {
            let units: Vec<_> = (0..20)
                .map(|run| {
                    // The values of one run have something in common.
                    let level: f64 = random.random();
                    let count = 1 + run % 3;
                    let values = (0..count).map(|_| level + 0.1 * random.random::<f64>());
                    Unit { stratum: 0, new: run < 10, values: values.collect() }
                })
                .collect();
            let p = higher(&units, 1_000, &mut random).expect("both groups").p;
            seemed += usize::from(p <= 0.05);
        }
        assert!((30..=70).contains(&seemed), "{seemed} of 1,000 at 5 %");
    }
}
