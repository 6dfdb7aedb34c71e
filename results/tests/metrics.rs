//! Intervals and figures, read off small histories written by hand.

use checker::history::{Event, EventType};
use faults::effect::Measurement;
use faults::fault::Family;
use faults::outcome::Outcome;
use serde_json::{Value, json};
use stormproof_results::event::{NodeChange, NodeEvent, Phase};
use stormproof_results::metrics::{
    NodeState, RunHistory, Service, attempt_errors, clock_tracks, fault_intervals, node_spans,
    operation_figures, phases, recoveries,
};

/// A history from events without their indices.
fn history(events: &[Value]) -> RunHistory {
    let number = |(index, event): (usize, &Value)| -> Event {
        let mut event = event.clone();
        event["index"] = json!(index);
        serde_json::from_value(event).expect("an event")
    };
    events.iter().enumerate().map(number).collect()
}

fn nemesis(time: u64, kind: &str, family: &str, value: Value) -> Value {
    json!({"time": time, "process": "nemesis", "type": kind, "f": family, "value": value})
}

fn phase(time: u64, name: &str) -> Value {
    json!({"time": time, "process": "controller", "type": "info", "f": "phase", "value": name})
}

fn client(time: u64, process: u64, kind: &str) -> Value {
    json!({"time": time, "process": process, "type": kind, "f": "read", "value": null})
}

#[test]
fn the_four_events_of_a_fault_make_one_interval() {
    let about = json!({"fault": 3, "stage": "inject", "name": "isolate n2", "nodes": ["n2"],
        "grudge": {"n1": ["n2"]}});
    let mut injected = about.clone();
    injected["outcome"] = json!("installed");
    injected["effect"] = json!({"packets_dropped": 2});
    let mut undo = about.clone();
    undo["stage"] = json!("undo");
    let mut undone = undo.clone();
    undone["outcome"] = json!("installed");
    undone["effect"] = json!({"packets_dropped": 312});
    let history = history(&[
        phase(5, "load"),
        nemesis(10, "invoke", "partition", about),
        nemesis(12, "info", "partition", injected),
        nemesis(40, "invoke", "partition", undo),
        nemesis(44, "info", "partition", undone),
    ]);

    let faults = fault_intervals(&history);
    assert_eq!(faults.len(), 1);
    let fault = &faults[0];
    assert_eq!((fault.fault, fault.index, fault.family), (3, 1, Family::Partition));
    assert_eq!((fault.start, fault.injected), (10, Some(12)));
    assert_eq!((fault.undo_start, fault.end), (Some(40), Some(44)));
    assert!(fault.took_effect());
    assert_eq!(fault.undo_problems, [""; 0]);
    assert_eq!(fault.effect.count("packets_dropped"), Some(312), "the total counts");
    assert_eq!(fault.effect_at_injection.count("packets_dropped"), Some(2));
    assert_eq!(fault.effect_over_life.count("packets_dropped"), Some(312));
    assert!(fault.grudge.as_ref().is_some_and(|grudge| grudge.drops("n2", "n1")));
    assert!(!fault.overlaps(0, 9) && fault.overlaps(0, 10), "closed at its beginning");
    assert!(fault.overlaps(44, 50) && !fault.overlaps(45, 50), "and at its end");
}

#[test]
fn skipped_unfinished_and_unreported_faults_are_told_apart() {
    let skipped = json!({"fault": 0, "stage": "inject", "name": "kill n1", "nodes": ["n1"],
        "outcome": "skipped", "reason": "already down"});
    let seen = json!({"fault": 1, "stage": "inject", "nodes": ["n1"], "outcome": "indeterminate"});
    let history = history(&[
        nemesis(10, "invoke", "kill", json!({"fault": 0, "stage": "inject"})),
        nemesis(11, "info", "kill", skipped),
        nemesis(20, "invoke", "pause", json!({"fault": 1, "stage": "inject"})),
        nemesis(21, "info", "pause", seen),
        nemesis(30, "invoke", "kill", json!({"fault": 2, "stage": "inject"})),
        nemesis(31, "info", "note", json!("not about a fault")),
    ]);
    let faults = fault_intervals(&history);
    let told: Vec<_> = faults.iter().map(|fault| (fault.outcome_name(), fault.end)).collect();
    let expected = [("skipped", Some(11)), ("indeterminate", None), ("unreported", None)];
    assert_eq!(told, expected);
    assert_eq!(faults[0].reason(), Some("already down"));
    assert!(!faults[0].overlaps(0, 100), "what was skipped was never on");
    assert!(faults[1].overlaps(90, 100), "what was never undone is still on");
}

