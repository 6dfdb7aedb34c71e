//! Faults that begin at a moment: each kind of event is seen on real processes, held, and the fault
//! comes while it is.

use serde_json::Value;

use crate::common::scratch;
use crate::etcd::has_etcd;
use crate::manifests::example;
use crate::support::{DISKS, Fault, can, faults, has_namespaces, plan_file, run_into};
use crate::turn::turn;

/// The longest time that what is seen is held in the plans here, in microseconds; a fault that waits for
/// anything else is applied as soon.
const HOLD_US: u64 = 1_000_000;

/// The fault of that number.
pub fn number(faults: &[Fault], number: u64) -> &Fault {
    let found = faults.iter().find(|fault| fault.injected["value"]["fault"] == number);
    found.unwrap_or_else(|| panic!("there is no fault {number}: {faults:#?}"))
}

fn seen(fault: &Fault) -> &Value {
    &fault.injected["value"]["trigger"]
}

/// Each of these faults has begun when an event of that kind was seen, and was applied before what can
/// be held had to go on.
#[track_caller]
pub fn assert_began_when_seen(faults: &[Fault], kinds: &[(u64, &str)]) {
    for (id, kind) in kinds {
        let fault = number(faults, *id);
        let seen = seen(fault);
        assert_eq!(seen["kind"], *kind, "{fault:#?}");
        let applied = seen["applied_after_us"].as_u64().expect("it was applied");
        assert!(applied < HOLD_US, "{seen}");
        let is_held = ["acknowledged", "disk", "message"].contains(kind);
        let held = seen["held_us"].as_u64();
        assert_eq!(held.is_some(), is_held, "{seen}");
        assert!(held.is_none_or(|held| held < HOLD_US), "{seen}");
    }
}

/// Each of these faults hit the node at which its moment was seen.
#[track_caller]
fn assert_hit_where_seen(faults: &[Fault], ids: &[u64]) {
    for id in ids {
        let fault = number(faults, *id);
        let nodes: Vec<Value> = fault.nodes.iter().cloned().map(Value::String).collect();
        assert_eq!(seen(fault)["nodes"], Value::Array(nodes), "it hits where it was seen");
    }
}

/// The plan `triggers.toml` was carried out, on whichever target.
fn assert_that_plan(all: &[Fault]) {
    let kinds = [
        (1, "acknowledged"),
        (2, "fault"),
        (3, "disk"),
        (4, "disk"),
        (5, "message"),
        (6, "role"),
        (7, "term"),
        (9, "service"),
        (10, "service"),
        (13, "log"),
    ];
    assert_began_when_seen(all, &kinds);
    for id in (1..=10).chain([12, 13]) {
        assert!(number(all, id).is_installed(), "{:#?}", number(all, id));
    }
    assert_hit_where_seen(all, &[1, 3, 4, 6, 13]);
    assert_eq!(number(all, 1).nodes, number(all, 2).nodes, "by the name that it was given");
    assert_eq!(number(all, 10).nodes, ["n2".to_owned()].into());
    let asleep = &number(all, 8).nodes;
    assert!(number(all, 9).nodes.is_disjoint(asleep), "it hits all but those");
    assert!(number(all, 3).name.contains("on fsync of "), "{}", number(all, 3).name);
    let line = seen(number(all, 13))["what"].as_str().expect("it is told");
    assert!(line.contains(": leader in term "), "{line}");

    let never = number(all, 11);
    assert_eq!(never.outcomes, ["skipped"]);
    let reason = never.injected["value"]["reason"].as_str().expect("it says why");
    assert_eq!(
        reason,
        "never triggered: a line /this is never written/ in the log of any node was not seen in 1 s"
    );
}

#[test]
fn a_fault_begins_at_each_kind_of_moment_and_hits_where_it_was_seen() {
    let _turn = turn();
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("triggers");
    run_into(&results, &["--plan", &plan_file("triggers.toml")]).exits(0).says("VALID");
    assert_that_plan(&faults(&results));
}

/// Its roles and terms are asked for, since a manifest knows no event stream.
#[test]
fn the_same_moments_are_seen_on_a_service_that_a_manifest_describes() {
    let _turn = turn();
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("triggers-manifest");
    let plan = std::fs::read_to_string(plan_file("triggers.toml")).expect("it is there");
    let plan = format!("target = {:?}\n{plan}", example("bundled.toml"));
    let file = results.join("asked-for.toml");
    std::fs::write(&file, plan).expect("a scratch file can be written");
    run_into(&results, &["--plan", &file.display().to_string()]).exits(0).says("VALID");
    assert_that_plan(&faults(&results));
}

#[test]
fn the_moments_of_etcd_are_seen_and_held_as_well() {
    let _turn = turn();
    if !has_namespaces() || !has_etcd() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("triggers-etcd");
    run_into(&results, &["--plan", &plan_file("triggers-etcd.toml")]).exits(0).says("VALID");
    let all = faults(&results);
    let kinds = [
        (1, "acknowledged"),
        (2, "fault"),
        (3, "disk"),
        (4, "message"),
        (5, "disk"),
        (6, "role"),
        (7, "term"),
        (9, "service"),
        (10, "service"),
        (12, "log"),
    ];
    assert_began_when_seen(&all, &kinds);
    for id in 1..=12 {
        assert!(number(&all, id).is_installed(), "{:#?}", number(&all, id));
    }
    assert_hit_where_seen(&all, &[1, 3, 4, 5, 6, 12]);
    let what = |id: u64| seen(number(&all, id))["what"].as_str().expect("it is told").to_owned();
    assert!(what(3).ends_with(".wal") && what(3).starts_with("fsync of "), "{}", what(3));
    assert!(what(4).contains(" /raft/"), "{}", what(4));
    assert!(what(12).contains("became leader at term "), "{}", what(12));
}

#[test]
fn what_can_never_be_seen_here_is_refused_by_name_and_left_out_when_drawn() {
    let _turn = turn();
    let flags = ["--lab", "loopback", "--nodes", "3", "--time-limit", "3s", "--seed", "4"];
    let refused = [&flags[..], &["--faults", "kill", "--triggers", "message"]].concat();
    run_into(&scratch("triggers-refused"), &refused)
        .exits(64)
        .says("no fault can wait for a message trigger here: messages are seen only between hosts");
    let results = scratch("triggers-left-out");
    let longer = ["--lab", "loopback", "--nodes", "3", "--time-limit", "8s", "--seed", "4"];
    let flags = [&longer[..], &["--faults", "kill,pause", "--profile", "brutal"]].concat();
    let ended = run_into(&results, &flags);
    ended.exits(0).says("message triggers");
}
