//! The rules of the module, one test each, on the smallest history that needs them.

use crate::search::by_value::{ByValue, Op, TimedOp};
use crate::search::just_in_time::configuration::Configuration;
use crate::search::just_in_time::frontier::{Breadth, Frontier};
use crate::search::just_in_time::meter::Meter;
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::Timeline;
use crate::search::just_in_time::window::Window;
use crate::search::just_in_time::{beam, depth_first};
use crate::search::{Limits, Outcome};

const LIMITS: Limits = Limits { steps: 1_000_000, memory: 64 << 20 };

fn read(value: u32, invoked: u64, returned: u64) -> TimedOp {
    TimedOp::new(Op::Read(value), invoked, Some(returned))
}

fn write(value: u32, invoked: u64, returned: u64) -> TimedOp {
    TimedOp::new(Op::Write(value), invoked, Some(returned))
}

fn set(from: u32, to: u32, invoked: u64, returned: u64) -> TimedOp {
    TimedOp::new(Op::CompareAndSet { from, to }, invoked, Some(returned))
}

fn unknown(op: Op, invoked: u64) -> TimedOp {
    TimedOp::new(op, invoked, None)
}

fn history(mut steps: Vec<TimedOp>) -> ByValue {
    steps.sort_by_key(|step| step.invoked);
    ByValue { initial: 0, values: 10, steps }
}

/// The decision of all searches, and the number of configurations of the whole frontier at the end.
fn judge(steps: Vec<TimedOp>) -> (Outcome, usize) {
    let problem = history(steps);
    let outcome = depth_first(&problem, LIMITS).decision.outcome;
    assert_eq!(beam(&problem, 1, LIMITS).decision.outcome, outcome);
    assert_eq!(beam(&problem, usize::MAX, LIMITS).decision.outcome, outcome);
    let timeline = Timeline::new(&problem);
    if timeline.unwritten_read.is_some() {
        return (outcome, 0);
    }
    let mut frontier = Frontier::<[u64; 1]>::new(&timeline);
    let mut meter = Meter::new(LIMITS);
    while !frontier.at_end() {
        if !frontier.advance(Breadth::of(usize::MAX), &mut meter).expect("the limits suffice") {
            return (outcome, 0);
        }
    }
    (outcome, frontier.configurations().len())
}

#[test]
fn observers_are_served_at_once() {
    let steps = vec![read(0, 0, 9), read(0, 1, 8), write(1, 2, 3), read(1, 4, 5)];
    assert_eq!(judge(steps), (Outcome::Valid, 1));
}

#[test]
fn a_write_is_overwritten_by_a_later_one_that_counts() {
    // 2 is never seen, and the write of 1 may come last.
    let steps = vec![write(1, 0, 3), write(2, 1, 4), read(1, 5, 6)];
    assert_eq!(judge(steps).0, Outcome::Valid);
}

#[test]
fn a_write_invoked_after_the_last_one_that_counts_is_not_overwritten_by_it() {
    let steps = vec![write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)];
    assert_eq!(judge(steps), (Outcome::Invalid, 0));
}

#[test]
fn an_observer_is_served_in_hindsight() {
    // 2 must have been there before 1, which stays.
    let steps = vec![write(1, 0, 3), write(2, 1, 9), read(2, 2, 6), read(1, 4, 5), read(1, 7, 8)];
    assert_eq!(judge(steps).0, Outcome::Valid);
}

#[test]
fn hindsight_goes_no_further_back_than_the_invocation() {
    // The read of 2 began when 1 was there, and 1 stays until the end.
    let steps = vec![write(2, 0, 1), write(1, 2, 3), read(2, 4, 5), read(1, 6, 7)];
    assert_eq!(judge(steps), (Outcome::Invalid, 0));
}

#[test]
fn an_overwritten_write_serves_its_readers() {
    let steps = vec![
        write(1, 0, 6),
        write(2, 1, 7),
        read(1, 2, 20),
        read(2, 8, 9),
        read(1, 10, 11),
        read(2, 3, 21),
    ];
    assert_eq!(judge(steps.clone()).0, Outcome::Invalid, "only one write of 1");
    assert_eq!(judge(steps[..4].to_vec()).0, Outcome::Valid);
}

