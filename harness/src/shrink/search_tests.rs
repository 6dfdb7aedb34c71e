//! Shrinks of failures that are made up: how often they are wrong, and what they cost.
#![expect(clippy::print_stdout, reason = "the figures are looked at")]

use std::collections::BTreeSet;
use std::time::Duration;

use checker::verdict::Verdict;
use faults::fault::Family;
use faults::schedule::{Compositions, Entry, Profile, Schedule, ScheduleOptions};
use faults::trigger::TriggerKind;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use workloads::stream;

use super::{Found, Known, Problem, Reduced, search};
use crate::repeats::Failing;
use crate::repeats::tests::outcome;

/// A plan of a minute, such as `stormproof run` draws it.
fn plan(seed: u64) -> Reduced {
    let schedule = Schedule::draw(&ScheduleOptions {
        nodes: 5,
        families: Family::ALL.into_iter().filter(|family| family.within_fault_model()).collect(),
        seed,
        time_limit: Duration::from_secs(60),
        profile: Profile::Nightly,
        budget: None,
        compositions: Compositions::default(),
        only: Vec::new(),
        avoided: Vec::new(),
        triggers: TriggerKind::ALL.into(),
        timers: Default::default(),
        abilities: Default::default(),
    });
    Reduced {
        faults: schedule.entries,
        nodes: 5,
        clients: 10,
        keys: 40,
        rate: 1_000.0,
        load: Duration::from_secs(60),
    }
}

fn ids(faults: &[Entry]) -> BTreeSet<u32> {
    faults.iter().map(|fault| fault.id).collect()
}

/// A failure that needs certain faults, and has a chance of its own.
struct MadeUp {
    needs: BTreeSet<u32>,
    with_them: f64,
    without: f64,
}

impl MadeUp {
    fn rate(&self, plan: &Reduced) -> f64 {
        match self.needs.is_subset(&ids(&plan.faults)) {
            true => self.with_them,
            false => self.without,
        }
    }
}

/// A shrink that ended.
struct Ended {
    found: Found,
    runs: usize,
    /// The seconds of its runs, one after the other.
    seconds: f64,
    /// The number of candidates that fail too seldom, and of those that were kept all the same.
    too_seldom: usize,
    wrongly_kept: usize,
}

fn shrink(problem: &Problem, failure: &MadeUp, random: &mut ChaCha8Rng) -> Ended {
    let mut known = Known::default();
    let mut seconds = 0.0;
    let mut asked: Vec<Reduced> = Vec::new();
    let mut kept: Vec<Reduced> = Vec::new();
    loop {
        let wish = match search(problem, &mut known) {
            Err(wish) => wish,
            Ok(found) => {
                kept.push(found.smallest.clone());
                let threshold = found.at_least.unwrap_or(0.0);
                let too_seldom = |plan: &&Reduced| failure.rate(plan) <= threshold;
                let candidates = asked.iter().filter(|plan| **plan != problem.original);
                return Ended {
                    too_seldom: candidates.filter(too_seldom).count(),
                    wrongly_kept: kept.iter().filter(too_seldom).count(),
                    runs: known.runs(),
                    found,
                    seconds,
                };
            }
        };
        if kept.last() != Some(&wish.best) {
            kept.push(wish.best.clone());
        }
        if !asked.contains(&wish.candidate) {
            asked.push(wish.candidate.clone());
        }
        let of = wish.candidate.name();
        loop {
            let safety = match random.random_bool(failure.rate(&wish.candidate)) {
                true => Verdict::Invalid,
                false => Verdict::Valid,
            };
            // A run that fails is cut short.
            let load = wish.candidate.load.as_secs_f64();
            seconds += 6.0 + if safety == Verdict::Invalid { 0.7 * load } else { load };
            let number = known.of(&wish.candidate).all().count() as u64;
            known.take(&of, number, outcome(safety, Verdict::Valid));
            if !wish.goes_on(&known.of(&wish.candidate), problem.failing) {
                break;
            }
        }
    }
}

/// Shrinks many plans of some thirty faults, of which two or three matter, and prints figures.
fn many(with_them: f64, without: f64) -> Vec<(Ended, MadeUp)> {
    let mut random = stream(1, "made-up failures");
    let ended: Vec<(Ended, MadeUp)> = (0..25)
        .map(|seed| {
            let original = plan(seed);
            let all: Vec<u32> = ids(&original.faults).into_iter().collect();
            let needed = 2 + usize::from(seed % 2 == 0);
            // The last of them is what showed it; the others came at any time before.
            let last = random.random_range(needed..all.len());
            let mut needs = BTreeSet::from([all[last]]);
            while needs.len() < needed {
                needs.insert(all[random.random_range(0..last)]);
            }
            let problem = Problem {
                original,
                failing: Failing::Safety,
                reached: all[..=last].iter().copied().collect(),
                at_least: None,
                after: Duration::from_secs(4),
            };
            let failure = MadeUp { needs, with_them, without };
            (shrink(&problem, &failure, &mut random), failure)
        })
        .collect();
    let mean = |of: &dyn Fn(&Ended) -> f64| {
        ended.iter().map(|(ended, _)| of(ended)).sum::<f64>() / ended.len() as f64
    };
    let sum =
        |of: &dyn Fn(&Ended) -> usize| ended.iter().map(|(ended, _)| of(ended)).sum::<usize>();
    println!(
        "fails {with_them} of the time, and {without} without its faults: {:.0} runs, {:.1} minutes \
         of them, {:.1} faults left; kept {} of {} candidates that fail too seldom",
        mean(&|ended| ended.runs as f64),
        mean(&|ended| ended.seconds / 60.0),
        mean(&|ended| ended.found.smallest.faults.len() as f64),
        sum(&|ended| ended.wrongly_kept),
        sum(&|ended| ended.too_seldom),
    );
    ended
}

