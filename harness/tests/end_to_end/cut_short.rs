//! Runs that are cut short from outside, and what can be said of them afterwards.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::background::{Running, signal};
use crate::common::{finished, run, scratch};
use crate::support::{latest, node_events, verdict};
use crate::turn::{by_turns, turn};

/// A run of three nodes without faults, which needs little of the machine.
const CALM: [&str; 10] =
    ["--nodes", "3", "--faults", "none", "--seed", "7", "--rate", "200", "--lab", "loopback"];

/// True once a cas has succeeded: without one of each kind a run is Unknown.
fn has_cas(history: &str) -> bool {
    history.lines().any(|line| line.contains(r#""type":"ok","f":"cas""#))
}

#[test]
fn a_program_that_signals_twice_wants_a_verdict() {
    // `timeout` signals its child, and then the group that both are in. Here its time is over when
    // its alarm rings, however long that takes on this machine.
    by_turns(&[(1, "INT"), (2, "TERM"), (3, "INT")], |(number, name)| {
        let results = scratch(&format!("timeout-{number}"));
        let child = Command::new("timeout")
            .args(["-s", name, "600", env!("CARGO_BIN_EXE_stormproof"), "run", "--results"])
            .arg(&results)
            .args(CALM)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("coreutils are there");
        let running = Running { child, results };
        running.wait_for("a cas that succeeded", has_cas);
        signal(running.child.id() as i32, "ALRM");
        let Running { child, results } = running;
        let output = child.wait_with_output().expect("it ends");
        // The code is that of timeout.
        let said = finished(output).exits(124).says("interrupted after");
        assert!(said.out.contains("VALID"), "{}", said.out);
        let verdict = verdict(&results);
        assert_eq!(verdict["verdict"], "valid");
        assert_eq!(verdict["ended_early"]["cause"], "interrupt");
        let share = |name: &str| verdict["ended_early"][name].as_f64().expect("a figure");
        assert!(share("load_seconds") < 60.0 && share("planned_load_seconds") == 60.0);
        assert!(latest(&results).join("report.html").is_file());
    });
}

#[test]
fn an_interrupt_and_a_termination_are_one_wish_and_a_verdict_without_its_page_stands() {
    let _turn = turn();
    let running = Running::start("signals", &CALM);
    running.wait_for("a cas that succeeded", has_cas);
    // The page cannot be written, as on a disk that is full by then.
    let directory = latest(&running.results);
    std::fs::create_dir(directory.join(".report.html.draft")).expect("a folder can be made");
    let pid = running.child.id() as i32;
    signal(pid, "INT");
    std::thread::sleep(Duration::from_millis(300));
    signal(pid, "TERM");
    let ended = finished(running.child.wait_with_output().expect("it ends")).exits(0);
    assert!(!ended.out.contains("  report "), "{}", ended.out);
    ended.says("VALID").says("not saved  cannot write").says("report.html");
    assert!(directory.join("verdict.json").is_file());
}

#[test]
fn a_run_that_was_killed_is_judged_by_what_it_left() {
    let _turn = turn();
    // The controller alone, the process that was started, and both.
    for (turn, victims) in [&[2][..], &[0], &[2, 0]].into_iter().enumerate() {
        let mut running = Running::start(&format!("kill-9-{turn}"), &CALM);
        let directory = latest(&running.results);
        let shown = directory.display().to_string();
        run(&["check", &shown]).exits(2).says("goes on").says("UNKNOWN");
        assert!(!directory.join("verdict.json").exists(), "nothing is written while it goes on");
        run(&["report", &shown]).exits(65).says("goes on");
        let tree = running.tree();
        for victim in victims {
            signal(tree[*victim], "KILL");
        }
        running.child.wait().expect("it is dead");
        // The kernel takes the rest along.
        std::thread::sleep(Duration::from_secs(1));
        let said = run(&["check", &running.results.join("latest").display().to_string()]).exits(2);
        said.says("UNKNOWN  the run ended early (under load) after").says("of 60.0 s of load");
        let verdict: Value = verdict(&running.results);
        assert_eq!(verdict["ended_early"]["cause"], "kill");
        assert_eq!(verdict["run"]["target"], "bundled");
        assert!(verdict["run"]["lab"].as_str().is_some_and(|lab| lab.starts_with("loopback")));
        let page = std::fs::read_to_string(directory.join("report.html")).expect("it is there");
        assert!(page.contains("the run ended early (under load)"));
    }
}

#[test]
fn a_cluster_that_serves_only_after_a_restart_is_invalid_and_told_so() {
    let _turn = turn();
    let mut arguments = CALM.to_vec();
    arguments.extend(["--time-limit", "3s", "--recovery-limit", "2s"]);
    let running = Running::start("stopped-node", &arguments);
    // A node that is stopped by somebody else: no fault of the plan wakes it up.
    let started = node_events(&running.results, "n2");
    let pid = started.iter().find_map(|event| event["pid"].as_i64()).expect("it was started");
    signal(pid as i32, "STOP");
    let results = running.results.clone();
    let ended = finished(running.child.wait_with_output().expect("it ends")).exits(1);
    ended
        .says("INVALID  healed, not every node answered within 2 s")
        .says("served again only after its processes had been restarted")
        .says("n2         did not answer")
        .says("as the leader in term");
    let liveness = verdict(&results)["liveness"].clone();
    assert_eq!(liveness["degree"], "after-restart");
    assert_eq!(liveness["nodes"].as_array().map(Vec::len), Some(3));
    run(&["check", &latest(&results).display().to_string()])
        .exits(1)
        .says("had said the same: INVALID");
}
