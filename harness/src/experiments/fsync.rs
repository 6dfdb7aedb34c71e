//! Slow disks: writes a second with an fsync for each entry, and with one for many.

use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "fsync",
    claim: "The fsync is the bottleneck of a log: with one for each entry, a cluster does at most as \
            many writes a second as fsyncs fit into it, and batching lifts that limit",
    about: "Every fsync of every node takes longer by the same time, as on a hard disk (20 ms) or a \
            cheap SSD (5 ms). As many clients as are needed to keep the leader busy write as fast as \
            they are answered. Without batching each entry has an append and an fsync of its own; with \
            it, all that came meanwhile share the next.",
    figures: &[
        Figure { head: "acknowledged writes a second", unit: Unit::Number },
        Figure { head: "the same, of 1/latency", unit: Unit::Number },
    ],
    band: Some("up to 1/latency"),
    timed: false,
    arms,
    measure,
    judge,
};

/// The time by which each fsync is longer, in milliseconds.
const DELAYS_MS: [f64; 2] = [5.0, 20.0];

/// The seconds for which disks are slow.
const SLOW: f64 = 8.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |delay: f64, batched: bool| {
        let plan = RunPlan::new(nodes, "set", SLOW + 1.0);
        let plan = plan.line("rate = 0.0").line("concurrency = 64");
        // Each waits for those before it: 64 times 20 ms.
        let mut plan = plan.client("attempt_timeout = 5.0");
        if !batched {
            plan = plan.set("off", "batching");
        }
        let slow = format!(
            "family = \"disk\"\naim = \"all\"\ntrouble = \"slow-fsync\"\ndelay_ms = {delay:?}"
        );
        let word = if batched { "batched" } else { "one by one" };
        Arm {
            label: format!("{delay} ms, {word}"),
            cured: batched,
            nodes,
            factor: 1e3 / delay,
            band: (!batched).then_some((0.0, 1e3 / delay)),
            plan: plan.fault(0.5, SLOW, &slow).toml(),
            runs: extent.runs(1, 5),
        }
    };
    DELAYS_MS.into_iter().flat_map(|delay| [of(delay, false), of(delay, true)]).collect()
}

/// A value for each second.
fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let rates: Vec<f64> =
        run.steady().iter().flat_map(|(from, to)| run.rates(*from, *to)).collect();
    let shares = rates.iter().map(|rate| rate / arm.factor).collect();
    vec![rates, shares]
}

/// The least seconds that decide something.
const LEAST: usize = 4;

/// A second may begin right before an fsync ends, and so have one more than fits into it.
const LIMIT: f64 = 1.1;

/// The share of the limit that is reached at least: what takes longer than the fsync is not the
/// bottleneck.
const REACHED: f64 = 0.4;

/// Batches lift the limit by at least this factor.
const LIFTED: f64 = 3.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let decide = |arm: &ArmFigures| {
        let share = arm.median(1).map_or(0.0, |share| share.value);
        let (label, rate) = (&arm.arm.label, arm.median(0).map_or(0.0, |rate| rate.value));
        let holds = match arm.arm.cured {
            true => share >= LIFTED,
            false => (REACHED..=LIMIT).contains(&share),
        };
        let most = arm.arm.factor;
        check(
            holds,
            format!("{label}: {rate:.0} writes a second, {share:.2} of the {most:.0} fsyncs in it"),
        )
    };
    let each = arms.iter().map(|arm| of_arm(arm, 1, LEAST, decide));
    let pairs = arms.chunks_exact(2);
    let lifted = pairs.map(|pair| is_higher(&pair[1], &pair[0], 0, "writes a second"));
    each.chain(lifted).collect()
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn more_writes_than_fsyncs_refute_the_claim_as_batches_do_that_lift_nothing() {
        let of = |single: f64, batched: f64| {
            let of = |share: f64, cured: bool| {
                let shares = [0.98, 0.99, 1.0, 1.01, 1.02].map(|it| it * share);
                let mut figures = arm("", &[&shares.map(|it| it * 50.0), &shares]);
                figures.arm.cured = cured;
                figures.arm.factor = 50.0;
                figures
            };
            let checks = judge(&[of(single, false), of(batched, true)]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.9, 30.0), Some(Verdict::Valid));
        assert_eq!(of(1.4, 30.0), Some(Verdict::Invalid), "more writes than fsyncs");
        assert_eq!(of(0.9, 1.2), Some(Verdict::Invalid), "batches lift nothing");
        assert_eq!(of(0.1, 30.0), Some(Verdict::Invalid), "something else is slower");
    }
}
