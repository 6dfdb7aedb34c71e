//! The ways of answering reads: what each costs, and what it promises.

use checker::verdict::Verdict;
use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm, too_little};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::load::{middle, parts};
use super::observed::Observed;
use super::run_plan::{RunPlan, delayed};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "read-paths",
    claim: "A read by the log, by ReadIndex or of a follower waits for a round trip to others, one by a \
            lease for none, and all of these are linearizable; a leader that answers from what it has \
            is as fast, and stale",
    about: "Links between nodes take 5 ms each way, those of clients nothing, so that a round trip is \
            10 ms; what comes while one is under way waits for the next. Clients ask their own node and, \
            if that refuses, the leader, each again as soon as it has its answer; half of what they do \
            are reads. Later the leader is cut off from the others, but not from its clients, until \
            another one leads. The checker judges the whole history. The stale reads are those of the \
            planted bug stale-read.",
    figures: &[
        Figure { head: "latency of reads, in ms", unit: Unit::Number },
        Figure { head: "reads in a second of a client", unit: Unit::Number },
        Figure { head: "found linearizable", unit: Unit::YesOrNo },
        Figure { head: "found stale", unit: Unit::YesOrNo },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The ways, as `--reads` has them, with the round trips that half of the reads take at least and at most:
/// one under way, one of their own, for a follower's another one to the leader, and what nodes need.
const WAYS: [(&str, f64, f64); 5] = [
    ("log", 1.0, 5.0),
    ("readindex", 1.0, 5.0),
    ("follower", 1.0, 6.0),
    ("lease", 0.0, 0.7),
    (STALE, 0.0, 0.7),
];

/// The way that promises nothing, for which a bug is planted.
const STALE: &str = "stale";

/// The round trip between two nodes, in milliseconds.
const ROUND_TRIP_MS: f64 = 10.0;

/// The seconds of a run, those at which the leader is cut off, and for which it is: twice as long as an
/// election takes.
const SECONDS: f64 = 5.2;
const CUT_AT: f64 = 3.0;
const CUT: f64 = 1.8;

/// The nanoseconds after which links are slow and connections warm, and those between looking at latencies
/// and the cut.
const WARM: u64 = 500_000_000;
const BEFORE_CUT: u64 = 100_000_000;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |(way, _, _): (&str, f64, f64)| {
        let plan = RunPlan::new(nodes, "register", SECONDS).line("rate = 0.0");
        let plan = plan.line("keep_going = true").client("routing = \"pinned\"");
        let plan = match way {
            STALE => plan.line("bug = \"stale-read\""),
            _ => plan.set("reads", way),
        };
        let plan = plan.fault(0.2, SECONDS - 0.3, &delayed("all", ROUND_TRIP_MS / 2.0));
        let cut = "family = \"partition\"\nshape = \"isolate-leader\"";
        Arm {
            label: way.to_owned(),
            cured: way != STALE,
            nodes,
            factor: 0.0,
            band: None,
            plan: plan.fault(CUT_AT, CUT, cut).toml(),
            runs: extent.runs(2, 6),
        }
    };
    WAYS.into_iter().map(of).collect()
}

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let start = |family| run.faults.iter().find(|fault| fault.family == family)?.injected;
    let (mut latency, mut rates) = (Vec::new(), Vec::new());
    if let (Some(far), Some(cut)) = (start(Family::Packet), start(Family::Partition)) {
        let (from, to) = (far + WARM, cut.saturating_sub(BEFORE_CUT));
        for part in parts(&run.latencies(true, from, to), from, to) {
            latency.push(middle(&part));
            rates.push(1e3 * part.len() as f64 / part.iter().sum::<f64>());
        }
    }
    let verdict = run.summary.safety.verdict;
    let is = |wanted| vec![f64::from(u8::from(verdict == wanted))];
    vec![latency, rates, is(Verdict::Valid), is(Verdict::Invalid)]
}

