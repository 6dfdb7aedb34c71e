//! The work of the search. Steps are counted, not timed, so these tests give the same
//! figures on every machine.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Recording, Service, paired, record};
use stormproof_checker::history::History;
use stormproof_checker::verdict::{Analysis, Verdict};
use stormproof_checker::{Budget, Options, check, check_with_progress};

fn judge(history: &History, options: &Options) -> Analysis {
    check(&paired(history), options).expect("the history can be judged")
}

fn steps(steps: u64) -> Options {
    Options { budget: Budget { steps, ..Budget::default() }, ..Options::default() }
}

#[test]
fn unique_values_take_about_one_step_an_operation_when_clients_spread_over_keys() {
    for clients in [5, 64] {
        for unknown in [0.0, 0.01, 0.15] {
            let keys = 100;
            let operations = 200 * keys;
            let recording =
                Recording { seed: 7, operations, clients, keys, unknown, ..Recording::default() };
            let analysis = judge(&record(recording), &Options::default());
            assert_eq!(analysis.verdict, Verdict::Valid, "{recording:?}");
            assert_eq!(analysis.keys, 100);
            assert!(analysis.steps < 2 * analysis.operations, "{recording:?}: {analysis:?}");
        }
    }
}

/// Returns whether what was recorded is found Invalid. It has to be decided within some steps, and
/// is Valid where no answer was wrong.
#[track_caller]
fn is_invalid_within(recording: Recording, most_steps: u64) -> bool {
    let analysis = judge(&record(recording), &steps(most_steps));
    assert_ne!(analysis.verdict, Verdict::Unknown, "{recording:?}: {analysis:?}");
    assert!(recording.lies > 0 || analysis.verdict == Verdict::Valid, "{recording:?}");
    analysis.verdict == Verdict::Invalid
}

#[test]
fn unique_values_are_decided_on_one_hot_key_with_many_clients_and_unknown_outcomes() {
    let mut invalid = 0;
    for seed in 0..60 {
        for unknown in [0.0, 0.1, 0.3] {
            let lies = (seed % 2) as usize;
            let recording = Recording {
                seed,
                clients: 64,
                unknown,
                lies,
                operations: 400,
                ..Recording::default()
            };
            // Linear in operations times clients, no matter whether there is an order.
            invalid += usize::from(is_invalid_within(recording, 400 * 64));
        }
    }
    assert!(invalid > 20, "only {invalid} histories are invalid");
}

#[test]
fn few_values_are_decided_at_moderate_concurrency() {
    for seed in 0..100 {
        let recording = Recording {
            seed,
            values: Some(5),
            unknown: 0.05,
            lies: (seed % 2) as usize,
            ..Recording::default()
        };
        let analysis = judge(&record(recording), &steps(5_000_000));
        assert_ne!(analysis.verdict, Verdict::Unknown, "{recording:?}: {analysis:?}");
    }
}

#[test]
fn transactions_of_few_values_are_decided_without_the_general_search() {
    let mut invalid = 0;
    for seed in 0..40 {
        let recording = Recording {
            service: Service::RegisterTransactions,
            seed,
            operations: 500,
            clients: 5,
            values: Some(20),
            unknown: 0.01,
            lies: (seed % 2) as usize,
            ..Recording::default()
        };
        let analysis = judge(&record(recording), &steps(0));
        assert_ne!(analysis.verdict, Verdict::Unknown, "{recording:?}: {analysis:?}");
        assert!(seed % 2 > 0 || analysis.verdict == Verdict::Valid, "{recording:?}");
        invalid += usize::from(analysis.verdict == Verdict::Invalid);
    }
    assert!(invalid > 10, "only {invalid} histories are invalid");
}

#[test]
fn a_spent_budget_is_unknown_and_says_so() {
    let recording =
        Recording { values: Some(5), clients: 64, unknown: 0.2, ..Recording::default() };
    let analysis = judge(&record(recording), &steps(50));
    assert_eq!(analysis.verdict, Verdict::Unknown);
    let reason = analysis.reason.expect("it says why");
    assert!(reason.contains("no decision on key k0"), "{reason}");
    assert_eq!(analysis.counterexample, None);
}

