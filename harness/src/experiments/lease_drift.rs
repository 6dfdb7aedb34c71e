//! Lease reads with clocks that run within the bound that leases rest on, and beyond it.

use checker::verdict::Verdict;
use cluster::server::Failure;
use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "lease-drift",
    claim: "A leader's lease keeps its reads the latest while no clock runs faster than another by more \
            than a bound, and serves stale reads beyond it, unless a guard stops the node in time; \
            ReadIndex needs no clock",
    about: "The leader's clock runs slower than those of its followers, and then it is cut off from them. \
            By its own clock it may still read without asking when by theirs the promise is over that \
            they made, and another leads. Nodes compare how fast their clocks run: one that is beyond \
            80 % of the bound stops itself, with exit code 71, which takes it about an election timeout.",
    figures: &[
        Figure { head: "stale reads of a deposed leader, of a cut", unit: Unit::Number },
        Figure { head: "another led after the cut", unit: Unit::Seconds },
        Figure { head: "the guard stopped it before", unit: Unit::YesOrNo },
        Figure { head: "the checker says linearizable", unit: Unit::YesOrNo },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The shortest election timeout, for which followers promise to elect no other. Longer timeouts make
/// longer the time in which two clocks disagree about its end.
const TIMEOUT_MS: u32 = 2_000;

/// The cuts in a run, and the seconds that each lasts.
const CUTS: u32 = 3;
const CUT: f64 = 3.0;

/// The seconds from a cut to the next fault: for the cluster to serve again; and for a node that was cut
/// off to be stopped by its guard, to start again, and to keep the promise that it may have made.
const SERVES: f64 = 1.5;
const VOTES: f64 = 4.5;

/// The seconds from when the clocks go wrong to the cut, so that the guard comes first or too late: it
/// has to see two readings of each clock, half a timeout apart.
const AT_ONCE: f64 = 0.1;
const AFTER_THE_GUARD: f64 = 3.0;

/// The arm in which the lease outlasts the promises.
const BEYOND: &str = "lease, 22 % apart, bound 1 %";

/// The conditions of an arm.
struct Case {
    label: &'static str,
    reads: &'static str,
    /// The bound, in per cent.
    bound: u8,
    /// The rates of the leader's clock and of the others'.
    rates: (f64, f64),
    /// The seconds before the cut at which the clocks go wrong.
    before: f64,
    /// The seconds after it.
    after: f64,
}

const CASES: [Case; 4] = [
    Case {
        label: "lease, 5 % apart, bound 10 %",
        reads: "lease",
        bound: 10,
        rates: (0.975, 1.025),
        before: AT_ONCE,
        after: SERVES,
    },
    Case {
        label: BEYOND,
        reads: "lease",
        bound: 1,
        rates: (0.9, 1.1),
        before: AT_ONCE,
        after: VOTES,
    },
    Case {
        label: "the same, the guard in time",
        reads: "lease",
        bound: 1,
        rates: (0.9, 1.1),
        before: AFTER_THE_GUARD,
        after: SERVES,
    },
    Case {
        label: "ReadIndex, 22 % apart",
        reads: "readindex",
        bound: 1,
        rates: (0.9, 1.1),
        before: AT_ONCE,
        after: SERVES,
    },
];

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |case: Case| {
        let Case { label, reads, bound, rates: (slow, fast), before, after } = case;
        let apart = before + CUT + after;
        // Some clients ask the leader each time, and give up soon when it cannot commit.
        let mut plan = RunPlan::new(nodes, "register", 1.0 + f64::from(CUTS) * apart)
            .line("keep_going = true")
            .line("quick_tcp = true")
            .line("keys = 1")
            .line("concurrency = 60")
            .line("rate = 100.0")
            .client("routing = \"pinned\"")
            .client("deadlines = [0.6]")
            .set("reads", reads)
            .set("clock_drift", &bound.to_string())
            .set("election_timeout", &format!("{TIMEOUT_MS}ms"))
            .set("election_timeout_max", &format!("{}ms", TIMEOUT_MS + TIMEOUT_MS / 10));
        for number in 0..CUTS {
            let at = 1.0 + f64::from(number) * apart;
            let clock = |aim: &str, rate: f64| {
                format!("family = \"clock\"\naim = \"{aim}\"\nerror = \"drift\"\nrate = {rate:?}")
            };
            let name = format!("slow{number}");
            let leader = format!("{}\nas = \"{name}\"", clock("leader", slow));
            let cut = format!("family = \"partition\"\nshape = \"isolate-one\"\non = \"{name}\"");
            plan = plan
                .fault(at, before + CUT, &leader)
                .fault(at, before + CUT, &clock("followers", fast))
                .fault(at + before, CUT, &cut);
        }
        Arm {
            label: label.to_owned(),
            cured: label != BEYOND,
            nodes,
            factor: before,
            band: None,
            plan: plan.toml(),
            runs: extent.runs(1, 5),
        }
    };
    CASES.into_iter().map(of).collect()
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let Ok(reads) = run.reads() else { return Vec::new() };
    let mut figures = vec![Vec::new(); 3];
    for cut in run.faults.iter().filter(|fault| fault.family == Family::Partition) {
        let (Some(from), Some(until), Some(node)) =
            (cut.injected, cut.undo_start, cut.nodes.first())
        else {
            continue;
        };
        let of_deposed = reads.iter().filter(|read| read.node == *node && read.start >= from);
        let stale = of_deposed.filter(|read| read.start < until && read.stale).count();
        let wrong = run.faults.iter().filter(|fault| fault.family == Family::Clock);
        let began = wrong.map(|clock| clock.start).filter(|start| *start <= from).max();
        let stopped = run.ended_with(Failure::CLOCK_OFF, node, began.unwrap_or(from), from);
        figures[0].push(stale as f64);
        figures[1].extend(run.next_leader(from, until));
        figures[2].push(f64::from(u8::from(stopped)));
    }
    let linearizable = run.summary.safety.verdict == Verdict::Valid;
    figures.push(vec![f64::from(u8::from(linearizable))]);
    figures
}

