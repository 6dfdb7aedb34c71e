//! A watch says of a prefix what the offline checker says of it.

use std::num::NonZeroUsize;
use std::path::Path;

use crate::legal::verdict_if_legal;
use crate::support::{Recording, Service, paired, record};
use stormproof_checker::history::{
    Event, EventType, History, OperationRef, Operations, Process, read,
};
use stormproof_checker::online::{OnlineVerdict, Watch};
use stormproof_checker::verdict::Verdict;
use stormproof_checker::{Options, check};

/// Every kind of service with the model that judges it.
const SERVICES: [(Service, &str); 9] = [
    (Service::Register, "register"),
    (Service::Strings, "kv-append"),
    (Service::Counter, "counter"),
    (Service::Set, "set"),
    (Service::Queue, "queue"),
    (Service::Mutex, "mutex"),
    (Service::FencedLock, "fenced-lock"),
    (Service::Lists, "append-list"),
    (Service::Transactions, "txn"),
];

fn options(model: &str) -> Options {
    let model = Some(model.to_string());
    Options { model, threads: NonZeroUsize::MIN, ..Options::default() }
}

/// The verdict of the offline checker on the events before this place; Valid too where nothing was
/// seen yet.
fn offline(history: &History, end: usize, options: &Options) -> Verdict {
    let prefix = History { events: history.events[..end].to_vec() };
    let verdict = check(&paired(&prefix), options).expect("the history can be judged").verdict;
    if verdict == Verdict::Unknown {
        assert_eq!(verdict_if_legal(&prefix), Verdict::Unknown);
        return Verdict::Valid;
    }
    verdict
}

/// Compares every prefix of `count` histories.
fn compare(model: &str, service: Service, count: u64) {
    let options = options(model);
    let mut invalid = 0;
    for seed in 0..count {
        let recording = Recording {
            service,
            seed,
            operations: 6 + (seed % 14) as usize,
            clients: 2 + (seed % 5) as usize,
            keys: 1,
            values: [None, Some(2), Some(3)][(seed % 3) as usize],
            unknown: [0.0, 0.2, 0.4][(seed / 3 % 3) as usize],
            lies: (seed / 9 % 3) as usize,
        };
        let history = record(recording);
        let mut watch = Watch::new(&options).expect("there is such a model");
        let mut expected = Verdict::Valid;
        for (place, event) in history.events.iter().enumerate() {
            watch.push(event);
            let verdict = watch.judge_now().clone();
            assert_eq!(watch.given_up(), 0, "{recording:?}");
            if expected == Verdict::Valid {
                expected = offline(&history, place + 1, &options);
                if expected == Verdict::Invalid {
                    let key = Some("k0".to_string());
                    let index = event.index;
                    assert_eq!(verdict, OnlineVerdict::Illegal { key, index }, "{recording:?}");
                }
            }
            let legal = verdict == OnlineVerdict::Legal;
            assert_eq!(legal, expected == Verdict::Valid, "event {place} of {recording:?}");
            let legal_events = if legal { place as u64 + 1 } else { watch.legal_before() };
            assert_eq!(watch.legal_before(), legal_events, "event {place} of {recording:?}");
        }
        invalid += u64::from(expected == Verdict::Invalid);
    }
    assert!(invalid > count / 10 && invalid < count * 4 / 5, "{invalid} of {count} {model}");
}

#[test]
fn every_prefix_is_judged_as_offline() {
    for (service, model) in SERVICES {
        compare(model, service, 200);
    }
}

#[test]
fn a_key_that_outgrows_its_log_is_judged_up_to_there_and_given_up() {
    const CAPACITY: usize = 100;

    for (service, model) in SERVICES {
        let (mut noticed, mut given_up) = (0, 0);
        for seed in 0..12 {
            let lies = [0, 8][(seed % 2) as usize];
            let recording = Recording { service, seed, lies, ..Recording::default() };
            let history = record(recording);
            let options = options(model);
            let mut watch = Watch::with_capacity(&options, CAPACITY).expect("there is a model");
            let invoked = |end: usize| {
                history.events[..end].iter().filter(|it| it.kind == EventType::Invoke).count()
            };
            for (place, event) in history.events.iter().enumerate() {
                match watch.push(event).clone() {
                    OnlineVerdict::Illegal { index, .. } => {
                        let end = history.events.partition_point(|event| event.index < index);
                        assert_eq!(offline(&history, end, &options), Verdict::Valid);
                        assert_eq!(offline(&history, end + 1, &options), Verdict::Invalid);
                        noticed += 1;
                        break;
                    }
                    OnlineVerdict::Legal if watch.given_up() > 0 => {
                        // All that came before the event too many had a legal order.
                        assert_eq!(invoked(place + 1), CAPACITY + 1, "{recording:?}");
                        assert_eq!(offline(&history, place, &options), Verdict::Valid);
                        given_up += 1;
                        break;
                    }
                    OnlineVerdict::Legal => {}
                }
            }
        }
        assert!(noticed >= 2 && given_up >= 6, "{noticed} noticed, {given_up} given up: {model}");
    }
}

