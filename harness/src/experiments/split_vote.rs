//! Election timeouts that are drawn anew each time, and such that never differ: the elections that no
//! one wins.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_more_often, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "split-vote",
    claim: "With one election timeout for all nodes elections are split one after the other; with random \
            timeouts a split is rare, and mostly the first election has a winner",
    about: "The leader is paused again and again. Its followers heard it last at the same moment: with \
            one timeout for all, here 150 ms, they stand together, and each votes for itself. Drawn from \
            150 to 300 ms, N − 1 timeouts leave the first some time alone; another one runs out within \
            the time d that its request for votes takes in about (N − 1)·d/150 ms of the elections: of \
            5 nodes 5 % with d = 2 ms. Told in the field are about 1/N, which is a bound, and below 5 % \
            for 5 nodes at 150 to 300 ms, which d decides: a slow disk is part of it, for a candidate's \
            own vote is made durable first. There are no pre-votes here, as in the paper: each try is a \
            term of its own.",
    figures: &[
        Figure { head: "elections until a leader", unit: Unit::Number },
        Figure { head: "split", unit: Unit::YesOrNo },
        Figure { head: "until a new leader", unit: Unit::Seconds },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The shortest election timeout, and the time between heartbeats, several of which fit into it. The
/// longest timeout is twice the shortest.
const TIMEOUT: &str = "150ms";
const HEARTBEAT: &str = "25ms";

/// The time for which the leader is paused: several timeouts; and that from one pause to the next, in
/// seconds.
const PAUSED: f64 = 0.6;
const APART: f64 = 1.0;

/// The pauses in a run with random timeouts, and in one with fixed ones, of which few show enough.
const PAUSES: u32 = 12;
const PAUSES_FIXED: u32 = 6;

fn arms(extent: Extent) -> Vec<Arm> {
    let of = |nodes: usize, random: bool| {
        let pauses = if random { PAUSES } else { PAUSES_FIXED };
        let plan = RunPlan::new(nodes, "set", f64::from(pauses) * APART + 0.5);
        let mut plan = plan.line("rate = 50.0").set("election_timeout", TIMEOUT);
        plan = plan.set("heartbeat_interval", HEARTBEAT);
        plan = plan.set("off", if random { "pre-vote" } else { "pre-vote,random-timeouts" });
        let pause = "family = \"pause\"\naim = \"leader\"";
        let plan = (0..pauses)
            .fold(plan, |plan, at| plan.fault(0.5 + f64::from(at) * APART, PAUSED, pause));
        let word = if random { "random timeouts" } else { "one timeout" };
        Arm {
            label: format!("with {word}, {nodes} nodes"),
            cured: random,
            nodes,
            factor: 1.0 / nodes as f64,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(1, 6),
        }
    };
    let sizes = extent.sizes(&[3, 5, 7]);
    sizes.into_iter().flat_map(|nodes| [of(nodes, false), of(nodes, true)]).collect()
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 3];
    for (place, pause) in run.faults.iter().enumerate() {
        let until = run.next_fault(place);
        let mut elections = run.elections(pause.start, until);
        let won = elections.iter().position(|(_, won)| *won);
        elections.truncate(won.map_or(elections.len(), |place| place + 1));
        // A pause that met no leader, or at whose end the load ended as well, shows nothing.
        if pause.family != Family::Pause || elections.is_empty() {
            continue;
        }
        figures[0].push(elections.len() as f64);
        figures[1].extend(elections.iter().map(|(_, won)| f64::from(u8::from(!won))));
        figures[2].extend(run.next_leader(pause.start, until));
    }
    figures
}

/// The least pauses of an arm that decide something.
const LEAST: usize = 4;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let pairs = arms.chunks_exact(2);
    let rarer = pairs.map(|pair| is_more_often(&pair[0], &pair[1], 1, "elections that were split"));
    let random = arms.iter().filter(|arm| arm.arm.cured);
    rarer.chain(random.map(|arm| of_arm(arm, 0, LEAST, is_rare))).collect()
}

/// The check that no more than 1/N are split, and that half of the leaders are found at once.
fn is_rare(arm: &ArmFigures) -> Check {
    let (rate, bound) = (arm.rate(1), arm.arm.factor);
    let (low, high) = rate.percents();
    let rounds = arm.half(0);
    check(
        rate.interval().0 <= bound && rounds <= 1.0,
        format!(
            "{}: {} of {} elections were split, which is {low:.0} to {high:.0} %, and half of the \
             leaders were found in {rounds:.0}; 1/N is {:.0} %",
            arm.arm.label,
            rate.failed,
            rate.runs,
            100.0 * bound
        ),
    )
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn random_timeouts_that_split_as_many_votes_refute_the_claim() {
        let of = |rounds: &[f64]| {
            let elections = rounds.iter().map(|rounds| *rounds as usize);
            let split = elections.flat_map(|all| (1..=all).map(move |at| f64::from(at < all)));
            arm("", &[rounds, &split.collect::<Vec<_>>()])
        };
        let worst = |random: &[f64]| {
            let mut cured = of(random);
            cured.arm.cured = true;
            cured.arm.factor = 0.2;
            let checks = judge(&[of(&[4.0; 6]), cured]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(worst(&[1.0; 10]), Some(Verdict::Valid));
        assert_eq!(worst(&[1.0, 1.0, 1.0, 2.0, 1.0, 1.0]), Some(Verdict::Valid));
        assert_eq!(worst(&[2.0; 10]), Some(Verdict::Invalid), "each second one is split");
        assert_eq!(worst(&[1.0; 3]), Some(Verdict::Unknown));
    }
}
