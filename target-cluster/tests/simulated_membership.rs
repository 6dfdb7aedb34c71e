//! Simulations in which the members change all the time: the properties of Raft hold across
//! configurations, each step of a change is met by crashes and cuts, and bugs in it show.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use stormproof_cluster::bugs::{Bug, Bugs};
use stormproof_cluster::core::SnapshotOptions;
use stormproof_cluster::world::{
    Aim, ChangeKind, Fault, Fixed, Plan, Simulation, Situation, Situations,
};

/// The number of simulations without a bug.
const SEEDS: u64 = 300;

/// The most simulations until a bug shows.
const BUG_SEEDS: u64 = 3_000;

/// The time from one request to the next.
const INTERVAL: Duration = Duration::from_millis(10);

/// Within so much time after the last fault a voter leads, and no change is half made.
const RECOVERY: Duration = Duration::from_secs(10);

/// A plan with faults of all kinds, one or two nodes more than there are founders, and changes.
fn plan(seed: u64, bugs: &Bugs) -> Plan {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut plan = Plan::draw(seed, &Fixed { bugs: bugs.clone(), ..Fixed::default() });
    if plan.nodes > 3 && plan.founders == plan.nodes {
        plan.founders = 3;
    }
    if random.random_bool(0.5) {
        let entries = random.random_range(2..20);
        plan.snapshots = SnapshotOptions { entries, ..SnapshotOptions::NEVER };
    }
    let mut at = Duration::ZERO;
    while at < plan.load {
        at += plan.timings.election_max.mul_f64(random.random_range(0.2..3.0));
        let kind = ChangeKind::DRAWN[random.random_range(0..ChangeKind::DRAWN.len())];
        let (aim, pick) = (Aim::Leader(0), random.random_range(0..64));
        plan.schedule(at, aim, Fault::Members { kind, pick });
    }
    plan.schedule.sort_by_key(|(at, _)| *at);
    plan
}

/// Runs the cluster of a seed, with clients that write; the error is the property that was broken.
fn run(seed: u64, bugs: &Bugs) -> Result<Situations, String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let plan = plan(seed, bugs);
    let (nodes, load) = (plan.nodes, plan.load);
    let mut simulation = Simulation::new(plan, None, false);
    let mut number = 0;
    let mut healed = false;
    while simulation.violation().is_none() {
        if !healed && simulation.now() >= load {
            healed = true;
            simulation.heal();
        }
        if healed && is_settled(&simulation) {
            return Ok(simulation.situations().clone());
        }
        if simulation.now() >= load + RECOVERY {
            return Err("no voter leads a cluster that is at rest".to_string());
        }
        number += 1;
        let key = format!("k{}", random.random_range(0..4));
        let body =
            json!({"f": "write", "key": key, "value": number, "token": format!("c:{number}")});
        simulation.submit(random.random_range(0..nodes), body.to_string().as_bytes());
        let until = simulation.now() + INTERVAL;
        while simulation.violation().is_none() && simulation.advance(until).is_some() {}
    }
    Err(simulation.violation().expect("one is").to_string())
}

/// True if a voter leads, no change of the members is half made, and every member that runs and did not
/// lose its disk follows it.
fn is_settled(simulation: &Simulation) -> bool {
    let statuses: Vec<_> = simulation.statuses().collect();
    let Some((at, leader)) = statuses
        .iter()
        .max_by_key(|(at, it)| (it.leader.as_ref() == Some(simulation.name(*at)), it.term))
    else {
        return false;
    };
    let members = &leader.configuration;
    leader.leader.as_ref() == Some(simulation.name(*at))
        && members.voters().contains(simulation.name(*at))
        && !members.is_joint()
        && statuses.iter().all(|(node, status)| {
            !members.is_member(simulation.name(*node))
                || simulation.is_damaged(*node)
                || status.leader == leader.leader
        })
}

#[test]
fn the_properties_of_raft_hold_across_configurations() {
    let mut reached = Situations::default();
    for seed in 0..SEEDS {
        let ended = catch_unwind(AssertUnwindSafe(|| run(seed, &Bugs::new())));
        let ended = ended.unwrap_or_else(|_| panic!("seed {seed} panics"));
        reached.add(&ended.unwrap_or_else(|broken| panic!("seed {seed}: {broken}")));
    }
    for situation in [
        Situation::MembersChanged,
        Situation::ChangeRefused,
        Situation::NotCaughtUp,
        Situation::JointAppended,
        Situation::JointTakenOver,
        Situation::ConfigurationUndone,
        Situation::LeaderRetired,
        Situation::NewcomerElected,
        Situation::NewcomerInstalled,
        Situation::DiskReplaced,
        Situation::DisplacedRefused,
    ] {
        assert!(reached.count(situation) > 0, "never: {}", situation.name());
    }
}

/// True if some simulation shows the bug, by a broken property or an assertion.
fn shows(bug: Bug) -> bool {
    let bugs = Bugs::from([bug]);
    (0..BUG_SEEDS).any(|seed| {
        let ended = catch_unwind(AssertUnwindSafe(|| run(seed, &bugs)));
        ended.map_or(true, |ended| ended.is_err())
    })
}

#[test]
fn bugs_in_changes_show() {
    for bug in [
        Bug::StaleMembersInSnapshot,
        Bug::ChangeBeforeOwnTerm,
        Bug::ChangeBeforeTheLast,
        Bug::MembersFromApply,
        Bug::LearnerCounted,
        Bug::RemovedLeaderStays,
        Bug::WipedVoterVotes,
    ] {
        assert!(shows(bug), "{bug} does not show");
    }
}

#[test]
fn a_seed_gives_the_same_simulation_again() {
    assert_eq!(run(7, &Bugs::new()), run(7, &Bugs::new()));
}
