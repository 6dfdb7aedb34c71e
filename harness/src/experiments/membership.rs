//! Members change: a new voter gets the state while another fails, and two leaders that are parted each
//! change one voter.

use checker::verdict::Verdict;
use faults::fault::Family;
use results::experiment::Check;

use super::arm::{Arm, ArmFigures};
use super::checks::{check, of_arms};
use super::experiment::{Experiment, Extent};
use super::figure::{Figure, Unit};
use super::observed::Observed;
use super::run_plan::{RunPlan, handed_to};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "membership",
    claim: "A voter that is added empty stops all writes until it has the state as soon as another voter \
            fails, and one that gets the state as a learner first stops none; changes of one voter by two \
            leaders that are parted lose acknowledged writes, unless each leader first commits an entry of \
            its own term or goes through joint consensus",
    about: "Of four voters one is removed, and comes back as a new one with an empty disk, to which the \
            leader sends the state at 120 kB a second. A second later another one is killed. If the new \
            one counts at once, all that are up are a majority, and every write waits for it. Then the \
            scenario by which Ongaro showed on raft-dev in 2015 that changes of one voter have to wait: a \
            leader that is cut off takes n4 out of the voters, its successor n2; n2 then hears the \
            former alone. By the one configuration n1 and n2 are a majority, by the other n3 and n4.",
    figures: &[
        Figure { head: "without acknowledged writes", unit: Unit::Seconds },
        Figure { head: "acknowledged writes were lost", unit: Unit::YesOrNo },
        Figure { head: "until the new one has the state", unit: Unit::Seconds },
    ],
    band: None,
    // A busy machine makes what is short in it hardly as long as what is long.
    timed: false,
    arms,
    measure,
    judge,
};

/// The voters: with one of an even number down, all others are just a majority.
const NODES: usize = 4;

/// The one that leads at first, by plan; the one that comes as a new voter, or is taken out of the voters
/// by the first leader; and the one that is killed, or is taken out by the second.
const LEADER: &str = "n1";
const FOURTH: &str = "n4";
const SECOND: &str = "n2";

/// The two parts of the claim, as the factor of an arm.
const ADDED: f64 = 0.0;
const OVERLAPPING: f64 = 1.0;

fn arms(extent: Extent) -> Vec<Arm> {
    let of = |label: &str, factor: f64, cured: bool, plan: RunPlan| Arm {
        label: label.to_owned(),
        cured,
        nodes: NODES,
        factor,
        band: None,
        plan: plan.toml(),
        runs: if factor == OVERLAPPING && cured { extent.runs(2, 6) } else { extent.runs(3, 6) },
    };
    // A leader that hears no one leads on, and does not answer that its change has failed.
    let one_by_one = overlapping().set("off", "check-quorum,joint-consensus");
    let at_once = overlapping().set("off", "check-quorum").line("bug = \"change-before-own-term\"");
    vec![
        of("a newcomer, learner first", ADDED, true, added()),
        of("a newcomer, voter at once", ADDED, false, added().set("off", "learner-catch-up")),
        of(
            "two changes, joint consensus",
            OVERLAPPING,
            true,
            overlapping().set("off", "check-quorum"),
        ),
        of("two changes, one voter each, after an own entry", OVERLAPPING, true, one_by_one),
        of("two changes, one voter each, at once", OVERLAPPING, false, at_once),
    ]
}

/// The beginning of all runs: n1 is asked to lead.
fn led(plan: RunPlan) -> RunPlan {
    plan.fault(0.1, 0.1, &handed_to(LEADER))
}

/// The bytes of a value, and those of the state that a newcomer is sent in a second: that of a dozen keys
/// and more takes several election timeouts.
const VALUE: u32 = 50_000;
const RATE: u32 = 120_000;

/// The seconds at which the fourth voter leaves, for which it is away, at which the other is killed, and for
/// which that is down.
const LEAVES: f64 = 1.2;
const AWAY: f64 = 0.3;
const KILL: f64 = 2.6;
const DOWN: f64 = 4.2;

