//! Nodes are lost one after the other until no majority is left.

use checker::verdict::Verdict;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm, too_little};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, nanoseconds, seconds};
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "quorum",
    claim: "Writes go on as long as a majority of nodes is up, and stop with it; nothing that was \
            acknowledged is lost either way",
    about: "So many processes are killed at a time, and started again later. Counted are the writes \
            that are acknowledged meanwhile, after a moment for an election. In the end every element \
            that was acknowledged has to be there.",
    figures: &[
        Figure { head: "writes a second while nodes are down", unit: Unit::Number },
        Figure { head: "nothing lost", unit: Unit::YesOrNo },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The seconds for which nodes are down, those of them that an election may take, and those from one
/// loss to the next.
const DOWN: f64 = 3.0;
const ELECTION: u64 = 1;
const APART: f64 = 4.5;

/// The losses in a run.
const LOSSES: usize = 2;

fn arms(extent: Extent) -> Vec<Arm> {
    let of = |nodes: usize, lost: usize| {
        let mut plan = RunPlan::new(nodes, "set", LOSSES as f64 * APART + 1.0);
        let aim = if 2 * lost < nodes { "minority" } else { "majority" };
        let kill = format!("family = \"kill\"\naim = \"{aim}\"");
        for number in 0..LOSSES {
            plan = plan.fault(1.0 + number as f64 * APART, DOWN, &kill);
        }
        Arm {
            label: format!("{lost} of {nodes} nodes down"),
            cured: 2 * lost < nodes,
            nodes,
            factor: lost as f64,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(2, 5),
        }
    };
    let sizes = extent.sizes(&[3, 5]);
    let each = sizes.into_iter().flat_map(|nodes| {
        let most = nodes.div_ceil(2);
        (most.max(2) - 1..=most).map(move |lost| (nodes, lost))
    });
    each.map(|(nodes, lost)| of(nodes, lost)).collect()
}

fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let mut rates = Vec::new();
    for loss in &run.faults {
        let (Some(down), Some(back)) = (loss.injected, loss.undo_start) else { continue };
        let from = down + nanoseconds(ELECTION);
        if loss.nodes.len() as f64 == arm.factor && from < back {
            rates.push(run.acknowledged(from, back) as f64 / seconds(back - from));
        }
    }
    let whole = run.summary.safety.verdict == Verdict::Valid;
    vec![rates, vec![f64::from(u8::from(whole))]]
}

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let serves = |arm: &ArmFigures| {
        let rates = arm.values(0);
        let silent = rates.iter().filter(|rate| **rate == 0.0).count();
        let (label, all) = (&arm.arm.label, rates.len());
        match arm.arm.cured {
            true => check(
                silent == 0,
                format!("{label}: writes went on in {} of {all} losses", all - silent),
            ),
            false => {
                check(silent == all, format!("{label}: writes stopped in {silent} of {all} losses"))
            }
        }
    };
    let mut checks: Vec<Check> = arms.iter().map(|arm| of_arm(arm, 0, 3, serves)).collect();
    let whole: Vec<f64> = arms.iter().flat_map(|arm| arm.values(1)).collect();
    let kept = whole.iter().filter(|it| **it > 0.5).count();
    checks.push(match whole.is_empty() {
        true => too_little("nothing is known of what was lost"),
        false => check(
            kept == whole.len(),
            format!("nothing that was acknowledged was lost in {kept} of {} runs", whole.len()),
        ),
    });
    checks
}

#[cfg(test)]
mod tests {
    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_write_without_a_majority_refutes_the_claim_as_a_lost_one_does() {
        let of = |lost: &[f64], minority: &[f64], whole: f64| {
            let mut up = arm("1 of 3", &[minority, &[whole]]);
            up.arm.cured = true;
            let checks = judge(&[up, arm("2 of 3", &[lost, &[1.0]])]);
            checks.iter().map(|check| check.verdict).max()
        };
        let (none, some) = ([0.0; 4], [90.0; 4]);
        assert_eq!(of(&none, &some, 1.0), Some(Verdict::Valid));
        assert_eq!(of(&[0.0, 0.0, 0.5, 0.0], &some, 1.0), Some(Verdict::Invalid));
        assert_eq!(of(&none, &[90.0, 0.0, 90.0], 1.0), Some(Verdict::Invalid));
        assert_eq!(of(&none, &some, 0.0), Some(Verdict::Invalid));
        assert_eq!(of(&none, &some[..2], 1.0), Some(Verdict::Unknown));
    }
}
