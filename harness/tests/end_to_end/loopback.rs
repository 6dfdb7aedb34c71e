//! The lab without namespaces: what it can do is done, what it cannot is named or refused.

use crate::common::scratch;
use crate::support::{
    CLOCKS, DISKS, assert_a_whole_run, can, faults, is_root, plan_file, run_into, verdict,
};
use crate::turn::turn;

/// The families of the lab that need no privilege.
const ANYBODY: [&str; 3] = ["partition", "kill", "pause"];

#[test]
fn the_loopback_lab_cuts_kills_pauses_and_has_clocks_and_disks() {
    let _turn = turn();
    let results = scratch("loopback");
    run_into(&results, &["--plan", &plan_file("loopback.toml")]).exits(0).says("VALID");
    assert_a_whole_run(&results, &ANYBODY);
    assert_eq!(verdict(&results)["run"]["engines"]["partition"], "proxies");
    let faults = faults(&results);
    for cut in faults.iter().filter(|fault| fault.family == "partition") {
        assert!(cut.is_installed(), "{cut:#?}");
        assert!(cut.figure("packets_dropped") >= 1.0, "{cut:#?}");
    }
    if !is_root() {
        eprintln!("skipped: only root mounts disks outside of namespaces");
    } else if can(&[CLOCKS, DISKS]) {
        assert_a_whole_run(&results, &["clock", "disk"]);
        let slow = faults.iter().find(|fault| fault.family == "disk").expect("it was injected");
        assert!(slow.figure("fsync_fastest_ms") >= 60.0, "{slow:#?}");
        assert_eq!(verdict(&results)["run"]["skipped"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn the_loopback_lab_leaves_packet_faults_out_or_refuses_them() {
    let _turn = turn();
    let results = scratch("loopback-packet");
    let lab = ["--lab", "loopback", "--time-limit", "8s", "--seed", "7"];
    let asked = run_into(&results, &[&lab[..], &["--faults", "packet"]].concat());
    asked.exits(64).says("packet").says("--lab netns");
    let all = run_into(&results, &[&lab[..], &["--faults", "all"]].concat());
    all.exits(0).says("VALID").says("packet");
    let skipped = verdict(&results)["run"]["skipped"].clone();
    let skipped = skipped.as_array().expect("a list");
    let packet = skipped.iter().find(|family| family[0] == "packet").expect("it is named");
    assert!(packet[1].as_str().is_some_and(|why| why.contains("--lab netns")), "{packet}");
    assert!(faults(&results).iter().all(|fault| fault.family != "packet"));
}
