//! What models decide directly against what the search finds, on many recorded histories.

#[path = "../../tests/support/mod.rs"]
mod support;

use std::num::NonZeroUsize;

use support::{Recording, Service, paired, record};

use crate::history::Datum;
use crate::model::transactions::decide::decide_in_group;
use crate::model::{
    AppendList, Calls, Conventions, Counter, Direct, FencedLock, KvAppend, Model, Mutex, Queue,
    Register, Set, Transactions, Values,
};
use crate::partition::{Claim, Partition, Source, split};
use crate::search::{Limits, Outcome, wing_gong_lowe};

/// What became of a number of histories.
#[derive(Debug, Default)]
struct Tally {
    /// Decided directly and by the search alike.
    valid: u64,
    invalid: u64,
    /// The model said nothing.
    left_to_search: u64,
    /// The search did not come to an end.
    beyond_search: u64,
    /// Contradictions that the search confirmed with nothing else believed.
    sufficient: u64,
}

const LIMITS: Limits = Limits { steps: 20_000, memory: 16 << 20 };

/// From this many operations on, a history is too large for the search to judge a weaker form of
/// it, which has more orders.
const MEDIUM: usize = 40;

/// Judges the only partition of a recording both ways, and a weaker form of it: counterexamples are
/// found by asking what follows if less is believed.
fn compare<M: Model>(model: &M, recording: Recording, tallies: &mut [Tally; 2]) {
    let operations = paired(&record(recording));
    let source =
        Source { history: &operations, conventions: Conventions::default(), initial: Datum::Null };
    let partitions = split(model, source, NonZeroUsize::MIN).expect("the recording fits the model");
    let [partition] = &partitions[..] else { return };
    let [tally, weaker_tally] = tallies;
    let direct = compare_partition(model, partition, recording, tally);
    if recording.lies == 0 {
        let contradiction = direct.and_then(|direct| direct.contradiction);
        assert_eq!(contradiction, None, "{recording:?}: the service is linearizable");
    }
    if recording.operations >= MEDIUM {
        return;
    }
    let doubted = |place: usize| (place as u64 * 7 + recording.seed) % 10 < 3;
    let claim = |place| if doubted(place) { Claim::Invoked } else { Claim::AsRecorded };
    let (weaker, _) = partition.weakened(model, |place| Some(claim(place)));
    compare_partition(model, &weaker, recording, weaker_tally);
}

/// Judges a partition both ways. What contradicts itself must also do so for the search, with
/// nothing else believed.
fn compare_partition<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    recording: Recording,
    tally: &mut Tally,
) -> Option<Direct> {
    let Some(direct) = model.decide_directly(&Calls::of(partition)) else {
        tally.left_to_search += 1;
        return None;
    };
    let expected = match &direct.contradiction {
        None => Outcome::Valid,
        Some(_) => Outcome::Invalid,
    };
    let found = wing_gong_lowe::decide(model, &partition.problem(model), LIMITS).outcome;
    match found {
        Outcome::Valid => tally.valid += 1,
        Outcome::Invalid => tally.invalid += 1,
        Outcome::OutOfSteps | Outcome::OutOfMemory => tally.beyond_search += 1,
    }
    if matches!(found, Outcome::Valid | Outcome::Invalid) {
        assert_eq!(expected, found, "{recording:?}: {direct:?}: {:#?}", partition.calls);
    }
    if let Some(contradiction) = &direct.contradiction {
        let is_past = |place: usize| {
            partition.returned(place).is_some_and(|returned| Some(returned) < direct.since)
        };
        let claim = |place: usize| match contradiction.contains(&place) {
            true => Some(Claim::AsRecorded),
            // What does not matter may be left out.
            false => (!is_past(place)).then_some(Claim::Invoked),
        };
        let (mut weaker, _) = partition.weakened(model, claim);
        let beginnings = match direct.since {
            None => vec![weaker.initial.clone()],
            // Whatever was there before.
            Some(_) => model.beginnings(&Calls::of(&weaker)).expect("the model tells them"),
        };
        let mut suffices = true;
        for state in beginnings {
            weaker.initial = state;
            let outcome = wing_gong_lowe::decide(model, &weaker.problem(model), LIMITS).outcome;
            assert_ne!(outcome, Outcome::Valid, "{recording:?}: {direct:?} does not suffice");
            suffices &= outcome == Outcome::Invalid;
        }
        tally.sufficient += u64::from(suffices);
    }
    Some(direct)
}

fn compare_many<M: Model>(model: &M, service: Service, small: u64, medium: u64) -> [Tally; 2] {
    compare_many_of(model, service, None, small, medium)
}

