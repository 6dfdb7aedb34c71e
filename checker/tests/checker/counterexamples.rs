//! Every counterexample must be a contradiction by itself, and a smallest one.

use crate::legal::verdict_if_legal;
use crate::support::{Recording, paired, record};
use serde_json::Value;
use stormproof_checker::history::{Event, EventType, History, Operations};
use stormproof_checker::verdict::{Counterexample, Operation, Verdict};
use stormproof_checker::{Options, check};

/// A history of these operations. Operations are written at the indices of their events.
fn history_of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> History {
    let mut events: Vec<Event> = Vec::new();
    for operation in operations {
        let mut add = |index, time, kind, value: &Value| {
            events.push(Event {
                index,
                time,
                process: operation.process,
                kind,
                f: operation.f.clone(),
                key: operation.key.clone(),
                value: value.clone(),
                token: None,
                node: None,
                version: None,
                error: None,
                attempts: Vec::new(),
            });
        };
        add(operation.invoked, operation.start, EventType::Invoke, &operation.input);
        if let (Some(index), Some(time)) = (operation.completed, operation.end) {
            add(index, time, EventType::Ok, &operation.output);
        }
    }
    events.sort_by_key(|event| event.index);
    History { events }
}

fn verdict(history: &History) -> Verdict {
    let options = Options { model: Some("register".to_string()), ..Options::default() };
    check(&paired(history), &options).expect("it can be judged").verdict
}

/// Invalid histories of unique values, with their counterexamples.
fn invalid_histories() -> impl Iterator<Item = (Recording, Counterexample)> {
    (0..300).filter_map(|seed| {
        let recording = Recording {
            seed,
            operations: 60,
            clients: 2 + (seed % 12) as usize,
            unknown: [0.0, 0.1, 0.3][(seed % 3) as usize],
            lies: 1 + (seed % 2) as usize,
            ..Recording::default()
        };
        Some((
            recording,
            check(&paired(&record(recording)), &Options::default()).ok()?.counterexample?,
        ))
    })
}

/// The value that an operation saw, and the one that it left.
fn saw(operation: &Operation) -> Option<&Value> {
    match operation.f.as_str() {
        "read" => Some(&operation.output),
        "cas" => Some(&operation.input[0]),
        _ => None,
    }
}

fn left(operation: &Operation) -> Option<&Value> {
    match operation.f.as_str() {
        "write" => Some(&operation.input),
        "cas" => Some(&operation.input[1]),
        _ => None,
    }
}

/// Takes one operation away, and with it all that saw its value: a read without its write would
/// be a contradiction of another kind.
fn without(operations: &[Operation], gone: usize) -> Vec<Operation> {
    let mut left_over = operations.to_vec();
    let mut gone = vec![left_over.remove(gone)];
    while let Some(operation) = gone.pop() {
        if let Some(value) = left(&operation) {
            let orphans = left_over.extract_if(.., |other| saw(other) == Some(value));
            gone.extend(orphans);
        }
    }
    left_over
}

#[test]
fn the_operations_of_a_counterexample_contradict_each_other() {
    let mut count = 0;
    for (recording, counterexample) in invalid_histories() {
        let history = history_of(&counterexample.operations);
        assert_eq!(verdict(&history), Verdict::Invalid, "{recording:?}: {counterexample:#?}");
        count += 1;
    }
    assert!(count > 100, "only {count} histories are invalid");
}

#[test]
fn without_any_one_of_them_the_others_do_not() {
    for (recording, counterexample) in invalid_histories() {
        for gone in 0..counterexample.operations.len() {
            let rest = without(&counterexample.operations, gone);
            let rest = history_of(&rest);
            assert_eq!(
                verdict(&rest),
                verdict_if_legal(&rest),
                "{recording:?}, without {gone}: {counterexample:#?}"
            );
        }
    }
}

#[test]
fn a_counterexample_is_small_and_says_who_is_to_blame() {
    for (recording, counterexample) in invalid_histories() {
        assert!(counterexample.operations.len() <= 20, "{recording:?}: {counterexample:#?}");
        assert_eq!(counterexample.remarks.len(), counterexample.operations.len());
        assert!(counterexample.operations.is_sorted_by_key(|operation| operation.invoked));
        let first = counterexample.culprits.first().expect("somebody is to blame");
        assert_eq!(counterexample.operations[*first].outcome, EventType::Ok);
        assert!(counterexample.sentence.contains("process"), "{}", counterexample.sentence);
        assert!(!counterexample.sentence.contains("may show the same"), "it is minimal");
    }
}

/// A later contradiction may be a consequence, and keys have no order.
#[test]
fn of_several_keys_the_one_that_went_wrong_first_is_told() {
    for first in ["a", "b", "c"] {
        let mut log = Vec::new();
        let mut operation = |key: &str, process: u64, f: &str, value: Value| {
            for kind in ["invoke", "ok"] {
                let index = log.len();
                log.push(format!(
                    r#"{{"index":{index},"time":{index},"process":{process},"type":"{kind}","f":"{f}","key":"{key}","value":{value}}}"#
                ));
            }
        };
        for key in ["a", "b", "c"] {
            operation(key, 1, "write", 1.into());
            operation(key, 1, "write", 2.into());
        }
        operation(first, 2, "read", 1.into());
        for key in ["c", "a", "b"] {
            operation(key, 3, "read", 1.into());
            operation(key, 3, "read", Value::Null);
        }
        let reading = stormproof_checker::history::read(log.join("\n").as_bytes());
        let analysis = check(&reading.expect("a log").operations, &Options::default());
        let found = analysis.expect("it can be judged").counterexample.expect("it is invalid");
        assert_eq!(found.key.as_deref(), Some(first), "{}", found.sentence);
        assert!(found.sentence.starts_with(&format!("process 2 read 1 from {first}")));
    }
}

