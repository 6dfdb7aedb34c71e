//! A leader that hears no one any more, though it could still be heard: with check-quorum, and without.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, seconds};
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "check-quorum",
    claim: "A leader that hears no one steps down within an election timeout if it checks that it \
            hears a majority, and else leads on for as long as it hears no one, beside another one",
    about: "Every link into the leader is cut, those out of it are not. The others elect a leader once \
            no heartbeat reaches them: a connection whose acknowledgements are lost carries nothing for \
            long. The old leader cannot hear of that. What it is asked to write is never committed, and \
            its clients find out by waiting.",
    figures: &[
        Figure { head: "led on, hearing no one", unit: Unit::Seconds },
        Figure { head: "the same, of the cut", unit: Unit::Number },
        Figure { head: "two led at a time", unit: Unit::Seconds },
        Figure { head: "without acknowledged writes", unit: Unit::Seconds },
    ],
    band: Some("up to the election timeout T"),
    timed: true,
    arms,
    measure,
    judge,
};

/// The shortest election timeout, in seconds.
const TIMEOUT: f64 = 0.5;

/// The cuts in a run, the seconds that each lasts, and those from one to the next.
const CUTS: u32 = 3;
const CUT: f64 = 2.5;
const APART: f64 = 5.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |cured: bool| {
        let mut plan = RunPlan::new(nodes, "set", f64::from(CUTS) * APART)
            .line("quick_tcp = true")
            .set("election_timeout", &format!("{:.0}ms", 1e3 * TIMEOUT));
        if !cured {
            plan = plan.set("off", "check-quorum");
        }
        let cut = "family = \"partition\"\nshape = \"into-leader\"";
        for number in 0..CUTS {
            plan = plan.fault(1.0 + f64::from(number) * APART, CUT, cut);
        }
        Arm {
            label: if cured { "with check-quorum" } else { "without check-quorum" }.to_owned(),
            cured,
            nodes,
            factor: 0.0,
            band: cured.then_some((0.0, TIMEOUT)),
            plan: plan.toml(),
            runs: extent.runs(2, 6),
        }
    };
    vec![of(true), of(false)]
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 4];
    for (place, cut) in run.faults.iter().enumerate() {
        if cut.family != Family::Partition {
            continue;
        }
        let (Some(from), Some(until), Some(node)) =
            (cut.injected, cut.undo_start, cut.nodes.first())
        else {
            continue;
        };
        // A cut that met no leader shows nothing.
        let Some(led_on) = run.led_on(node, from) else { continue };
        let elected = run.next_leader(from, until);
        figures[0].push(led_on);
        figures[1].push(led_on / seconds(until - from));
        figures[2].push(elected.map_or(0.0, |elected| (led_on - elected).max(0.0)));
        figures[3].push(run.longest_gap(from, run.next_fault(place)));
    }
    figures
}

/// The least cuts of an arm that decide something.
const LEAST: usize = 4;

/// A leader looks at its clock with each heartbeat, and what it heard last was on its way for a moment.
const LATEST: f64 = 1.5 * TIMEOUT;

/// The share of a cut for which it leads on, but for the time that its undoing takes.
const THROUGHOUT: f64 = 0.95;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let of = |arm: &ArmFigures| {
        let (led_on, of_cut) = (arm.values(0), arm.values(1));
        let all = led_on.len();
        let held = match arm.arm.cured {
            true => led_on.iter().filter(|seconds| **seconds <= LATEST).count(),
            false => of_cut.iter().filter(|share| **share >= THROUGHOUT).count(),
        };
        let label = &arm.arm.label;
        let said = match arm.arm.cured {
            true => {
                format!("{label}: it stepped down within {LATEST:.2} s in {held} of {all} cuts")
            }
            false => format!("{label}: it led on to the end of the cut in {held} of {all} cuts"),
        };
        check(held == all, said)
    };
    let each = arms.iter().map(|arm| of_arm(arm, 0, LEAST, of));
    let beside = arms.iter().filter(|arm| !arm.arm.cured).map(|arm| {
        of_arm(arm, 2, LEAST, |arm| {
            let both = arm.values(2).iter().filter(|it| **it > 0.0).count();
            let (label, all) = (&arm.arm.label, arm.values(2).len());
            check(both > 0, format!("{label}: two led at a time in {both} of {all} cuts"))
        })
    });
    each.chain(beside).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_leader_that_stays_in_spite_of_the_check_refutes_the_claim() {
        let of = |with: f64, without: f64, both: f64| {
            let figures = |label, seconds: f64, both: f64| {
                arm(label, &[&[seconds; 5], &[seconds / CUT; 5], &[both; 5], &[0.7; 5]])
            };
            let mut cured = figures("with", with, 0.0);
            cured.arm.cured = true;
            let checks = judge(&[cured, figures("without", without, both)]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.5, 2.5, 1.6), Some(Verdict::Valid));
        assert_eq!(of(0.9, 2.5, 1.6), Some(Verdict::Invalid), "too late");
        assert_eq!(of(0.5, 0.6, 0.0), Some(Verdict::Invalid), "it steps down all the same");
        assert_eq!(of(0.5, 2.5, 0.0), Some(Verdict::Invalid), "no other is elected");
    }
}
