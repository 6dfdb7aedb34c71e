//! Simulations in which snapshots are taken all the time: the properties of Raft hold across cut logs,
//! all that can happen to a snapshot does, and bugs in it show.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use stormproof_cluster::bugs::{Bug, Bugs};
use stormproof_cluster::core::SnapshotOptions;
use stormproof_cluster::world::{Fixed, Plan, Simulation, Situation, Situations};

/// The number of simulations without a bug.
const SEEDS: u64 = 60;

/// The most simulations until a bug shows.
const BUG_SEEDS: u64 = 3_000;

/// A snapshot in one part, which may come twice.
const WHOLE: Option<usize> = Some(1_000_000);

/// The time from one request to the next.
const INTERVAL: Duration = Duration::from_millis(5);

/// Runs the cluster of a seed, with clients that write, delete and repeat what they wrote; the error is
/// the property that was broken.
fn run(seed: u64, bugs: &Bugs, part_bytes: Option<usize>) -> Result<Situations, String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let fixed = Fixed { bugs: bugs.clone(), ..Fixed::default() };
    let mut plan = Plan::draw(seed, &fixed);
    plan.snapshots = SnapshotOptions {
        entries: random.random_range(2..20),
        part_bytes: part_bytes.unwrap_or([1, 300, 100_000][random.random_range(0..3)]),
        ..SnapshotOptions::NEVER
    };
    let (nodes, load) = (plan.nodes, plan.load);
    let mut simulation = Simulation::new(plan, None, false);
    let (mut number, mut last) = (0, json!(null));
    let mut healed = false;
    while simulation.now() < load + Duration::from_secs(3) && simulation.violation().is_none() {
        if !healed && simulation.now() >= load {
            healed = true;
            simulation.heal();
        }
        number += 1;
        let key = format!("k{}", random.random_range(0..4));
        let body = match random.random_range(0..8) {
            0 => last.clone(),
            1 => json!({"f": "delete", "key": key, "token": format!("c:{number}")}),
            2 => json!({"f": "add", "key": "counter", "value": 1, "token": format!("c:{number}")}),
            _ => json!({"f": "write", "key": key, "value": number, "token": format!("c:{number}")}),
        };
        if !body.is_null() {
            let node = random.random_range(0..nodes);
            simulation.submit(node, body.to_string().as_bytes());
            last = body;
        }
        let until = simulation.now() + INTERVAL;
        while simulation.violation().is_none() && simulation.advance(until).is_some() {}
    }
    match simulation.violation() {
        Some(violation) => Err(violation.to_string()),
        None => Ok(simulation.situations().clone()),
    }
}

#[test]
fn the_properties_of_raft_hold_across_cut_logs() {
    let mut reached = Situations::default();
    for seed in 0..SEEDS {
        reached.add(
            &run(seed, &Bugs::new(), None).unwrap_or_else(|broken| panic!("seed {seed}: {broken}")),
        );
    }
    for situation in [
        Situation::SnapshotSaved,
        Situation::LogCut,
        Situation::SnapshotInstalled,
        Situation::SnapshotResumed,
        Situation::SnapshotHeld,
        Situation::CrashDuringSave,
    ] {
        assert!(reached.count(situation) > 0, "never: {}", situation.name());
    }
}

/// True if some simulation shows the bug, by a broken property or an assertion.
fn shows(bug: Bug) -> bool {
    let bugs = Bugs::from([bug]);
    (0..BUG_SEEDS).any(|seed| {
        let ended = catch_unwind(AssertUnwindSafe(|| run(seed, &bugs, WHOLE)));
        ended.map_or(true, |ended| ended.is_err())
    })
}

#[test]
fn bugs_in_snapshots_show() {
    for bug in [
        Bug::DroppedTakenForConflict,
        Bug::StaleSnapshotInstalled,
        Bug::SnapshotMerged,
        Bug::SessionsLeftOut,
        Bug::NamesNotSynced,
    ] {
        assert!(shows(bug), "{bug} does not show");
    }
}

#[test]
fn a_seed_gives_the_same_simulation_again() {
    assert_eq!(run(7, &Bugs::new(), None), run(7, &Bugs::new(), None));
}
