//! Planted bugs are caught by the weather that they cannot stand.

use crate::common::scratch;
use crate::support::{alone, has_namespaces, latest, plan_file, run_into, verdict};

/// A plan of one bug's worst weather, so that catching it is no matter of luck.
fn assert_caught(bug: &str, plan: &str) {
    let _turn = alone();
    if !has_namespaces() {
        return;
    }
    let results = scratch(bug);
    run_into(&results, &["--plan", &plan_file(plan)]).exits(1).says("INVALID");
    let verdict = verdict(&results);
    let operations = verdict["safety"]["counterexample"]["operations"].as_array();
    let count = operations.expect("an invalid run has a counterexample").len();
    assert!((1..=10).contains(&count), "a counterexample of {count} operations");
    let page = std::fs::read_to_string(latest(&results).join("report.html")).expect("readable");
    assert!(page.contains("INVALID"), "the page does not tell the verdict");
}

#[test]
fn a_leader_that_answers_reads_without_a_majority_is_caught() {
    assert_caught("stale-read", "stale-read.toml");
}

#[test]
fn a_retry_that_is_applied_again_is_caught() {
    assert_caught("ignore-tokens", "ignore-tokens.toml");
}