/// The two events of one stage of fault 0 of a family.
fn stage(time: u64, family: &str, stage: &str, more: Value) -> [Value; 2] {
    let about = json!({"fault": 0, "stage": stage, "nodes": ["n1"]});
    let mut done = about.clone();
    for (name, value) in more.as_object().expect("an object") {
        done[name] = value.clone();
    }
    [nemesis(time, "invoke", family, about), nemesis(time + 1, "info", family, done)]
}

#[test]
fn steps_belong_to_their_fault_and_end_nothing() {
    let installed = |offset| json!({"outcome": "installed", "effect": {"wall_offset_ms": offset}});
    let events = [
        stage(10, "clock", "inject", installed(-400.0)),
        stage(20, "clock", "step", installed(0.0)),
        stage(30, "clock", "step", installed(-500.0)),
        stage(40, "clock", "undo", installed(0.01)),
    ];
    let fault = &fault_intervals(&history(&events.concat()))[0];
    let steps: Vec<_> = fault.steps.iter().map(|step| (step.index, step.time)).collect();
    assert_eq!(steps, [(3, 21), (5, 31)]);
    assert_eq!((fault.injected, fault.end), (Some(11), Some(41)));
    let farthest = Some(&Measurement::Offset(-500.0));
    assert_eq!(fault.effect.get("wall"), farthest, "not that it is right again in the end");
    let at_injection = fault.effect_at_injection.get("wall");
    assert_eq!(at_injection, Some(&Measurement::Offset(-400.0)));
}

#[test]
fn an_effect_that_shows_only_over_time_counts() {
    let doubtful = json!({"outcome": "indeterminate", "reason": "nothing was synced yet"});
    let seen = json!({"outcome": "installed", "effect": {"fsync_fastest_ms": 51}});
    let judged = |undone: Value| {
        let events =
            [stage(10, "disk", "inject", doubtful.clone()), stage(40, "disk", "undo", undone)];
        let fault = fault_intervals(&history(&events.concat())).remove(0);
        fault.outcome
    };
    assert_eq!(judged(seen), Some(Outcome::Installed));
    let reason = "nothing was synced yet".to_owned();
    assert_eq!(judged(json!({})), Some(Outcome::Indeterminate { reason }));
    let later = json!({"outcome": "indeterminate", "reason": "nothing was synced at all"});
    let reason = "nothing was synced at all".to_owned();
    assert_eq!(judged(later), Some(Outcome::Indeterminate { reason }));
}

#[test]
fn an_effect_that_was_seen_once_stays_seen() {
    let events = [
        stage(10, "packet", "inject", json!({"outcome": "installed"})),
        stage(40, "packet", "undo", json!({"outcome": "indeterminate", "reason": "no packet"})),
    ];
    let fault = &fault_intervals(&history(&events.concat()))[0];
    assert_eq!(fault.outcome, Some(Outcome::Installed));
}

#[test]
fn what_could_not_be_undone_is_on_until_it_could() {
    let mut events = [
        stage(10, "partition", "inject", json!({"outcome": "installed"})),
        stage(40, "partition", "undo", json!({"problems": ["no packet passes on n1 to n2"]})),
    ]
    .concat();
    let fault = fault_intervals(&history(&events)).remove(0);
    assert_eq!((fault.end, fault.undo_problems.len()), (None, 1));
    assert!(fault.overlaps(90, 100));
    events.extend(stage(60, "partition", "undo", json!({})));
    let fault = fault_intervals(&history(&events)).remove(0);
    assert_eq!((fault.end, fault.undo_problems.len()), (Some(61), 0));
}

#[test]
fn clocks_are_told_by_node_and_change_no_role() {
    let clock = |time, wall_offset_ms| {
        told(time, NodeChange::Clock { wall_offset_ms, monotonic_offset_ms: 0.0 })
    };
    let events = [clock(3, 0.0), role(5, "leader", 1), clock(7, -5_000.0)];
    let nodes = ["n1", "n2"].map(str::to_owned);
    let tracks = clock_tracks(&nodes, &events);
    assert_eq!(tracks.len(), 1, "the clocks of n2 were never read");
    let told: Vec<_> = tracks[0].offsets.iter().map(|o| (o.time, o.wall_ms)).collect();
    assert_eq!(told, [(3, 0.0), (7, -5_000.0)]);
    assert_eq!(spans(&events, &[], 9).len(), 2, "silent, then the leader");
}

