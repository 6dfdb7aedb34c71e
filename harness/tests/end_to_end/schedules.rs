//! The plan is what happens: again from a saved plan, within a budget, at any size.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use faults::schedule::Schedule;
use serde_json::Value;

use crate::common::{run, scratch};
use crate::support::{
    DISKS, Fault, assert_a_whole_run, can, faults, has_namespaces, history, latest, node_events,
    plan_file, run_into, short_run, verdict,
};
use crate::turn::{by_turns, turn};

fn saved_plan(results: &Path) -> String {
    std::fs::read_to_string(latest(results).join("plan.toml")).expect("a run leaves its plan")
}

/// The faults that were injected, by number and phrase, without the nodes that had the roles. A
/// role that no node was known to have is told of in the note.
fn fired(results: &Path) -> Vec<(u64, String)> {
    let phrase = |fault: &Fault| {
        let note = fault.injected["value"]["note"].as_str().unwrap_or_default();
        let planned = note.strip_prefix("planned: ").and_then(|rest| rest.split("; ").next());
        let done = fault.name.split(" (").next().unwrap_or_default();
        planned.unwrap_or(done).to_owned()
    };
    let number = |value: &Value| value.as_u64().expect("every fault has a number");
    let fired = faults(results);
    fired.iter().map(|it| (number(&it.injected["value"]["fault"]), phrase(it))).collect()
}

/// When the load began, in nanoseconds since the run began.
fn load_began(results: &Path) -> u64 {
    let history = history(results);
    let load = history.iter().find(|event| event["f"] == "phase" && event["value"] == "load");
    load.and_then(|event| event["time"].as_u64()).expect("the history marks the load")
}

#[test]
fn a_printed_plan_and_a_saved_run_are_carried_out_again_as_they_are() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("again");
    let flags = ["--faults", "partition,kill,pause,packet", "--time-limit", "6s", "--seed", "7"];
    let printed = run(&[&["plan", "--toml"][..], &flags].concat()).exits(0).out;
    let file = results.join("printed.toml");
    std::fs::write(&file, &printed).expect("a scratch file can be written");
    let first = results.join("first");
    run_into(&first, &["--plan", &file.display().to_string()]).exits(0).says("VALID");
    assert_eq!(saved_plan(&first), printed);

    let second = results.join("second");
    let saved = latest(&first).display().to_string();
    let into = second.display().to_string();
    run(&["replay", &saved, "--results", &into]).exits(0).says("VALID");
    assert_eq!(saved_plan(&second), printed);
    assert_eq!(fired(&first), fired(&second));

    let plan: Schedule = toml::from_str(&printed).expect("it was run");
    assert_eq!(fired(&first).len(), plan.entries.len());
    for results in [&first, &second] {
        let begin = load_began(results);
        for (fault, entry) in faults(results).iter().zip(&plan.entries) {
            assert_eq!(fault.injected["value"]["fault"], entry.id);
            let due = begin + entry.at.as_nanos() as u64;
            assert!(fault.time.0 >= due, "{entry} came before its time: {fault:#?}");
        }
    }
}

#[test]
fn nodes_are_started_one_by_one_in_the_order_of_the_plan() {
    let _turn = turn();
    let results = scratch("start-within");
    let flags = ["--nodes", "3", "--faults", "kill", "--profile", "gentle"];
    let flags = [&flags[..], &["--time-limit", "8s", "--start-within", "2s"]].concat();
    run_into(&results, &[&flags[..], &["--seed", "5"]].concat()).exits(0).says("VALID");
    let started = |node: &String| {
        let events = node_events(&results, node);
        let first = events.iter().find(|event| event["event"] == "started");
        first.and_then(|event| event["time"].as_u64()).expect("every node was started")
    };
    let starts = stormproof::internal::starts(&saved_plan(&results)).expect("it was run");
    let times: Vec<u64> = starts.iter().map(|(_, node)| started(node)).collect();
    assert!(times.is_sorted(), "{starts:?} came at {times:?}");
    // The first one is started, which takes a moment, before it is heard of.
    let (last_due, last) = (starts[starts.len() - 1].0, times[times.len() - 1]);
    assert!(u128::from(last) >= last_due.as_nanos(), "{starts:?} came at {times:?}");
}