/// A voter is added, and another one killed.
fn added() -> RunPlan {
    let plan = RunPlan::new(NODES, "register", KILL + DOWN + 0.8)
        .line("rate = 60.0")
        .line("keys = 12")
        .client(&format!("values = \"all:{VALUE}\""))
        .set("snapshot_rate", &RATE.to_string());
    // The log that the newcomer lacks is dropped with the second snapshot: it needs the state.
    let snapshot = format!(
        "family = \"maintenance\"\naim = \"leader\"\non = \"{LEADER}\"\nwork = \"snapshot\""
    );
    let leave =
        format!("family = \"membership\"\naim = \"one\"\non = \"{FOURTH}\"\nchange = \"remove\"");
    let kill = format!("family = \"kill\"\naim = \"one\"\non = \"{SECOND}\"");
    let plan = led(plan).fault(0.5, 0.1, &snapshot).fault(0.8, 0.1, &snapshot);
    plan.fault(LEAVES, AWAY, &leave).fault(KILL, DOWN, &kill)
}

/// The seconds at which the first leader is cut off, for which it is, and for which the two halves are
/// parted since the second leads.
const CUT: f64 = 0.4;
const ALONE: f64 = 1.7;
const PARTED: f64 = 3.0;

/// Such a draw parts n1 and n2 from n3 and n4.
const HALVES: u32 = 1;

/// Two leaders that are parted change one voter each.
fn overlapping() -> RunPlan {
    let plan = RunPlan::new(NODES, "register", CUT + ALONE + PARTED)
        .line("concurrency = 60")
        .line("partition_engine = \"switch\"");
    let cut = format!(
        "family = \"partition\"\nshape = \"isolate-one\"\non = \"{LEADER}\"\nas = \"cut-off\""
    );
    let is_cut = format!(
        "when = {{ seen = \"fault\", named = \"cut-off\", is = \"begun\", within = {ALONE:?} }}"
    );
    // Its election timeout begins anew, so that mostly one of the two others is elected.
    let restart = format!("family = \"kill\"\naim = \"one\"\non = \"{SECOND}\"");
    let demote = |node: &str, when: &str| {
        format!(
            "family = \"membership\"\naim = \"one\"\non = \"{node}\"\nchange = \"demote\"\n{when}"
        )
    };
    let others = format!("all but {LEADER}");
    let elected = format!(
        "when = {{ seen = \"role\", role = \"leader\", node = \"{others}\", within = {ALONE:?} }}"
    );
    // Before the second one hears anything of the new leader.
    let halves = format!(
        "family = \"partition\"\nshape = \"random-halves\"\npick = {HALVES}\nwhen = {{ seen = \
         \"message\", from = \"{others}\", to = \"{SECOND}\", path = \"/raft/append-entries\", within \
         = {ALONE:?}, hold_ms = 300 }}"
    );
    // They last beyond the load: nothing is changed back before it ends.
    let for_good = 2.0 * PARTED + ALONE;
    led(plan)
        .fault(CUT, ALONE, &cut)
        .fault(CUT + 0.02, 0.4, &restart)
        .fault(CUT, for_good, &demote(FOURTH, &is_cut))
        .fault(CUT + 0.12, for_good, &demote(SECOND, &elected))
        .fault(CUT + 0.14, PARTED, &halves)
}

fn measure(run: &Observed, arm: &Arm) -> Vec<Vec<f64>> {
    let figures = match arm.factor == ADDED {
        true => killed_meanwhile(run, arm.cured),
        false => parted(run),
    };
    let (gap, state) = figures.unwrap_or_default();
    // What is lost counts, however that came about.
    let lost = match run.summary.safety.verdict {
        Verdict::Invalid => vec![1.0],
        Verdict::Valid if !gap.is_empty() => vec![0.0],
        _ => Vec::new(),
    };
    vec![gap, lost, state]
}

/// The seconds without writes, and until a newcomer had the state; none where those were not measured.
type Seconds = (Vec<f64>, Vec<f64>);

/// A run in which another voter was killed while the newcomer was a learner, or had become a voter; none if
/// that is not how it went.
fn killed_meanwhile(run: &Observed, learner: bool) -> Option<Seconds> {
    let of = |family: Family| run.faults.iter().find(|fault| fault.family == family);
    let (left, killed) = (of(Family::Membership)?, of(Family::Kill)?);
    let began = run.started(FOURTH, left.injected?).filter(|time| *time < killed.start)?;
    let votes = left.end.is_some_and(|restored| restored < killed.start);
    if votes == learner || run.led_on(SECOND, killed.start).is_some() {
        return None;
    }
    let until = killed.undo_start.map_or(run.load.1, |time| time.min(run.load.1));
    let state = run.caught_up(FOURTH, began).into_iter().collect();
    Some((vec![run.longest_gap(killed.start, until)], state))
}

