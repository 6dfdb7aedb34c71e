//! Appends that wait for the answer to the one before, and appends that do not.

use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::load::{middle, parts};
use super::observed::{Observed, nanoseconds};
use super::run_plan::over_delayed_links;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "pipelining",
    claim: "A write that finds an append on its way waits for the answer to it before its own append \
            goes; where appends follow each other without waiting, half of the writes take hardly more \
            than one round trip",
    about: "The links between nodes are delayed, each way by half of the round trip. 24 clients write \
            as fast as they are answered, and appends carry all that came meanwhile. In some runs one \
            append at a time is on its way to a follower, in the others as many as eight.",
    figures: &[
        Figure { head: "latency of writes, in round trips", unit: Unit::Number },
        Figure { head: "the same, in ms", unit: Unit::Number },
        Figure { head: "acknowledged writes a second", unit: Unit::Number },
    ],
    band: Some("one round trip, and what nodes need for themselves"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The round trips between nodes, in milliseconds; below, an append is answered before the next is due.
const ROUND_TRIPS_MS: [f64; 2] = [20.0, 40.0];
const ROUND_TRIPS_MS_FULL: [f64; 4] = [10.0, 20.0, 40.0, 80.0];

/// The time that nodes need for themselves, and their disks, in milliseconds.
const OWN_MS: f64 = 10.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |trip: f64, follow: bool| {
        let mut plan = over_delayed_links(nodes, trip);
        if !follow {
            plan = plan.set("off", "pipelining");
        }
        let word = if follow { "one after the other" } else { "one at a time" };
        Arm {
            label: format!("{trip} ms, {word}"),
            cured: follow,
            nodes,
            factor: trip,
            band: follow.then_some((1.0, 1.0 + OWN_MS / trip)),
            plan: plan.toml(),
            runs: extent.runs(1, 4),
        }
    };
    let trips = if extent.quick { &ROUND_TRIPS_MS[..] } else { &ROUND_TRIPS_MS_FULL[..] };
    trips.iter().flat_map(|trip| [of(*trip, false), of(*trip, true)]).collect()
}

/// The median of each quarter of a second, and the rate of each second.
fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 3];
    for (from, to) in run.steady() {
        // One that was begun in the last second may have been answered by nearer nodes.
        let until = to.saturating_sub(nanoseconds(1));
        for part in parts(&run.latencies(false, from, until), from, until) {
            figures[0].push(middle(&part) / arm.factor);
            figures[1].push(middle(&part));
        }
        figures[2].extend(run.rates(from, until));
    }
    figures
}

/// The fewest parts of a second that decide something.
const LEAST: usize = 8;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let decide = |arm: &ArmFigures| {
        let latency = arm.half(1);
        let trip = arm.arm.factor;
        let sentence = format!(
            "{}: half of the writes within {latency:.0} ms, {:.2} round trips",
            arm.arm.label,
            latency / trip
        );
        check(latency <= trip + OWN_MS, sentence)
    };
    let pairs = arms.chunks_exact(2);
    let waits = pairs.map(|pair| is_higher(&pair[0], &pair[1], 0, "round trips for a write"));
    let follow = arms.iter().filter(|arm| arm.arm.cured);
    waits.chain(follow.map(|arm| of_arm(arm, 1, LEAST, decide))).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_write_that_takes_no_longer_alone_refutes_the_claim_as_one_that_takes_two_round_trips_does()
    {
        let of = |alone: f64, follow: f64| {
            let of = |trips: f64, cured: bool| {
                let trips = [0.97, 0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 1.03].map(|it| it * trips);
                let mut figures = arm("", &[&trips, &trips.map(|it| it * 40.0), &[500.0; 5]]);
                figures.arm.cured = cured;
                figures.arm.factor = 40.0;
                figures
            };
            let checks = judge(&[of(alone, false), of(follow, true)]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(1.6, 1.15), Some(Verdict::Valid));
        assert_eq!(of(1.1, 1.15), Some(Verdict::Invalid), "nothing is gained");
        assert_eq!(of(2.5, 1.9), Some(Verdict::Invalid), "it waits all the same");
    }
}
