//! Every workload against the simulated service: what is asked for, and what the checker says.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::{Event, EventType, History, Operations, Process};
use checker::verdict::Verdict;
use serde_json::Value;
use stormproof_workloads::Object;
use stormproof_workloads::simulation::{Lie, Recorded, Simulation};
use stormproof_workloads::{GeneratorOptions, ValueSizes, Workload};

const THREADS: usize = 10;
const OPERATIONS: u64 = 3_000;

fn options(seed: u64) -> GeneratorOptions {
    GeneratorOptions { seed, hot_keys: 5, values: ValueSizes::Numbers }
}

fn unreliable(workload: &Workload, seed: u64) -> Recorded {
    Simulation::unreliable(seed, THREADS).run(workload, &options(seed), OPERATIONS)
}

/// The events of load and final phase.
fn phases(history: &History) -> (&[Event], &[Event]) {
    let mark = history.events.iter().position(|event| event.process == Process::Controller);
    history.events.split_at(mark.expect("a final phase"))
}

fn of_kind(events: &[Event], kind: EventType) -> impl Iterator<Item = &Event> {
    events
        .iter()
        .filter(move |event| event.kind == kind && matches!(event.process, Process::Client(_)))
}

fn key(event: &Event) -> &str {
    event.key.as_deref().expect("every operation names an object")
}

fn operations(history: &History) -> Operations {
    Operations::of(history).expect("no process acts twice at a time")
}

fn verdict(workload: &Workload, history: &History) -> Verdict {
    let options = checker::Options {
        model: Some(workload.model.into()),
        threads: std::num::NonZeroUsize::MIN,
        ..checker::Options::default()
    };
    let analysis = checker::check(&operations(history), &options);
    let analysis = analysis.expect("there is a model, and it knows these operations");
    assert_ne!(analysis.verdict, Verdict::Unknown, "{:?}", analysis.reason);
    analysis.verdict
}

#[test]
fn workloads_are_found_by_name_and_stand_in_order() {
    for workload in stormproof_workloads::ALL {
        let found = stormproof_workloads::find(workload.name);
        assert_eq!(found.map(|found| found.name), Some(workload.name));
    }
    assert!(stormproof_workloads::find("nothing").is_none());
    assert!(stormproof_workloads::ALL.is_sorted_by_key(|workload| workload.name));
}

#[test]
fn every_kind_succeeds_and_every_outcome_occurs() {
    for workload in stormproof_workloads::ALL {
        let Recorded { history, .. } = unreliable(workload, 1);
        let succeeded: BTreeSet<&str> =
            of_kind(&history.events, EventType::Ok).map(|event| event.f.as_str()).collect();
        let kinds: BTreeSet<&str> = workload.kinds.iter().copied().collect();
        assert_eq!(succeeded, kinds, "{}", workload.name);
        for kind in [EventType::Fail, EventType::Info] {
            let occurred = of_kind(&history.events, kind).next().is_some();
            assert!(occurred, "{}: no operation ended {kind:?}", workload.name);
        }
    }
}

#[test]
fn what_the_load_asks_for_is_reproduced_by_the_seed_alone() {
    for workload in stormproof_workloads::ALL {
        let once = unreliable(workload, 3);
        assert_eq!(once, unreliable(workload, 3), "{}", workload.name);
        assert_ne!(once, unreliable(workload, 4), "{}", workload.name);
    }
}

#[test]
fn no_written_value_is_written_twice_to_an_object() {
    for sizes in [ValueSizes::Numbers, ValueSizes::UpTo(2_000)] {
        for workload in stormproof_workloads::ALL {
            if workload.kinds.contains(&"acquire") {
                continue;
            }
            let options = GeneratorOptions { values: sizes, ..options(5) };
            let simulation = Simulation::unreliable(5, THREADS);
            let Recorded { history, .. } = simulation.run(workload, &options, OPERATIONS);
            let mut written = BTreeSet::new();
            for event in of_kind(&history.events, EventType::Invoke) {
                for value in values_written(event) {
                    let place = format!("{} {value}", key(event));
                    assert!(written.insert(place), "{} {event:?}", workload.name);
                }
            }
            assert!(written.len() > 500, "{}", workload.name);
        }
    }
}

fn values_written(invocation: &Event) -> Vec<&Value> {
    let value = &invocation.value;
    match invocation.f.as_str() {
        "read" | "dequeue" => Vec::new(),
        "cas" => vec![&value[1]],
        "txn" => {
            let steps = value.as_array().expect("a list of steps");
            steps.iter().filter(|step| step[0] == "w").map(|step| &step[2]).collect()
        }
        _ => vec![value],
    }
}

