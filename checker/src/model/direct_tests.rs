//! Decisions of solvers against those of the search, on many recorded histories.

#[path = "../../tests/checker/support/mod.rs"]
mod support;

use std::num::NonZeroUsize;

use support::{Recording, Service, paired, record};

use crate::history::{Datum, EventType, Operations};
use crate::model::transactions::decide::decide_in_group;
use crate::model::{
    AnyModel, AppendList, Attempt, Conventions, Counter, Direct, FencedLock, KvAppend, Mutex,
    Queue, Recorded, Register, Set, Transactions, Values,
};
use crate::object::{Kept, Object, Typed, TypedReader};
use crate::partition::{Source, split};
use crate::search::{Limits, Outcome, wing_gong_lowe};

/// The decisions of a number of histories.
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

const LIMITS: Limits = Limits { steps: 60_000, memory: 16 << 20 };

/// The number of histories that are valid, and of those that are not, which show enough.
const ENOUGH: u64 = 1_500;

/// From this many operations on, a history is too large for the search to judge a weaker form of
/// it, which has more orders.
const MEDIUM: usize = 40;

/// Judges the only partition of a recording both ways, and a weaker form of it: counterexamples are
/// found by asking what follows if less is believed.
fn compare(model: &impl Recorded, recording: Recording, tallies: &mut [Tally; 2]) {
    let operations = paired(&record(recording));
    let source =
        Source { history: &operations, conventions: Conventions::default(), initial: Datum::Null };
    let model = AnyModel::of(model);
    let partitions = split(model, source, NonZeroUsize::MIN).expect("the recording fits the model");
    let [partition] = &partitions[..] else { return };
    let [tally, weaker_tally] = tallies;
    let object = &*partition.object;
    let direct = compare_object(object, recording, tally);
    if recording.lies == 0 {
        let contradiction = direct.and_then(|direct| direct.contradiction);
        assert_eq!(contradiction, None, "{recording:?}: the service is linearizable");
    }
    if recording.operations >= MEDIUM {
        return;
    }
    let retractable = |place: usize| (place as u64 * 7 + recording.seed) % 10 < 3;
    let kept = |place| if retractable(place) { Kept::Invoked } else { Kept::AsRecorded };
    let (weaker, _) = object.weakened(&|place| Some(kept(place)));
    compare_object(&*weaker, recording, weaker_tally);
}

/// Judges an object both ways. What contradicts itself must also do so for the search, with
/// nothing else believed.
fn compare_object(object: &dyn Object, recording: Recording, tally: &mut Tally) -> Option<Direct> {
    let Some(direct) = solve(object) else {
        tally.left_to_search += 1;
        return None;
    };
    let expected = match &direct.contradiction {
        None => Outcome::Valid,
        Some(_) => Outcome::Invalid,
    };
    let found = by_search(object);
    match found {
        Outcome::Valid => tally.valid += 1,
        Outcome::Invalid => tally.invalid += 1,
        Outcome::OutOfSteps | Outcome::OutOfMemory => tally.beyond_search += 1,
    }
    if matches!(found, Outcome::Valid | Outcome::Invalid) {
        assert_eq!(expected, found, "{recording:?}: {direct:?}");
    }
    if let Some(contradiction) = &direct.contradiction {
        let intervals = object.intervals();
        let is_past = |place: usize| {
            intervals[place].returned().is_some_and(|returned| Some(returned) < direct.since)
        };
        let (weaker, _) = object.weakened(&|place| match contradiction.contains(&place) {
            true => Some(Kept::AsRecorded),
            // What does not matter may be left out.
            false => (!is_past(place)).then_some(Kept::Invoked),
        });
        let beginnings = match direct.since {
            None => vec![weaker],
            // No matter what was there before.
            Some(_) => weaker.starts(usize::MAX).expect("the model knows them"),
        };
        let mut suffices = true;
        for weaker in beginnings {
            let outcome = by_search(&*weaker);
            assert_ne!(outcome, Outcome::Valid, "{recording:?}: {direct:?} does not suffice");
            suffices &= outcome == Outcome::Invalid;
        }
        tally.sufficient += u64::from(suffices);
    }
    Some(direct)
}

