//! The frontier says of every prefix what the offline checker says of it.

mod support;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use checker::history::{EventType, History, Process, operations};
use checker::model::{Call, Counter, KvAppend, Model, NilReads, Register, Values};
use checker::online::{Frontier, Standing};
use checker::verdict::Verdict;
use checker::{Options, check_with_model};
use serde_json::Value;
use support::{Recording, Service, record};

/// More configurations than any of these histories has.
const PLENTY: usize = 100_000;

/// Tells a frontier of every event; answers what it knows after each.
fn standings<M: Model + Clone>(model: &M, history: &History, limit: usize) -> Vec<Standing> {
    let mut values = Values::new();
    let initial = model.initial(&Value::Null, &mut values).expect("null is a state");
    let mut calls = BTreeMap::new();
    let mut inputs = BTreeMap::new();
    for mut operation in operations(&whole(history)).expect("the history is well formed") {
        let known = operation.outcome == EventType::Ok;
        if let Call::Known(_, output) =
            model.call(&operation, NilReads::Absent, &mut values).expect("it fits the model")
            && known
        {
            calls.insert(operation.invoked, output);
        }
        // What it asks for, whether or not there is an answer.
        operation.outcome = EventType::Ok;
        if let Call::Known(input, _) =
            model.call(&operation, NilReads::Absent, &mut values).expect("it fits the model")
        {
            inputs.insert(operation.invoked, input);
        }
    }
    let mut frontier = Frontier::new(model.clone(), initial, limit);
    let mut open: BTreeMap<Process, u64> = BTreeMap::new();
    let mut standings = Vec::new();
    for event in &history.events {
        standings.push(match event.kind {
            EventType::Invoke => {
                open.insert(event.process, event.index);
                frontier.invoke(event.index, inputs[&event.index].clone())
            }
            kind => {
                let id = open.remove(&event.process).expect("it was invoked");
                match kind {
                    EventType::Ok => frontier.complete(id, calls[&id].clone()),
                    EventType::Fail => frontier.forget(id),
                    _ if model.is_observer(&inputs[&id], None) => frontier.forget(id),
                    _ => frontier.unknown(id),
                }
            }
        });
    }
    standings
}

/// The history with failures as unknown outcomes, so that all its operations have a call.
fn whole(history: &History) -> History {
    let mut history = history.clone();
    for event in &mut history.events {
        if event.kind == EventType::Fail {
            event.kind = EventType::Ok;
        }
    }
    history
}

/// Compares every prefix of `count` histories.
fn compare<M>(model: &M, service: Service, count: u64)
where
    M: Model + Clone,
    M::State: Sync,
{
    let options = Options { threads: NonZeroUsize::MIN, ..Options::default() };
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
        let standings = standings(model, &history, PLENTY);
        for (place, standing) in standings.iter().enumerate() {
            let prefix = History { events: history.events[..=place].to_vec() };
            let analysis = check_with_model(model, &prefix, &options, &|_| {})
                .expect("the history can be judged");
            let expected = match analysis.verdict {
                Verdict::Valid => Standing::Legal,
                Verdict::Invalid => Standing::Illegal,
                Verdict::Unknown => panic!("the budget suffices"),
            };
            assert_eq!(*standing, expected, "event {place} of {recording:?}: {history:#?}");
        }
        invalid += u64::from(standings.last() == Some(&Standing::Illegal));
    }
    assert!(invalid > count / 5 && invalid < count * 4 / 5, "{invalid} of {count} are invalid");
}

#[test]
fn every_prefix_of_a_register_is_judged_as_offline() {
    compare(&Register, Service::Register, 400);
}

#[test]
fn every_prefix_of_a_string_is_judged_as_offline() {
    compare(&KvAppend, Service::Strings, 400);
}

#[test]
fn every_prefix_of_a_counter_is_judged_as_offline() {
    compare(&Counter, Service::Counter, 400);
}

#[test]
fn a_frontier_that_gave_up_says_nothing_any_more() {
    let mut gave_up = 0;
    for seed in 0..100 {
        let values = Some(3);
        let recording = Recording {
            seed,
            operations: 60,
            clients: 6,
            values,
            unknown: 0.2,
            ..Recording::default()
        };
        let history = record(recording);
        let all = standings(&Register, &history, PLENTY);
        let few = standings(&Register, &history, 2);
        let known = few.iter().take_while(|standing| **standing != Standing::GaveUp).count();
        assert_eq!(few[..known], all[..known], "seed {seed}");
        assert!(few[known..].iter().all(|standing| *standing == Standing::GaveUp), "seed {seed}");
        gave_up += usize::from(known < few.len());
    }
    assert!(gave_up > 50, "{gave_up} of 100 gave up");
}
