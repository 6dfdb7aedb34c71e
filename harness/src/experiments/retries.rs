//! Writes are tried again after the leader's answer was lost: with idempotency tokens, and without.

use checker::history::EventType;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "retries",
    claim: "A write that is tried again after a lost answer is done twice, unless it has a token that \
            the service remembers",
    about: "What the leader answers is lost on its way to the clients, and then the leader is killed: \
            clients ask the next one for writes that may be done. Afterwards every node is asked which \
            commands it applied how often. Without tokens, the nodes ignore those that clients send.",
    figures: &[
        Figure { head: "writes done twice, of a run", unit: Unit::Number },
        Figure { head: "writes tried again", unit: Unit::Number },
        Figure { head: "some done twice", unit: Unit::YesOrNo },
    ],
    band: None,
    timed: false,
    arms,
    measure,
    judge,
};

/// The seconds of a run.
const SECONDS: f64 = 14.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |cured: bool| {
        let plan = RunPlan::new(nodes, "append", SECONDS).line("keep_going = true");
        let mut plan = plan.line("composition = [\"killed-behind-its-answers\"]");
        if !cured {
            plan = plan.line("bug = \"ignore-tokens\"");
        }
        Arm {
            label: if cured { "with tokens" } else { "without tokens" }.to_owned(),
            cured,
            nodes,
            factor: 0.0,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(3, 10),
        }
    };
    vec![of(true), of(false)]
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let Some(audit) = &run.summary.safety.audit else { return Vec::new() };
    let doubled: u64 = audit.table.iter().map(|row| row.repeatedly).sum();
    let again = run.history.operations.iter().filter(|operation| {
        let in_doubt = operation.attempts().any(|attempt| attempt.definite == Some(false));
        !operation.f().starts_with("read") && operation.outcome() == EventType::Ok && in_doubt
    });
    vec![vec![doubled as f64], vec![again.count() as f64], vec![f64::from(u8::from(doubled > 0))]]
}

/// The least runs of an arm, and the least writes in all of them that were tried again in doubt.
const LEAST_RUNS: usize = 3;
const LEAST_AGAIN: f64 = 10.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let of = |arm: &ArmFigures| {
        let again: f64 = arm.values(1).iter().sum();
        let doubled: f64 = arm.values(0).iter().sum();
        let said = format!(
            "{}: {doubled} of {again} writes that were tried again in doubt were done twice",
            arm.arm.label
        );
        if again < LEAST_AGAIN {
            return super::checks::too_little(said);
        }
        check(if arm.arm.cured { doubled == 0.0 } else { doubled > 0.0 }, said)
    };
    arms.iter().map(|arm| of_arm(arm, 0, LEAST_RUNS, of)).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn nothing_is_claimed_of_writes_that_were_not_tried_again() {
        let of = |with: &[f64], without: &[f64], again: &[f64]| {
            let yes =
                |it: &[f64]| it.iter().map(|it| f64::from(u8::from(*it > 0.0))).collect::<Vec<_>>();
            let mut cured = arm("with", &[with, again, &yes(with)]);
            cured.arm.cured = true;
            let checks = judge(&[cured, arm("without", &[without, again, &yes(without)])]);
            checks.iter().map(|check| check.verdict).max()
        };
        let (none, some, again) = ([0.0; 3], [3.0, 0.0, 7.0], [9.0; 3]);
        assert_eq!(of(&none, &some, &again), Some(Verdict::Valid));
        assert_eq!(of(&none, &none, &again), Some(Verdict::Invalid));
        assert_eq!(of(&some, &some, &again), Some(Verdict::Invalid));
        assert_eq!(of(&none, &some, &[1.0; 3]), Some(Verdict::Unknown));
    }
}
