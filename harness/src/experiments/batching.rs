//! Entries one by one and in batches, over links of some length.

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
    claim: "A leader that sends one entry at a time commits one in a round trip, and its clients queue \
            for it; one that sends along all that came meanwhile serves each in about two round trips",
    about: "The links between nodes are delayed, each way by half of the round trip. 24 clients write \
            as fast as they are answered. A leader has one append at a time on its way to a follower \
            (`pipelining` is off); without batching each carries one entry.",
    figures: &[
        Figure { head: "acknowledged writes a second", unit: Unit::Number },
        Figure { head: "the same, in a round trip", unit: Unit::Number },
        Figure { head: "latency of writes, in ms", unit: Unit::Number },
    ],
    band: Some("up to one in a round trip"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The round trips between nodes, in milliseconds.
const ROUND_TRIPS_MS: [f64; 2] = [10.0, 40.0];
const ROUND_TRIPS_MS_FULL: [f64; 4] = [5.0, 10.0, 20.0, 40.0];

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |trip: f64, batched: bool| {
        let off = if batched { "pipelining" } else { "batching,pipelining" };
        let word = if batched { "batched" } else { "one by one" };
        Arm {
            label: format!("{trip} ms, {word}"),
            cured: batched,
            nodes,
            factor: trip,
            band: (!batched).then_some((0.0, 1e3 / trip)),
            plan: over_delayed_links(nodes, trip).set("off", off).toml(),
            runs: extent.runs(1, 4),
        }
    };
    let trips = if extent.quick { &ROUND_TRIPS_MS[..] } else { &ROUND_TRIPS_MS_FULL[..] };
    trips.iter().flat_map(|trip| [of(*trip, false), of(*trip, true)]).collect()
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
        let share = arm.median(1).map_or(0.0, |share| share.value);
        let latency = arm.median(2).map_or(f64::NAN, |latency| latency.value);
        let trip = arm.arm.factor;
        let holds = match arm.arm.cured {
            true => share >= LIFTED && latency <= TRIPS * trip + OWN_MS,
            false => (REACHED..=LIMIT).contains(&share),
        };
        check(
            holds,
            format!(
                "{}: {:.0} writes a second, {share:.2} in a round trip, half of them within {latency:.0} \
                 ms",
                arm.arm.label,
                arm.median(0).map_or(0.0, |rate| rate.value)
            ),
        )
    };
    let each = arms.iter().map(|arm| of_arm(arm, 1, LEAST, decide));
    let pairs = arms.chunks_exact(2);
    let lifted = pairs.map(|pair| is_higher(&pair[1], &pair[0], 0, "writes a second"));
    each.chain(lifted).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn more_than_one_entry_in_a_round_trip_refutes_the_claim_as_batches_do_that_are_slow() {
        let of = |single: f64, batched: f64, latency: f64| {
            let of = |share: f64, cured: bool| {
                let shares = [0.98, 0.99, 1.0, 1.01, 1.02].map(|it| it * share);
                let mut figures = arm("", &[&shares.map(|it| it * 100.0), &shares, &[latency; 5]]);
                figures.arm.cured = cured;
                figures.arm.factor = 10.0;
                figures
            };
            let checks = judge(&[of(single, false), of(batched, true)]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.9, 12.0, 20.0), Some(Verdict::Valid));
        assert_eq!(of(1.5, 12.0, 20.0), Some(Verdict::Invalid), "more than one");
        assert_eq!(of(0.9, 1.2, 20.0), Some(Verdict::Invalid), "batches lift nothing");
        assert_eq!(of(0.9, 12.0, 90.0), Some(Verdict::Invalid), "clients queue all the same");
    }
}
