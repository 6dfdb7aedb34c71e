//! Disks whose fsync takes a while: entries one by one and in batches, beside what the fsync allows; and
//! what a power failure takes from a cluster that leaves it out.

use checker::verdict::Verdict;
use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm, of_arms};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "fsync",
    claim: "The fsync is the bottleneck of a log: with one for each entry, a cluster does at most as many \
            writes a second as fsyncs fit into it, and batching lifts that limit; to leave it out is \
            faster still, and loses what was acknowledged when the power fails",
    about: "Every fsync of every node takes longer by the same time, as on a hard disk (10 ms) or an SSD \
            behind SATA (2 ms); without --quick also as on NVMe (0.5 and 0.1 ms), where other work takes \
            as long as the fsync. As many clients as are needed to keep the leader busy write as fast as \
            they are answered. Without batching each entry has an append and an fsync of its own; with \
            it, all that came meanwhile share the next. In the runs that batch, and in those that never \
            call fsync, the power of all nodes fails in the end.",
    figures: &[
        Figure { head: "acknowledged writes a second", unit: Unit::Number },
        Figure { head: "the same, of 1/latency", unit: Unit::Number },
        Figure { head: "acknowledged writes were lost", unit: Unit::YesOrNo },
    ],
    band: Some("up to 1/latency"),
    timed: false,
    arms,
    measure,
    judge,
};

/// The time by which each fsync is longer, in milliseconds. The last of the quick ones is the shortest
/// beside which all other work hardly counts.
const DELAYS_MS: [f64; 4] = [10.0, 2.0, 0.5, 0.1];
const QUICK: usize = 2;

/// The seconds for which disks are slow, from a moment after the begin of the load on; and those until
/// the power fails, and for which it does.
const BEGIN: f64 = 0.5;
const SLOW: f64 = 7.0;
const POWER: f64 = BEGIN + SLOW + 0.2;
const DARK: f64 = 0.5;

/// The clients, and so the most writes that are on their way at a time.
const CLIENTS: u32 = 64;

/// The three ways of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    OneByOne,
    Batched,
    WithoutFsync,
}

impl Way {
    const fn words(self) -> &'static str {
        match self {
            Way::OneByOne => "one by one",
            Way::Batched => "batched",
            Way::WithoutFsync => "without fsync",
        }
    }
}

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |delay: f64, way: Way| {
        let plan = RunPlan::new(nodes, "set", POWER + DARK + 0.3);
        let plan = plan.line("rate = 0.0").line(&format!("concurrency = {CLIENTS}"));
        // Each waits for those before it: 64 times 10 ms.
        let mut plan = plan.client("attempt_timeout = 5.0").line("fault_budget = \"all\"");
        if way != Way::Batched {
            let off = if way == Way::OneByOne { "batching" } else { "fsync" };
            plan = plan.set("off", off);
        }
        let slow = format!(
            "family = \"disk\"\naim = \"all\"\ntrouble = \"slow-fsync\"\ndelay_ms = {delay:?}"
        );
        plan = plan.fault(BEGIN, SLOW, &slow);
        if way != Way::OneByOne {
            plan = plan.fault(POWER, DARK, "family = \"power\"\naim = \"all\"");
        }
        Arm {
            label: format!("{delay} ms, {}", way.words()),
            cured: way == Way::Batched,
            nodes,
            factor: 1e3 / delay,
            band: (way == Way::OneByOne).then_some((0.0, 1e3 / delay)),
            plan: plan.toml(),
            runs: extent.runs(1, 5),
        }
    };
    let delays = if extent.quick { &DELAYS_MS[..QUICK] } else { &DELAYS_MS[..] };
    let pairs = delays.iter().flat_map(|&it| [of(it, Way::OneByOne), of(it, Way::Batched)]);
    pairs.chain([of(DELAYS_MS[0], Way::WithoutFsync)]).collect()
}

/// Rates have a value for each second in which disks were slow.
fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    // No fsync is seen to be slow where none is called.
    let calls_none = !arm.cured && arm.band.is_none();
    let slow = run.tried.iter().filter(|fault| fault.family == Family::Disk);
    let slow = slow.filter(|fault| fault.took_effect() || calls_none);
    let times = slow.filter_map(|fault| run.steady_during(fault));
    let rates: Vec<f64> = times.flat_map(|(from, to)| run.rates(from, to)).collect();
    let shares = rates.iter().map(|rate| rate / arm.factor).collect();
    let dark = run.faults.iter().any(|fault| fault.family == Family::Power);
    let lost = match run.summary.safety.verdict {
        Verdict::Invalid => vec![1.0],
        Verdict::Valid if dark => vec![0.0],
        _ => Vec::new(),
    };
    vec![rates, shares, lost]
}

/// The least seconds that decide something about rates, and the least power failures about losses.
const LEAST: usize = 4;
const LEAST_FAILURES: usize = 1;

/// The share of the limit that is reached at least: what takes longer than the fsync is not the
/// bottleneck.
const REACHED: f64 = 0.4;

/// Batches lift the limit by at least this factor.
const LIFTED: f64 = 3.0;

