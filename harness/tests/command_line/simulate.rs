//! `stormproof simulate`, as a user meets it.

use crate::common::run;

/// The output of a seed, but for the line that says how long it took.
fn without_time(output: &str) -> String {
    output.lines().filter(|line| !line.contains(" a second): ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_healthy_core_passes_and_the_situations_are_counted() {
    let passed = run(&["simulate", "--seeds", "0..40"]).exits(0);
    passed.says("40 seeds in ").says("entry committed").says("node started again");
}

#[test]
fn a_seed_is_the_same_twice_to_the_byte() {
    let again = || {
        let bug = ["--bug", "ack-before-fsync", "--trace"];
        run(&[&["simulate", "--seeds", "0..60"][..], &bug].concat()).exits(1).out
    };
    let first = without_time(&again());
    assert!(first.lines().count() > 50, "{first}");
    assert_eq!(first, without_time(&again()));
}

#[test]
fn a_planted_bug_is_found_shrunk_and_comes_back_by_the_command_that_is_printed() {
    let found =
        run(&["simulate", "--seeds", "0..600", "--bug", "ignore-tokens", "--nodes", "3"]).exits(1);
    let found = found.says(" breaks exactly once").says("shrunk to ").out;
    let (_, command) = found.split_once("again: stormproof ").expect("it prints the command");
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[..2], ["simulate", "--seeds"], "{command}");
    assert!(command.contains("--nodes 3") && command.contains("--bug ignore-tokens"), "{command}");
    let again = run(&words).exits(1).out;
    assert_eq!(without_time(&found), without_time(&again));
}

#[test]
fn flags_that_cannot_be_are_refused_with_what_to_do() {
    run(&["simulate", "--seeds", "7"]).exits(64).says("seeds are written 0..1000");
    run(&["simulate", "--seeds", "9..9"]).exits(64).says("seeds are written 0..1000");
    run(&["simulate", "--nodes", "10"]).exits(64).says("1..=9");
    run(&["simulate", "--rate", "0"]).exits(64).says("0.1 to 100000 operations a second");
    run(&["simulate", "--concurrency", "101"]).exits(64).says("1..=100");
    run(&["simulate", "--workload", "regster"]).exits(64).says("register");
    run(&["simulate", "--bug", "stale-raed"]).exits(64).says("stale-read");
    run(&["simulate", "--time-limit", "soon"]).exits(64).says("--time-limit");
}