#[test]
fn compare_and_sets_before_the_last_write_are_tried() {
    // 0, then 0 to 3 right before the write of 1.
    let steps = vec![set(0, 3, 0, 9), write(1, 1, 4), read(1, 5, 6)];
    assert_eq!(judge(steps).0, Outcome::Valid);
    // A chain that starts with a write which is seen only by it.
    let steps = vec![write(2, 0, 9), set(2, 3, 1, 9), read(3, 2, 9), write(1, 3, 5), read(1, 6, 7)];
    assert_eq!(judge(steps).0, Outcome::Valid);
}

#[test]
fn of_twins_the_one_that_returns_first_is_used() {
    let steps = vec![
        write(1, 0, 20),
        write(1, 1, 9),
        write(2, 2, 8),
        read(1, 3, 4),
        read(2, 5, 6),
        read(1, 10, 11),
    ];
    assert_eq!(judge(steps).0, Outcome::Valid);
}

#[test]
fn unknown_outcomes_are_used_only_when_needed_and_never_twice() {
    let steps = vec![unknown(Op::Write(1), 0), write(2, 1, 2), read(2, 3, 4)];
    assert_eq!(judge(steps.clone()), (Outcome::Valid, 1));
    let once = [steps, vec![read(1, 5, 6), write(2, 7, 8), read(2, 9, 10)]].concat();
    assert_eq!(judge(once.clone()).0, Outcome::Valid);
    assert_eq!(judge([once, vec![read(1, 11, 12)]].concat()).0, Outcome::Invalid);
}

#[test]
fn thousands_of_unknown_writes_of_few_values_are_counted() {
    let mut steps = Vec::new();
    for round in 0..3000 {
        let value = 1 + (round % 4) as u32;
        steps.push(unknown(Op::Write(value), 3 * round));
        steps.push(read(1 + (round / 7 % 4) as u32, 3 * round + 1, 3 * round + 2));
    }
    let problem = history(steps);
    let finding = depth_first(&problem, Limits { steps: 30_000, ..LIMITS });
    assert!(matches!(finding.decision.outcome, Outcome::Valid | Outcome::Invalid), "{finding:?}");
}

#[test]
fn chains_of_unknown_compare_and_sets_do_not_go_in_circles() {
    let mut steps = Vec::new();
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            for _ in 0..100 {
                let place = steps.len() as u64;
                steps.push(unknown(Op::CompareAndSet { from, to }, place));
            }
        }
    }
    steps.extend([read(3, 2000, 2001), read(0, 2002, 2003), read(1, 2004, 2005)]);
    let finding = depth_first(&history(steps), Limits { steps: 1000, ..LIMITS });
    assert_eq!(finding.decision.outcome, Outcome::Valid);
}

#[test]
fn values_that_nobody_asks_for_are_one() {
    let timeline = Timeline::new(&history(vec![write(7, 0, 1), write(8, 2, 3), read(0, 4, 5)]));
    assert_eq!(timeline.known[0].op, timeline.known[1].op);
    assert_ne!(timeline.known[0].op, Op::Write(0));
}

#[test]
fn unknown_mutations_that_nobody_can_have_seen_never_happened() {
    let timeline = Timeline::new(&history(vec![
        unknown(Op::Write(1), 0),
        unknown(Op::CompareAndSet { from: 1, to: 2 }, 1),
        unknown(Op::CompareAndSet { from: 1, to: 3 }, 2),
        read(2, 3, 4),
    ]));
    let kept: Vec<Op> = timeline.groups.iter().map(|group| group.op).collect();
    assert_eq!(kept, [Op::Write(1), Op::CompareAndSet { from: 1, to: 2 }]);
}

