//! The two searches against an oracle, against the search of Wing, Gong and Lowe, and against each
//! other.

use crate::search::by_value::{ByValue, Op};
use crate::search::just_in_time::{Ending, beam, depth_first, depth_first_in_window};
use crate::search::random_histories::{Failed, Simulation, by_wing_gong_lowe, oracle, problem};
use crate::search::{Limits, Outcome};

const LIMITS: Limits = Limits { steps: 20_000_000, memory: 256 << 20 };

/// The history up to and with a completion: what is still open then is of unknown outcome.
fn until(whole: &ByValue, last: usize) -> ByValue {
    let end = whole.steps[last].returned().expect("a contradiction shows at a completion");
    let mut prefix = whole.clone();
    prefix.steps.retain(|step| step.invoked <= end);
    prefix.steps.retain_mut(|step| {
        if step.returned().is_some_and(|returned| returned > end) {
            *step = step.returning(None);
        }
        let observes = matches!(step.op, Op::Read(_) | Op::SawAnother(_));
        step.returned().is_some() || !observes
    });
    prefix
}

fn small(seed: u64) -> (Simulation, Failed) {
    let simulation = Simulation {
        seed,
        operations: 4 + (seed % 11) as usize,
        clients: 2 + (seed % 5) as usize,
        values: 2 + (seed / 2 % 3) as u32,
        unknown: [0.0, 0.1, 0.25, 0.4][(seed / 3 % 4) as usize],
        reads: [0.5, 0.4, 0.25][(seed / 7 % 3) as usize],
        deletions: [0.0, 0.3][(seed / 5 % 2) as usize],
        stale: [1, 4, 8, 12][(seed / 11 % 4) as usize],
        ..Simulation::default()
    };
    let failed = [Failed::LeftOut, Failed::SawAnother][(seed / 13 % 2) as usize];
    (simulation, failed)
}

/// Compares on small histories; about a third of them must be invalid.
fn compare(seeds: std::ops::Range<u64>, search: impl Fn(&ByValue) -> Ending) {
    let count = seeds.end - seeds.start;
    let mut invalid = 0;
    for seed in seeds {
        let (simulation, failed) = small(seed);
        let problem = problem(simulation, failed);
        let expected = if oracle(&problem) { Outcome::Valid } else { Outcome::Invalid };
        let finding = search(&problem);
        assert_eq!(finding.decision.outcome, expected, "{simulation:?} {failed:?} {problem:#?}");
        if let Some(last) = finding.ended_at {
            assert!(!oracle(&until(&problem, last)), "ended too late {simulation:?} {problem:#?}");
        }
        invalid += u64::from(expected == Outcome::Invalid);
    }
    assert!(invalid > count / 5 && invalid < count / 2, "{invalid} of {count} are invalid");
}

#[test]
fn depth_first_judges_small_histories_as_the_oracle_does() {
    compare(0..20_000, |problem| depth_first(problem, LIMITS));
}

#[test]
fn a_wide_beam_judges_small_histories_as_the_oracle_does() {
    compare(20_000..40_000, |problem| beam(problem, usize::MAX, LIMITS));
}

#[test]
fn a_beam_of_one_judges_small_histories_as_the_oracle_does() {
    compare(40_000..60_000, |problem| beam(problem, 1, LIMITS));
}

/// Returns whether there is an order from some value on, with any of the retractable mutations and
/// without the others.
fn window_oracle(problem: &ByValue, retractable: &[bool]) -> bool {
    let count = retractable.iter().filter(|it| **it).count();
    (0..1_u32 << count).any(|happened| {
        let mut number = 0..;
        let kept = problem.steps.iter().zip(retractable).filter_map(|(step, retractable)| {
            let happened = !retractable || happened >> number.next().expect("endless") & 1 == 1;
            happened.then_some(*step)
        });
        let mut some = ByValue { steps: kept.collect(), ..problem.clone() };
        (0..problem.values).any(|value| {
            some.initial = value;
            oracle(&some)
        })
    })
}

#[test]
fn windows_with_retractable_operations_are_judged_as_the_oracle_does() {
    const MOST_RETRACTABLE: usize = 5;

    let (mut invalid, mut doubts) = (0, 0);
    for seed in 60_000..80_000 {
        let (simulation, failed) = small(seed);
        let problem = problem(Simulation { stale: 14, ..simulation }, failed);
        let mut left = MOST_RETRACTABLE;
        let retractable: Vec<bool> = (problem.steps.iter().enumerate())
            .map(|(place, step)| {
                let mutates = matches!(step.op, Op::Write(_) | Op::CompareAndSet { .. });
                let chosen = (place as u64 * 5 + seed / 3) % 7 < 3 && mutates && left > 0;
                left -= usize::from(chosen);
                chosen
            })
            .collect();
        doubts += MOST_RETRACTABLE - left;
        let expected = match window_oracle(&problem, &retractable) {
            true => Outcome::Valid,
            false => Outcome::Invalid,
        };
        let outcome = depth_first_in_window(&problem, &retractable, LIMITS).outcome;
        assert_eq!(outcome, expected, "{simulation:?} {failed:?} {retractable:?} {problem:#?}");
        invalid += u64::from(expected == Outcome::Invalid);
    }
    println!("{invalid} are invalid, {doubts} operations are retractable");
    assert!(invalid > 1_000, "{invalid} are invalid");
    assert!(doubts > 20_000, "{doubts} operations are retractable");
}

#[test]
fn medium_histories_are_judged_alike_by_all() {
    let (mut invalid, mut compared) = (0, 0);
    for seed in 0..300 {
        let simulation = Simulation {
            seed,
            operations: 100 + (seed % 200) as usize,
            clients: 10 + (seed % 11) as usize,
            values: 2 + (seed % 4) as u32,
            unknown: [0.0, 0.02, 0.1][(seed / 3 % 3) as usize],
            deletions: [0.0, 0.1][(seed / 5 % 2) as usize],
            stale: [0, 2, 6, 12][(seed / 7 % 4) as usize],
            ..Simulation::default()
        };
        let failed = [Failed::LeftOut, Failed::SawAnother][(seed / 2 % 2) as usize];
        let problem = problem(simulation, failed);
        let outcomes =
            [depth_first(&problem, LIMITS), beam(&problem, 1, LIMITS), beam(&problem, 16, LIMITS)]
                .map(|finding| finding.decision.outcome);
        let decided: Vec<Outcome> = outcomes
            .into_iter()
            .filter(|outcome| matches!(outcome, Outcome::Valid | Outcome::Invalid))
            .collect();
        assert!(!decided.is_empty(), "{simulation:?} {failed:?}");
        assert!(decided.iter().all(|it| *it == decided[0]), "{outcomes:?} {simulation:?}");
        invalid += usize::from(decided[0] == Outcome::Invalid);
        let limits = Limits { steps: 30_000, memory: 256 << 20 };
        let other = by_wing_gong_lowe(&problem, limits);
        if matches!(other, Outcome::Valid | Outcome::Invalid) {
            compared += 1;
            assert_eq!(other, decided[0], "{simulation:?} {failed:?}");
        }
    }
    assert!(invalid > 30 && invalid < 270, "{invalid} are invalid");
    assert!(compared > 100, "only {compared} could be compared");
}
