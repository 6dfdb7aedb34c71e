//! The paper's figure 8, played with real processes: with the commit rule, and without.

use checker::verdict::Verdict;
use cluster::server::Failure;
use results::experiment::Check;
use results::summary::Summary;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "figure-8",
    claim: "A leader that commits entries of an earlier term by counting replicas loses what it \
            acknowledged; one that counts only those of its own term loses nothing",
    about: "Figure 8 of the Raft paper, played by triggers: a leader is cut off with entries that no other \
            has, its successor with its first entry; the first leads again and sends what it has, and is \
            cut off in the middle of it, before an entry of its new term. The second leads again and \
            overwrites that. Entries are large, appends wait for each other, and a leader that hears no \
            one leads on, so that there is a middle. A node that is to replace a committed entry ends \
            instead.",
    figures: &[
        Figure { head: "a committed entry was replaced", unit: Unit::YesOrNo },
        Figure { head: "figures played", unit: Unit::Number },
    ],
    band: None,
    timed: false,
    arms,
    measure,
    judge,
};

/// The seconds of a run: a figure takes about seven.
const SECONDS: f64 = 27.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let of = |cured: bool| {
        let mut plan = RunPlan::new(3, "register", SECONDS)
            .line("composition = [\"figure-8\"]")
            .line("rate = 300.0")
            .line("concurrency = 60")
            .line("partition_engine = \"switch\"")
            .client("values = \"all:100000\"")
            .set("off", "check-quorum,pipelining");
        if !cured {
            plan = plan.line("bug = \"commit-earlier-term\"");
        }
        Arm {
            label: if cured { "with the commit rule" } else { "without it" }.to_owned(),
            cured,
            nodes: 3,
            factor: 0.0,
            band: None,
            plan: plan.toml(),
            runs: if cured { extent.runs(2, 6) } else { extent.runs(7, 12) },
        }
    };
    vec![of(true), of(false)]
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let Summary { run: info, safety, .. } = &run.summary;
    // A node that was told to replace a committed entry.
    let ended = |node: &String| run.ended_with(Failure::ASSERTION_FAILED, node, 0, u64::MAX);
    let replaced = safety.verdict == Verdict::Invalid || info.nodes.iter().any(ended);
    let lost = match run.summary.verdict {
        Verdict::Unknown if !replaced => Vec::new(),
        _ => vec![f64::from(u8::from(replaced))],
    };
    // Two cuts of a figure wait for a message.
    let played = run.faults.iter().filter(|fault| fault.trigger.is_some()).count() / 2;
    vec![lost, vec![played as f64]]
}

/// The least runs of an arm that decide something.
const LEAST: usize = 2;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let of = |arm: &ArmFigures| {
        let rate = arm.rate(0);
        let played: f64 = arm.values(1).iter().sum();
        check(
            if arm.arm.cured { rate.failed == 0 } else { rate.failed > 0 },
            format!(
                "{}: a committed entry was replaced in {} of {} runs, in which the figure was played \
                 {played} times",
                arm.arm.label, rate.failed, rate.runs
            ),
        )
    };
    arms.iter().map(|arm| of_arm(arm, 0, LEAST, of)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_loss_with_the_rule_refutes_the_claim_as_none_without_it_does() {
        let of = |with: &[f64], without: &[f64]| {
            let mut cured = arm("with", &[with, &[5.0; 3]]);
            cured.arm.cured = true;
            let checks = judge(&[cured, arm("without", &[without, &[5.0; 3]])]);
            checks.iter().map(|check| check.verdict).max()
        };
        let (none, one) = ([0.0; 3], [0.0, 1.0, 0.0]);
        assert_eq!(of(&none, &one), Some(Verdict::Valid));
        assert_eq!(of(&one, &one), Some(Verdict::Invalid));
        assert_eq!(of(&none, &none), Some(Verdict::Invalid));
        assert_eq!(of(&none, &[]), Some(Verdict::Unknown));
    }
}
