//! Parts of claims: each is decided by figures, and says them.

use checker::verdict::Verdict;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use results::experiment::Check;

use super::arm::ArmFigures;
use crate::statistics::{Unit, difference, higher, ranks};

/// A difference that comes by chance less often than this counts.
const LEVEL: f64 = 0.05;

/// The permutations of a test.
const PERMUTATIONS: u32 = 10_000;

/// Fewer values than this decide nothing.
const LEAST: usize = 3;

/// A part of a claim that holds or does not, by enough values.
pub(super) fn check(holds: bool, sentence: String) -> Check {
    Check { verdict: if holds { Verdict::Valid } else { Verdict::Invalid }, sentence }
}

/// A part of a claim of which too little was measured.
pub(super) fn too_little(sentence: impl Into<String>) -> Check {
    Check { verdict: Verdict::Unknown, sentence: sentence.into() }
}

/// A check of an arm by a figure, with at least `least` values of it.
pub(super) fn of_arm(
    arm: &ArmFigures,
    figure: usize,
    least: usize,
    decide: impl FnOnce(&ArmFigures) -> Check,
) -> Check {
    of_arms(&[arm], figure, least, || decide(arm))
}

/// A check of several arms by a figure, with at least `least` values of it in each.
pub(super) fn of_arms(
    arms: &[&ArmFigures],
    figure: usize,
    least: usize,
    decide: impl FnOnce() -> Check,
) -> Check {
    let values = |arm: &ArmFigures| arm.values(figure).len();
    match arms.iter().find(|arm| values(arm) < least) {
        Some(arm) => too_little(format!(
            "{}: {} values, at least {least} are needed",
            arm.arm.label,
            values(arm)
        )),
        None => decide(),
    }
}

/// The check that a figure is higher in one arm than in another: by a permutation test of the ranks of the
/// values, seed by seed. By the values themselves one stall of the machine would outweigh all others.
/// `what` names the figure.
pub(super) fn is_higher(one: &ArmFigures, other: &ArmFigures, figure: usize, what: &str) -> Check {
    let (name, than) = (&one.arm.label, &other.arm.label);
    if [one, other].iter().any(|arm| arm.values(figure).len() < LEAST) {
        return too_little(format!("{what}: too few values of {name} and of {than}"));
    }
    let places = |arm: &ArmFigures, new| {
        let of_run = |(run, values): (u64, &[f64])| vec![(run, new); values.len()];
        arm.by_run(figure).flat_map(of_run).collect::<Vec<_>>()
    };
    let places = [places(one, true), places(other, false)].concat().into_iter();
    let ranks = ranks(&[one.values(figure), other.values(figure)].concat());
    let unit = |((stratum, new), rank)| Unit { stratum, new, values: vec![rank] };
    let all: Vec<_> = places.zip(ranks).map(unit).collect();
    // The test is a function of the figures alone.
    let found = higher(&all, PERMUTATIONS, &mut ChaCha8Rng::seed_from_u64(0));
    let Some(found) = found else {
        return too_little(format!("{what}: {name} and {than} have no seed in common"));
    };
    check(
        found.difference > 0.0 && found.p <= LEVEL,
        format!(
            "{what}, {name} against {than}: {:.2} more in the median, p = {:.4}",
            one.half(figure) - other.half(figure),
            found.p
        ),
    )
}

/// The check that a figure of yes and no is yes more often in one arm than in another: by the interval
/// of the difference, which has to be above nothing.
pub(super) fn is_more_often(
    one: &ArmFigures,
    other: &ArmFigures,
    figure: usize,
    what: &str,
) -> Check {
    let (rates, names) =
        ((one.rate(figure), other.rate(figure)), (&one.arm.label, &other.arm.label));
    let found = difference(rates.0, rates.1);
    let Some(found) = found.filter(|_| rates.0.runs.min(rates.1.runs) >= LEAST as u64) else {
        return too_little(format!("{what}: too few values of {} and of {}", names.0, names.1));
    };
    check(
        found.low > 0.0,
        format!(
            "{what}: {} of {} {}, {} of {} {}; the difference is {:.0} to {:.0} % points",
            rates.0.failed,
            rates.0.runs,
            names.0,
            rates.1.failed,
            rates.1.runs,
            names.1,
            100.0 * found.low,
            100.0 * found.high,
        ),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::arm::Arm;
    use super::*;

    /// An arm with these values of each figure, in one run.
    pub(in super::super) fn arm(label: &str, figures: &[&[f64]]) -> ArmFigures {
        let arm = Arm {
            label: label.to_owned(),
            cured: false,
            nodes: 3,
            factor: 0.0,
            band: None,
            plan: String::new(),
            runs: 1,
        };
        let values = figures.iter().map(|values| values.to_vec()).collect();
        ArmFigures { arm, runs: vec![(0, values)] }
    }

    #[test]
    fn a_difference_that_could_be_chance_does_not_hold() {
        let long = arm("long", &[&[0.9, 1.0, 1.1, 1.2, 1.3]]);
        let short = arm("short", &[&[0.1, 0.2, 0.3, 0.2, 0.1]]);
        assert_eq!(is_higher(&long, &short, 0, "downtime").verdict, Verdict::Valid);
        assert_eq!(is_higher(&short, &long, 0, "downtime").verdict, Verdict::Invalid);
        assert_eq!(is_higher(&long, &long, 0, "downtime").verdict, Verdict::Invalid);
        let few = arm("few", &[&[0.9, 1.0]]);
        assert_eq!(is_higher(&few, &short, 0, "downtime").verdict, Verdict::Unknown);
    }

    /// As measured at a load of 8: a stall within one of 19 quarters of a second.
    #[test]
    fn one_value_far_off_decides_nothing() {
        let alone: Vec<f64> = (0..19).map(|at| 1.6 + 0.02 * f64::from(at)).collect();
        let mut follow: Vec<f64> = (0..19).map(|at| 1.1 + 0.01 * f64::from(at)).collect();
        follow[7] = 12.0;
        let (alone, follow) = (arm("alone", &[&alone]), arm("follow", &[&follow]));
        let waits = is_higher(&alone, &follow, 0, "round trips");
        assert_eq!(waits.verdict, Verdict::Valid, "{}", waits.sentence);
        assert_eq!(is_higher(&follow, &alone, 0, "round trips").verdict, Verdict::Invalid);
    }

    #[test]
    fn two_of_three_are_not_surely_more_than_one_of_three() {
        let always = arm("always", &[&[1.0; 6]]);
        let never = arm("never", &[&[0.0; 6]]);
        let check = is_more_often(&always, &never, 0, "deposed");
        assert_eq!(check.verdict, Verdict::Valid, "{}", check.sentence);
        assert!(check.sentence.contains("6 of 6 always, 0 of 6 never"));
        let (two, one) = (arm("two", &[&[1.0, 1.0, 0.0]]), arm("one", &[&[1.0, 0.0, 0.0]]));
        assert_eq!(is_more_often(&two, &one, 0, "deposed").verdict, Verdict::Invalid);
        assert_eq!(is_more_often(&arm("", &[&[]]), &one, 0, "").verdict, Verdict::Unknown);
    }
}
