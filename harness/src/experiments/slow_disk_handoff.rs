//! Leadership is handed over while one disk of three is slow for ever: as a voter, and as a learner.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, nanoseconds};
use super::run_plan::{RunPlan, handed_to};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "slow-disk-handoff",
    claim: "To hand leadership to a voter whose disk is slow for ever stops writes for longer than to \
            hand it to a healthy one, and may come to nothing; a learner cannot be handed to, and no write \
            waits for it",
    about: "Each fsync of one node of three takes a second longer from the beginning. Leadership is handed \
            over again and again. A successor must have the whole log on its disk, and then its own vote; \
            a leader takes no commands while it waits for that. Elsewhere writes were seen to stop for \
            90 s so; here a leader gives up a successor that is not there in an election timeout.",
    figures: &[
        Figure { head: "without acknowledged writes", unit: Unit::Seconds },
        Figure { head: "the successor led", unit: Unit::YesOrNo },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The time by which each fsync of the slow disk is longer, in milliseconds.
const DELAY_MS: u32 = 1_000;

/// The node that leads before the first hand-over, the healthy one beside it, and the one with the slow
/// disk.
const FIRST: &str = "n1";
const HEALTHY: &str = "n2";
const SLOW: &str = "n3";

/// The hand-overs in a run, and the seconds from one to the next.
const HANDOVERS: u32 = 4;
const APART: f64 = 2.2;

/// The seconds until the first: a slow disk, and a member that is demoted.
const BEGIN: f64 = 2.5;

/// The successor in an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Healthy,
    Voter,
    VoterWithoutPreVote,
    Learner,
}

impl To {
    const ALL: [To; 4] = [To::Healthy, To::Voter, To::VoterWithoutPreVote, To::Learner];

    fn label(self) -> &'static str {
        match self {
            To::Healthy => "to a healthy voter",
            To::Voter => "to the slow voter",
            To::VoterWithoutPreVote => "the same, without pre-vote",
            To::Learner => "to the slow learner",
        }
    }

    /// The node that gets the leadership; healthy ones hand it to and fro.
    fn successor(self, number: u32) -> &'static str {
        match self {
            To::Healthy if number.is_multiple_of(2) => HEALTHY,
            To::Healthy => FIRST,
            _ => SLOW,
        }
    }
}

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |to: To| {
        let seconds = BEGIN + f64::from(HANDOVERS) * APART;
        let mut plan = RunPlan::new(nodes, "set", seconds);
        if to == To::VoterWithoutPreVote {
            plan = plan.set("off", "pre-vote");
        }
        let slow = format!(
            "family = \"disk\"\naim = \"one\"\non = \"{SLOW}\"\ntrouble = \"slow-fsync\"\n\
             delay_ms = {DELAY_MS}"
        );
        plan = plan.fault(0.1, 0.1, &handed_to(FIRST)).fault(0.5, seconds - 0.5, &slow);
        if to == To::Learner {
            let demote = format!(
                "family = \"membership\"\naim = \"one\"\non = \"{SLOW}\"\nchange = \"demote\""
            );
            plan = plan.fault(1.0, seconds - 1.0, &demote);
        }
        for number in 0..HANDOVERS {
            let at = BEGIN + f64::from(number) * APART;
            plan = plan.fault(at, 0.1, &handed_to(to.successor(number)));
        }
        Arm {
            label: to.label().to_owned(),
            cured: to == To::Healthy || to == To::Learner,
            nodes,
            factor: f64::from(u8::from(to == To::Healthy)),
            band: None,
            plan: plan.toml(),
            runs: extent.runs(1, 5),
        }
    };
    To::ALL.map(of).into()
}

/// The seconds after a hand-over began that are looked at.
const AFTER: u64 = 2;

/// A value for each hand-over to the kind of node that the arm is about.
fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 2];
    let slow = run.faults.iter().find(|fault| fault.family == Family::Disk);
    let Some(slow) = slow.and_then(|fault| fault.injected) else { return figures };
    let handed = run.tried.iter().filter(|fault| fault.family == Family::Leadership);
    for handed in handed.filter(|handed| handed.start > slow) {
        let Some(to) = handed.nodes.first() else { continue };
        let to_healthy = to != SLOW;
        if to_healthy != (arm.factor > 0.5) || run.led_on(to, handed.start).is_some() {
            continue;
        }
        let until = (handed.start + nanoseconds(AFTER)).min(run.load.1);
        figures[0].push(run.longest_gap(handed.start, until));
        figures[1].push(f64::from(u8::from(run.began_to_lead(to, handed.start, until))));
    }
    figures
}

/// The least hand-overs of an arm that decide something.
const LEAST: usize = 3;

/// To hand over takes a few round trips, and to refuse that one; clients try again after 300 ms at most.
const SHORT: f64 = 0.6;

/// A leader gives up a successor after its shortest election timeout, and its clients try again.
const LONGEST: f64 = 1.6;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let [healthy, voter, without, learner] = arms else { return Vec::new() };
    let of = |arm: &ArmFigures| {
        let half = arm.half(0);
        let longest = arm.values(0).into_iter().fold(0.0, f64::max);
        let (most, value) = if arm.arm.cured { (SHORT, half) } else { (LONGEST, longest) };
        let (label, led) = (&arm.arm.label, arm.rate(1));
        check(
            value <= most,
            format!(
                "{label}: half of the hand-overs stopped writes for {half:.2} s or less, the others for \
                 {longest:.2} s at most; the successor led after {} of {}",
                led.failed, led.runs
            ),
        )
    };
    let led = |arm: &ArmFigures| {
        let led = arm.rate(1);
        let said = format!("{}: it led after {} of {}", arm.arm.label, led.failed, led.runs);
        check(if arm.arm.factor > 0.5 { led.failed > 0 } else { led.failed == 0 }, said)
    };
    let what = "seconds without writes";
    let longer = [voter, without]
        .into_iter()
        .flat_map(|slow| [is_higher(slow, healthy, 0, what), is_higher(slow, learner, 0, what)]);
    let each = arms.iter().map(|arm| of_arm(arm, 0, LEAST, of));
    let led = [healthy, learner].map(|arm| of_arm(arm, 1, LEAST, led));
    longer.chain(each).chain(led).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_learner_that_stops_writes_refutes_the_claim_as_a_voter_does_that_does_not() {
        let of = |voter: f64, learner: f64| {
            let spread = |it: f64| [0.98, 0.99, 1.0, 1.01, 1.02].map(|factor| factor * it);
            let figures = |seconds: f64, to: To, led: f64| {
                let mut figures = arm(to.label(), &[&spread(seconds), &[led; 5]]);
                figures.arm.cured = to == To::Healthy || to == To::Learner;
                figures.arm.factor = f64::from(u8::from(to == To::Healthy));
                figures
            };
            let arms = [
                figures(0.05, To::Healthy, 1.0),
                figures(voter, To::Voter, 0.0),
                figures(voter, To::VoterWithoutPreVote, 0.0),
                figures(learner, To::Learner, 0.0),
            ];
            judge(&arms).iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.4, 0.05), Some(Verdict::Valid));
        assert_eq!(of(0.9, 0.8), Some(Verdict::Invalid), "the learner stops writes");
        assert_eq!(of(0.05, 0.05), Some(Verdict::Invalid), "a slow voter does no harm");
        assert_eq!(of(5.0, 0.05), Some(Verdict::Invalid), "the leader waits for ever");
    }
}
