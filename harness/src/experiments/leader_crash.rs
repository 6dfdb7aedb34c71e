//! The time without writes after the leader's process is killed, against the election timeout.

use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm, too_little};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "leader-crash",
    claim: "After its leader's crash a cluster is without writes for one to two election timeouts and \
            the retries of its clients, whatever its size",
    about: "The leader's process is killed again and again under a load of writes. A follower stands \
            for election once it has heard nothing for its election timeout, which is drawn from \
            between the shortest one, T, and 2 T. A write that failed is tried again with exponential \
            backoff, at most 300 ms.",
    figures: &[
        Figure { head: "without acknowledged writes", unit: Unit::Seconds },
        Figure { head: "until a new leader", unit: Unit::Seconds },
        Figure { head: "the same, in T", unit: Unit::Number },
    ],
    band: Some("T to 2 T"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The shortest election timeouts, in seconds.
const TIMEOUTS: [f64; 3] = [0.2, 0.4, 0.8];

/// The time between two kills, for a new leader and the return of the old one, in seconds.
const APART: f64 = 2.4;

/// The time for which a process stays dead: longer than an election takes.
const DEAD: f64 = 2.0;

/// The kills in a run.
const KILLS: u32 = 5;

fn arms(extent: Extent) -> Vec<Arm> {
    let sizes = extent.sizes(&[3, 5]);
    let each = sizes.iter().flat_map(|nodes| TIMEOUTS.map(|timeout| (*nodes, timeout)));
    each.map(|(nodes, timeout)| {
        let seconds = f64::from(KILLS) * APART + 2.0;
        let text = format!("{:.0}ms", 1e3 * timeout);
        let plan = RunPlan::new(nodes, "set", seconds).set("election_timeout", &text);
        let kill = "family = \"kill\"\naim = \"leader\"";
        let plan = (0..KILLS)
            .fold(plan, |plan, kills| plan.fault(1.0 + f64::from(kills) * APART, DEAD, kill));
        Arm {
            label: format!("{nodes} nodes, T = {:.0} ms", 1e3 * timeout),
            cured: false,
            nodes,
            factor: timeout,
            band: Some((timeout, 2.0 * timeout)),
            plan: plan.toml(),
            runs: extent.runs(1, 6),
        }
    })
    .collect()
}

fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let mut without = Vec::new();
    let mut leader = Vec::new();
    for (place, fault) in run.faults.iter().enumerate() {
        let until = run.next_fault(place);
        // A kill that met no leader, or at whose end the load ended as well, shows nothing.
        if let Some(elected) = run.next_leader(fault.start, until) {
            without.push(run.longest_gap(fault.start, until));
            leader.push(elected);
        }
    }
    let relative = leader.iter().map(|elected| elected / arm.factor).collect();
    vec![without, leader, relative]
}

/// The least kills of an arm that decide something.
const LEAST: usize = 4;

/// A follower's timeout begins anew with each heartbeat, which come every eighth of T: the last one
/// may have come so long before the kill.
const EARLIEST: f64 = 0.8;

/// A median: half of the elections may be split, and take another timeout.
const LATEST: f64 = 2.0;

/// The clients' share: two of their longest backoffs.
const RETRIES: f64 = 0.6;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let mut sizes: Vec<usize> = arms.iter().map(|arm| arm.arm.nodes).collect();
    sizes.dedup();
    let scales = sizes.into_iter().filter_map(|nodes| {
        let mut own = arms.iter().filter(|arm| arm.arm.nodes == nodes);
        let (shortest, longest) = (own.next()?, own.next_back()?);
        Some(is_higher(longest, shortest, 0, "seconds without writes"))
    });
    scales.chain(arms.iter().map(|arm| of_arm(arm, 0, LEAST, is_in_time))).collect()
}

/// The check that new leaders and writes came when they should.
fn is_in_time(arm: &ArmFigures) -> Check {
    let label = &arm.arm.label;
    let (Some(without), Some(elected)) = (arm.median(0), arm.median(2)) else {
        return too_little(format!("{label}: nothing was measured"));
    };
    let most = LATEST * arm.arm.factor + RETRIES;
    check(
        (EARLIEST..=LATEST).contains(&elected.value) && without.value <= most,
        format!(
            "{label}: half of the new leaders led within {:.2} T, and half of the times without writes \
             were within {:.2} s",
            elected.value, without.value
        ),
    )
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    /// Figures by which all elections took so many timeouts, and clients a tenth of a second more.
    fn arms_with(relative: f64) -> Vec<ArmFigures> {
        let of = |timeout: f64| {
            let spread = [0.97, 0.98, 0.99, 1.01, 1.02, 1.03];
            let leader = spread.map(|it| it * relative * timeout);
            let without = leader.map(|it| it + 0.1);
            let in_timeouts = leader.map(|it| it / timeout);
            let mut figures = arm("", &[&without, &leader, &in_timeouts]);
            figures.arm.factor = timeout;
            figures
        };
        TIMEOUTS.map(of).into()
    }

    #[test]
    fn elections_of_one_to_two_timeouts_hold_and_others_do_not() {
        let worst = |arms: &[ArmFigures]| judge(arms).iter().map(|it| it.verdict).max();
        assert_eq!(worst(&arms_with(1.3)), Some(Verdict::Valid));
        assert_eq!(worst(&arms_with(2.4)), Some(Verdict::Invalid), "too long");
        assert_eq!(worst(&arms_with(0.5)), Some(Verdict::Invalid), "too short");
        let mut same = arms_with(1.3);
        same[2].runs = same[0].runs.clone();
        assert_eq!(worst(&same), Some(Verdict::Invalid), "the timeout makes no difference");
    }
}
