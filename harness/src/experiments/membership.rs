//! A new voter gets a large state, and another one fails meanwhile: counted at once, and as a learner first.

use faults::fault::Family;
use results::experiment::Check;
use results::metrics::FaultInterval;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "membership",
    claim: "A voter that is added empty stops all writes until it has the state as soon as another voter \
            fails; one that gets the state as a learner first stops none",
    about: "A voter is removed from four, and comes back as a new one with an empty disk, to which the \
            leader sends the state at 100 kB a second. A second and a half later one of the three others \
            is killed. Of four voters of which one is down, all three others are a majority: if the new \
            one counts at once, every write waits for it. As a learner it does not count yet, and two of \
            three are enough.",
    figures: &[
        Figure { head: "without acknowledged writes", unit: Unit::Seconds },
        Figure { head: "the newcomer voted when the other was killed", unit: Unit::YesOrNo },
        Figure { head: "until the newcomer has the state", unit: Unit::Seconds },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The voters: with one of an even number down, all but one of the others are no majority.
const NODES: usize = 4;

/// The one that leads, so that none of the others does; the newcomer; and the one that is killed.
const LEADER: &str = "n1";
const NEWCOMER: &str = "n4";
const KILLED: &str = "n2";

/// The bytes of a value and those of the state that the newcomer is sent in a second: of ten and more
/// keys, which takes several election timeouts.
const VALUE: u32 = 50_000;
const RATE: u32 = 100_000;

/// The seconds at which the newcomer leaves, for which it is away, at which the other is killed, and for
/// which that is down.
const LEAVES: f64 = 1.8;
const AWAY: f64 = 0.3;
const KILL: f64 = 3.6;
const DOWN: f64 = 5.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let of = |cured: bool| {
        let mut plan = RunPlan::new(NODES, "register", KILL + DOWN + 0.5)
            .line("rate = 60.0")
            .line("keys = 10")
            .client(&format!("values = \"all:{VALUE}\""))
            .set("snapshot_rate", &RATE.to_string());
        if !cured {
            plan = plan.set("off", "learner-catch-up");
        }
        let lead = format!("family = \"leadership\"\nto = \"follower\"\non = \"{LEADER}\"");
        plan = plan.fault(0.1, 0.1, &lead);
        // The log that the newcomer lacks is dropped with the second snapshot: it needs the state.
        let snapshot = format!(
            "family = \"maintenance\"\naim = \"leader\"\non = \"{LEADER}\"\nwork = \"snapshot\""
        );
        for at in [1.0, 1.4] {
            plan = plan.fault(at, 0.1, &snapshot);
        }
        let leave = format!(
            "family = \"membership\"\naim = \"follower\"\non = \"{NEWCOMER}\"\nchange = \"remove\""
        );
        let kill = format!("family = \"kill\"\naim = \"follower\"\non = \"{KILLED}\"");
        Arm {
            label: if cured { "a learner first" } else { "a voter at once" }.to_owned(),
            cured,
            nodes: NODES,
            factor: 0.0,
            band: None,
            plan: plan.fault(LEAVES, AWAY, &leave).fault(KILL, DOWN, &kill).toml(),
            runs: extent.runs(3, 6),
        }
    };
    vec![of(true), of(false)]
}

fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    played(run, arm).unwrap_or_default()
}

/// The figures of a run in which another voter was killed while the newcomer, which had been added by
/// then, was what the arm is about; none if that did not happen.
fn played(run: &Observed, arm: &Arm) -> Option<Vec<Vec<f64>>> {
    let of = |family: Family| run.faults.iter().find(|fault| fault.family == family);
    let (left, killed) = (of(Family::Membership)?, of(Family::Kill)?);
    let began = run.started(NEWCOMER, left.injected?).filter(|time| *time < killed.start)?;
    if run.led_on(KILLED, killed.start).is_some() || voted(left, killed.start) == arm.cured {
        return None;
    }
    let until = killed.undo_start.map_or(run.load.1, |time| time.min(run.load.1));
    let voted = f64::from(u8::from(voted(left, killed.start)));
    let caught_up = run.caught_up(NEWCOMER, began).into_iter().collect();
    Some(vec![vec![run.longest_gap(killed.start, until)], vec![voted], caught_up])
}

/// True if the one that left was a voter again by then.
fn voted(left: &FaultInterval, by: u64) -> bool {
    left.end.is_some_and(|restored| restored < by)
}

/// The least runs of an arm that decide something.
const LEAST: usize = 2;

/// Nothing waits for a killed follower; clients that had asked it try again at once.
const SHORT: f64 = 1.0;

/// The state takes several election timeouts.
const LONG: f64 = 2.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let of = |arm: &ArmFigures| {
        let values = arm.values(0);
        let shortest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = values.iter().copied().fold(0.0, f64::max);
        check(
            if arm.arm.cured { longest <= SHORT } else { shortest >= LONG },
            format!(
                "{}: writes stopped for {shortest:.2} to {longest:.2} s in {} runs",
                arm.arm.label,
                values.len()
            ),
        )
    };
    arms.iter().map(|arm| of_arm(arm, 0, LEAST, of)).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_learner_that_stops_writes_refutes_the_claim_as_a_voter_does_that_stops_none() {
        let of = |learner: &[f64], voter: &[f64]| {
            let mut cured = arm("a learner first", &[learner]);
            cured.arm.cured = true;
            let checks = judge(&[cured, arm("a voter at once", &[voter])]);
            checks.iter().map(|check| check.verdict).max()
        };
        let (short, long) = ([0.1, 0.2, 0.1], [4.1, 4.2, 4.4]);
        assert_eq!(of(&short, &long), Some(Verdict::Valid));
        assert_eq!(of(&long, &long), Some(Verdict::Invalid));
        assert_eq!(of(&short, &short), Some(Verdict::Invalid));
        assert_eq!(of(&short, &[]), Some(Verdict::Unknown));
    }
}
