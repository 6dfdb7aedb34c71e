//! A follower that was away catches up: by the log, and by a snapshot.

use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, is_higher, of_arm, of_arms};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::{Observed, nanoseconds};
use super::run_plan::RunPlan;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "snapshot",
    claim: "By its log a node catches up in a time that grows with what it missed, by a snapshot in one \
            that does not; and writes go on while a leader takes one",
    about: "A follower's process is killed and started again, under a load of large writes to few keys: the \
            state stays small, and the log grows with time. Its disk takes 6 MiB a second. With few \
            snapshots it is sent all that it missed; with many, the leader has dropped that and sends its \
            state. The time counts from when it has read its own log; where it is not up within 0.75 s, \
            that disk had to give it, and the return is left out. In the end the leader is asked for a \
            snapshot, which it writes beside what goes on.",
    figures: &[
        Figure { head: "from its own log read to what the others had then", unit: Unit::Seconds },
        Figure { head: "entries missed", unit: Unit::Number },
        Figure { head: "longest without writes around a snapshot", unit: Unit::Seconds },
    ],
    band: None,
    timed: true,
    arms,
    measure,
    judge,
};

/// The seconds for which the follower is away: both half an election timeout (0.4 s) and some whole ones,
/// for that is the time after which a leader sends again what was not answered, and a part of what either
/// takes.
const AWAY: [f64; 2] = [1.0, 3.4];

/// The times that it is in a run, of which one may take long by chance, and the seconds from its start to
/// the next time.
const TIMES: u32 = 5;
const BACK: f64 = 2.5;

/// The KiB that its disk takes in a second: some times as much as the load writes.
const DISK: u32 = 6 * 1024;

/// The entries after which snapshots are taken: never in a run, and several times a second. All of a
/// run have fewer bytes than would bring one about.
const FEW: u64 = 1_000_000_000;
const MANY: u64 = 50;

fn arms(extent: Extent) -> Vec<Arm> {
    let nodes = extent.nodes.unwrap_or(3);
    let of = |away: f64, by_snapshot: bool| {
        let each = away + BACK;
        let seconds = 1.0 + f64::from(TIMES) * each + 1.5;
        let entries = if by_snapshot { MANY } else { FEW };
        let mut plan = RunPlan::new(nodes, "register", seconds)
            .line("rate = 400.0")
            .client("values = \"all:8000\"")
            .set("snapshot_entries", &entries.to_string());
        let narrow = format!(
            "family = \"disk\"\naim = \"follower\"\nas = \"away\"\ntrouble = \"narrow\"\n\
             kib_per_second = {DISK}"
        );
        plan = plan.fault(0.5, seconds - 0.5, &narrow);
        let kill = "family = \"kill\"\naim = \"follower\"\non = \"away\"";
        for number in 0..TIMES {
            plan = plan.fault(1.0 + f64::from(number) * each, away, kill);
        }
        let snapshot = "family = \"maintenance\"\naim = \"leader\"\nwork = \"snapshot\"";
        let word = if by_snapshot { "by a snapshot" } else { "by the log" };
        Arm {
            label: format!("{away} s away, {word}"),
            cured: by_snapshot,
            nodes,
            factor: away,
            band: None,
            plan: plan.fault(seconds - 1.2, 0.1, snapshot).toml(),
            runs: extent.runs(1, 5),
        }
    };
    [false, true].into_iter().flat_map(|cured| AWAY.map(|away| of(away, cured))).collect()
}

/// A node that starts reads its own log first, and is up after a quarter of a second to half of one, for as a
/// rule memory has it still. Where the narrow disk gives it, that takes up to four, and the node was away for
/// so much longer than planned: such a return does not count. In nanoseconds.
const UP_WITHIN: u64 = 750_000_000;

fn measure(run: &Observed, _arm: &Arm) -> Vec<Vec<f64>> {
    let mut figures = vec![Vec::new(); 3];
    for fault in &run.faults {
        match fault.family {
            Family::Kill => {
                let (Some(started), Some(node)) = (fault.undo_start, fault.nodes.first()) else {
                    continue;
                };
                let came_up = run.came_up(node, started);
                let Some(up) = came_up.filter(|up| *up <= started + UP_WITHIN) else {
                    continue;
                };
                figures[0].extend(run.caught_up(node, up));
                let missed = run.committed(up).saturating_sub(run.committed(fault.start));
                figures[1].push(missed as f64);
            }
            Family::Maintenance => {
                let until = (fault.start + nanoseconds(1)).min(run.load.1);
                figures[2].push(run.longest_gap(fault.start, until));
            }
            _ => {}
        }
    }
    figures
}

/// The least returns of an arm that decide something.
const LEAST: usize = 3;

/// The share of what a longer absence costs by the log that it may cost by a snapshot. A node that
/// starts waits for up to an election timeout until it is sent anything, here or there.
const OF_THE_LOGS: f64 = 0.5;

/// A snapshot is written by a thread of its own.
const SHORT: f64 = 0.3;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let [short_log, long_log, short_snapshot, long_snapshot] = arms else { return Vec::new() };
    let what = "seconds to catch up";
    let hardly_longer = || {
        let by_log = long_log.half(0) - short_log.half(0);
        let by_snapshot = long_snapshot.half(0) - short_snapshot.half(0);
        check(
            by_snapshot <= OF_THE_LOGS * by_log,
            format!(
                "{:.1} s more away, half of the returns took {by_log:.2} s more by the log, and \
                 {by_snapshot:.2} s by a snapshot",
                AWAY[1] - AWAY[0]
            ),
        )
    };
    let all: Vec<f64> = arms.iter().flat_map(|arm| arm.values(2)).collect();
    let longest = all.iter().copied().fold(0.0, f64::max);
    let pause = |_: &ArmFigures| {
        check(
            longest <= SHORT,
            format!("writes stopped for at most {longest:.2} s in {} snapshots", all.len()),
        )
    };
    vec![
        is_higher(long_log, short_log, 0, what),
        is_higher(long_log, long_snapshot, 0, what),
        of_arms(&[short_log, long_log, short_snapshot, long_snapshot], 0, LEAST, hardly_longer),
        of_arm(long_log, 2, 1, pause),
    ]
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn a_snapshot_that_takes_longer_the_longer_a_node_was_away_refutes_the_claim() {
        let of = |log: f64, snapshot: f64, pause: f64| {
            let spread = |it: f64| [0.98, 0.99, 1.0, 1.01, 1.02].map(|factor| factor * it);
            let of = |seconds: f64| arm("", &[&spread(seconds), &[9.0; 5], &[pause; 1]]);
            let checks = judge(&[of(0.3), of(log), of(0.3), of(snapshot)]);
            checks.iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(1.5, 0.35, 0.02), Some(Verdict::Valid));
        assert_eq!(of(0.3, 0.35, 0.02), Some(Verdict::Invalid), "the log takes no longer");
        assert_eq!(of(1.5, 0.7, 0.02), Some(Verdict::Valid), "it was sent later");
        assert_eq!(of(1.5, 1.2, 0.02), Some(Verdict::Invalid), "the snapshot does");
        assert_eq!(of(1.5, 0.35, 0.9), Some(Verdict::Invalid), "writes stop");
    }
}
