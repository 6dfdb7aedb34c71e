//! Synced data change: outside of Raft's fault model, so the damaged node is not asked to
//! serve, only that it does not serve anything wrong.

use serde_json::Value;

use crate::common::scratch;
use crate::support::{
    DISKS, assert_a_whole_run, can, faults, has_namespaces, node_events, plan_file, run_into,
    verdict,
};
use crate::turn::turn;

fn has_disks() -> bool {
    has_namespaces() && can(&[DISKS])
}

#[test]
fn a_node_with_a_flipped_bit_refuses_to_start_and_the_others_serve() {
    let _turn = turn();
    if !has_disks() {
        return;
    }
    let results = scratch("bit-flip");
    run_into(&results, &["--plan", &plan_file("corruption.toml")]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["corruption"]);
    let faults = faults(&results);
    let damaged = faults[0].nodes.first().expect("one node was damaged");
    let verdict = verdict(&results);
    let findings = verdict["findings"].as_array().expect("there is a finding");
    let finding = findings.iter().find(|finding| finding["node"] == **damaged);
    let finding = finding.unwrap_or_else(|| panic!("none about {damaged}: {findings:#?}"));
    let text = finding["text"].as_str().unwrap_or_default();
    assert!(text.contains("exit code 65") && text.contains("flip a bit"), "{text}");
    assert!(finding["log"].as_array().is_some_and(|log| !log.is_empty()), "{finding}");
    // Once it had noticed, it did not serve again.
    let events = node_events(&results, damaged);
    let refused = events.iter().position(|event| event["status"] == "exit code 65");
    let later = &events[refused.expect("its end was heard of") + 1..];
    assert!(later.iter().all(|event| event["event"] != "commit"), "{later:#?}");
    let sentence = verdict["liveness"]["sentence"].as_str().unwrap_or_default();
    assert_eq!(verdict["liveness"]["verdict"], "valid", "{sentence}");
}

#[test]
fn corruption_by_name_never_makes_the_cluster_answer_wrongly() {
    let _turn = turn();
    if !has_disks() {
        return;
    }
    let results = scratch("corruption");
    let asked = ["--faults", "corruption", "--time-limit", "10s", "--seed", "3"];
    let run = run_into(&results, &asked);
    assert!(matches!(run.code, Some(0 | 2)), "{run:#?}");
    let verdict = verdict(&results);
    assert_eq!(verdict["safety"]["verdict"], "valid", "{}", verdict["sentence"]);
    assert!(faults(&results).iter().any(|fault| fault.is_installed()), "nothing was damaged");
    let refusals = verdict["findings"].as_array().into_iter().flatten();
    let status = |finding: &Value| finding["text"].as_str().unwrap_or_default().to_owned();
    for text in refusals.map(status) {
        assert!(text.contains("exit code 65"), "a damaged node notices and refuses: {text}");
    }
}
