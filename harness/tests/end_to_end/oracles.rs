//! Versions and tokens of whole runs: judged when a run ends, and again from what it left.

use serde_json::Value;

use crate::common::{run, scratch};
use crate::support::{has_namespaces, latest, plan_file, run_into, short_run, verdict};
use crate::turn::turn;

/// The rows of the audit's table, by what clients were told: never, once, repeatedly, once or more,
/// not known.
fn told(verdict: &Value, row: usize) -> [u64; 5] {
    let row = &verdict["safety"]["audit"]["table"][row];
    ["never", "once", "repeatedly", "at_least_once", "unobservable"]
        .map(|column| row[column].as_u64().expect("every column is counted"))
}

#[test]
fn a_sound_cluster_is_audited_and_accused_of_nothing() {
    let _turn = turn();
    let results = scratch("audited");
    let faults = ["--faults", "kill,pause", "--rate", "300"];
    short_run(&results, &faults).exits(0).says("versions").says("tokens");
    let verdict = verdict(&results);
    let [never, once, repeatedly, at_least_once, _] = told(&verdict, 0);
    assert!(once > 100, "{}", verdict["safety"]["audit"]);
    assert_eq!((never, repeatedly, at_least_once), (0, 0, 0), "{}", verdict["safety"]["audit"]);
    let versions = &verdict["safety"]["versions"];
    assert!(versions["answers"].as_u64() > Some(100), "{versions}");
    assert_eq!(versions["contradictions"], 0, "{versions}");
    let directory = latest(&results).display().to_string();
    run(&["check", &directory]).exits(0).says("idempotency").says("versions:");
}

#[test]
fn retries_that_are_applied_again_are_counted_and_counted_again_offline() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("repeated-tokens");
    run_into(&results, &["--plan", &plan_file("ignore-tokens.toml")]).exits(1).says("broke");
    let verdict = verdict(&results);
    let repeatedly: u64 = (0..3).map(|row| told(&verdict, row)[2]).sum();
    // A compare-and-set that is applied again finds what it wrote itself, and is told to have failed.
    let [_, failed_but_applied, ..] = told(&verdict, 1);
    assert!(repeatedly + failed_but_applied > 0, "{}", verdict["safety"]["audit"]);
    let directory = latest(&results).display().to_string();
    let again = run(&["check", "--json", &directory]).exits(1);
    let again: Value = serde_json::from_str(&again.out).expect("check --json prints JSON");
    assert_eq!(again["audit"], verdict["safety"]["audit"]);
}

#[test]
fn stale_reads_are_seen_by_their_versions() {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch("stale-versions");
    run_into(&results, &["--plan", &plan_file("stale-read.toml")]).exits(1).says("contradiction");
    let verdict = verdict(&results);
    let contradictions = verdict["safety"]["versions"]["contradictions"].as_u64();
    assert!(contradictions > Some(0), "{}", verdict["safety"]["versions"]);
    let directory = latest(&results).display().to_string();
    run(&["check", "--versions", "none", &directory]).exits(1);
}
