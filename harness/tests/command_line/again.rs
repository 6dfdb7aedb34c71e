//! Commands that carry out the plan of a saved run again and again, as far as nothing is started.

use crate::common::{run, scratch};

#[test]
fn a_replay_of_many_runs_is_refused_before_anything_starts_if_it_cannot_be_meant() {
    run(&["replay", "nowhere", "--times", "2"]).exits(65).says("nowhere");
    run(&["replay", "nowhere", "--times", "0"]).exits(64).says("--times");
    run(&["replay", "nowhere", "--jobs", "2"]).exits(64).says("--times");
    run(&["replay", "nowhere", "--until-failure"]).exits(64).says("--times");
    run(&["replay", "nowhere", "--times", "2", "--jobs", "0"]).exits(64).says("--jobs");
    let folder = scratch("replay-of-a-cluster-that-runs");
    let plan = "addresses = [\"127.0.0.1:1\"]\nlab = \"none\"\nfaults = [\"none\"]\nseed = 1\n";
    std::fs::write(folder.join("plan.toml"), plan).expect("a scratch file can be written");
    let folder = folder.display().to_string();
    let many = ["replay", &folder, "--times", "2", "--jobs", "2"];
    run(&many).exits(64).says("one run at a time");
}

#[test]
fn a_shrink_of_a_plan_needs_a_run_that_failed() {
    run(&["shrink", "nowhere", "--schedule"]).exits(65).says("nowhere");
    run(&["shrink", "nowhere", "--limit", "5m"]).exits(64).says("--schedule");
    run(&["shrink", "nowhere", "--schedule", "--at-least", "2"]).exits(64).says("0.95");
    run(&["shrink", "nowhere", "--schedule", "--model", "set"]).exits(64).says("--schedule");
    let folder = scratch("shrink-without-a-verdict");
    std::fs::write(folder.join("plan.toml"), "seed = 1\n").expect("it can be written");
    let folder = folder.display().to_string();
    run(&["shrink", &folder, "--schedule"]).exits(65).says("has no verdict");
}

#[test]
fn a_bisection_is_refused_before_anything_starts_if_it_cannot_be_meant() {
    let folder = scratch("bisected-plan");
    std::fs::write(folder.join("plan.toml"), "seed = 1\n").expect("it can be written");
    let plan = folder.display().to_string();
    let bisect = |good: &str, bad: &str, more: &[&str]| {
        run(&[&["bisect", &plan, "--good", good, "--bad", bad], more].concat())
    };
    bisect("1", "2", &["--versions", "1,2"]).exits(64).says("BUILD");
    bisect("1", "2", &["--", "true"]).exits(64).says("--versions");
    bisect("1", "3", &["--versions", "1,2", "--", "true"])
        .exits(64)
        .says("3 is none of the versions");
    bisect("2", "2", &["--versions", "1,2", "--", "true"]).exits(64).says("good and bad");
    let sure = ["--versions", "1,2", "--confidence", "1", "--", "true"];
    bisect("1", "2", &sure).exits(64).says("0.9999");
    let gone = folder.join("gone").display().to_string();
    bisect("1", "2", &["--versions-from", &gone, "--", "true"]).exits(65).says("gone");
    // The version that is said to be bad cannot be had.
    let output = folder.join("out").display().to_string();
    let none = ["--versions", "1,2", "--output", &output, "--", "sh", "-c", "echo no >&2; exit 1"];
    bisect("1", "2", &none).exits(65).says("2 cannot be run: sh: exit status: 1: no");
}

#[test]
fn an_explanation_takes_runs_that_failed_and_others() {
    run(&["explain"]).exits(64).says("DIR");
    let folder = scratch("explained");
    run(&["explain", &folder.display().to_string()]).exits(65).says("there is no run in");
    std::fs::create_dir(folder.join("a")).expect("it can be made");
    std::fs::write(folder.join("a/plan.toml"), "seed = 1\n").expect("it can be written");
    let shown = folder.display().to_string();
    run(&["explain", &shown]).exits(65).says("left out").says("0 runs failed and 0 did not");
}