#[test]
fn spent_memory_is_unknown_and_says_so() {
    let recording = Recording { values: Some(5), clients: 30, ..Recording::default() };
    let options =
        Options { budget: Budget { memory: 1000, ..Budget::default() }, ..Options::default() };
    let analysis = judge(&record(recording), &options);
    assert_eq!(analysis.verdict, Verdict::Unknown);
    let reason = analysis.reason.expect("it says why");
    assert!(reason.contains("memory did not suffice for key k0"), "{reason}");
}

#[test]
fn one_invalid_key_beats_keys_that_are_not_decided() {
    let hard = record(Recording {
        values: Some(5),
        clients: 64,
        unknown: 0.2,
        operations: 1000,
        ..Recording::default()
    });
    let mut history = hard.clone();
    let mut easy =
        record(Recording { seed: 1, operations: 20, clients: 2, lies: 3, ..Recording::default() });
    for event in &mut easy.events {
        event.index += hard.events.len() as u64;
        event.key = Some("z".to_string());
        if let stormproof_checker::history::Process::Client(id) = &mut event.process {
            *id += 1_000_000;
        }
    }
    assert_eq!(judge(&easy, &Options::default()).verdict, Verdict::Invalid);
    history.events.extend(easy.events);
    assert_eq!(judge(&hard, &steps(900)).verdict, Verdict::Unknown);
    let analysis = judge(&history, &steps(900));
    assert_eq!(analysis.verdict, Verdict::Invalid);
    assert_eq!(analysis.counterexample.expect("it is invalid").key.as_deref(), Some("z"));
}

#[test]
fn the_analysis_does_not_depend_on_the_number_of_threads() {
    for lies in [0, 8] {
        let history = record(Recording {
            operations: 4000,
            keys: 40,
            lies,
            unknown: 0.05,
            ..Recording::default()
        });
        let with = |threads| {
            let threads = NonZeroUsize::new(threads).expect("some");
            judge(&history, &Options { threads, ..Options::default() })
        };
        assert_eq!(with(1), with(2));
        assert_eq!(with(1), with(7));
    }
}

#[test]
fn progress_counts_every_key_once() {
    let history = record(Recording { operations: 1000, keys: 20, ..Recording::default() });
    let calls = AtomicUsize::new(0);
    let most = AtomicUsize::new(0);
    check_with_progress(&paired(&history), &Options::default(), &|progress| {
        assert_eq!(progress.total, 20);
        calls.fetch_add(1, Ordering::Relaxed);
        most.fetch_max(progress.done, Ordering::Relaxed);
    })
    .expect("the history can be judged");
    assert_eq!((calls.into_inner(), most.into_inner()), (20, 20));
}

#[test]
fn collections_of_equal_elements_are_decided_with_many_clients() {
    let mut invalid = 0;
    for service in [Service::Queue, Service::Lists] {
        for seed in 0..12 {
            let recording = Recording {
                service,
                seed,
                operations: 2_000,
                clients: 20,
                values: Some([2, 5, 20][(seed % 3) as usize]),
                unknown: [0.0, 0.01][(seed / 3 % 2) as usize],
                lies: (seed / 6) as usize,
                ..Recording::default()
            };
            invalid += usize::from(is_invalid_within(recording, 1_000_000));
        }
    }
    assert!(invalid > 6, "only {invalid} histories are invalid");
}

#[test]
fn counters_that_only_grow_are_decided_with_many_unknown_outcomes() {
    for seed in 0..5 {
        let recording = Recording {
            service: Service::Tally,
            seed,
            operations: 3_000,
            clients: 20,
            unknown: 0.02,
            ..Recording::default()
        };
        let analysis = judge(&record(recording), &steps(20_000_000));
        assert_eq!(analysis.verdict, Verdict::Valid, "{recording:?}: {analysis:?}");
    }
}

#[test]
fn counters_and_strings_are_decided_with_many_clients() {
    for service in [Service::Counter, Service::Strings] {
        for seed in 0..10 {
            let recording =
                Recording { service, seed, unknown: 0.02, clients: 8, ..Recording::default() };
            let analysis = judge(&record(recording), &steps(5_000_000));
            assert_eq!(analysis.verdict, Verdict::Valid, "{recording:?}: {analysis:?}");
        }
    }
}
