//! Ranges of election timeouts on a slow and lossy network: elections without a cause, and the time
//! without writes when there is one.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm, too_little};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, seconds};
use super::run_plan::{RunPlan, delayed};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "election-timeouts",
    claim: "Election timeouts below a round trip keep no leader, those of five round trips keep it also \
            where packets are lost, and longer ones only make the time without writes after a crash \
            longer",
    about: "All packets between nodes take 50 ms, which is a round trip of 100 ms, and 1 % of them are \
            lost, under a load of writes. For some seconds nothing else happens; every election is one \
            without a cause. Then the leader, where there is one, is killed four times. The best range is that of the \
            shortest median without writes, of those that kept their leaders. A leader counts on answers \
            to what it sent within the shortest timeout, T, and TCP sends a lost packet again after \
            200 ms and a round trip at the soonest.",
    figures: &[
        Figure { head: "without acknowledged writes after a kill", unit: Unit::Seconds },
        Figure { head: "elections an hour without a cause", unit: Unit::Number },
        Figure { head: "without acknowledged writes before any kill", unit: Unit::Seconds },
    ],
    band: Some("T to 2 T"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The shortest election timeouts, in milliseconds; the longest are twice as long.
const TIMEOUTS_MS: [u32; 5] = [50, 150, 300, 500, 1000];
const TIMEOUTS_MS_FULL: [u32; 9] = [50, 100, 150, 200, 300, 400, 500, 750, 1000];

/// The heartbeats in the shortest timeout, as is usual.
const HEARTBEATS: u32 = 8;

/// The round trip, in seconds, with the delay of each packet in milliseconds.
const ROUND_TRIP: f64 = 0.1;
const DELAY_MS: f64 = 50.0;

/// The seconds at which links become slow, from which nothing else happens, and at which the first kill
/// comes; for which a process stays dead; and those from one kill to the next.
const SLOW_AT: f64 = 0.2;
const QUIET_FROM: f64 = 1.0;
const KILLED_AT: f64 = 4.2;
const DEAD: f64 = 1.3;
const APART: f64 = 2.9;

/// The kills in a run of a range that may keep a leader.
const KILLS: u32 = 4;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |timeout: u32| {
        let shortest = f64::from(timeout) / 1e3;
        let kills = if shortest < ROUND_TRIP { 0 } else { KILLS };
        let ends = KILLED_AT + f64::from(kills) * APART;
        let plan = RunPlan::new(nodes, "set", ends + 0.2).line("rate = 60.0");
        // A write takes two round trips where it waits for another one.
        let plan = plan.client("attempt_timeout = 1.0");
        let slow = format!("{}\nloss_percent = 1.0", delayed("all", DELAY_MS));
        let plan = plan.set("election_timeout", &format!("{timeout}ms"));
        let heartbeat = format!("{}us", timeout * 1000 / HEARTBEATS);
        let plan = plan.set("heartbeat_interval", &heartbeat);
        let plan = plan.fault(SLOW_AT, ends - SLOW_AT, &slow);
        let kill = "family = \"kill\"\naim = \"leader\"";
        let plan = (0..kills)
            .fold(plan, |plan, kills| plan.fault(KILLED_AT + f64::from(kills) * APART, DEAD, kill));
        Arm {
            label: format!("{timeout} to {} ms", 2 * timeout),
            cured: false,
            nodes,
            factor: shortest,
            band: Some((shortest, 2.0 * shortest)),
            plan: plan.toml(),
            runs: extent.runs(1, 4),
        }
    };
    let timeouts = if extent.quick { &TIMEOUTS_MS[..] } else { &TIMEOUTS_MS_FULL[..] };
    timeouts.iter().map(|timeout| of(*timeout)).collect()
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let at = |seconds: f64| run.load.0 + (seconds * 1e9) as u64;
    let (from, to) = (at(QUIET_FROM), at(KILLED_AT).min(run.load.1));
    if !run.faults.iter().any(|fault| fault.family == Family::Packet) || to <= from {
        return Vec::new();
    }
    let elections = run.elections(from, to).len() as f64;
    let mut without = Vec::new();
    for (place, kill) in run.faults.iter().enumerate() {
        let until = run.next_fault(place);
        if kill.family == Family::Kill && run.next_leader(kill.start, until).is_some() {
            without.push(run.longest_gap(kill.start, until));
        }
    }
    let hours = seconds(to - from) / 3600.0;
    vec![without, vec![elections / hours], vec![run.longest_gap(from, to)]]
}

