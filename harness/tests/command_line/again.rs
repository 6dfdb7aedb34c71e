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
