//! Nodes that are far from each other: the nearest majority decides how long a write takes.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm, too_little};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, nanoseconds};
use super::run_plan::{RunPlan, delayed};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "wan",
    claim: "A write takes the round trip to the slowest node of the nearest majority: one far follower \
            costs nothing, and a far leader makes every write as slow as its way",
    about: "The links between nodes are delayed, each way by half of the round trip, and clients stay \
            beside the leader. Writes are few, so that none waits for another one. In two arms one node \
            alone is far: a follower, without which the others are a majority, or the leader.",
    figures: &[
        Figure { head: "latency of writes, in ms", unit: Unit::Number },
        Figure { head: "beyond the round trip, in ms", unit: Unit::Number },
    ],
    band: Some("the round trip of the nearest majority, and 15 ms"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The round trips, in milliseconds.
const ROUND_TRIPS_MS: [f64; 4] = [1.0, 5.0, 30.0, 80.0];

/// Those of the arms in which one node is far.
const NEAR_MS: f64 = 5.0;
const FAR_MS: f64 = 80.0;

/// The time in which nodes do their part of a write, disks included, in milliseconds: in half of them.
const OWN_MS: f64 = 15.0;

/// The seconds for which links are slow, and those of them until connections are warm.
const SLOW: f64 = 6.5;
const WARM: u64 = 1;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |label: String, round_trip: f64, slow: &[(&str, f64)]| {
        let plan = RunPlan::new(nodes, "set", SLOW + 0.5).line("rate = 10.0");
        let mut plan = plan.set("election_timeout", "800ms");
        plan = plan.client("attempt_timeout = 2.0");
        for (aim, trip) in slow {
            plan = plan.fault(0.2, SLOW, &delayed(aim, trip / 2.0));
        }
        Arm {
            label,
            cured: false,
            nodes,
            factor: round_trip,
            band: Some((round_trip, round_trip + OWN_MS)),
            plan: plan.toml(),
            runs: extent.runs(1, 4),
        }
    };
    let alike =
        ROUND_TRIPS_MS.map(|trip| of(format!("{trip} ms between all"), trip, &[("all", trip)]));
    let mut arms = Vec::from(alike);
    let both = |aim| [("all", NEAR_MS), (aim, FAR_MS - NEAR_MS)];
    let (follower, leader) = (both("follower"), both("leader"));
    arms.push(of(format!("{NEAR_MS} ms, a follower {FAR_MS} ms away"), NEAR_MS, &follower));
    arms.push(of(format!("{NEAR_MS} ms, the leader {FAR_MS} ms away"), FAR_MS, &leader));
    arms
}

fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let slow = run.faults.iter().filter(|fault| fault.family == Family::Packet);
    let from = slow.clone().filter_map(|fault| fault.injected).max();
    let to = slow.filter_map(|fault| fault.undo_start).min();
    let (Some(from), Some(to)) = (from, to) else { return Vec::new() };
    let (from, to) =
        (from + nanoseconds(WARM), to.min(run.load.1).saturating_sub(nanoseconds(1) / 2));
    // Another leader may be the far one, or not be it any more.
    if run.term_by(from) != run.term_by(to) {
        return Vec::new();
    }
    let latencies = run.latencies(false, from, to).into_iter().map(|(_, latency)| latency);
    let latencies: Vec<f64> = latencies.collect();
    let beyond = latencies.iter().map(|latency| latency - arm.factor).collect();
    vec![latencies, beyond]
}

/// The least writes that decide something.
const LEAST: usize = 10;

/// A delay is kept to this, in milliseconds.
const EARLY_MS: f64 = 0.5;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let each = arms.iter().map(|arm| of_arm(arm, 0, LEAST, takes_the_round_trip));
    let farther = match arms {
        [_, _, _, _, follower, leader] => {
            Some(is_higher(leader, follower, 0, "milliseconds for a write"))
        }
        _ => None,
    };
    each.chain(farther).collect()
}

fn takes_the_round_trip(arm: &ArmFigures) -> Check {
    let Some(latency) = arm.median(0) else { return too_little("nothing was written") };
    let trip = arm.arm.factor;
    check(
        (trip - EARLY_MS..=trip + OWN_MS).contains(&latency.value),
        format!(
            "{}: half of the writes took {:.1} ms, {:.1} more than the {trip} ms of the round trip",
            arm.arm.label,
            latency.value,
            latency.value - trip
        ),
    )
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_far_follower_that_makes_writes_slow_refutes_the_claim_as_a_far_leader_that_does_not() {
        let of = |medians: [f64; 6]| {
            let trips = [1.0, 5.0, 30.0, 80.0, 5.0, 80.0];
            let arms = std::array::from_fn::<_, 6, _>(|at| {
                let spread = std::array::from_fn::<_, 12, _>(|it| medians[at] + it as f64 / 10.0);
                let mut arm = arm("", &[&spread]);
                arm.arm.factor = trips[at];
                arm
            });
            judge(&arms).iter().map(|check| check.verdict).max()
        };
        let usual = [3.0, 7.0, 33.0, 83.0, 7.0, 83.0];
        assert_eq!(of(usual), Some(Verdict::Valid));
        assert_eq!(of([3.0, 7.0, 33.0, 83.0, 83.0, 83.0]), Some(Verdict::Invalid));
        assert_eq!(of([3.0, 7.0, 33.0, 83.0, 7.0, 7.0]), Some(Verdict::Invalid));
        assert_eq!(of([3.0, 7.0, 33.0, 12.0, 7.0, 83.0]), Some(Verdict::Invalid), "too soon");
    }
}
