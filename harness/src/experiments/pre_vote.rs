//! A node that was cut off comes back: with pre-vote, and without.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, is_more_often, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, nanoseconds};
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "pre-vote",
    claim: "A node that comes back from a partition deposes a leader that all others hear, unless it \
            has to ask for pre-votes first",
    about: "A follower is cut off from the others for several election timeouts, and then heard again. \
            Alone it stands for election in one term after another; its term is the highest when it is \
            back, and the leader steps down for it. With pre-vote it first asks if it could win, and \
            keeps its term as long as it could not.",
    figures: &[
        Figure { head: "without acknowledged writes after the return", unit: Unit::Seconds },
        Figure { head: "deposed the leader", unit: Unit::YesOrNo },
        Figure { head: "terms ahead of the leader", unit: Unit::Number },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The returns in a run, the seconds for which the node is cut off before each, and those from one
/// cut to the next.
const RETURNS: u32 = 3;
const CUT: f64 = 2.2;
const APART: f64 = 4.8;

/// The time after a return that is looked at, in seconds: retransmissions of TCP, an election and the
/// clients' retries.
const AFTER: u64 = 2;

/// The shortest election timeout: a follower that is cut off stands two or three times.
const TIMEOUT: &str = "500ms";

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |cured: bool| {
        let mut plan = RunPlan::new(nodes, "set", f64::from(RETURNS) * APART + 1.0)
            .line("quick_tcp = true")
            .set("election_timeout", TIMEOUT);
        if !cured {
            plan = plan.set("off", "pre-vote");
        }
        for number in 0..RETURNS {
            let at = 1.0 + f64::from(number) * APART;
            // A partition aims at any node; a pause that no node notices makes it aim at a follower.
            let name = format!("cut{number}");
            let pause = format!("family = \"pause\"\naim = \"follower\"\nas = \"{name}\"");
            let cut = format!("family = \"partition\"\nshape = \"isolate-one\"\non = \"{name}\"");
            plan = plan.fault(at, 0.02, &pause).fault(at + 0.1, CUT, &cut);
        }
        Arm {
            label: if cured { "with pre-vote" } else { "without pre-vote" }.to_owned(),
            cured,
            nodes,
            factor: 0.0,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(2, 6),
        }
    };
    vec![of(true), of(false)]
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 3];
    for cut in run.faults.iter().filter(|fault| fault.family == Family::Partition) {
        let (Some(back), Some(node)) = (cut.undo_start, cut.nodes.first()) else { continue };
        let until = (back + nanoseconds(AFTER)).min(run.load.1);
        let (led, own) = (run.term_by(back), run.term_of(node, back));
        // Other elections come about too, where a machine is busy: only a term that is higher than
        // the leader's deposes it.
        let deposed = own > led && run.term_by(until) >= own;
        figures[0].push(run.longest_gap(back, until));
        figures[1].push(f64::from(u8::from(deposed)));
        figures[2].push(own.saturating_sub(led) as f64);
    }
    figures
}

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let [with, without] = arms else { return Vec::new() };
    vec![
        is_more_often(without, with, 1, "leaders deposed by a return"),
        of_arm(with, 1, 4, |arm| {
            let rate = arm.rate(1);
            let said = format!(
                "{}: {} of {} returns deposed the leader",
                arm.arm.label, rate.failed, rate.runs
            );
            check(rate.failed == 0, said)
        }),
        is_higher(without, with, 0, "seconds without writes"),
    ]
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_single_leader_deposed_in_spite_of_pre_vote_refutes_the_claim() {
        let gaps = [0.02, 0.03, 0.02, 0.04, 0.02, 0.03];
        let with = arm("with", &[&gaps, &[0.0; 6], &[0.0; 6]]);
        let without = arm("without", &[&gaps.map(|gap| gap + 0.5), &[1.0; 6], &[3.0; 6]]);
        let worst = |arms: &[ArmFigures]| judge(arms).iter().map(|it| it.verdict).max();
        assert_eq!(worst(&[with.clone(), without.clone()]), Some(Verdict::Valid));
        assert_eq!(worst(&[without.clone(), with]), Some(Verdict::Invalid), "the reverse");
        let once = arm("with", &[&gaps, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[0.0; 6]]);
        assert_eq!(worst(&[once, without]), Some(Verdict::Invalid));
    }
}
