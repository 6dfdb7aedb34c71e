//! The service around faults, read off small histories written by hand; times are milliseconds.

use checker::history::Event;
use faults::coverage::Role;
use serde_json::{Value, json};
use stormproof_results::availability::{Availability, FaultService, percentile};
use stormproof_results::event::{NodeChange, NodeEvent};
use stormproof_results::metrics::{RunHistory, availability, fault_intervals, phases};

const MS: u64 = 1_000_000;

fn event(ms: u64, process: Value, kind: &str, f: &str, value: Value) -> Value {
    json!({"index": 0, "time": ms * MS, "process": process, "type": kind, "f": f, "value": value})
}

/// A fault on the leader, from one time to another; `more` says what it is.
fn fault(
    number: u32,
    family: &str,
    (from, to): (u64, u64),
    nodes: &[&str],
    more: Value,
) -> Vec<Value> {
    let about = |stage: &str, done: bool| {
        let mut value = json!({"fault": number, "stage": stage, "name": family, "nodes": nodes});
        let fields = value.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        if done {
            fields.insert("outcome".into(), "installed".into());
            fields.insert("effect".into(), json!({}));
            fields.insert("facts".into(), json!({"roles": {"n1": "leader", "n2": "follower"}}));
        }
        value
    };
    let nemesis = |ms, kind, value| event(ms, json!("nemesis"), kind, family, value);
    vec![
        nemesis(from, "invoke", about("inject", false)),
        nemesis(from, "info", about("inject", true)),
        nemesis(to, "invoke", about("undo", false)),
        nemesis(to, "info", about("undo", true)),
    ]
}

/// A load of 10 s in which a client writes every 20 ms, and succeeds but in the silent stretches.
fn run(silent: &[(u64, u64)], faults: &[Vec<Value>]) -> RunHistory {
    let mut events = vec![
        event(0, json!("controller"), "info", "phase", json!("load")),
        event(10_000, json!("controller"), "info", "phase", json!("recover")),
    ];
    for ms in (20..10_000).step_by(20) {
        let answered = !silent.iter().any(|(from, to)| (*from..*to).contains(&ms));
        events.push(event(ms, json!(1), "invoke", "write", json!(1)));
        let mut end = event(ms, json!(1), if answered { "ok" } else { "info" }, "write", json!(1));
        if !answered {
            end["error"] = json!("timeout");
        }
        events.push(end);
    }
    events.extend(faults.iter().flatten().cloned());
    events.sort_by_key(|event| event["time"].as_u64());
    let number = |(index, mut event): (usize, Value)| -> Event {
        event["index"] = json!(index);
        serde_json::from_value(event).expect("an event")
    };
    events.into_iter().enumerate().map(number).collect()
}

fn leads(ms: u64, node: &str, term: u64) -> NodeEvent {
    let change = NodeChange::Role { role: "leader".into(), term, leader: None };
    NodeEvent { time: ms * MS, node: node.into(), change, at: None }
}

fn figures(run: &RunHistory) -> Availability {
    let nodes = ["n1", "n2", "n3"].map(str::to_owned);
    let events = [leads(1, "n1", 1), leads(2_700, "n2", 2), leads(5_000, "n2", 2)];
    availability(run, &fault_intervals(run), &phases(run), &events, &nodes)
}

fn recovery(fault: &FaultService) -> (bool, Option<f64>, bool) {
    (fault.owed, fault.recovery_seconds, fault.cut_short)
}

#[test]
fn a_killed_leader_is_owed_for_and_recovered_from_once_an_operation_succeeds() {
    let kill = fault(1, "kill", (2_000, 6_000), &["n1"], json!({"kill": ["n1"]}));
    let found = figures(&run(&[(2_010, 2_900)], &[kill]));
    let [fault] = &found.faults[..] else { panic!("{found:?}") };
    assert_eq!(recovery(fault), (true, Some(0.9), false));
    assert_eq!((fault.role, fault.unserved_seconds), (Role::Leader, 0.9));
    assert_eq!((fault.first_error_seconds, fault.election_seconds), (Some(0.02), Some(0.7)));
    assert_eq!((fault.unknown, fault.failed), (44, 0));
    assert_eq!((found.owed_seconds, found.unserved_seconds), (10.0, 0.9));
    assert_eq!(found.ok_per_second, 45.5);
}