/// The least cuts of an arm that decide something.
const LEAST: usize = 2;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let of = |arm: &ArmFigures| {
        let (stale, cuts): (f64, usize) = (arm.values(0).iter().sum(), arm.values(0).len());
        let valid = arm.rate(3);
        let stopped = arm.rate(2);
        let holds = match arm.arm.cured {
            true => stale == 0.0 && valid.failed == valid.runs,
            false => stale > 0.0 && valid.failed < valid.runs,
        };
        let guarded = arm.arm.factor != AFTER_THE_GUARD || stopped.failed == stopped.runs;
        let guard = match stopped.failed {
            0 => String::new(),
            stopped => format!("; the guard had stopped it before {stopped} of them"),
        };
        check(
            holds && guarded,
            format!(
                "{}: {stale} stale reads in {cuts} cuts{guard}; linearizable by the checker in {} of \
                 {} runs",
                arm.arm.label, valid.failed, valid.runs
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
    fn a_stale_read_within_the_bound_refutes_the_claim_as_a_late_guard_does() {
        let of = |within: f64, beyond: f64, guarded: f64| {
            let of = |label: &str, stale: f64, stopped: f64, before: f64| {
                let valid = f64::from(u8::from(stale == 0.0));
                let mut figures = arm(label, &[&[stale, 0.0], &[1.9; 2], &[stopped; 2], &[valid]]);
                figures.arm.cured = label != BEYOND;
                figures.arm.factor = before;
                figures
            };
            let arms = [
                of("within", within, 0.0, AT_ONCE),
                of(BEYOND, beyond, 0.0, AT_ONCE),
                of("guard", 0.0, guarded, AFTER_THE_GUARD),
            ];
            judge(&arms).iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.0, 2.0, 1.0), Some(Verdict::Valid));
        assert_eq!(of(1.0, 2.0, 1.0), Some(Verdict::Invalid), "stale within the bound");
        assert_eq!(of(0.0, 0.0, 1.0), Some(Verdict::Invalid), "nothing stale beyond it");
        assert_eq!(of(0.0, 2.0, 0.0), Some(Verdict::Invalid), "no guard");
    }
}