/// A run in which the first leader was cut off, and the halves were parted in time, by the first message of
/// another one to n2; none if that is not how it went.
fn parted(run: &Observed) -> Option<Seconds> {
    let all = |family: Family| run.tried.iter().filter(move |fault| fault.family == family);
    let [cut, halves] = all(Family::Partition).collect::<Vec<_>>()[..] else { return None };
    let in_time = halves.trigger.is_some() && halves.start < cut.undo_start?;
    if !in_time || run.led_on(LEADER, cut.start).is_none() {
        return None;
    }
    Some((vec![run.longest_gap(cut.start, run.load.1)], Vec::new()))
}

/// The least runs of an arm that decide something about times, and about losses.
const LEAST_TIMES: usize = 2;
const LEAST_LOSSES: usize = 1;

/// Nothing waits for a follower that was killed; clients that had asked it try again at once.
const SHORT: f64 = 1.0;

/// The state takes several election timeouts.
const LONG: f64 = 2.0;

fn judge(arms: &[ArmFigures]) -> Vec<Check> {
    let [learner, voter, joint, one_by_one, at_once] = arms else { return Vec::new() };
    let within = |arm: &ArmFigures| {
        let values = arm.values(0);
        let shortest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = values.iter().copied().fold(0.0, f64::max);
        (shortest, longest, arm.arm.label.clone())
    };
    let stopped = of_arms(&[learner, voter], 0, LEAST_TIMES, || {
        let ((least, most, first), (shortest, longest, other)) = (within(learner), within(voter));
        check(
            most <= SHORT && shortest >= LONG,
            format!(
                "{first}: writes stopped for {least:.2} to {most:.2} s when another voter was killed; \
                 {other}: for {shortest:.2} to {longest:.2} s"
            ),
        )
    });
    let lost = of_arms(&[joint, one_by_one, at_once], 1, LEAST_LOSSES, || {
        let of = |arm: &ArmFigures| {
            let rate = arm.rate(1);
            format!("{}: in {} of {} runs", arm.arm.label, rate.failed, rate.runs)
        };
        let lost = |arm: &ArmFigures| arm.rate(1).failed > 0;
        let (first, second, third) = (of(joint), of(one_by_one), of(at_once));
        check(
            !lost(joint) && !lost(one_by_one) && lost(at_once),
            format!("acknowledged writes were lost, {first}; {second}; {third}"),
        )
    });
    vec![stopped, lost]
}

#[cfg(test)]
mod tests {
    use super::super::checks::tests::arm;
    use super::*;

    #[test]
    fn writes_that_stop_or_are_lost_with_a_cure_refute_the_claim_as_none_do_without() {
        let of = |learner: f64, voter: f64, safe: f64, at_once: f64| {
            let spread = |it: f64| [0.98 * it, it, 1.02 * it];
            let arms = [
                arm("learner", &[&spread(learner), &[0.0; 3]]),
                arm("voter", &[&spread(voter), &[0.0; 3]]),
                arm("joint", &[&[3.0; 3], &[0.0; 3]]),
                arm("one by one", &[&[3.0; 3], &[0.0, safe]]),
                arm("at once", &[&[1.0; 3], &[0.0, at_once]]),
            ];
            judge(&arms).iter().map(|check| check.verdict).max()
        };
        assert_eq!(of(0.1, 4.1, 0.0, 1.0), Some(Verdict::Valid));
        assert_eq!(of(4.1, 4.1, 0.0, 1.0), Some(Verdict::Invalid), "a learner stops writes");
        assert_eq!(of(0.1, 0.1, 0.0, 1.0), Some(Verdict::Invalid), "a voter stops none");
        assert_eq!(of(0.1, 4.1, 1.0, 1.0), Some(Verdict::Invalid), "the cure loses writes");
        assert_eq!(of(0.1, 4.1, 0.0, 0.0), Some(Verdict::Invalid), "nothing is lost without");
    }
}