#[test]
fn objects_are_replaced_and_all_of_them_are_looked_at_in_the_end() {
    for workload in stormproof_workloads::ALL {
        let Recorded { history, .. } = unreliable(workload, 7);
        let (load, last_look) = phases(&history);
        let mut served: BTreeMap<&str, usize> = BTreeMap::new();
        for event in of_kind(load, EventType::Invoke) {
            *served.entry(key(event)).or_default() += 1;
        }
        assert!(served.len() >= 10, "{}: {} objects", workload.name, served.len());
        // A lock serves one more for each process that had acquired it.
        assert!(served.values().all(|count| *count <= 600), "{}: {served:?}", workload.name);
        let looked_at: BTreeSet<&str> = of_kind(last_look, EventType::Invoke).map(key).collect();
        let missed: Vec<&&str> = served.keys().filter(|key| !looked_at.contains(**key)).collect();
        assert!(missed.is_empty(), "{}: {missed:?}", workload.name);
    }
}

#[test]
fn few_hot_objects_and_many() {
    for workload in stormproof_workloads::ALL {
        for hot_keys in [1, 100] {
            let options = GeneratorOptions { hot_keys, ..options(1) };
            let simulation = Simulation::reliable(1, THREADS);
            let Recorded { history, .. } = simulation.run(workload, &options, 1_000);
            let (load, _) = phases(&history);
            let used: BTreeSet<&str> = of_kind(load, EventType::Invoke).map(key).collect();
            let expected = if hot_keys == 1 { 2..=15 } else { 95..=150 };
            assert!(expected.contains(&used.len()), "{}: {}", workload.name, used.len());
        }
    }
}

#[test]
fn large_values_are_few_and_lists_of_them_are_replaced_sooner() {
    let large = ValueSizes::UpTo(300_000);
    for name in ["register", "append", "set", "queue"] {
        let workload = stormproof_workloads::find(name).expect("a workload");
        let options = GeneratorOptions { values: large, ..options(2) };
        let simulation = Simulation::reliable(2, THREADS);
        let Recorded { history, .. } = simulation.run(workload, &options, OPERATIONS);
        let mut bytes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut longest = 0;
        for event in of_kind(&history.events, EventType::Invoke) {
            for value in values_written(event) {
                let length = value.as_str().expect("a string").len();
                *bytes.entry(key(event)).or_default() += length;
                longest = longest.max(length);
            }
        }
        // Elements of queues are kept shorter, since a service keeps what it answered.
        let expected = if name == "queue" { 20_000..33_000 } else { 200_000..300_001 };
        assert!(expected.contains(&longest), "{name}: {longest}");
        let most = bytes.values().max().copied();
        assert!(most < Some(900_000), "{name}: {most:?} bytes were written to one object");
    }
}

#[test]
fn only_what_cannot_change_anything_may_always_be_repeated() {
    for workload in stormproof_workloads::ALL {
        let mut load = (workload.generator)(&options(1));
        let context = stormproof_workloads::Context::new(0..THREADS as u64);
        for _ in 0..1_000 {
            let next = load.next(&context);
            let stormproof_workloads::Next::Operation { invocation, .. } = next else {
                panic!("{next:?}")
            };
            let writes = match invocation.f {
                "read" => false,
                "txn" => !values_written(&invocation.event(0)).is_empty(),
                _ => true,
            };
            assert_eq!(invocation.mutates, writes, "{invocation:?}");
        }
    }
}

#[test]
fn an_honest_service_passes_the_probe_and_the_model_can_judge_it() {
    for workload in stormproof_workloads::ALL {
        let mut probe = stormproof_workloads::generator::operations((workload.probe)("probed"));
        let object = Object::of(workload.model).expect("every workload has one");
        // One thread: the second operation rests on the first.
        let Recorded { history, .. } = Simulation::reliable(1, 1).run_generator(&mut probe, object);
        let [first, second] = (workload.probe)("probed");
        assert!(first.mutates && workload.kinds.contains(&first.f));
        assert!(workload.kinds.contains(&second.f));
        assert_eq!(of_kind(&history.events, EventType::Ok).count(), 2, "{}", workload.name);
    }
}

#[test]
fn queues_are_empty_in_the_end() {
    let workload = stormproof_workloads::find("queue").expect("a workload");
    for seed in 0..5 {
        let Recorded { history, .. } = unreliable(workload, seed);
        let (mut acknowledged, mut dequeued) = (BTreeSet::new(), BTreeSet::new());
        for event in of_kind(&history.events, EventType::Ok) {
            let element = format!("{} {}", key(event), event.value);
            match event.f.as_str() {
                "enqueue" => drop(acknowledged.insert(element)),
                _ => assert!(dequeued.insert(element), "dequeued twice: {event:?}"),
            }
        }
        // A dequeue of unknown outcome may have taken one.
        let unknown =
            of_kind(&history.events, EventType::Info).filter(|event| event.f == "dequeue");
        let lost = acknowledged.difference(&dequeued).count();
        assert!(lost <= unknown.count(), "seed {seed}: {lost} never came out");
        assert!(dequeued.len() > 500);
    }
}