#[test]
fn the_neighbourhood_overlaps_the_conflict_and_is_not_part_of_it() {
    let history = record(Recording { seed: 5, operations: 2000, lies: 3, ..Recording::default() });
    let analysis = check(&paired(&history), &Options::default()).expect("it can be judged");
    let counterexample = analysis.counterexample.expect("three reads lie");
    assert!(!counterexample.neighbourhood.is_empty());
    assert!(counterexample.neighbourhood.len() <= 60);
    let begin = counterexample.operations[0].invoked;
    for neighbour in &counterexample.neighbourhood {
        assert!(!counterexample.operations.contains(neighbour));
        assert!(neighbour.completed.is_none_or(|at| at >= begin), "{neighbour:?}");
    }
}

/// Of a long history of few values, believing all writes of a value that are over would make
/// thousands of operations. The last ones contradict each other no matter what was there before.
#[test]
fn few_values_are_explained_by_the_last_operations_whatever_was_there_before() {
    let mut explained = 0;
    for seed in 0..10 {
        let recording = Recording {
            seed,
            operations: 3000,
            clients: 10,
            values: Some(3),
            lies: 100,
            ..Recording::default()
        };
        let analysis = check(&paired(&record(recording)), &Options::default());
        let Some(counterexample) = analysis.expect("it can be judged").counterexample else {
            continue;
        };
        let shown = counterexample.operations.len();
        assert!(shown <= 20, "seed {seed}: {shown} operations are shown");
        for initial in [Value::Null, 1.into(), 2.into(), 3.into()] {
            let history = Operations::of(&counterexample.history()).expect("it is well formed");
            let model = Some("register".to_string());
            let options = Options { initial, model, ..Options::default() };
            let analysis = check(&history, &options).expect("it can be judged");
            assert_eq!(analysis.verdict, Verdict::Invalid, "seed {seed}: {counterexample:#?}");
        }
        explained += 1;
    }
    assert!(explained > 5, "{explained} of 10 were invalid");
}

#[test]
fn what_is_wrong_with_a_collection_is_named() {
    let sentence = |log: &str, model: &str| {
        let reading = stormproof_checker::history::read(log.as_bytes()).expect("it is a log");
        let model = Some(model.to_string());
        let analysis = check(&reading.operations, &Options { model, ..Options::default() });
        analysis.expect("it can be judged").counterexample.expect("it is invalid").sentence
    };
    let added = "0 :invoke :add 7\n0 :ok :add 7\n1 :invoke :read nil\n1 :ok :read";
    assert_eq!(
        sentence(&format!("{added} []\n"), "set"),
        "process 1 read [] at event 3, without 7, which had been added at event 1; no read came after \
         that; nothing that was under way when 7 came in can have overwritten it"
    );
    let appended = "0 :invoke :append 7\n0 :ok :append 7\n1 :invoke :read nil\n1 :ok :read";
    assert_eq!(
        sentence(&format!("{appended} [7 7]\n"), "append-list"),
        "process 1 read [7,7] at event 3, in which 7 stands twice, although it was appended only once, \
         by process 0 at event 1"
    );
    let queued = "0 :invoke :enqueue 1\n0 :ok :enqueue 1\n0 :invoke :enqueue 2\n0 :ok :enqueue 2\n\
                  1 :invoke :dequeue nil\n1 :ok :dequeue";
    assert_eq!(
        sentence(&format!("{queued} 2\n"), "queue"),
        "process 1 dequeued 2 at event 5, although 1 had been enqueued before it and was still there; \
         no dequeue came after that"
    );
    assert_eq!(
        sentence(&format!("{queued} 1\n1 :invoke :dequeue nil\n1 :ok :dequeue 1\n"), "queue"),
        "process 1 dequeued 1 at event 7, although process 1 dequeued it at event 5"
    );
    let three = "0 :invoke :enqueue 1\n0 :ok :enqueue 1\n";
    assert_eq!(
        sentence(
            &format!("{queued} 1\n{three}1 :invoke :dequeue nil\n1 :ok :dequeue 1\n"),
            "queue"
        ),
        "process 1 dequeued 1 at event 9, its dequeue number 2, although its enqueue number 2 only \
         began when 2 had been enqueued once, and 2 was not dequeued; no dequeue came after that"
    );
}

/// All that the holder of a lock had released before, had returned before it acquired the lock.
#[test]
fn two_holders_of_a_lock_are_two_operations_however_often_it_was_held_before() {
    for (model, token) in [("mutex", "nil"), ("fenced-lock", "31")] {
        let mut log = String::new();
        for turn in 0..30 {
            let client = turn % 3;
            let token = if model == "mutex" { "nil".to_string() } else { turn.to_string() };
            log.push_str(&format!(
                "{client} :invoke :acquire nil\n{client} :ok :acquire {token}\n\
                 {client} :invoke :release nil\n{client} :ok :release nil\n"
            ));
        }
        let first = if model == "mutex" { "nil" } else { "30" };
        log.push_str(&format!(
            "0 :invoke :acquire nil\n0 :ok :acquire {first}\n\
             1 :invoke :acquire nil\n1 :ok :acquire {token}\n"
        ));
        let reading = stormproof_checker::history::read(log.as_bytes()).expect("it is a log");
        let options = Options { model: Some(model.to_string()), ..Options::default() };
        let analysis = check(&reading.operations, &options).expect("it can be judged");
        let counterexample = analysis.counterexample.expect("two hold it");
        let functions: Vec<_> = counterexample.operations.iter().map(|it| &it.f[..]).collect();
        assert_eq!(functions, ["acquire", "acquire"], "{model}: {counterexample:#?}");
    }
}