fn solve(object: &dyn Object) -> Option<Direct> {
    match object.solve(2_000_000) {
        Attempt::Decided(direct) => Some(direct),
        Attempt::GivenUp(_) | Attempt::LeftToSearch(_) | Attempt::OutOfSteps(_) => None,
    }
}

fn by_search(object: &dyn Object) -> Outcome {
    let (problem, mut machine) = object.problem();
    wing_gong_lowe::decide(&problem, &mut *machine, LIMITS).outcome
}

/// Returns whether there were enough valid and invalid histories, and weaker forms of each kind.
fn show_enough([of_small, weaker]: &[Tally; 2]) -> bool {
    of_small.valid.min(of_small.invalid) >= ENOUGH && weaker.valid.min(weaker.invalid) >= ENOUGH / 3
}

fn compare_many(model: &impl Recorded, service: Service, small: u64, medium: u64) -> [Tally; 2] {
    compare_many_of(model, service, None, small, medium)
}

/// A recording of a few operations with many unknown outcomes. `values` is as in [`Recording`].
fn small_recording(service: Service, values: Option<u64>, seed: u64) -> Recording {
    Recording {
        service,
        seed,
        values,
        operations: 3 + (seed % 14) as usize,
        clients: 2 + (seed % 5) as usize,
        unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
        lies: (seed / 9 % 3) as usize,
        ..Recording::default()
    }
}

