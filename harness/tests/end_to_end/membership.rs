//! Members of the bundled cluster that leave, learn and come back under load, and one that grows.

use crate::common::scratch;
use crate::support::{Fault, assert_a_whole_run, faults, history, plan_file, run_into, verdict};
use crate::turn::wide_turn;

/// A figure of a fault that is a text.
#[track_caller]
fn told<'a>(fault: &'a Fault, name: &str) -> &'a str {
    let text = fault.effect.get(name).and_then(|figure| figure.as_str());
    text.unwrap_or_else(|| panic!("no {name}: {fault:#?}"))
}

#[test]
fn members_leave_and_learn_and_vote_again_in_the_end() {
    let _turn = wide_turn();
    let results = scratch("membership");
    run_into(&results, &["--plan", &plan_file("membership.toml")]).exits(0).says("VALID");
    assert_a_whole_run(&results, &["membership", "maintenance"]);
    let all = "n1 n2 n3 n4 n5";
    let faults = faults(&results);
    let members: Vec<&Fault> = faults.iter().filter(|it| it.family == "membership").collect();
    assert_eq!(members.len(), 4, "{members:#?}");
    for fault in members {
        assert!(fault.is_installed(), "{fault:#?}");
        assert_eq!(told(fault, "members_before"), all, "{fault:#?}");
        assert_eq!(told(fault, "members_in_the_end"), all, "{fault:#?}");
        let node = fault.nodes.first().expect("it was done to one");
        let then = told(fault, "members_then");
        let (voters, learners) = then.split_once(", learner ").unwrap_or((then, ""));
        assert!(!voters.split(' ').any(|voter| voter == node), "{fault:#?}");
        assert_eq!(learners == node, fault.name.starts_with("demote"), "{fault:#?}");
    }
    let members = verdict(&results)["safety"]["divergence"]["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(5), "{members}");
}

#[test]
fn a_cluster_that_is_founded_small_grows_under_load() {
    let _turn = wide_turn();
    let results = scratch("spare");
    let small = ["--nodes", "5", "--set", "spare=2", "--faults", "none", "--time-limit", "8s"];
    run_into(&results, &[&small[..], &["--seed", "1"]].concat())
        .exits(0)
        .says("leads 3 nodes")
        .says(" joined: n1 n2 n3 n4 n5")
        .says("VALID");
    let members = verdict(&results)["safety"]["divergence"]["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(5), "{members}");
    // Clients reach it by then, and are sent on to the leader.
    let load = history(&results);
    let attempts = load.iter().filter_map(|event| event["attempts"].as_array()).flatten();
    let mut answered = attempts.filter(|it| it["node"] == "n5" && it["error"] == "not_leader");
    assert!(answered.next().is_some(), "n5 answered no client");
}
