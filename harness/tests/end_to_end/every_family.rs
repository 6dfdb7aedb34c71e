//! One run with every family within Raft's fault model, each of which has to show what it did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::common::scratch;
use crate::support::{
    CLOCKS, DISKS, Fault, assert_a_whole_run, can, faults, has_namespaces, node_events, plan_file,
    run_into, verdict,
};
use crate::turn::wide_turn;

const FAMILIES: [&str; 8] =
    ["partition", "packet", "kill", "pause", "cpu", "clock", "disk", "power"];

/// The error that a wall clock may show: it is read a moment after it was set.
const CLOCK_TOLERANCE_MS: f64 = 50.0;

/// The only fault whose phrase holds these words.
#[track_caller]
fn the<'a>(faults: &'a [Fault], words: &str) -> &'a Fault {
    let matching: Vec<_> = faults.iter().filter(|fault| fault.name.contains(words)).collect();
    assert_eq!(matching.len(), 1, "faults of the name {words:?} among {faults:#?}");
    matching[0]
}

#[test]
fn every_family_takes_effect_in_one_run_which_is_valid() {
    let _turn = wide_turn();
    if !has_namespaces() || !can(&[CLOCKS, DISKS]) {
        return;
    }
    let results = scratch("every-family");
    run_into(&results, &["--plan", &plan_file("every-family.toml")]).exits(0).says("VALID");
    assert_a_whole_run(&results, &FAMILIES);
    let faults = faults(&results);
    let without: Vec<_> = faults.iter().filter(|fault| !fault.is_installed()).collect();
    assert!(without.is_empty(), "nobody saw what these did: {without:#?}");
    assert_one_sided(&faults);
    assert_stopped_nodes_are_findings_and_serve_again(&results, &faults);
}

/// Never under what was asked for, and of what is left to chance at least something.
fn assert_one_sided(faults: &[Fault]) {
    let at_least = |words: &str, figure: &str, least: f64| {
        let measured = the(faults, words).figure(figure);
        assert!(measured >= least, "{words}: {figure} is {measured}, below {least}");
    };
    at_least("partition, isolate the leader", "packets_dropped", 1.0);
    at_least("flaky links", "packets_dropped", 1.0);
    at_least("40 ms delay", "one_way_ms", 40.0);
    at_least("40 ms delay", "packets_lost", 1.0);
    at_least("60 ms delay", "packets_delayed", 1.0);
    at_least("of a processor", "throttled", 1.0);
    at_least("fsync 60 to 70 ms slower", "fsync_fastest_ms", 60.0);
    at_least("fsync stalled", "fsyncs_stalled", 1.0);
    at_least("100 % of disk operations fail", "operations_failed", 1.0);
    at_least("disk full", "operations_failed", 1.0);
    at_least("disk read-only", "operations_failed", 1.0);
    at_least("power failure", "nodes_off", 5.0);
    at_least("power failure", "sectors_lost", 1.0);
    let jump = the(faults, "wall clock jumps by +5000 ms").injected["value"]["effect"].clone();
    let offset = jump["wall_offset_ms"].as_f64().expect("the clock was read");
    assert!((offset - 5000.0).abs() <= CLOCK_TOLERANCE_MS, "the clock reads {offset} ms off");
    let drift = the(faults, "clocks run at rate 1.05").injected["value"]["effect"].clone();
    assert!(drift["rate"].as_f64().is_some_and(|rate| (rate - 1.05).abs() < 1e-3), "{drift}");
}

/// A node that stopped since its disk refused it is told of with the reason in its log, and was
/// started again.
fn assert_stopped_nodes_are_findings_and_serve_again(results: &std::path::Path, faults: &[Fault]) {
    let verdict = verdict(results);
    let findings = verdict["findings"].as_array().expect("a list").clone();
    let deadly = ["disk operations fail", "disk full", "disk read-only"];
    let stopped: BTreeSet<String> =
        deadly.iter().flat_map(|words| the(faults, words).nodes.clone()).collect();
    for words in deadly {
        let of =
            |finding: &&Value| finding["text"].as_str().is_some_and(|text| text.contains(words));
        let Some(finding) = findings.iter().find(of) else {
            panic!("no finding about {words:?} among {findings:#?}");
        };
        let text = finding["text"].as_str().unwrap_or_default();
        assert!(text.contains("exit code 74"), "{text}");
        assert!(finding["log"].as_array().is_some_and(|log| !log.is_empty()), "{finding}");
    }
    for node in stopped {
        let last: BTreeMap<String, u64> = node_events(results, &node)
            .into_iter()
            .filter_map(|event| {
                Some((event["event"].as_str()?.to_owned(), event["time"].as_u64()?))
            })
            .collect();
        // The run's own end is no exit of the node.
        assert!(last.contains_key("exited"), "{node} was to end: {last:?}");
        assert!(last["commit"] > last["started"], "{node} did nothing again: {last:?}");
    }
    assert_eq!(verdict["liveness"]["verdict"], "valid", "{}", verdict["liveness"]);
}