#[test]
fn a_lie_late_on_a_hot_key_is_noticed() {
    let history = record(Recording { operations: 20_000, ..Recording::default() });
    let mut watch = Watch::new(&options("register")).expect("there is such a model");
    for event in &history.events {
        assert_eq!(*watch.push(event), OnlineVerdict::Legal);
    }
    let last = history.events.last().expect("there are some");
    for event in read_after(last, "k0", 77_777_777.into()) {
        watch.push(&event);
    }
    let (key, index) = (Some("k0".to_string()), last.index + 2);
    assert_eq!(*watch.judge_now(), OnlineVerdict::Illegal { key, index });
    assert_eq!(watch.given_up(), 0);
}

/// A read by a process of its own after the last event of a history.
fn read_after(last: &Event, key: &str, answer: serde_json::Value) -> [Event; 2] {
    let event = |kind, index, value| Event {
        index,
        key: Some(key.to_string()),
        time: last.time,
        ..Event::new(Process::Client(1_000_000), kind, "read", value)
    };
    [
        event(EventType::Invoke, last.index + 1, serde_json::Value::Null),
        event(EventType::Ok, last.index + 2, answer),
    ]
}

/// Compares what a watch says when it is not asked: how far the history is legal, and the event
/// that made it illegal. Answers how many events came before the watch noticed, for each history
/// that is invalid.
fn compare_at_its_own_pace(history: &History, options: &Options) -> Option<usize> {
    let place_of = |index: u64| history.events.partition_point(|event| event.index < index);
    let mut watch = Watch::new(options).expect("there is such a model");
    let mut legal_before = 0;
    let mut noticed = None;
    for (place, event) in history.events.iter().enumerate() {
        let verdict = watch.push(event).clone();
        assert_eq!(watch.given_up(), 0);
        // Most often only the last few events are not judged yet: looking at some is enough.
        if watch.legal_before() > legal_before + 50 {
            legal_before = watch.legal_before();
            assert_eq!(offline(history, place_of(legal_before), options), Verdict::Valid);
        }
        if let OnlineVerdict::Illegal { index, .. } = verdict {
            noticed = Some(place - place_of(index));
            break;
        }
    }
    match watch.judge_now() {
        OnlineVerdict::Legal => {
            assert_eq!(watch.legal_before(), history.events.last().map_or(0, |it| it.index + 1));
            assert_eq!(offline(history, history.events.len(), options), Verdict::Valid);
            None
        }
        OnlineVerdict::Illegal { index, .. } => {
            let end = place_of(*index);
            assert_eq!(offline(history, end + 1, options), Verdict::Invalid);
            assert_eq!(offline(history, end, options), Verdict::Valid);
            Some(noticed.unwrap_or(history.events.len() - end))
        }
    }
}

#[test]
fn what_is_said_unasked_is_true_and_comes_soon() {
    for (service, model) in SERVICES {
        let mut invalid = 0;
        for seed in 0..6 {
            let recording = Recording {
                service,
                seed,
                operations: 400,
                clients: 12,
                keys: 2,
                unknown: 0.01,
                lies: (seed % 2) as usize,
                ..Recording::default()
            };
            let history = record(recording);
            let noticed = compare_at_its_own_pace(&history, &options(model));
            invalid += usize::from(noticed.is_some());
            // Sixteen completions of a key are some 32 events, and so are those of the other key.
            assert!(noticed.is_none_or(|events| events < 150), "{noticed:?}: {recording:?}");
        }
        assert!((1..=3).contains(&invalid), "{invalid} histories of {model} are invalid");
    }
}