#[test]
fn clusters_of_one_three_and_seven_nodes_stand_every_profile() {
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let clusters = [("1", "gentle"), ("7", "nightly"), ("3", "brutal"), ("5", "power")];
    by_turns(&clusters, |&(nodes, profile)| {
        let results = scratch(&format!("profile-{profile}"));
        let flags = ["--nodes", nodes, "--profile", profile, "--time-limit", "8s", "--seed", "4"];
        run_into(&results, &flags).exits(0).says("VALID");
        let only = if profile == "power" { &["power"][..] } else { &[] };
        assert_a_whole_run(&results, only);
        assert!(faults(&results).iter().any(|fault| fault.is_installed()), "{profile}");
    });
}

#[test]
fn no_more_nodes_are_down_at_once_than_the_budget_allows() {
    let _turn = turn();
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("budget");
    let rough = ["--faults", "kill,pause,disk,power", "--profile", "brutal"];
    short_run(&results, &[&rough[..], &["--fault-budget", "1"]].concat()).exits(0).says("VALID");
    let mut down: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    let mut most = 0;
    for event in history(&results).iter().filter(|event| event["process"] == "nemesis") {
        let value = &event["value"];
        let Some(fault) = value["fault"].as_u64() else { continue };
        match (event["type"].as_str(), value["stage"].as_str(), value["outcome"].as_str()) {
            // It ends while its undoing goes on.
            (Some("invoke"), Some("undo"), _) => _ = down.remove(&fault),
            (Some("info"), Some("inject"), Some("skipped")) => {}
            (Some("info"), Some("inject" | "step"), _) => {
                down.insert(fault, taken_down(value));
            }
            _ => {}
        }
        let together: BTreeSet<&String> = down.values().flatten().collect();
        assert!(together.len() <= 1, "{together:?} are down at once after {event}");
        most = most.max(together.len());
    }
    assert_eq!(most, 1, "nothing took any node down");
}

/// The nodes that cannot do their part because of what an event tells of.
fn taken_down(value: &Value) -> BTreeSet<String> {
    let text = |node: &Value| node.as_str().expect("nodes have names").to_owned();
    let lists = [&value["kill"], &value["pause"], &value["power"]["nodes"]];
    let mut down: BTreeSet<String> = lists
        .into_iter()
        .flat_map(|list| list.as_array().into_iter().flatten().map(text))
        .collect();
    for (node, condition) in value["disks"].as_object().into_iter().flatten() {
        let fails = ["read", "write", "fsync"]
            .iter()
            .any(|kind| condition[kind]["error_percent"].as_f64().is_some_and(|of| of > 0.0));
        let refuses = condition["full_after_kib"].is_u64()
            || condition["read_only"] == true
            || condition["fsync_stalled"] == true;
        if fails || refuses {
            down.insert(node.clone());
        }
    }
    down
}

#[test]
fn later_faults_hit_the_nodes_that_earlier_ones_named_and_each_comes_in_time() {
    let _turn = turn();
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("same-nodes");
    run_into(&results, &["--plan", &plan_file("same-nodes.toml")]).exits(0).says("VALID");
    let faults = faults(&results);
    let [slow, handed_over, paused, stopped, failing, off] = &faults[..] else {
        panic!("{faults:#?}")
    };
    assert_eq!(slow.nodes, paused.nodes, "the pause hits who was slow, though another leads");
    assert_eq!(failing.nodes, off.nodes);
    for fault in [slow, handed_over, paused, stopped, failing, off] {
        assert!(fault.is_installed(), "{fault:#?}");
    }
    let events = node_events(&results, stopped.nodes.first().expect("one was stopped"));
    let ends = events.iter().filter(|event| event["event"] == "exited");
    assert!(ends.clone().count() >= 1, "{events:#?}");
    // Half a second is far more than a busy machine takes.
    for (fault, planned) in faults.iter().zip([2000, 2500, 3500, 6500, 9000, 10_000]) {
        let facts = &fault.injected["value"]["facts"];
        assert_eq!(facts["planned_ms"], planned, "{facts}");
        assert!(facts["late_ms"].as_u64().unwrap_or_default() < 500, "{facts}");
    }
    let notes = verdict(&results)["coverage"]["notes"].to_string();
    assert!(notes.contains("of 14 s of load"), "{notes}");
}