/// The share of candidates that fail too seldom and were kept.
fn wrongly_kept(ended: &[(Ended, MadeUp)]) -> f64 {
    let kept: usize = ended.iter().map(|(ended, _)| ended.wrongly_kept).sum();
    let all: usize = ended.iter().map(|(ended, _)| ended.too_seldom).sum();
    kept as f64 / all as f64
}

/// The number of shrinks that left the faults that matter and no other.
fn exact(ended: &[(Ended, MadeUp)]) -> usize {
    let same =
        |(ended, failure): &&(Ended, MadeUp)| ids(&ended.found.smallest.faults) == failure.needs;
    ended.iter().filter(same).count()
}

#[test]
fn the_faults_that_matter_are_left() {
    for (with_them, without, least) in [(1.0, 0.0, 24), (0.8, 0.0, 22), (0.5, 0.0, 18)] {
        let ended = many(with_them, without);
        let (wrong, exact) = (wrongly_kept(&ended), exact(&ended));
        println!("  {exact} of {} left exactly those that matter", ended.len());
        assert!(wrong <= 0.05, "{wrong}");
        assert!(exact >= least, "{exact}");
    }
}

/// The hardest case for the promise: every candidate fails exactly as often as is too seldom.
#[test]
fn what_fails_too_seldom_is_kept_no_more_often_than_promised() {
    let ended = many(0.8, 0.38);
    let wrong = wrongly_kept(&ended);
    assert!(wrong <= 0.05, "{wrong}");
}

#[test]
fn a_plan_that_does_not_fail_again_is_left_alone() {
    let original = plan(1);
    let reached = ids(&original.faults);
    let (failing, after) = (Failing::Safety, Duration::from_secs(4));
    let problem = Problem { original, failing, reached, at_least: None, after };
    let never = MadeUp { needs: [u32::MAX].into(), with_them: 1.0, without: 0.0 };
    let ended = shrink(&problem, &never, &mut stream(1, "never"));
    assert_eq!((ended.runs, ended.found.at_least), (20, None));
    assert_eq!(ended.found.smallest, problem.original);
}

/// The results alone, as a file has them.
fn known_again(known: &Known) -> Known {
    let mut again = known.clone();
    again.refused.clear();
    again.settled.clear();
    again
}

#[test]
fn a_search_that_is_interrupted_goes_on_where_it_was() {
    let original = plan(2);
    let reached = ids(&original.faults);
    let needs: BTreeSet<u32> = reached.iter().copied().skip(9).take(1).collect();
    let (failing, after) = (Failing::Safety, Duration::from_secs(4));
    let problem = Problem { original, failing, reached, at_least: None, after };
    let failure = MadeUp { needs, with_them: 1.0, without: 0.0 };
    let mut known = Known::default();
    let mut wishes = Vec::new();
    let found = loop {
        // Each time as if it were a new process that has read the file.
        match search(&problem, &mut known_again(&known)) {
            Ok(found) => break found,
            Err(wish) => {
                let failed = failure.rate(&wish.candidate) > 0.5;
                let safety = if failed { Verdict::Invalid } else { Verdict::Valid };
                let number = known.of(&wish.candidate).all().count() as u64;
                known.take(&wish.candidate.name(), number, outcome(safety, Verdict::Valid));
                wishes.push(wish.candidate.name());
            }
        }
    };
    assert_eq!(ids(&found.smallest.faults), failure.needs);
    let [fault] = &found.smallest.faults[..] else { panic!("{found:?}") };
    assert_eq!((fault.at, found.smallest.nodes), (Duration::from_secs(2), 3));
    assert_eq!((found.smallest.clients, found.smallest.keys, found.smallest.rate), (2, 1, 100.0));
    assert_eq!((found.after.failed, found.after.runs), (10, 10));
    // A candidate is never asked for again once it is decided.
    let mut order = wishes.clone();
    order.dedup();
    let different: BTreeSet<&String> = order.iter().collect();
    assert!(order.len() <= different.len() + 1, "the smallest is measured in the end");
}
