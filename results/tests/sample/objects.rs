//! Small histories of every model that are invalid, judged for real.

use checker::history::{Event, EventType, History, Operations, Process};
use checker::oracle::version::VersionSemantics;
use checker::verdict::Verdict;
use serde_json::Value;

use super::run::{LOAD_START, MILLISECOND, Options, Sample, sample};

/// A model and a history that it refuses: events 40 ms apart as `process type f key value`.
const HISTORIES: [(&str, &str); 9] = [
    (
        "register",
        "1 invoke write k1 7
         1 info write k1 7
         2 invoke cas k1 [7,9]
         2 ok cas k1 [7,9]
         3 invoke read k1 null
         3 ok read k1 7",
    ),
    (
        "kv-append",
        r#"1 invoke put k1 "a"
         1 ok put k1 "a"
         1 invoke append k1 "b"
         2 invoke append k1 "c"
         1 ok append k1 "b"
         2 ok append k1 "c"
         3 invoke get k1 null
         3 ok get k1 "ac""#,
    ),
    (
        "append-list",
        "1 invoke append l1 11
         2 invoke append l1 12
         1 ok append l1 11
         2 info append l1 12
         3 invoke read l1 null
         4 invoke read l1 null
         3 ok read l1 [11,12]
         4 ok read l1 [12,11]",
    ),
    (
        "set",
        r#"1 invoke add s1 1
         1 ok add s1 1
         1 invoke add s1 2
         1 ok add s1 2
         2 invoke add s1 3
         2 info add s1 3
         3 invoke add s1 "a rather long element that somebody added to this set"
         3 ok add s1 "a rather long element that somebody added to this set"
         4 invoke read s1 null
         4 ok read s1 [1,2]
         5 invoke read s1 null
         5 ok read s1 [2,9,2,"a rather long element that somebody added to this set"]"#,
    ),
    (
        "counter",
        "1 invoke add c1 1
         1 ok add c1 1
         2 invoke add c1 2
         2 info add c1 2
         3 invoke add c1 4
         3 ok add c1 4
         4 invoke read c1 null
         4 ok read c1 3",
    ),
    (
        "queue",
        "1 invoke enqueue q1 1
         1 ok enqueue q1 1
         1 invoke enqueue q1 2
         1 ok enqueue q1 2
         2 invoke enqueue q1 3
         2 info enqueue q1 3
         3 invoke dequeue q1 null
         3 ok dequeue q1 2
         4 invoke dequeue q1 null
         4 ok dequeue q1 2
         3 invoke dequeue q1 null
         3 fail dequeue q1 null
         1 invoke enqueue q2 8
         1 ok enqueue q2 8",
    ),
    (
        "mutex",
        r#"1 invoke acquire m1 "p1"
         1 ok acquire m1 "p1"
         2 invoke acquire m1 "p2"
         2 ok acquire m1 "p2"
         1 invoke release m1 "p1"
         1 ok release m1 "p1""#,
    ),
    (
        "fenced-lock",
        r#"1 invoke acquire m1 "p1"
         1 ok acquire m1 812
         1 invoke release m1 "p1"
         1 ok release m1 "p1"
         2 invoke acquire m1 "p2"
         2 ok acquire m1 811"#,
    ),
    (
        "txn",
        r#"1 invoke txn t1 [["w","x",1],["w","y",1]]
         1 ok txn t1 [["w","x",1],["w","y",1]]
         2 invoke txn t1 [["w","x",2],["w","y",2]]
         3 invoke txn t1 [["r","x",null],["r","y",null]]
         2 ok txn t1 [["w","x",2],["w","y",2]]
         3 ok txn t1 [["r","x",2],["r","y",1]]"#,
    ),
];

/// The models of which there is a run.
pub fn models() -> impl Iterator<Item = &'static str> {
    HISTORIES.iter().map(|(model, _)| *model)
}

/// A run of a few operations on the objects of a model, with tokens and with versions that contradict
/// each other.
pub fn judged(model: &str) -> Sample {
    let base = Options { seconds: 5, rate: 1, faults: true, verdict: Verdict::Valid };
    let mut run = sample(&base);
    let (_, log) = HISTORIES.iter().find(|(name, _)| *name == model).expect("there is a history");
    let events = log.lines().zip(0..).map(|(line, index)| event(line.trim(), index));
    let clients = History { events: events.collect() };
    let operations = Operations::of(&clients).expect("it is a history");
    let versions = Some(VersionSemantics::LOG_INDEX);
    let options =
        checker::Options { model: Some(model.into()), versions, ..checker::Options::default() };
    run.summary.safety = checker::check(&operations, &options).expect("it fits the model");
    run.summary.verdict = run.summary.safety.verdict;
    let sentence = run.summary.safety.sentence();
    run.summary.sentence = sentence.expect("it is invalid").to_owned();
    run.summary.run.workload = model.into();
    run.history.events.retain(|event| !matches!(event.process, Process::Client(_)));
    run.history.events.extend(clients.events);
    run.history.events.sort_by_key(|event| event.time);
    run
}

fn event(line: &str, index: u64) -> Event {
    let [process, outcome, f, key, value] = line.splitn(5, ' ').collect::<Vec<_>>()[..] else {
        panic!("not an event: {line}");
    };
    let process: u64 = process.parse().expect("a number");
    let kind: EventType =
        serde_json::from_value(Value::String(outcome.into())).expect("what an event is");
    let value: Value = serde_json::from_str(value).expect("a value");
    // The last of two answers is one too low.
    let version = (kind == EventType::Ok).then_some(1_800 + index / 6);
    Event {
        index,
        time: LOAD_START + index * 40 * MILLISECOND,
        key: Some(key.into()),
        token: Some(format!("r7f3:{process}:{f}:{value}")).filter(|_| f != "read" && f != "get"),
        node: (kind == EventType::Ok).then(|| "n2".into()),
        version,
        error: (kind == EventType::Fail).then(|| "precondition_failed".into()),
        ..Event::new(Process::Client(process), kind, f, value)
    }
}