#[test]
fn a_value_that_nothing_leaves_is_a_contradiction_at_its_first_observer() {
    let problem = history(vec![write(1, 0, 1), read(5, 2, 9), read(6, 3, 4)]);
    let finding = depth_first(&problem, LIMITS);
    assert_eq!(finding.decision.outcome, Outcome::Invalid);
    assert_eq!(finding.ended_at, Some(2));
}

#[test]
fn a_configuration_with_later_returning_writes_left_covers_another() {
    let timeline = Timeline::new(&history(vec![write(1, 0, 9), write(1, 1, 5), read(1, 2, 3)]));
    let mut window = Window::<[u64; 1]>::new(&timeline);
    window.go_to(3);
    let mut one = Configuration::<[u64; 1]>::starts(&timeline).remove(0);
    one.overwritten = 3;
    let mut other = one.clone();
    let slot = |operation: usize| timeline.known[operation].slot as usize;
    one.done.insert(slot(1));
    other.done.insert(slot(0));
    assert!(one.covers(&other, &window));
    assert!(!other.covers(&one, &window));
}

#[test]
fn the_steps_and_the_memory_are_limited_inside_a_step() {
    let mut steps: Vec<TimedOp> =
        (0..40).map(|it| unknown(Op::Write(it % 8 + 1), it.into())).collect();
    for from in 0..8 {
        for to in (0..9).filter(|to| *to != from) {
            let place = 100 + steps.len() as u64;
            steps.push(unknown(Op::CompareAndSet { from, to }, place));
        }
    }
    steps.extend([read(9, 1000, 1001), unknown(Op::CompareAndSet { from: 8, to: 9 }, 999)]);
    let problem = history(steps);
    for limit in [0, 1, 10, 100] {
        let finding = depth_first(&problem, Limits { steps: limit, ..LIMITS });
        assert_eq!(finding.decision.outcome, Outcome::OutOfSteps);
        assert_eq!(finding.decision.steps, limit + 1);
    }
    let finding = beam(&problem, usize::MAX, Limits { memory: 100, steps: 1 << 40 });
    assert_eq!(finding.decision.outcome, Outcome::OutOfMemory);
}

#[test]
fn any_number_of_clients_can_be_open_at_a_time() {
    for clients in [64, 65, 128, 129, 300] {
        let mut steps: Vec<TimedOp> =
            (0..clients).map(|it| write(it as u32 % 3 + 1, it, 10_000 + it)).collect();
        steps.push(read(1, 1000, 1001));
        steps.push(read(2, 1002, 1003));
        assert_eq!(depth_first(&history(steps.clone()), LIMITS).decision.outcome, Outcome::Valid);
        assert_eq!(beam(&history(steps.clone()), 4, LIMITS).decision.outcome, Outcome::Valid);
        steps.push(read(0, 20_000, 20_001));
        assert_eq!(beam(&history(steps), 4, LIMITS).decision.outcome, Outcome::Invalid);
    }
}

#[test]
fn an_excerpt_of_a_history_that_has_an_order_has_one() {
    use crate::search::random_histories::{Failed, Simulation, problem};
    for seed in 0..200 {
        let simulation = Simulation {
            seed,
            operations: 60,
            clients: 2 + (seed % 7) as usize,
            unknown: [0.0, 0.2][(seed % 2) as usize],
            ..Simulation::default()
        };
        let timeline = Timeline::new(&problem(simulation, Failed::SawAnother));
        let end = timeline.events.len() as u32 - 1;
        for (from, through) in [(0, end), (10, end / 2), (end / 3, end), (end / 2, end / 2 + 9)] {
            let excerpt = timeline.excerpt(from, through);
            let mut frontier = Frontier::<[u64; 1]>::new(&excerpt);
            let mut meter = Meter::new(LIMITS);
            while !frontier.at_end() {
                let got_on =
                    frontier.advance(Breadth::of(256), &mut meter).expect("the limits suffice");
                assert!(got_on || frontier.was_cut, "{simulation:?} {from} {through}");
                if !got_on {
                    break;
                }
            }
        }
    }
}
