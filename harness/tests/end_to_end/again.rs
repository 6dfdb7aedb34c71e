//! The plan of a saved run, carried out again and again.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Finished, finished, run, scratch};
use crate::support::{has_namespaces, latest, plan_file, run_into, started_saying};
use crate::turn::{turn, wide_turn};

/// The value of a key of the plan that repeat `number` was asked for, and its faults.
fn asked(folder: &Path, number: u32) -> (i64, toml::Value) {
    let text = fs::read_to_string(folder.join(number.to_string()).join("asked.toml"));
    let plan: toml::Table = text.expect("each has its plan").parse().expect("which is TOML");
    (plan["seed"].as_integer().expect("a number"), plan["fault"].clone())
}

/// Runs a command until it says this on standard error, and interrupts it. It has a bound for the time
/// that it takes to end.
fn interrupted_at(arguments: &[&str], text: &str) -> Finished {
    let (command, mut said, lines) = started_saying(arguments, text);
    kill(Pid::from_raw(command.id() as i32), Signal::SIGINT).expect("it lives");
    let asked = Instant::now();
    said.extend(lines.map_while(Result::ok));
    let mut finished = finished(command.wait_with_output().expect("it ends"));
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    finished.err = said.join("\n");
    finished
}

#[test]
fn a_plan_that_fails_is_replayed_many_times_with_streams_of_its_own() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("again-many");
    run_into(&results, &["--plan", &plan_file("stale-read.toml")]).exits(1);
    let saved = latest(&results).display().to_string();
    let into = results.join("repeats");
    let shown = into.display().to_string();
    let many = run(&["replay", &saved, "--times", "3", "--jobs", "2", "--results", &shown]);
    let many = many.exits(1).says("failed 3 of 3 (100 %; 43 % to 100 % at 95 % confidence)");
    many.says("by safety 3, by liveness 0").says("the first that failed: ");
    let folder = into.join("s1");
    let plans: Vec<_> = (0..3).map(|number| asked(&folder, number)).collect();
    assert!(plans.iter().all(|(_, faults)| *faults == plans[0].1), "{plans:?}");
    assert!(plans[0].0 != plans[1].0 && plans[1].0 != plans[2].0, "{plans:?}");
    for number in 0..3 {
        assert!(latest(&folder.join(number.to_string())).join("verdict.json").is_file());
    }
    // The next one has a folder of its own, and ends with the first failure.
    let first = ["replay", &saved, "--times", "9", "--jobs", "1", "--until-failure"];
    run(&[&first[..], &["--results", &shown]].concat()).exits(1).says("failed 1 of 1");
    assert!(into.join("s1-2").join("0").is_dir() && !into.join("s1-2").join("1").exists());
}

#[test]
fn an_interrupted_replay_says_what_is_known_and_leaves_nothing_behind() {
    let _turn = turn();
    let results = scratch("again-interrupted");
    let short = ["--faults", "none", "--nodes", "1", "--time-limit", "1s", "--rate", "50"];
    run_into(&results, &[&short[..], &["--seed", "3", "--workload", "set"]].concat()).exits(0);
    let saved = latest(&results).display().to_string();
    let into = results.join("repeats").display().to_string();
    let replay = ["replay", &saved, "--times", "500", "--jobs", "1", "--results", &into];
    let replay = interrupted_at(&replay, "run 0: VALID").exits(0).says("failed 0 of ");
    replay.says("interrupted after ").says(" of 500");
}

#[test]
fn a_plan_that_fails_is_shrunk_and_goes_on_where_it_was_interrupted() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("again-shrunk");
    run_into(&results, &["--plan", &plan_file("stale-read.toml")]).exits(1);
    let saved = latest(&results).display().to_string();
    let folder = results.join("shrunk");
    let into = folder.display().to_string();
    let shrink = ["shrink", &saved, "--schedule", "--jobs", "2", "--output", &into];
    let shrink = |until: &str| interrupted_at(&shrink, until);
    shrink(": INVALID").exits(2).says("failed by safety").says("nothing smaller is known yet");
    let lines = || fs::read_to_string(folder.join("results.jsonl")).unwrap_or_default();
    let before = lines();
    assert!(!before.is_empty());
    shrink("kept: ").exits(1).says("going on after ").says("again: stormproof replay ");
    assert!(lines().starts_with(&before), "what was learnt is kept");
    let plan = fs::read_to_string(folder.join("plan.toml")).expect("there is a smaller plan");
    let plan: toml::Table = plan.parse().expect("which is TOML");
    let faults = plan["fault"].as_array().expect("it has faults");
    assert!((1..4).contains(&faults.len()), "fewer than four are enough: {plan:?}");
    assert_eq!(faults[0]["shape"].as_str(), Some("isolate-leader"));
    // The folder is one that can be replayed.
    let repeats = results.join("repeats").display().to_string();
    let replay = ["replay", &into, "--times", "4", "--until-failure", "--results", &repeats];
    run(&replay).exits(1).says("by safety 1");
}

/// The versions are flags of the bundled cluster: the bug is in those from 1.3 to 1.5.
const BUILD: &str = "case $STORMPROOF_VERSION in \
    1.3|1.4|1.5) echo --bug stale-read;; 1.2) echo gone >&2; exit 1;; *) ;; esac";

#[test]
fn the_versions_in_which_a_failure_came_and_went_are_found_and_told_apart() {
    let _turn = wide_turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("again-bisected");
    let plan = fs::read_to_string(plan_file("stale-read.toml")).expect("it is there");
    let plan =
        plan.replace("bug = \"stale-read\"\n", "").replace("time_limit = 20.0", "time_limit = 5.0");
    // Of its four faults the first alone has room in the load.
    let first = plan.match_indices("[[fault]]").nth(1).expect("it has several").0;
    fs::write(results.join("plan.toml"), &plan[..first]).expect("it can be written");
    let (saved, folder) = (results.display().to_string(), results.join("bisected"));
    let into = folder.display().to_string();
    let bisect = run(&[
        "bisect",
        &saved,
        "--good",
        "1.0",
        "--bad",
        "1.4",
        "--good",
        "1.6",
        "--versions",
        "1.0,1.1,1.2,1.3,1.4,1.5,1.6",
        "--failing",
        "safety",
        "--confidence",
        "0.6",
        "--jobs",
        "2",
        "--output",
        &into,
        "--",
        "sh",
        "-c",
        BUILD,
    ]);
    let bisect = bisect.exits(1).says("first bad: 1.3 (last good: 1.1), confidence ");
    bisect.says("; between them could not be run: 1.2").says("last bad: 1.5 (first good: 1.6)");
    // What failed is kept, and told apart from what did not.
    let failed = fs::read_dir(folder.join("4-0")).expect("a run of the bad version").count();
    assert!(failed > 0);
    let passed = results.join("passed");
    run_into(&passed, &["--plan", &results.join("plan.toml").display().to_string()]).exits(0);
    let explained = run(&["explain", &into, &passed.display().to_string()]).exits(0);
    explained.says(" failed, 1 did not; of ").says("these are runs of 2 plans");
}