#[test]
fn phases_follow_each_other_to_the_end_of_the_history() {
    let history = history(&[phase(0, "setup"), phase(7, "load"), client(9, 0, "invoke")]);
    let told: Vec<_> = phases(&history).into_iter().map(|p| (p.phase, p.start, p.end)).collect();
    assert_eq!(told, [(Phase::Setup, 0, 7), (Phase::Load, 7, 9)]);
}

#[test]
fn an_operation_that_never_ended_is_info() {
    let history = history(&[
        client(1, 0, "invoke"),
        client(2, 1, "invoke"),
        client(5, 1, "ok"),
        client(6, 9, "ok"),
    ]);
    let operations: Vec<_> = history.operations.iter().collect();
    assert_eq!(operations.len(), 2, "a completion alone is no operation");
    assert_eq!((operations[0].outcome(), operations[0].latency()), (EventType::Info, None));
    assert_eq!((operations[1].outcome(), operations[1].latency()), (EventType::Ok, Some(3)));
}

fn told(time: u64, change: NodeChange) -> NodeEvent {
    NodeEvent { time, node: "n1".into(), change, at: None }
}

fn role(time: u64, role: &str, term: u64) -> NodeEvent {
    told(time, NodeChange::Role { role: role.into(), term, leader: None })
}

/// Spans in short: beginning, end, state, term.
fn spans(events: &[NodeEvent], faults: &[Value], end: u64) -> Vec<(u64, u64, String, Option<u64>)> {
    let short = |state: NodeState| match state {
        NodeState::Role(role) => role,
        other => format!("{other:?}"),
    };
    let faults = fault_intervals(&history(faults));
    let spans = node_spans("n1", events, &faults, end);
    spans.into_iter().map(|s| (s.start, s.end, short(s.state), s.term)).collect()
}

#[test]
fn roles_and_deaths_follow_each_other_without_gaps() {
    let events = [
        told(2, NodeChange::Started { pid: 1 }),
        role(5, "follower", 1),
        told(6, NodeChange::Commit { index: 9, applied: None, last: None }),
        role(8, "follower", 1),
        role(10, "leader", 2),
        told(20, NodeChange::Exited { status: "signal SIGKILL".into() }),
        told(30, NodeChange::Started { pid: 2 }),
    ];
    let expected = [
        (0, 5, "Silent".to_owned(), None),
        (5, 10, "follower".to_owned(), Some(1)),
        (10, 20, "leader".to_owned(), Some(2)),
        (20, 30, "Down".to_owned(), None),
        (30, 40, "Silent".to_owned(), None),
    ];
    assert_eq!(spans(&events, &[], 40), expected);
}

#[test]
fn a_pause_is_laid_over_the_role_that_the_node_had_told() {
    let about =
        |stage: &str| json!({"fault": 0, "stage": stage, "nodes": ["n1"], "outcome": "installed"});
    let faults = [
        nemesis(10, "invoke", "pause", about("inject")),
        nemesis(12, "info", "pause", about("inject")),
        nemesis(19, "invoke", "pause", about("undo")),
        nemesis(20, "info", "pause", about("undo")),
    ];
    let expected = [
        (0, 12, "leader".to_owned(), Some(3)),
        (12, 20, "Paused".to_owned(), Some(3)),
        (20, 25, "leader".to_owned(), Some(3)),
        (25, 30, "follower".to_owned(), Some(4)),
    ];
    assert_eq!(spans(&[role(0, "leader", 3), role(25, "follower", 4)], &faults, 30), expected);
}

#[test]
fn a_power_failure_shows_as_a_node_that_is_down() {
    let about = json!({"fault": 0, "stage": "inject", "nodes": ["n1"], "outcome": "installed"});
    let faults = [nemesis(10, "info", "power", about)];
    assert_eq!(spans(&[role(0, "leader", 3)], &faults, 30)[1].2, "Down");
}

#[test]
fn a_kill_shows_even_when_nobody_watched_the_process() {
    let about = json!({"fault": 0, "stage": "inject", "nodes": ["n1"], "outcome": "installed"});
    let faults = [nemesis(10, "info", "kill", about)];
    let down = (10, 30, "Down".to_owned(), Some(3));
    assert_eq!(spans(&[role(0, "leader", 3)], &faults, 30)[1], down);
    let watched = [role(0, "leader", 3), told(11, NodeChange::Exited { status: "x".into() })];
    assert_eq!(spans(&watched, &faults, 30)[1].0, 11, "the process itself knows better");
}

