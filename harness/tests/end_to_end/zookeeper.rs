//! ZooKeeper while links are cut and servers are killed.

use std::process::{Command, Stdio};

use crate::common::scratch;
use crate::support::{assert_a_whole_run, has_namespaces, run_into, verdict};
use crate::turn::turn;

/// True if Debian's package and a Java are installed; prints what is not.
fn has_zookeeper() -> bool {
    let java = Command::new("java").arg("-version").stderr(Stdio::null()).status();
    if !java.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no java here");
        return false;
    }
    let installed = std::path::Path::new("/usr/share/java/zookeeper.jar").exists();
    if !installed {
        eprintln!("skipped: no ZooKeeper here; it is Debian's package zookeeper");
    }
    installed
}

#[test]
fn zookeeper_keeps_its_promises_through_partitions_and_kills() {
    let _turn = turn();
    if !has_namespaces() || !has_zookeeper() {
        return;
    }
    let results = scratch("zookeeper-storm");
    let what = ["--target", "zookeeper", "--nodes", "3", "--rate", "100", "--values", "numbers"];
    let storm = ["--faults", "partition,kill", "--time-limit", "12s", "--seed", "4"];
    run_into(&results, &[&what[..], &storm].concat()).exits(0).says("VALID");
    assert_a_whole_run(&results, &["partition", "kill"]);
    let safety = &verdict(&results)["safety"];
    let members = safety["divergence"]["members"].as_array().expect("members were compared");
    assert_eq!(members.len(), 3);
    assert!(members.iter().all(|member| member["names"].as_u64() > Some(50)), "{members:?}");
    assert!(safety["versions"]["answers"].as_u64() > Some(100), "{safety}");
}

#[test]
fn a_distribution_that_is_missing_is_named_and_no_verdict_is_given() {
    let results = scratch("no-zookeeper");
    let none = results.join("none").display().to_string();
    let finished =
        run_into(&results, &["--target", "zookeeper", "--bin", &none, "--faults", "none"]).exits(3);
    finished.says("Debian's package zookeeper").says("--bin");
    assert!(!results.join("latest").exists());
}
