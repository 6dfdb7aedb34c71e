//! Clusters simulated from seeds, with every kind of fault at any point.
//!
//! Many of the planted bugs need a rarer coincidence than a few hundred seeds meet; the golden
//! scripts catch those.

use stormproof_cluster::bugs::{Bug, Bugs};
use stormproof_cluster::world::{Settings, simulate};

/// The number of seeds that are tried: what fits into some ten seconds.
const SEEDS: u64 = 300;

fn settings(bugs: impl Into<Bugs>) -> Settings {
    Settings { steps: 12_000, bugs: bugs.into() }
}

#[test]
fn no_seed_breaks_a_property() {
    let settings = settings([]);
    let (mut acknowledged, mut terms, mut transferred) = (0, 0, 0);
    for seed in 0..SEEDS {
        let simulated = simulate(seed, &settings);
        if let Some(violation) = simulated.violation {
            let tail = simulated.trace.len().saturating_sub(60);
            panic!("seed {seed}: {violation}\n{}", simulated.trace[tail..].join("\n"));
        }
        acknowledged += simulated.acknowledged;
        terms += simulated.term;
        transferred += simulated.transferred;
    }
    // A simulation in which nothing happens proves nothing.
    assert!(acknowledged > SEEDS * 20, "{acknowledged} writes");
    assert!(terms > SEEDS * 8, "{terms} terms");
    assert!(transferred > SEEDS * 2, "{transferred} transfers");
}

#[test]
fn one_seed_gives_one_trace() {
    let settings = settings([]);
    for seed in [1, 2, 3] {
        let (first, second) = (simulate(seed, &settings), simulate(seed, &settings));
        assert!(first.trace.len() > 1_000);
        assert_eq!(first, second);
    }
}

/// The first property that a seed breaks with the bug on.
fn first_violation(bug: Bug) -> &'static str {
    let settings = settings([bug]);
    let caught = (0..SEEDS).find_map(|seed| simulate(seed, &settings).violation);
    caught.unwrap_or_else(|| panic!("no seed finds {bug}")).property
}

#[test]
fn a_stale_read_is_caught() {
    assert_eq!(first_violation(Bug::StaleRead), "client promises");
}

#[test]
fn an_ignored_token_is_caught() {
    assert_eq!(first_violation(Bug::IgnoreTokens), "client promises");
}

#[test]
fn what_is_acknowledged_before_it_is_durable_is_lost() {
    assert_eq!(first_violation(Bug::AckBeforeFsync), "leader completeness");
}

#[test]
fn a_vote_sent_before_it_is_durable_is_given_twice() {
    // A leader that forgot its term and voted for another is seen by either.
    let found = first_violation(Bug::VoteNotDurable);
    assert!(["election safety", "leader completeness"].contains(&found), "{found}");
}

#[test]
fn what_is_appended_after_a_torn_tail_is_lost() {
    // What is lost is an entry or a vote, as it happens.
    let found = first_violation(Bug::AppendAfterTornTail);
    assert!(["leader completeness", "election safety"].contains(&found), "{found}");
}

#[test]
fn a_lease_is_sound_as_long_as_clocks_are_right() {
    let settings = settings([Bug::WallClockLease]);
    let found = (0..SEEDS).find_map(|seed| simulate(seed, &settings).violation.map(|v| (seed, v)));
    assert_eq!(found, None, "these clocks are right");
}
