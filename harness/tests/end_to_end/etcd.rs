//! etcd under the storm, and clusters that run already.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::background::signal;
use crate::common::{run, scratch, stormproof};
use crate::support::{DISKS, assert_a_whole_run, can, has_namespaces, run_into, verdict};
use crate::turn::{by_turns, turn};

/// True if etcd is installed; prints that it is not.
pub fn has_etcd() -> bool {
    let installed = std::process::Command::new("etcd")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        eprintln!("skipped: no etcd here; it is Debian's package etcd-server");
    }
    installed
}

#[test]
fn etcd_keeps_its_promises_through_partitions_kills_and_power_failures() {
    let _turn = turn();
    if !has_namespaces() || !has_etcd() || !can(&[DISKS]) {
        return;
    }
    let results = scratch("etcd-storm");
    let what = ["--target", "etcd", "--nodes", "3", "--rate", "200", "--values", "numbers"];
    let storm = ["--faults", "partition,kill,pause,power,leadership,maintenance"];
    run_into(&results, &[&what[..], &storm, &["--time-limit", "12s", "--seed", "4"]].concat())
        .exits(0)
        .says("VALID");
    // Of what etcd has written nothing is unsynced for long, so its power failures may lose nothing;
    // and whoever is cut off does not compact.
    assert_a_whole_run(&results, &["partition", "kill"]);
    let safety = &verdict(&results)["safety"];
    let members = safety["divergence"]["members"].as_array().expect("members were compared");
    assert_eq!(members.len(), 3);
    assert!(members.iter().all(|member| member["names"].as_u64() > Some(100)), "{members:?}");
    assert!(safety["versions"]["answers"].as_u64() > Some(500), "{safety}");
}

#[test]
fn etcd_tends_its_stores_while_it_serves() {
    let _turn = turn();
    if !has_namespaces() || !has_etcd() {
        return;
    }
    let results = scratch("etcd-maintenance");
    let what = ["--target", "etcd", "--nodes", "3", "--rate", "200", "--values", "numbers"];
    let storm = ["--faults", "maintenance", "--time-limit", "8s", "--seed", "1"];
    run_into(&results, &[&what[..], &storm].concat()).exits(0).says("VALID");
    assert_a_whole_run(&results, &["maintenance"]);
}

#[test]
fn members_of_etcd_are_removed_and_come_back_as_new_ones() {
    let _turn = turn();
    if !has_namespaces() || !has_etcd() {
        return;
    }
    let results = scratch("etcd-membership");
    let what = ["--target", "etcd", "--nodes", "3", "--rate", "200", "--values", "numbers"];
    let storm = ["--faults", "membership", "--time-limit", "10s", "--seed", "1"];
    run_into(&results, &[&what[..], &storm].concat()).exits(0).says("VALID");
    assert_a_whole_run(&results, &["membership"]);
    let members = &verdict(&results)["safety"]["divergence"]["members"];
    assert_eq!(members.as_array().map(Vec::len), Some(3), "{members}");
}

#[test]
fn etcd_serves_every_workload() {
    if !has_namespaces() || !has_etcd() {
        return;
    }
    let workloads = ["append", "counter", "lock", "mutex", "queue", "set", "txn"];
    by_turns(&workloads, |workload| {
        let results = scratch(&format!("etcd-{workload}"));
        let what = ["--target", "etcd", "--nodes", "3", "--workload", workload, "--seed", "1"];
        let load = ["--faults", "none", "--time-limit", "3s", "--rate", "200"];
        run_into(&results, &[&what[..], &load, &["--values", "numbers"]].concat())
            .exits(0)
            .says("VALID");
    });
}

#[test]
fn a_program_that_is_missing_is_named_and_no_verdict_is_given() {
    let results = scratch("no-etcd");
    let none = results.join("etcd").display().to_string();
    let finished =
        run_into(&results, &["--target", "etcd", "--bin", &none, "--faults", "none"]).exits(3);
    finished.says("etcd-server").says("--bin");
    assert!(!results.join("latest").exists());
}

/// The bundled cluster, run by somebody else.
struct Elsewhere(Child);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        signal(self.0.id() as i32, "TERM");
        let _ = self.0.wait();
    }
}

#[test]
fn a_cluster_that_runs_already_is_tested_and_left_running() {
    let _turn = turn();
    let results = scratch("elsewhere");
    let cluster = stormproof()
        .args(["up", "--nodes", "3", "--port", "7401"])
        .stdout(Stdio::null())
        .spawn()
        .map(Elsewhere)
        .expect("the binary starts");
    let addresses = "127.0.0.1:7401,127.0.0.1:7402,127.0.0.1:7403";
    let load = ["--addresses", addresses, "--time-limit", "5s", "--rate", "200", "--seed", "1"];
    let handing_over = [&load[..], &["--faults", "leadership"]].concat();
    // Twice on the same cluster: the second run must not come upon what the first one left.
    for _ in 0..2 {
        let begin = Instant::now();
        run_into(&results, &handing_over).exits(0).says("VALID");
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
    // Of all faults few remain, and of those none may be drawn in so short a load.
    let all = run_into(&results, &["--addresses", addresses, "--time-limit", "1s"]);
    all.says("the nodes of --addresses are not ours");
    let Value::Array(left_out) = &verdict(&results)["run"]["skipped"] else {
        panic!("nothing is left out")
    };
    let names: Vec<&str> = left_out.iter().filter_map(|it| it[0].as_str()).collect();
    assert!(names.contains(&"partition") && !names.contains(&"leadership"), "{names:?}");
    drop(cluster);
    run(&["run", "--addresses", "127.0.0.1:7401", "--lab", "netns"]).exits(64);
}
