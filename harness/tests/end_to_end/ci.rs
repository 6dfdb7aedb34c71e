//! The files that CI reads of a run, and the exit code that it sees.

use std::fs;

use serde_json::Value;

use crate::common::{run, scratch};
use crate::support::{latest, verdict};
use crate::turn::turn;

#[test]
fn a_run_prints_its_verdict_as_json_and_nothing_else_and_writes_what_ci_reads() {
    let _turn = turn();
    let results = scratch("ci-run");
    let file = |name: &str| results.join(name).display().to_string();
    let (runs, junit, sarif) = (file("runs"), file("junit.xml"), file("run.sarif"));
    let flags = ["--faults", "none", "--nodes", "1", "--time-limit", "1s", "--rate", "50"];
    let told = ["--json", "--results", &runs, "--junit", &junit, "--sarif", &sarif];
    let done = run(&[&["run", "--seed", "7"], &flags[..], &told].concat());
    let exit = done.code;
    let printed: Value = serde_json::from_str(&done.out).expect("the standard output is JSON");
    let runs = results.join("runs");
    assert_eq!(printed, verdict(&runs));
    assert_eq!(printed["schema"], 1);
    // A run without a fault judges something else than faults.
    let expect = match printed["verdict"].as_str() {
        Some("valid") => (0, "failures=\"0\" errors=\"0\""),
        Some("unknown") => (2, "failures=\"0\" errors=\"1\""),
        other => panic!("{other:?}: {}", done.err),
    };
    assert_eq!(exit, Some(expect.0));
    let xml = fs::read_to_string(&junit).expect("it was written");
    assert!(xml.contains(expect.1) && xml.contains("--seed 7"), "{xml}");
    assert!(xml.contains("name=\"no faults · seed 7\""), "{xml}");
    let log: Value =
        serde_json::from_str(&fs::read_to_string(&sarif).expect("it was written")).expect("JSON");
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);

    // A saved run goes to other tools, and comes back.
    let saved = latest(&runs).display().to_string();
    let edn = file("history.edn");
    run(&["export", &saved, "--format", "edn", "-o", &edn]).exits(0);
    run(&["check", &edn]).exits(0).says("VALID");
    let spans = run(&["export", &saved, "--format", "otel"]).exits(0);
    let first: Value =
        serde_json::from_str(spans.out.lines().next().expect("a line")).expect("JSON");
    let span = &first["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let started = span["startTimeUnixNano"].as_str().expect("64 bits are text");
    assert!(started.len() == 19, "{started} is in this century");
    run(&["report", &saved, "--junit", &junit]).exits(0).says("report.html");
    assert!(fs::read_to_string(&junit).expect("it was written").contains(expect.1));
}