#[test]
fn a_process_releases_what_it_acquired_and_nothing_else() {
    for name in ["mutex", "lock"] {
        let workload = stormproof_workloads::find(name).expect("a workload");
        let Recorded { history, .. } = unreliable(workload, 1);
        let mut held: BTreeMap<Process, &str> = BTreeMap::new();
        for event in history.events.iter().filter(|event| event.process != Process::Controller) {
            let Process::Client(process) = event.process else { continue };
            match (event.kind, event.f.as_str()) {
                (EventType::Invoke, "release") => {
                    assert_eq!(held.get(&event.process), Some(&key(event)), "{event:?}");
                }
                (EventType::Invoke, _) => assert!(!held.contains_key(&event.process)),
                (EventType::Ok, "acquire") => {
                    held.insert(event.process, key(event));
                }
                (EventType::Ok, _) => {
                    held.remove(&event.process);
                }
                _ => {}
            }
            if event.kind == EventType::Invoke {
                assert_eq!(event.value, format!("p{process}"));
            }
        }
        let acquired = of_kind(&history.events, EventType::Ok).filter(|event| event.f == "acquire");
        assert!(acquired.count() > 300, "{name}: locks were hardly ever had");
    }
}

#[test]
fn fencing_tokens_rise() {
    let workload = stormproof_workloads::find("lock").expect("a workload");
    let Recorded { history, .. } = Simulation::reliable(1, 1).run(workload, &options(1), 500);
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for event in of_kind(&history.events, EventType::Ok).filter(|event| event.f == "acquire") {
        let token = event.value.as_u64().expect("a token");
        assert!(last.insert(key(event), token) < Some(token), "{event:?}");
    }
}

#[test]
fn transactions_are_short_and_write_a_key_once() {
    let workload = stormproof_workloads::find("txn").expect("a workload");
    let Recorded { history, .. } = unreliable(workload, 1);
    let mut lengths = BTreeSet::new();
    for event in of_kind(&history.events, EventType::Invoke) {
        let steps = event.value.as_array().expect("a list of steps");
        lengths.insert(steps.len());
        let mut touched = BTreeSet::new();
        for step in steps {
            assert!(touched.insert((step[0].to_string(), step[1].to_string())), "{event:?}");
            assert_eq!(step[0] == "r", step[2].is_null());
        }
    }
    assert_eq!(lengths, BTreeSet::from([1, 2, 3, 4]));
}

#[test]
fn an_honest_service_is_valid_under_every_fault() {
    for workload in stormproof_workloads::ALL {
        for seed in 0..10 {
            let Recorded { history, lies } = unreliable(workload, seed);
            assert_eq!(lies, 0);
            let succeeded = of_kind(&history.events, EventType::Ok).count() as u64;
            assert!(succeeded > OPERATIONS / 4, "{} {seed}: {succeeded} ok", workload.name);
            assert_eq!(verdict(workload, &history), Verdict::Valid, "{} {seed}", workload.name);
        }
    }
}

/// The lies that each workload can notice. A lock has no reads, and one that is forgotten to be
/// released is only never had again.
const NOTICED: &[(&str, &[Lie])] = &[
    ("append", &[Lie::StaleRead, Lie::Forgotten, Lie::Repeated]),
    ("counter", &[Lie::StaleRead, Lie::Forgotten, Lie::Repeated]),
    ("lock", &[Lie::Forgotten]),
    ("mutex", &[Lie::Forgotten]),
    ("queue", &[Lie::Repeated]),
    ("register", &[Lie::StaleRead, Lie::Forgotten]),
    ("set", &[Lie::StaleRead, Lie::Forgotten]),
    ("txn", &[Lie::StaleRead, Lie::Forgotten]),
];

#[test]
fn a_service_that_lies_is_found_out() {
    let names = stormproof_workloads::ALL.iter().map(|workload| workload.name);
    assert!(NOTICED.iter().map(|(name, _)| *name).eq(names));
    for workload in stormproof_workloads::ALL {
        let lies = NOTICED.iter().find(|(name, _)| *name == workload.name).expect("listed above");
        for lie in lies.1 {
            for seed in 0..3 {
                let simulation = Simulation::unreliable(seed, THREADS).with_lies(*lie, 0.02);
                let recorded = simulation.run(workload, &options(seed), OPERATIONS / 2);
                assert!(recorded.lies > 2, "{} told {} lies", workload.name, recorded.lies);
                let verdict = verdict(workload, &recorded.history);
                assert_eq!(verdict, Verdict::Invalid, "{} {lie:?} {seed}", workload.name);
            }
        }
    }
}
