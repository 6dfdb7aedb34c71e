//! Faults that begin at a moment: each kind of event is seen on real processes, held, and the fault
//! comes while it is.

use serde_json::Value;

use crate::common::scratch;
use crate::support::{DISKS, Fault, can, faults, has_namespaces, plan_file, run_into};
use crate::turn::turn;

/// The fault of that number.
fn number(faults: &[Fault], number: u64) -> &Fault {
    let found = faults.iter().find(|fault| fault.injected["value"]["fault"] == number);
    found.unwrap_or_else(|| panic!("there is no fault {number}: {faults:#?}"))
}

fn seen(fault: &Fault) -> &Value {
    &fault.injected["value"]["trigger"]
}

#[test]
fn a_fault_begins_at_each_kind_of_moment_and_hits_where_it_was_seen() {
    let _turn = turn();
    if !has_namespaces() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("triggers");
    run_into(&results, &["--plan", &plan_file("triggers.toml")]).exits(0).says("VALID");
    let all = faults(&results);
    let kinds = [
        "acknowledged",
        "fault",
        "disk",
        "disk",
        "message",
        "role",
        "term",
        "",
        "service",
        "service",
    ];
    for (kind, id) in kinds.into_iter().zip(1..) {
        let fault = number(&all, id);
        assert_eq!(seen(fault)["kind"].as_str().unwrap_or_default(), kind, "{fault:#?}");
        assert!(fault.is_installed(), "{fault:#?}");
    }
    for id in [1, 3, 4, 6] {
        let fault = number(&all, id);
        let nodes: Vec<Value> = fault.nodes.iter().cloned().map(Value::String).collect();
        assert_eq!(seen(fault)["nodes"], Value::Array(nodes), "it hits where it was seen");
    }
    // What was seen waited until the fault was applied, and no longer than it may.
    for id in [1, 3, 4, 5] {
        let seen = seen(number(&all, id));
        let held = seen["held_us"].as_u64().expect("it was held");
        assert!(held < 1_000_000, "{seen}");
        let applied = seen["applied_after_us"].as_u64().expect("it was applied");
        assert!(applied < 1_000_000, "{seen}");
    }
    assert_eq!(number(&all, 1).nodes, number(&all, 2).nodes, "by the name that it was given");
    assert_eq!(number(&all, 10).nodes, ["n2".to_owned()].into());
    let asleep = &number(&all, 8).nodes;
    assert!(number(&all, 9).nodes.is_disjoint(asleep), "it hits all but those");
    assert!(number(&all, 3).name.contains("on fsync of "), "{}", number(&all, 3).name);

    let never = number(&all, 11);
    assert_eq!(never.outcomes, ["skipped"]);
    let reason = never.injected["value"]["reason"].as_str().expect("it says why");
    assert_eq!(
        reason,
        "never triggered: a line /this is never written/ in the log of any node was not seen in 1 s"
    );
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