/// Of so many fsyncs a second and more, other work takes as long.
const TOO_MANY: f64 = 1_000.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let Some((without, in_pairs)) = arms.split_last() else { return Vec::new() };
    let decide = |arm: &ArmFigures| {
        let (label, rate, share) = (&arm.arm.label, arm.half(0), arm.half(1));
        let most = arm.arm.factor;
        let decides = most < TOO_MANY;
        let holds = match arm.arm.cured {
            true => !decides || share >= LIFTED,
            false => is_within(arm) && (!decides || share >= REACHED),
        };
        check(
            holds,
            format!("{label}: {rate:.0} writes a second, {share:.2} of the {most:.0} fsyncs in it"),
        )
    };
    let each = in_pairs.iter().map(|arm| of_arm(arm, 1, LEAST, decide));
    let pairs = || in_pairs.chunks_exact(2);
    let lifted = pairs().map(|pair| is_higher(&pair[1], &pair[0], 0, "writes a second"));
    let faster = pairs().take(1).map(|pair| is_higher(without, &pair[1], 0, "writes a second"));
    let batched: Vec<&ArmFigures> = pairs().map(|pair| &pair[1]).collect();
    let with_power: Vec<&ArmFigures> = batched.iter().copied().chain([without]).collect();
    let lost = of_arms(&with_power, 2, LEAST_FAILURES, || {
        let of = |arms: &[&ArmFigures]| {
            let rates = arms.iter().map(|arm| arm.rate(2));
            rates.fold((0, 0), |sum, rate| (sum.0 + rate.failed, sum.1 + rate.runs))
        };
        let ((kept, of_kept), (gone, of_gone)) = (of(&batched), of(&[without]));
        check(
            kept == 0 && gone > 0,
            format!(
                "acknowledged writes were lost by a power failure of all nodes in {kept} of {of_kept} \
                 runs, in {gone} of {of_gone} without fsync"
            ),
        )
    });
    each.chain(lifted).chain(faster).chain([lost]).collect()
}

/// True if in all seconds of a run together no more writes were acknowledged than there is time for fsyncs,
/// and than were on their way before. They come in clumps, so that a single second may have more.
fn is_within(arm: &ArmFigures) -> bool {
    arm.by_run(0).all(|(_, rates)| {
        let fit = arm.arm.factor * rates.len() as f64;
        rates.iter().sum::<f64>() <= fit + f64::from(CLIENTS)
    })
}

#[cfg(test)]
mod tests {
    use super::super::checks::tests::arm;
    use super::*;

    /// The worst of the checks; rates are in fsyncs that fit into a second, which are so many.
    fn worst(most: f64, single: f64, batched: f64, without: f64, lost: [f64; 2]) -> Verdict {
        let of = |share: f64, cured: bool, lost: &[f64]| {
            let shares = [0.98, 0.99, 1.0, 1.01, 1.02].map(|it| it * share);
            let mut figures = arm("", &[&shares.map(|it| it * most), &shares, lost]);
            figures.arm.cured = cured;
            figures.arm.factor = most;
            figures
        };
        let arms =
            [of(single, false, &[]), of(batched, true, &lost[..1]), of(without, false, &lost[1..])];
        judge(&arms).iter().map(|check| check.verdict).max().expect("there are checks")
    }

    #[test]
    fn more_writes_than_fsyncs_refute_the_claim_as_batches_do_that_lift_nothing() {
        let of = |single, batched| worst(100.0, single, batched, 90.0, [0.0, 1.0]);
        assert_eq!(of(0.9, 30.0), Verdict::Valid);
        assert_eq!(of(1.4, 30.0), Verdict::Invalid, "more writes than fsyncs");
        assert_eq!(of(0.9, 1.2), Verdict::Invalid, "batches lift nothing");
        assert_eq!(of(0.1, 30.0), Verdict::Invalid, "something else is slower");
        assert_eq!(of(0.9, 95.0), Verdict::Invalid, "to leave it out is no faster");
    }

    #[test]
    fn a_second_may_have_a_clump_but_not_all_of_them() {
        let of = |rates: &[f64]| {
            let mut figures = arm("", &[rates]);
            figures.arm.factor = 100.0;
            is_within(&figures)
        };
        assert!(of(&[81.0, 110.0, 111.0, 110.0, 82.0]), "as measured once");
        assert!(of(&[64.0, 64.0, 128.0, 128.0, 128.0]));
        assert!(!of(&[115.0, 113.0, 114.0, 113.0, 114.0]));
    }

    #[test]
    fn a_fast_disk_is_no_bottleneck() {
        let of = |single, batched| worst(10_000.0, single, batched, 2.0, [0.0, 1.0]);
        assert_eq!(of(0.1, 1.2), Verdict::Valid);
        assert_eq!(of(1.4, 1.5), Verdict::Invalid, "more writes than fsyncs");
        assert_eq!(of(0.1, 0.1), Verdict::Invalid, "batches lift nothing");
    }

    #[test]
    fn writes_that_are_lost_though_they_were_synced_refute_the_claim_as_none_lost_without_do() {
        let of = |lost| worst(100.0, 0.9, 30.0, 90.0, lost);
        assert_eq!(of([1.0, 1.0]), Verdict::Invalid);
        assert_eq!(of([0.0, 0.0]), Verdict::Invalid);
    }
}