#[test]
fn what_is_missed_by_nobody_is_no_interruption() {
    let kill = fault(1, "kill", (2_000, 6_000), &["n3"], json!({"kill": ["n3"]}));
    let found = figures(&run(&[(2_010, 2_050)], &[kill]));
    assert_eq!(recovery(&found.faults[0]), (true, Some(0.0), false));
    assert_eq!(found.unserved_seconds, 0.0);
}

#[test]
fn where_no_majority_is_left_service_is_owed_from_when_one_is_back() {
    let kill = fault(1, "kill", (2_000, 6_000), &["n1", "n2"], json!({"kill": ["n1", "n2"]}));
    let found = figures(&run(&[(2_010, 6_500)], &[kill]));
    assert_eq!(recovery(&found.faults[0]), (false, Some(0.5), false));
    assert_eq!((found.owed_seconds, found.unserved_seconds), (6.0, 0.5));
    assert_eq!(found.faults[0].role, Role::Several);
}

#[test]
fn clients_that_are_cut_off_are_owed_nothing_and_neither_is_anyone_in_a_ring() {
    for grudge in [json!({"n1": ["clients"]}), json!({"n1": ["n2", "n3"], "n2": ["n3"]})] {
        let cut = fault(1, "partition", (2_000, 6_000), &["n1"], json!({"grudge": grudge}));
        let found = figures(&run(&[(2_010, 6_500)], &[cut]));
        assert_eq!(recovery(&found.faults[0]), (false, Some(0.5), false));
    }
    let cut =
        fault(1, "partition", (2_000, 6_000), &["n1"], json!({"grudge": {"n1": ["n2", "n3"]}}));
    let found = figures(&run(&[(2_010, 6_500)], &[cut]));
    assert_eq!(
        recovery(&found.faults[0]),
        (true, Some(4.5), false),
        "two of three hear each other"
    );
}

#[test]
fn an_interruption_whose_end_is_not_seen_lasted_at_least_so_long() {
    let first = fault(1, "kill", (2_000, 6_000), &["n1"], json!({"kill": ["n1"]}));
    // Before service was back, the majority goes too.
    let second = fault(2, "pause", (3_000, 5_000), &["n2"], json!({"pause": ["n2"]}));
    let found = figures(&run(&[(2_010, 5_400)], &[first, second]));
    assert_eq!(recovery(&found.faults[0]), (true, Some(1.0), true));
    assert_eq!(recovery(&found.faults[1]), (false, Some(0.4), false));
    // Nor is one that the load did not outlast.
    let last = fault(1, "kill", (8_000, 10_500), &["n1"], json!({"kill": ["n1"]}));
    let found = figures(&run(&[(8_010, 10_000)], &[last]));
    assert_eq!(recovery(&found.faults[0]), (true, Some(2.0), true));
}

#[test]
fn a_gap_that_the_next_fault_made_is_not_the_fault_s_before() {
    let first = fault(1, "kill", (2_000, 2_500), &["n3"], json!({"kill": ["n3"]}));
    let second = fault(2, "kill", (4_005, 7_000), &["n1"], json!({"kill": ["n1"]}));
    let found = figures(&run(&[(4_010, 5_400)], &[first, second]));
    assert_eq!(recovery(&found.faults[0]), (true, Some(0.0), false));
    assert_eq!(recovery(&found.faults[1]), (true, Some(1.395), false));
}

#[test]
fn percentiles_are_values_that_occurred() {
    let values = [0.1, 0.2, 0.3];
    assert_eq!(percentile(&values, 50), Some(0.2));
    assert_eq!(percentile(&values, 99), Some(0.3));
    assert_eq!(percentile(&[], 50), None);
}
