//! Runs as a user starts them, with each engine, and as an ordinary user.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::common::{finished, run, scratch};
use crate::support::{
    assert_a_whole_run, has_namespaces, is_root, latest, plan_file, short_run, verdict,
};
use crate::turn::turn;

/// Families that every lab can have, and few enough for each to strike in a short run.
const BASIC: &str = "partition,kill,pause";

#[test]
fn a_run_with_iptables_is_valid_and_every_fault_is_seen_to_bite() {
    let _turn = turn();
    let iptables = Command::new("iptables").arg("--version").output();
    if !has_namespaces() || iptables.is_err() {
        eprintln!("skipped: needs namespaces and iptables");
        return;
    }
    let results = scratch("iptables");
    short_run(&results, &["--faults", BASIC, "--partition-engine", "iptables"])
        .exits(0)
        .says("VALID");
    assert_a_whole_run(&results, &["partition", "kill", "pause"]);
    let engine = verdict(&results)["run"]["engines"]["partition"].clone();
    assert!(engine.as_str().is_some_and(|engine| engine.starts_with("iptables")), "{engine}");
}

#[test]
fn a_run_with_the_switch_is_valid_and_every_fault_is_seen_to_bite() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("switch");
    short_run(&results, &["--faults", BASIC, "--partition-engine", "switch"])
        .exits(0)
        .says("VALID");
    assert_a_whole_run(&results, &["partition", "kill", "pause"]);
    assert_eq!(verdict(&results)["run"]["engines"]["partition"], "switch");
    // A saved run is judged again from its directory, and its page written again.
    let directory = latest(&results).display().to_string();
    run(&["check", &directory]).exits(0).says("VALID");
    run(&["report", &directory]).exits(0).says("report.html");
}

#[test]
fn an_ordinary_user_gets_the_same_run_where_user_namespaces_are_allowed() {
    let _turn = turn();
    if !is_root() {
        eprintln!("skipped: this is no root, so the other tests show it");
        return;
    }
    // Where nobody may read the build directory, nobody cannot run what is in it.
    let place = PathBuf::from("/tmp").join(format!("stormproof-rootless-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("/tmp is writable");
    let binary = place.join("stormproof");
    std::fs::copy(env!("CARGO_BIN_EXE_stormproof"), &binary).expect("the binary can be copied");
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(&binary).args(arguments).current_dir(&place).output()
    };
    let chown = Command::new("chown").arg("65534:65534").arg(&place).status();
    let probes = as_nobody(&["doctor", "--json"]);
    let works = chown.is_ok()
        && probes.as_ref().is_ok_and(|output| {
            let probes: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            probes["labs"]["netns"] == true
        });
    if works {
        // Faults of disks take a device that ordinary users may not have; then they are left out.
        let plan = std::fs::read_to_string(plan_file("loopback.toml")).expect("it stands there");
        let plan = plan.replace(r#"lab = "loopback""#, r#"lab = "netns""#);
        std::fs::write(place.join("plan.toml"), plan).expect("the place is ours");
        let output = as_nobody(&["run", "--plan", "plan.toml", "--results", "runs"]);
        finished(output.expect("it ran before")).exits(0).says("VALID").says("netns");
        assert_a_whole_run(&place.join("runs"), &["partition", "kill", "pause"]);
    } else {
        eprintln!("skipped: an ordinary user gets no namespaces here, or setpriv is missing");
    }
    std::fs::remove_dir_all(&place).expect("what the test made can be removed");
}