/// `values` is as in [`Recording`].
fn compare_many_of(
    model: &impl Recorded,
    service: Service,
    values: Option<u64>,
    small: u64,
    medium: u64,
) -> [Tally; 2] {
    let mut of_small = [Tally::default(), Tally::default()];
    let mut of_medium = [Tally::default(), Tally::default()];
    let mut count = 0;
    for seed in 0..small {
        if show_enough(&of_small) {
            break;
        }
        count += 1;
        compare(model, small_recording(service, values, seed), &mut of_small);
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
    assert!(of_small.invalid > count / 8 && of_small.valid > count / 8, "{of_small:?}");
    assert!(of_small.beyond_search < count / 50, "{of_small:?}");
    assert!(of_small.sufficient > of_small.invalid * 8 / 10, "{of_small:?}");
    assert!(of_medium.invalid + of_medium.valid > medium / 3, "{of_medium:?}");
    assert!(weaker.invalid > count / 20 && weaker.valid > count / 20, "{weaker:?}");
    [of_small, of_medium]
}

#[test]
fn lists_are_decided_as_the_search_decides_them() {
    for tally in compare_many(&AppendList, Service::Lists, 20_000, 300) {
        assert_eq!(tally.left_to_search, 0);
    }
}

#[test]
fn lists_with_elements_appended_again_are_decided_as_the_search_decides_them() {
    for values in [1, 3] {
        for tally in compare_many_of(&AppendList, Service::Lists, Some(values), 10_000, 300) {
            assert_eq!(tally.left_to_search, 0);
        }
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
fn transactions_of_few_values_are_decided_as_the_search_decides_them() {
    for values in [2, 4] {
        for tally in
            compare_many_of(&Transactions, Service::RegisterTransactions, Some(values), 10_000, 150)
        {
            assert!(tally.left_to_search <= tally.valid / 100, "{tally:?}");
        }
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
fn queues_with_elements_enqueued_again_are_decided_as_the_search_decides_them() {
    for values in [2, 3, 5] {
        for tally in compare_many_of(&Queue, Service::Queue, Some(values), 10_000, 300) {
            assert_eq!(tally.left_to_search, 0);
        }
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

/// Of counters that may shrink, it is only known what surely is wrong.
#[test]
fn what_contradicts_a_counter_that_shrinks_does_so_for_the_search() {
    let mut tallies = [Tally::default(), Tally::default()];
    for seed in 0..20_000 {
        if tallies.iter().all(|tally| tally.invalid >= ENOUGH / 3) {
            break;
        }
        let small = small_recording(Service::Counter, None, seed);
        compare(&Counter, Recording { lies: 1 + small.lies, ..small }, &mut tallies);
    }
    println!("{tallies:?}");
    assert!(tallies.iter().all(|tally| tally.invalid >= ENOUGH / 3), "{tallies:?}");
}

#[test]
fn counters_of_powers_of_two_are_decided_as_the_search_decides_them() {
    let mut tallies = [Tally::default(), Tally::default()];
    for seed in 0..20_000 {
        if show_enough(&tallies) {
            break;
        }
        compare(&Counter, small_recording(Service::Powers, None, seed), &mut tallies);
    }
    println!("{tallies:?}");
    let [tally, weaker] = tallies;
    assert_eq!(tally.left_to_search + weaker.left_to_search, 0);
    assert!(tally.invalid >= ENOUGH && tally.valid >= ENOUGH, "{tally:?}");
    assert!(tally.sufficient > tally.invalid * 8 / 10, "{tally:?}");
    assert!(weaker.invalid >= ENOUGH / 3 && weaker.valid >= ENOUGH / 3, "{weaker:?}");
}

#[test]
fn large_groups_of_transactions_are_decided_as_small_ones() {
    for (service, values) in
        [(Service::Transactions, None), (Service::RegisterTransactions, Some(3))]
    {
        let mut invalid = 0;
        for seed in 0..10_000 {
            if invalid > 1_000 {
                break;
            }
            let operations = 3 + (seed % 40) as usize;
            let recording = Recording { operations, ..small_recording(service, values, seed) };
            let operations = paired(&record(recording));
            let object = typed(&Transactions, &operations);
            let small = solve(&object).map(|it| it.contradiction.is_some());
            let large = decide_in_group(&object.calls(), 0).map(|it| it.contradiction.is_some());
            assert_eq!(small, large, "{recording:?}");
            invalid += u64::from(small == Some(true));
        }
        assert!(invalid > 1_000, "{invalid} are invalid");
    }
}

/// The operations of a history of one key.
fn typed<'m, M: Recorded>(model: &'m M, operations: &Operations) -> Typed<'m, M> {
    let conventions = Conventions::default();
    let mut reader = TypedReader::new(model, conventions, model.initial(), Values::new());
    for operation in operations.iter() {
        if operation.outcome() != EventType::Fail || operation.was_refuted() {
            reader.read(operation).expect("it fits the model");
        }
    }
    reader.into_object()
}

/// A weaker form has the calls that its operations would have had if they had been recorded so.
#[test]
fn weaker_calls_are_those_of_operations_without_an_answer() {
    fn compare<M: Recorded>(model: &M, service: Service) {
        let recording = Recording { service, unknown: 0.1, ..Recording::default() };
        let operations = paired(&record(recording));
        let object = typed(model, &operations);
        let by_invocation = |invoked| operations.iter().find(|it| it.invoked() == invoked);
        let mut values = object.values().clone();
        let (weaker, places) = object.weaker(&|_| Some(Kept::Invoked));
        for (at, place) in places.into_iter().enumerate() {
            let invoked = object.intervals()[place].invoked;
            let operation = by_invocation(invoked).expect("it was invoked").as_unknown();
            let expected = model.decode(operation, Conventions::default(), &mut values);
            let expected = expected.expect("it fits the model");
            assert_eq!(Some(weaker.calls().get(at).call), expected.as_ref(), "{service:?}");
        }
        let (same, places) = weaker.weaker(&|_| Some(Kept::AsRecorded));
        assert_eq!(places.len(), weaker.calls().len());
        let recorded: Vec<_> = object.calls().iter().map(|it| it.call).collect();
        assert!(same.calls().iter().all(|it| recorded.contains(&it.call)), "{service:?}");
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
    compare(&crate::model::bank::BANK, Service::Bank);
}