/// Events like those of a run: a key after the other, each for a second.
fn keys_in_turn(keys: u64, lies: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for key in 0..keys {
        let lies = if key + 1 == keys { lies } else { 0 };
        let history =
            record(Recording { seed: key, operations: 100, lies, ..Recording::default() });
        let last = history.events.len() as u64;
        let first_index = events.len() as u64;
        events.extend(history.events.into_iter().map(|event| Event {
            time: key * 1_000_000_000 + event.index * 1_000_000_000 / last,
            index: first_index + event.index,
            key: Some(format!("k{key}")),
            process: match event.process {
                Process::Client(client) => Process::Client(client + key * 1_000),
                other => other,
            },
            ..event
        }));
    }
    events
}

#[test]
fn what_is_kept_is_bounded_by_the_keys_in_use() {
    let mut watch = Watch::new(&options("register")).expect("there is such a model");
    for event in keys_in_turn(60, 0) {
        assert_eq!(*watch.push(&event), OnlineVerdict::Legal);
        // Ten seconds, a second for each key, and the one in use.
        assert!(watch.in_use() <= 12, "{} keys are kept", watch.in_use());
    }
    assert_eq!(watch.given_up(), 0);
}

#[test]
fn nothing_is_said_of_a_key_that_was_dropped_and_comes_back() {
    let events = keys_in_turn(30, 0);
    let mut watch = Watch::new(&options("register")).expect("there is such a model");
    for event in &events {
        watch.push(event);
    }
    for event in read_after(events.last().expect("there are some"), "k0", 77.into()) {
        watch.push(&event);
    }
    assert_eq!(*watch.judge_now(), OnlineVerdict::Legal, "nobody wrote 77, but who would know");
    assert_eq!(watch.given_up(), 1);
}

#[test]
fn a_lie_on_one_of_many_keys_is_noticed() {
    let history = History { events: keys_in_turn(20, 3) };
    let noticed = compare_at_its_own_pace(&history, &options("register"));
    assert!(noticed.is_some_and(|events| events < 50), "{noticed:?}");
}

/// The events of an operation, as a recorder writes them.
fn events_of(operation: OperationRef<'_>) -> impl Iterator<Item = Event> {
    let event = |kind, index, time, value| Event {
        index,
        time,
        key: operation.key().map(str::to_string),
        ..Event::new(Process::Client(operation.process()), kind, operation.f(), value)
    };
    let outcome = operation.outcome();
    let completion = operation.completed().zip(operation.end()).map(|(index, time)| Event {
        error: match outcome {
            EventType::Fail if !operation.was_refuted() => Some("refused".to_string()),
            EventType::Fail if operation.was_said_to_be_refuted() => Some("empty".to_string()),
            _ => None,
        },
        ..event(outcome, index, time, operation.output().to_value())
    });
    let (index, time) = (operation.invoked(), operation.start());
    let invocation = event(EventType::Invoke, index, time, operation.input().to_value());
    [invocation].into_iter().chain(completion)
}

fn history_of(operations: &Operations) -> History {
    let mut events: Vec<Event> = operations.iter().flat_map(events_of).collect();
    events.sort_by_key(|event| event.index);
    History { events }
}

#[test]
fn recorded_histories_are_judged_as_offline() {
    let Some(folder) = std::env::var_os("STORMPROOF_CORPUS") else {
        println!("skipped: STORMPROOF_CORPUS does not name a folder of recorded histories");
        return;
    };
    let folder = Path::new(&folder);
    let index = std::fs::read_to_string(folder.join("verdicts.tsv"));
    let (mut judged, mut invalid) = (0, 0);
    for line in index.expect("the corpus has an index").lines().skip(1) {
        let [file, model, _] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let reading = read(&bytes[..]).unwrap_or_else(|error| panic!("{file}: {error}"));
        let options = Options {
            model: Some(model.into()),
            threads: NonZeroUsize::MIN,
            ..Options::for_format(reading.format)
        };
        let history = history_of(&reading.operations);
        println!("{file}");
        judged += 1;
        invalid += usize::from(compare_at_its_own_pace(&history, &options).is_some());
    }
    println!("{invalid} of {judged} are invalid");
    assert!(invalid > 0 && invalid < judged, "{invalid} of {judged} are invalid");
}
