//! Whether what is decided directly is what the search finds, and whether each contradiction is
//! one by itself. Histories come from the simulated services of the integration tests.

use std::collections::BTreeSet;

use crate::history::Datum;
use crate::model::{Calls, Conventions, FencedLock, Model, Mutex, Queue, Set};
use crate::partition::{Claim, Partition, split};
use crate::search::{Limits, Outcome, Problem, wing_gong_lowe};
use support::{Recording, Service, paired, record};

#[path = "../../tests/support/mod.rs"]
mod support;

/// How many partitions were compared.
#[derive(Debug, Default)]
struct Tally {
    valid: usize,
    invalid: usize,
    /// The search gave up on these.
    too_hard: usize,
    /// There was no direct decision of these.
    left_to_search: usize,
    /// Operations of the largest contradiction.
    largest: usize,
}

impl Tally {
    fn compare<M: Model>(&mut self, model: &M, partition: &Partition<'_, M>) {
        let Some(direct) = model.decide_directly(&Calls::of(partition)) else {
            self.left_to_search += 1;
            return;
        };
        let found = match search(model, &partition.problem(model)) {
            Outcome::Valid => true,
            Outcome::Invalid => false,
            Outcome::OutOfSteps | Outcome::OutOfMemory => {
                self.too_hard += 1;
                return;
            }
        };
        let dump = || format!("{direct:?}: {:#?}", partition.calls);
        assert_eq!(direct.contradiction.is_none(), found, "{}", dump());
        let Some(contradiction) = &direct.contradiction else {
            self.valid += 1;
            return;
        };
        self.invalid += 1;
        self.largest = self.largest.max(contradiction.len());
        let core: BTreeSet<usize> = contradiction.iter().copied().collect();
        assert_eq!(core.len(), contradiction.len(), "nothing is named twice: {}", dump());
        let problem = partition.problem_of(model, |place| {
            Some(if core.contains(&place) { Claim::AsRecorded } else { Claim::Invoked })
        });
        assert_ne!(search(model, &problem), Outcome::Valid, "it does not suffice: {}", dump());
    }

    /// Compares the partitions of one recorded history.
    fn add<M: Model>(&mut self, model: &M, recording: Recording) {
        let history = record(recording);
        let operations = paired(&history);
        let partitions = split(model, &operations, Conventions::default(), Datum::Null)
            .expect("the service's operations are the model's");
        for partition in &partitions {
            self.compare(model, partition);
        }
    }
}

fn search<M: Model>(model: &M, problem: &Problem<M>) -> Outcome {
    wing_gong_lowe::decide(model, problem, Limits { steps: 100_000, memory: 64 << 20 }).outcome
}

fn small<M: Model>(model: &M, service: Service) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..20_000 {
        let recording = Recording {
            service,
            seed,
            operations: 4 + (seed % 13) as usize,
            clients: 2 + (seed % 5) as usize,
            unknown: [0.0, 0.1, 0.2, 0.4][(seed / 5 % 4) as usize],
            lies: (seed / 20 % 4) as usize,
            values: [None, None, Some(3)][(seed % 3) as usize],
            ..Recording::default()
        };
        tally.add(model, recording);
    }
    tally
}

fn medium<M: Model>(model: &M, service: Service) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..400 {
        let recording = Recording {
            service,
            seed,
            operations: 100,
            clients: 3 + (seed % 3) as usize,
            unknown: [0.0, 0.02, 0.05][(seed / 3 % 3) as usize],
            lies: (seed % 2) as usize,
            ..Recording::default()
        };
        tally.add(model, recording);
    }
    tally
}

/// Both kinds of verdicts must have been compared often, or the comparison would say little.
#[track_caller]
fn assert_telling(tally: &Tally, least: usize) {
    println!("{tally:?}");
    assert!(tally.valid > least && tally.invalid > least, "{tally:?}");
}

#[test]
fn sets() {
    assert_telling(&small(&Set, Service::Set), 5_000);
    assert_telling(&medium(&Set, Service::Set), 50);
}

#[test]
fn queues() {
    assert_telling(&small(&Queue, Service::Queue), 2_500);
    assert_telling(&medium(&Queue, Service::Queue), 50);
}

#[test]
fn locks() {
    assert_telling(&small(&Mutex, Service::Mutex), 2_500);
    assert_telling(&medium(&Mutex, Service::Mutex), 50);
}

#[test]
fn fenced_locks() {
    assert_telling(&small(&FencedLock, Service::FencedLock), 2_500);
    assert_telling(&medium(&FencedLock, Service::FencedLock), 50);
}
