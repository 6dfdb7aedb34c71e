//! What models decide directly against what the search finds, on many recorded histories.

#[path = "../../tests/support/mod.rs"]
mod support;

use support::{Recording, Service, paired, record};

use crate::history::Datum;
use crate::model::{AppendList, Calls, Conventions, Counter, KvAppend, Model, Transactions};
use crate::partition::{Claim, Source, split};
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

/// Judges the only partition of a recording both ways. What contradicts itself must also do so for
/// the search, with nothing else believed.
fn compare<M: Model>(model: &M, recording: Recording, tally: &mut Tally) {
    let operations = paired(&record(recording));
    let source =
        Source { history: &operations, conventions: Conventions::default(), initial: Datum::Null };
    let partitions = split(model, source).expect("the recording fits the model");
    let [partition] = &partitions[..] else { return };
    let Some(direct) = model.decide_directly(&Calls::of(partition)) else {
        tally.left_to_search += 1;
        return;
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
        assert_eq!(expected, found, "{recording:?}: {direct:?}");
    }
    if recording.lies == 0 {
        assert_eq!(expected, Outcome::Valid, "{recording:?}: {direct:?}");
    }
    if let Some(contradiction) = &direct.contradiction {
        let claim = |place: usize| match contradiction.contains(&place) {
            true => Some(Claim::AsRecorded),
            false => Some(Claim::Invoked),
        };
        let (weaker, _) = partition.weakened(model, claim);
        let weaker = wing_gong_lowe::decide(model, &weaker.problem(model), LIMITS);
        assert_ne!(weaker.outcome, Outcome::Valid, "{recording:?}: {direct:?} does not suffice");
        tally.sufficient += u64::from(weaker.outcome == Outcome::Invalid);
    }
}

fn compare_many<M: Model>(model: &M, service: Service, small: u64, medium: u64) -> [Tally; 2] {
    let mut tallies = [Tally::default(), Tally::default()];
    for seed in 0..small {
        let recording = Recording {
            service,
            seed,
            operations: 3 + (seed % 14) as usize,
            clients: 2 + (seed % 5) as usize,
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
            ..Recording::default()
        };
        compare(model, recording, &mut tallies[0]);
    }
    for seed in 0..medium {
        let recording = Recording {
            service,
            seed,
            operations: 40 + (seed % 100) as usize,
            clients: 3 + (seed % 8) as usize,
            unknown: [0.0, 0.02, 0.1][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
            ..Recording::default()
        };
        compare(model, recording, &mut tallies[1]);
    }
    println!("{tallies:?}");
    let [of_small, of_medium] = &tallies;
    assert!(of_small.invalid > small / 8 && of_small.valid > small / 8, "{of_small:?}");
    assert!(of_small.beyond_search < small / 100, "{of_small:?}");
    assert!(of_small.sufficient > of_small.invalid * 9 / 10, "{of_small:?}");
    assert!(of_medium.invalid + of_medium.valid > medium / 2, "{of_medium:?}");
    tallies
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
fn counters_are_decided_as_the_search_decides_them() {
    compare_many(&Counter, Service::Tally, 20_000, 300);
}