const MS: u64 = 1_000_000;

/// A load of one read each 10 ms that fails to be served from 1 s to 1.5 s.
fn load_with_outage() -> Vec<Value> {
    let mut events = vec![phase(0, "load")];
    for step in 0..300 {
        let time = step * 10 * MS;
        if time == 1_000 * MS {
            let about = json!({"fault": 0, "stage": "inject", "name": "kill n1", "nodes": ["n1"],
                "outcome": "installed"});
            events.push(nemesis(time - 5 * MS, "invoke", "kill", about.clone()));
            events.push(nemesis(time - 4 * MS, "info", "kill", about));
        }
        if time == 2_000 * MS {
            let about = json!({"fault": 1, "stage": "inject", "name": "kill n2", "nodes": ["n2"],
                "outcome": "installed"});
            events.push(nemesis(time - 5 * MS, "invoke", "kill", about.clone()));
            events.push(nemesis(time - 4 * MS, "info", "kill", about));
        }
        events.push(client(time, step, "invoke"));
        let mut completion = client(time + 2 * MS, step, "ok");
        if (1_000 * MS..1_500 * MS).contains(&time) {
            completion["type"] = json!("info");
            completion["attempts"] = json!([
                {"node": "n1", "start": time, "end": time + MS, "error": "refused", "definite": true},
                {"node": "n2", "start": time + MS, "end": time + 2 * MS, "error": "timeout", "definite": false},
            ]);
        }
        events.push(completion);
    }
    events.push(phase(3_000 * MS, "recover"));
    events
}

#[test]
fn an_outage_is_measured_and_blamed_on_the_fault_before_it() {
    let history = history(&load_with_outage());
    let faults = fault_intervals(&history);
    let recoveries = recoveries(&faults, &history.operations, &phases(&history));
    assert_eq!(recoveries.len(), 2);
    let outage = &recoveries[0];
    // The fault began at 995 ms, the first error came at 1,001 ms, the next ok at 1,502 ms.
    let error = outage.first_error.as_ref().expect("errors were met");
    assert_eq!((error.after, error.error.as_str()), (6 * MS, "refused"));
    assert_eq!(outage.longest_gap, 507 * MS);
    assert_eq!(outage.service, Service::AgainAfter(507 * MS));
    assert_eq!(recoveries[1].first_error, None);
    assert_eq!(recoveries[1].service, Service::Uninterrupted);
}

#[test]
fn an_error_that_occurred_before_any_fault_is_no_sign_of_one() {
    let mut events = load_with_outage();
    let calm = events
        .iter_mut()
        .find(|event| event["type"] == "ok" && event["time"].as_u64() < Some(900 * MS))
        .expect("operations before the first fault");
    calm["attempts"] = json!([{"node": "n3", "start": calm["time"], "end": calm["time"],
        "error": "refused", "definite": true}]);
    let history = history(&events);
    let faults = fault_intervals(&history);
    let recoveries = recoveries(&faults, &history.operations, &phases(&history));
    let error = recoveries[0].first_error.as_ref().expect("another error was met");
    assert_eq!((error.after, error.error.as_str()), (7 * MS, "timeout"));
}

#[test]
fn a_service_that_does_not_come_back_is_told() {
    let mut events = load_with_outage();
    events.retain(|event| event["type"] != "ok" || event["time"].as_u64() < Some(1_000 * MS));
    let history = history(&events);
    let recoveries = recoveries(&fault_intervals(&history), &history.operations, &phases(&history));
    assert_eq!(recoveries[1].service, Service::NotAgain);
}

#[test]
fn figures_and_errors_are_counted_by_outcome() {
    let history = history(&load_with_outage());
    let operations = &history.operations;
    let figures = operation_figures(operations);
    let counts: Vec<_> = figures.iter().map(|row| (row.outcome, row.count, row.retries)).collect();
    assert_eq!(counts, [(EventType::Ok, 250, 0), (EventType::Info, 50, 50)]);
    assert_eq!(figures[0].p99, Some(2 * MS));
    let errors = attempt_errors(operations);
    let told: Vec<_> =
        errors.iter().map(|e| (e.error.as_str(), e.definite, e.count, e.then_ok)).collect();
    assert_eq!(told, [("refused", Some(true), 50, 0), ("timeout", Some(false), 50, 0)]);
}
