//! The plan of a saved run, carried out again and again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{run, scratch, stormproof};
use crate::support::{has_namespaces, latest, plan_file, run_into};
use crate::turn::{turn, wide_turn};

/// The value of a key of the plan that repeat `number` was asked for, and its faults.
fn asked(folder: &Path, number: u32) -> (i64, toml::Value) {
    let text = fs::read_to_string(folder.join(number.to_string()).join("asked.toml"));
    let plan: toml::Table = text.expect("each has its plan").parse().expect("which is TOML");
    (plan["seed"].as_integer().expect("a number"), plan["fault"].clone())
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
    let many = many.exits(1).says("failed 3 of 3 (100 %; 29 % to 100 % at 95 % confidence)");
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
    let mut replay = stormproof()
        .args(["replay", &saved, "--times", "500", "--jobs", "1", "--results", &into])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(replay.stderr.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.expect("text").starts_with("run 0: VALID")));
    kill(Pid::from_raw(replay.id() as i32), Signal::SIGINT).expect("it lives");
    let asked = Instant::now();
    let rest = lines.map_while(Result::ok).collect::<Vec<_>>();
    let output = replay.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{rest:?}");
    assert!(text.contains("failed 0 of "), "{text}");
    assert!(text.contains("interrupted after ") && text.contains(" of 500"), "{text}");
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
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
    let shrink = |limit| run(&[&shrink[..], &["--limit", limit]].concat());
    shrink("3s").exits(2).says("failed by safety").says("nothing smaller is known yet");
    let lines = || fs::read_to_string(folder.join("results.jsonl")).unwrap_or_default();
    let before = lines();
    shrink("45s").exits(1).says("plan: ").says("again: stormproof replay ");
    assert!(lines().starts_with(&before), "what was learnt is kept");
    let plan = fs::read_to_string(folder.join("plan.toml")).expect("there is a smaller plan");
    let plan: toml::Table = plan.parse().expect("which is TOML");
    let faults = plan["fault"].as_array().expect("it has faults");
    assert_eq!(faults.len(), 1, "one of four is enough: {plan:?}");
    assert_eq!(faults[0]["shape"].as_str(), Some("isolate-leader"));
    // The folder is one that can be replayed.
    let repeats = results.join("repeats").display().to_string();
    let replay = ["replay", &into, "--times", "4", "--until-failure", "--results", &repeats];
    run(&replay).exits(1).says("by safety 1");
}