/// `values` is as in [`Recording`].
fn compare_many_of<M: Model>(
    model: &M,
    service: Service,
    values: Option<u64>,
    small: u64,
    medium: u64,
) -> [Tally; 2] {
    let mut of_small = [Tally::default(), Tally::default()];
    let mut of_medium = [Tally::default(), Tally::default()];
    for seed in 0..small {
        let recording = Recording {
            service,
            seed,
            values,
            operations: 3 + (seed % 14) as usize,
            clients: 2 + (seed % 5) as usize,
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
            ..Recording::default()
        };
        compare(model, recording, &mut of_small);
    }
    for seed in 0..medium {
        let recording = Recording {
            service,
            seed,
            values,
            operations: MEDIUM + (seed % 100) as usize,
            clients: 3 + (seed % 8) as usize,
            unknown: [0.0, 0.02, 0.1][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
            ..Recording::default()
        };
        compare(model, recording, &mut of_medium);
    }
    println!("{of_small:?} {of_medium:?}");
    let ([of_small, weaker], [of_medium, _]) = (of_small, of_medium);
    assert!(of_small.invalid > small / 8 && of_small.valid > small / 8, "{of_small:?}");
    assert!(of_small.beyond_search < small / 50, "{of_small:?}");
    assert!(of_small.sufficient > of_small.invalid * 8 / 10, "{of_small:?}");
    assert!(of_medium.invalid + of_medium.valid > medium / 3, "{of_medium:?}");
    assert!(weaker.invalid > small / 20 && weaker.valid > small / 20, "{weaker:?}");
    [of_small, of_medium]
}

#[test]
fn lists_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&AppendList, Service::Lists, 20_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn strings_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&KvAppend, Service::Strings, 20_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn transactions_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&Transactions, Service::Transactions, 20_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn sets_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&Set, Service::Set, 10_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn sets_with_elements_added_again_are_decided_as_the_search_decides_them() {
    for tally in compare_many_of(&Set, Service::Set, Some(4), 10_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn queues_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&Queue, Service::Queue, 20_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn locks_of_processes_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&Mutex, Service::Mutex, 10_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn fenced_locks_of_processes_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&FencedLock, Service::FencedLock, 10_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn counters_are_decided_as_the_search_decides_them() {
    compare_many(&Counter, Service::Tally, 20_000, 300);
}

#[test]
fn counters_of_powers_of_two_are_decided_as_the_search_decides_them() {
    let mut tallies = [Tally::default(), Tally::default()];
    for seed in 0..20_000 {
        let recording = Recording {
            service: Service::Powers,
            seed,
            operations: 3 + (seed % 14) as usize,
            clients: 2 + (seed % 5) as usize,
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
            ..Recording::default()
        };
        compare(&Counter, recording, &mut tallies);
    }
    println!("{tallies:?}");
    let [tally, weaker] = tallies;
    assert_eq!(tally.left_to_search + weaker.left_to_search, 0);
    assert!(tally.invalid > 4_000 && tally.valid > 4_000, "{tally:?}");
    assert!(tally.sufficient > tally.invalid * 8 / 10, "{tally:?}");
    assert!(weaker.invalid > 1_000 && weaker.valid > 1_000, "{weaker:?}");
}

#[test]
fn large_groups_of_transactions_are_decided_as_small_ones() {
    let mut invalid = 0;
    for seed in 0..10_000 {
        let recording = Recording {
            service: Service::Transactions,
            seed,
            operations: 3 + (seed % 40) as usize,
            clients: 2 + (seed % 5) as usize,
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
            ..Recording::default()
        };
        let operations = paired(&record(recording));
        let conventions = Conventions::default();
        let source = Source { history: &operations, conventions, initial: Datum::Null };
        for partition in split(&Transactions, source, NonZeroUsize::MIN).expect("it fits the model")
        {
            let calls = Calls::of(&partition);
            let small = Transactions.decide_directly(&calls).map(|it| it.contradiction.is_some());
            let large = decide_in_group(&calls, 0).map(|it| it.contradiction.is_some());
            assert_eq!(small, large, "{recording:?}");
            invalid += u64::from(small == Some(true));
        }
    }
    assert!(invalid > 1_000, "{invalid} are invalid");
}

/// A weaker partition has the calls that its operations would have had if they had been recorded
/// so.
#[test]
fn weaker_calls_are_those_of_operations_without_an_answer() {
    fn compare<M: Model>(model: &M, service: Service) {
        let history = record(Recording { service, unknown: 0.1, ..Recording::default() });
        let operations = paired(&history);
        let conventions = Conventions::default();
        let source = Source { history: &operations, conventions, initial: Datum::Null };
        for partition in split(model, source, NonZeroUsize::MIN).expect("it fits the model") {
            let mut values = Values::clone(&partition.values);
            let (weaker, origins) = partition.weakened(model, |_| Some(Claim::Invoked));
            for (at, place) in origins.into_iter().enumerate() {
                let operation = partition.operation(place).as_unknown();
                let expected = model.call(operation, conventions, &mut values);
                assert_eq!(Ok(&weaker.calls[at]), expected.as_ref(), "{service:?}");
            }
            let (same, _) = weaker.weakened(model, |_| Some(Claim::AsRecorded));
            assert!(same.calls.iter().all(|call| partition.calls.contains(call)), "{service:?}");
        }
    }
    compare(&AppendList, Service::Lists);
    compare(&KvAppend, Service::Strings);
    compare(&Set, Service::Set);
    compare(&Counter, Service::Counter);
    compare(&Queue, Service::Queue);
    compare(&Mutex, Service::Mutex);
    compare(&FencedLock, Service::FencedLock);
    compare(&Transactions, Service::Transactions);
    compare(&Register, Service::Register);
}
