//! Every workload against a cluster that keeps its promises, and one that does not.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::{run, scratch};
use crate::support::{has_namespaces, history, plan_file, run_into, verdict};
use crate::turn::{by_turns, turn};

/// The workloads that the other tests do not run.
const OTHERS: [&str; 7] = ["append", "counter", "lock", "mutex", "queue", "set", "txn"];

#[test]
fn each_workload_is_valid_while_nodes_are_killed() {
    if !has_namespaces() {
        return;
    }
    let listed = run(&["list", "workloads"]).exits(0).out;
    let listed: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(listed, OTHERS.into_iter().chain(["register"]).collect());
    by_turns(&OTHERS, |&workload| {
        let results = scratch(workload);
        let load = ["--workload", workload, "--faults", "kill", "--time-limit", "5s"];
        let few_and_plain = ["--nodes", "3", "--rate", "300", "--values", "numbers"];
        let arguments = [&load[..], &few_and_plain, &["--seed", "3"]].concat();
        run_into(&results, &arguments).exits(0).says("VALID");
        assert_eq!(verdict(&results)["run"]["workload"], workload);
        assert_answers_are_kept(workload, &history(&results));
    });
}

/// The history has what the workload's model asks for, and not what the service calls it.
fn assert_answers_are_kept(workload: &str, history: &[Value]) {
    let ok = |f: &'static str| {
        let of = move |event: &&Value| event["type"] == "ok" && event["f"] == f;
        history.iter().filter(of).filter(|event| event["process"].is_u64())
    };
    let refused = || history.iter().filter(|event| event["error"] == "precondition_failed");
    match workload {
        "counter" => assert!(ok("read").all(|read| read["value"].is_i64())),
        "append" | "set" => {
            let elements = |read: &Value| read["value"].as_array().map_or(0, Vec::len);
            assert!(ok("read").any(|read| elements(read) > 10));
        }
        "queue" => {
            assert!(ok("dequeue").all(|dequeue| !dequeue["value"].is_null()));
            assert!(refused().any(|dequeue| dequeue["f"] == "dequeue"), "no queue was empty");
        }
        "mutex" => assert!(ok("acquire").all(|acquire| acquire["value"].is_string())),
        "lock" => {
            assert!(ok("acquire").all(|acquire| acquire["value"].is_u64()));
            assert!(ok("release").all(|release| release["value"].is_string()));
        }
        "txn" => {
            let step_read_a_value = |step: &Value| step[0] == "r" && step[2].is_u64();
            let steps = |txn: &Value| txn["value"].as_array().cloned().unwrap_or_default();
            assert!(ok("txn").flat_map(steps).any(|step| step_read_a_value(&step)));
        }
        other => panic!("{other} is not tried"),
    }
}

#[test]
fn a_list_shows_a_retry_that_is_applied_again() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("ignore-tokens-append");
    let plan = std::fs::read_to_string(plan_file("ignore-tokens.toml")).expect("it stands there");
    let plan = plan.replace(r#"workload = "register""#, r#"workload = "append""#);
    let file = results.join("plan.toml");
    std::fs::write(&file, plan).expect("the directory is ours");
    let file = file.display().to_string();
    run_into(&results, &["--plan", &file]).exits(1).says("INVALID");
    let counterexample = &verdict(&results)["safety"]["counterexample"];
    let count = counterexample["operations"].as_array().map_or(0, Vec::len);
    assert!((1..=10).contains(&count), "a counterexample of {count} operations");
}