/// The least kills of a range that decide something.
const LEAST: usize = 3;

/// The round trips of the shortest timeout from which on a range is said to keep its leaders.
const KEEPS: f64 = 4.9;

/// The time of a vote and of a write, in round trips, and of the clients' retries: two of their longest
/// backoffs.
const TRIPS: f64 = 5.0;
const RETRIES: f64 = 0.6;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let (Some(shortest), Some(longest)) = (arms.first(), arms.last()) else { return Vec::new() };
    let each = arms.iter().filter_map(|arm| match arm.arm.factor / ROUND_TRIP {
        trips if trips < 1.0 => Some(of_arm(arm, 1, 1, keeps_no_leader)),
        trips if trips >= KEEPS => Some(of_arm(arm, 0, LEAST, keeps_leaders)),
        _ => None,
    });
    let mut checks: Vec<Check> = each.collect();
    checks.push(match best(arms) {
        Some(best) => {
            let trips = best.arm.factor / ROUND_TRIP;
            let said = format!(
                "the best range here is {}, whose shortest timeout is {trips:.1} round trips: half of \
                 the times without writes were within {:.2} s, and {:.2} s with {}",
                best.arm.label,
                best.half(0),
                longest.half(0),
                longest.arm.label
            );
            check(best.arm != shortest.arm && best.arm != longest.arm, said)
        }
        None => too_little("no range is known to keep its leaders"),
    });
    checks
}

/// The range with the shortest time without writes, of those that had no election without a cause.
fn best(arms: &[ArmFigures]) -> Option<&ArmFigures> {
    let keeps = |arm: &&ArmFigures| {
        let elections = arm.values(1);
        !elections.is_empty()
            && elections.iter().all(|it| *it == 0.0)
            && arm.values(0).len() >= LEAST
    };
    arms.iter().filter(keeps).min_by(|one, other| one.half(0).total_cmp(&other.half(0)))
}

fn keeps_no_leader(arm: &ArmFigures) -> Check {
    let (elections, without) = (arm.values(1), arm.half(2));
    let all = elections.iter().all(|elections| *elections > 0.0);
    check(
        all || without > (KILLED_AT - QUIET_FROM) / 2.0,
        format!(
            "{}: {:.0} elections an hour without a cause, and up to {without:.1} of {:.1} s without \
             writes",
            arm.arm.label,
            arm.half(1),
            KILLED_AT - QUIET_FROM
        ),
    )
}

fn keeps_leaders(arm: &ArmFigures) -> Check {
    let elections: f64 = arm.values(1).iter().sum();
    let without = arm.half(0);
    let most = 2.0 * arm.arm.factor + TRIPS * ROUND_TRIP + RETRIES;
    check(
        elections == 0.0 && without <= most,
        format!(
            "{}: {elections:.0} elections an hour without a cause, and half of the times without writes \
             after a kill were within {without:.2} s",
            arm.arm.label
        ),
    )
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    /// Figures of the ranges: the seconds without writes after kills, and elections an hour.
    fn worst(without: [f64; 5], elections: [f64; 5]) -> Option<Verdict> {
        let arms = std::array::from_fn::<_, 5, _>(|at| {
            let spread = [0.96, 0.98, 1.0, 1.02, 1.04].map(|it| it * without[at]);
            let mut arm = arm(&at.to_string(), &[&spread, &[elections[at]], &[0.1]]);
            arm.arm.factor = f64::from(TIMEOUTS_MS[at]) / 1e3;
            arm
        });
        judge(&arms).iter().map(|check| check.verdict).max()
    }

    #[test]
    fn elections_without_a_cause_refute_a_long_range_and_their_absence_a_short_one() {
        let (usual, elections) = ([4.0, 0.7, 0.8, 1.2, 2.0], [9000.0, 800.0, 0.0, 0.0, 0.0]);
        assert_eq!(worst(usual, elections), Some(Verdict::Valid));
        assert_eq!(worst(usual, [9000.0, 800.0, 800.0, 800.0, 0.0]), Some(Verdict::Invalid));
        assert_eq!(worst(usual, [0.0; 5]), Some(Verdict::Invalid));
        let slow = [4.0, 0.7, 3.0, 2.5, 2.0];
        assert_eq!(worst(slow, elections), Some(Verdict::Invalid), "the longest is the best");
    }
}