/// The least parts of a second, and the least runs, that decide something.
const LEAST: usize = 8;
const LEAST_RUNS: usize = 2;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let of = |way: &str| arms.iter().find(|arm| arm.arm.label == way);
    let costs = WAYS.iter().filter_map(|(way, least, most)| {
        Some(of_arm(of(way)?, 0, LEAST, |arm| takes(arm, *least, *most)))
    });
    let promises = arms.iter().map(|arm| of_arm(arm, 2, LEAST_RUNS, keeps));
    let dearer = [("log", "lease"), ("readindex", "lease"), ("follower", "lease")];
    let dearer = dearer.iter().filter_map(|(one, other)| {
        Some(is_higher(of(one)?, of(other)?, 0, "milliseconds for a read"))
    });
    costs.chain(promises).chain(dearer).collect()
}

/// The check that reads took so many round trips.
fn takes(arm: &ArmFigures, least: f64, most: f64) -> Check {
    let Some(latency) = arm.median(0) else { return too_little("nothing was read") };
    let trips = latency.value / ROUND_TRIP_MS;
    check(
        (least..=most).contains(&trips),
        format!(
            "{}: half of the reads took {:.1} ms, which is {trips:.1} round trips; a client does {:.0} in a \
             second",
            arm.arm.label,
            latency.value,
            arm.half(1)
        ),
    )
}

/// The check that the checker found no stale read, or some where they are to be expected.
fn keeps(arm: &ArmFigures) -> Check {
    let (valid, stale, label) = (arm.rate(2), arm.rate(3), &arm.arm.label);
    match arm.arm.cured {
        true if stale.failed == 0 && valid.failed < valid.runs => {
            too_little(format!("{label}: not all {} histories could be judged", valid.runs))
        }
        true => check(
            stale.failed == 0,
            format!("{label}: {} of {} histories are linearizable", valid.failed, valid.runs),
        ),
        false => check(
            stale.failed > 0,
            format!("{label}: {} of {} histories have stale reads", stale.failed, stale.runs),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::tests::arm;
    use super::*;

    /// Arms in which reads take so long each way, and the histories of which are like that.
    fn arms_with(latencies: [f64; 5], valid: [f64; 5], stale: [f64; 5]) -> Option<Verdict> {
        let of = |at: usize| {
            let spread = [0.9, 0.95, 0.97, 0.99, 1.0, 1.01, 1.03, 1.05, 1.1];
            let latency = spread.map(|it| it * latencies[at]);
            let mut arm =
                arm(WAYS[at].0, &[&latency, &[900.0; 9], &[valid[at]; 2], &[stale[at]; 2]]);
            arm.arm.cured = WAYS[at].0 != STALE;
            arm
        };
        let arms: Vec<ArmFigures> = (0..WAYS.len()).map(of).collect();
        judge(&arms).iter().map(|it| it.verdict).max()
    }

    #[test]
    fn a_way_that_costs_nothing_or_promises_too_much_refutes_the_claim() {
        let (usual, all_but_stale) = ([15.0, 13.0, 21.0, 0.6, 0.5], [1.0, 1.0, 1.0, 1.0, 0.0]);
        let stale = [0.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(arms_with(usual, all_but_stale, stale), Some(Verdict::Valid));
        let free = [15.0, 2.0, 21.0, 0.6, 0.5];
        assert_eq!(arms_with(free, all_but_stale, stale), Some(Verdict::Invalid));
        let lease = [0.0, 0.0, 0.0, 1.0, 1.0];
        assert_eq!(arms_with(usual, all_but_stale, lease), Some(Verdict::Invalid));
        assert_eq!(arms_with(usual, [1.0; 5], [0.0; 5]), Some(Verdict::Invalid), "none is stale");
        assert_eq!(arms_with(usual, [0.0; 5], stale), Some(Verdict::Unknown), "not judged");
    }
}
