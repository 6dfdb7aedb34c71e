//! A leader is stopped until another leads, and goes on: its answers to those who asked it meanwhile.

use faults::fault::Family;
use results::experiment::Check;
use results::metrics::FaultInterval;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, too_little};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "stale-leader",
    claim: "A leader that was stopped while another was elected answers no read from its past when it \
            goes on, whichever way of reading promises the latest; one that trusts its role alone does",
    about: "The leader's process is stopped with SIGSTOP, and continued when another has led for seconds. \
            What clients asked it meanwhile waits in its sockets. It believes that no time has passed, \
            and finds out only by its clock or from the others, from which it stays cut off for a \
            moment. An answer is from the past if a write of its key was acknowledged before it was \
            asked for, and has a later version.",
    figures: &[
        Figure { head: "answers from the past, of a wake", unit: Unit::Number },
        Figure { head: "answers", unit: Unit::Number },
        Figure { head: "refusals", unit: Unit::Number },
    ],
    band: None,
    timed: false,
    arms,
    measure,
    judge,
};

/// The ways of reading that promise the latest.
const WAYS: [(&str, &str); 4] = [
    ("log reads", "log"),
    ("ReadIndex", "readindex"),
    ("lease reads", "lease"),
    ("follower reads", "follower"),
];

/// The pauses in a run, the seconds that each lasts, those for which it is cut off afterwards, and those
/// from one pause to the next.
const PAUSES: u32 = 2;
const PAUSE: f64 = 3.0;
const DEAF: f64 = 0.4;
const APART: f64 = 5.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |label: &str, way: Option<&str>| {
        // Each client that asks the stopped leader waits for it, so there are many, and some begin
        // with it each time.
        let plan = RunPlan::new(nodes, "register", f64::from(PAUSES) * APART + 1.0)
            .line("keep_going = true")
            .line("concurrency = 150")
            .line("rate = 60.0")
            .client("routing = \"pinned\"")
            .client("attempt_timeout = 8.0");
        let mut plan = match way {
            Some(way) => plan.set("reads", way),
            None => plan.line("bug = \"stale-read\""),
        };
        for number in 0..PAUSES {
            let (at, name) = (1.0 + f64::from(number) * APART, format!("stopped{number}"));
            let pause = format!("family = \"pause\"\naim = \"leader\"\nas = \"{name}\"");
            let cut = format!("family = \"partition\"\nshape = \"isolate-one\"\non = \"{name}\"");
            plan = plan.fault(at, PAUSE, &pause).fault(at + 0.1, PAUSE - 0.1 + DEAF, &cut);
        }
        Arm {
            label: label.to_owned(),
            cured: way.is_some(),
            nodes,
            factor: 0.0,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(1, 5),
        }
    };
    let ways = WAYS.into_iter().map(|(label, way)| of(label, Some(way)));
    ways.chain([of("reads without asking", None)]).collect()
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let Ok(reads) = run.reads() else { return Vec::new() };
    let mut figures = vec![Vec::new(); 3];
    let pauses = run.faults.iter().filter(|fault| fault.family == Family::Pause);
    for (node, from, woke) in pauses.filter_map(stopped) {
        let asked = from..woke;
        let waited = reads.iter().filter(|read| read.node == node && read.end >= woke);
        let answers: Vec<bool> =
            waited.filter(|read| asked.contains(&read.start)).map(|read| read.stale).collect();
        let refusals = run.history.operations.iter().filter(|operation| {
            let refused = operation.attempts().any(|attempt| {
                let waited = asked.contains(&attempt.start) && attempt.end >= woke;
                attempt.node == node && waited && attempt.error.is_some()
            });
            operation.f() == "read" && refused
        });
        figures[0].push(answers.iter().filter(|stale| **stale).count() as f64);
        figures[1].push(answers.len() as f64);
        figures[2].push(refusals.count() as f64);
    }
    figures
}

/// The node that a pause stopped, with the times at which it was stopped and went on.
fn stopped(pause: &FaultInterval) -> Option<(&str, u64, u64)> {
    Some((pause.nodes.first()?, pause.injected?, pause.undo_start?))
}

/// The least wakes of an arm, and the least reads that waited for them.
const LEAST: usize = 2;
const LEAST_READS: f64 = 10.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let sum = |arm: &ArmFigures, figure| arm.values(figure).iter().sum::<f64>();
    let waited = |arm: &ArmFigures| sum(arm, 1) + sum(arm, 2);
    let is_few = |arm: &&ArmFigures| arm.values(0).len() < LEAST || waited(arm) < LEAST_READS;
    if let Some(arm) = arms.iter().find(is_few) {
        let (label, waited) = (&arm.arm.label, waited(arm));
        return vec![too_little(format!("{label}: {waited} reads waited for a stopped leader"))];
    }
    let of = |cured: bool| {
        let own: Vec<&ArmFigures> = arms.iter().filter(|arm| arm.arm.cured == cured).collect();
        let labels: Vec<&str> = own.iter().map(|arm| &arm.arm.label[..]).collect();
        let all = |figure| own.iter().map(|arm| sum(arm, figure)).sum::<f64>();
        let (past, answers) = (all(0), all(1));
        check(
            if cured { past == 0.0 } else { past > 0.0 },
            format!(
                "{}: {} waited for a stopped leader, {answers} of them were answered by it, {past} from \
                 the past",
                labels.join(", "),
                answers + all(2),
            ),
        )
    };
    vec![of(true), of(false)]
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn an_answer_from_the_past_refutes_what_promises_the_latest() {
        let of = |past: f64, stale: f64, waited: f64| {
            let figures = |past: f64| arm("", &[&[past, 0.0], &[waited; 2], &[0.0; 2]]);
            let mut cured = figures(past);
            cured.arm.cured = true;
            judge(&[cured, figures(stale)]).iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.0, 3.0, 9.0), Some(Verdict::Valid));
        assert_eq!(of(1.0, 3.0, 9.0), Some(Verdict::Invalid));
        assert_eq!(of(0.0, 0.0, 9.0), Some(Verdict::Invalid), "stale reads are never stale");
        assert_eq!(of(0.0, 3.0, 1.0), Some(Verdict::Unknown), "nobody waited");
    }
}
