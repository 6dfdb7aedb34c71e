//! Entries in batches of one, of some and of as many as there are, over links of some length.

use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::load::{middle, parts};
use super::observed::{Observed, nanoseconds};
use super::run_plan::over_delayed_links;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "batching",
    claim: "A leader commits as many entries in a round trip as its appends carry, and clients queue for \
            it where those are few; one that sends along all that came meanwhile serves each in about two \
            round trips",
    about: "The links between nodes are delayed, each way by half of the round trip. 24 clients write \
            as fast as they are answered. A leader has one append at a time on its way to a follower \
            (`pipelining` is off), and each carries so many entries at most (`append_entries`).",
    figures: &[
        Figure { head: "acknowledged writes a second", unit: Unit::Number },
        Figure { head: "the same, in a round trip", unit: Unit::Number },
        Figure { head: "latency of writes, in ms", unit: Unit::Number },
    ],
    band: Some("up to a whole append in each round trip"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The round trips between nodes, in milliseconds.
const ROUND_TRIPS_MS: [f64; 2] = [10.0, 40.0];
const ROUND_TRIPS_MS_FULL: [f64; 4] = [5.0, 10.0, 20.0, 40.0];

/// The most entries of an append; none where they are as many as there are.
const SIZES: [Option<u32>; 3] = [Some(1), Some(4), None];

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |trip: f64, size: Option<u32>| {
        let plan = over_delayed_links(nodes, trip).set("off", "pipelining");
        let (word, plan) = match size {
            Some(1) => ("one by one".to_owned(), plan.set("append_entries", "1")),
            Some(size) => (format!("up to {size}"), plan.set("append_entries", &size.to_string())),
            None => ("all there are".to_owned(), plan),
        };
        Arm {
            label: format!("{trip} ms, {word}"),
            cured: size.is_none(),
            nodes,
            factor: trip,
            band: size.map(|size| (0.0, f64::from(size) * 1e3 / trip)),
            plan: plan.toml(),
            runs: extent.runs(1, 4),
        }
    };
    let trips = if extent.quick { &ROUND_TRIPS_MS[..] } else { &ROUND_TRIPS_MS_FULL[..] };
    trips.iter().flat_map(|trip| SIZES.map(|size| of(*trip, size))).collect()
}

/// A value for each second.
fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 3];
    for (from, to) in run.steady() {
        let rates = run.rates(from, to);
        figures[1].extend(rates.iter().map(|rate| rate * arm.factor / 1e3));
        figures[0].extend(rates);
        // What was begun in the last two seconds may have been answered by nearer nodes.
        let until = to.saturating_sub(nanoseconds(2));
        let parts = parts(&run.latencies(false, from, until), from, until);
        figures[2].extend(parts.iter().map(|part| middle(part)));
    }
    figures
}

/// The least seconds that decide something.
const LEAST: usize = 4;

/// A second may begin right before an answer, and two followers may take turns.
const LIMIT: f64 = 1.2;

/// The share of the limit that is reached at least: what takes longer than the way is not the limit.
const REACHED: f64 = 0.4;

/// Batches lift the limit by at least this factor.
const LIFTED: f64 = 3.0;

/// A batch waits for the one before: half of the writes take up to so many round trips, and what nodes
/// need for themselves, in milliseconds.
const TRIPS: f64 = 2.0;
const OWN_MS: f64 = 15.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let decide = |arm: &ArmFigures| {
        let (share, latency) = (arm.half(1), arm.half(2));
        let trip = arm.arm.factor;
        let holds = match arm.arm.band {
            None => share >= LIFTED && latency <= TRIPS * trip + OWN_MS,
            Some((_, limit)) => {
                let size = limit * trip / 1e3;
                (REACHED * size..=LIMIT * size).contains(&share)
            }
        };
        check(
            holds,
            format!(
                "{}: {:.0} writes a second, {share:.2} in a round trip, half of them within {latency:.0} \
                 ms",
                arm.arm.label,
                arm.half(0)
            ),
        )
    };
    let each = arms.iter().map(|arm| of_arm(arm, 1, LEAST, decide));
    let pairs = arms.chunks_exact(SIZES.len()).flat_map(|trip| trip.windows(2));
    let lifted = pairs.map(|pair| is_higher(&pair[1], &pair[0], 0, "writes a second"));
    each.chain(lifted).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn more_entries_in_a_round_trip_than_fit_refute_the_claim_as_batches_do_that_are_slow() {
        let of = |single: f64, some: f64, all: f64, latency: f64| {
            let of = |share: f64, size: Option<u32>| {
                let shares = [0.98, 0.99, 1.0, 1.01, 1.02].map(|it| it * share);
                let mut figures = arm("", &[&shares.map(|it| it * 100.0), &shares, &[latency; 5]]);
                figures.arm.band = size.map(|size| (0.0, f64::from(size) * 100.0));
                figures.arm.factor = 10.0;
                figures
            };
            let checks = judge(&[of(single, SIZES[0]), of(some, SIZES[1]), of(all, SIZES[2])]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.9, 3.7, 12.0, 20.0), Some(Verdict::Valid));
        assert_eq!(of(1.5, 3.7, 12.0, 20.0), Some(Verdict::Invalid), "more than one");
        assert_eq!(of(0.9, 5.0, 12.0, 20.0), Some(Verdict::Invalid), "more than four");
        assert_eq!(of(0.9, 1.2, 12.0, 20.0), Some(Verdict::Invalid), "four are hardly sent");
        assert_eq!(of(0.9, 3.7, 2.9, 20.0), Some(Verdict::Invalid), "batches lift nothing");
        assert_eq!(of(0.9, 3.7, 12.0, 90.0), Some(Verdict::Invalid), "clients queue all the same");
    }
}
