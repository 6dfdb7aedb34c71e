//! Seeds of the correct cluster, and of each planted bug.

use cluster::bugs::Bug;
use cluster::world::Situation;

use super::assertions::expect_assertions;
use super::page::page;
use super::seed_run::{Only, run_seed};
use super::settings::Settings;
use super::shrinking::shrink;
use super::sweep::sweep;

/// The seeds that are tried: what fits into some seconds.
const SEEDS: u64 = 600;

#[test]
fn no_seed_breaks_a_promise_and_every_situation_is_reached() {
    expect_assertions();
    let swept = sweep(0..SEEDS, &Settings::default(), None, &|_| {});
    assert_eq!(swept.failed, None, "stormproof simulate --seeds A..B says more");
    assert_eq!(swept.unknown, 0);
    // What was never met was never tested.
    let never: Vec<Situation> = swept.situations.never().collect();
    assert_eq!(never, []);
    assert!(swept.answered > SEEDS * 20, "{} operations", swept.answered);
}

#[test]
fn one_seed_twice_is_the_same_to_the_byte() {
    let mut lines = 0;
    for seed in 0..20 {
        let run = || run_seed(seed, &Settings::default(), &Only::default(), true);
        let (first, second) = (run(), run());
        lines += first.trace.len();
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.told, second.told, "seed {seed}");
        assert_eq!(first.history, second.history, "seed {seed}");
        assert_eq!(first.faults, second.faults, "seed {seed}");
    }
    assert!(lines > 20 * 500, "{lines} lines");
}

#[test]
fn a_seed_tells_of_every_vote_at_both_ends_and_its_page_plays_its_elections() {
    let calm = Settings { calm: true, nodes: Some(5), ..Settings::default() };
    let ended = run_seed(3, &calm, &Only::default(), true);
    let count = |event: &str| ended.told.iter().filter(|it| it.line["event"] == event).count();
    let asked = count("vote-asked");
    assert!(asked >= 8, "four others, for a pre-vote and a vote: {asked}");
    assert_eq!(count("vote-granted") + count("vote-refused"), asked);
    assert_eq!(count("vote-received") + count("vote-not-received"), asked);
    let page = page(&ended, "stormproof simulate --seeds 3..4");
    assert!(page.contains("nobody led yet"), "the table of elections");
    assert!(page.contains("No promise is broken"));
}

#[test]
fn a_seed_without_some_of_its_faults_has_the_others() {
    let settings = Settings::default();
    let all = run_seed(7, &settings, &Only::default(), false).faults;
    let half: std::collections::BTreeSet<_> = all.iter().copied().step_by(2).collect();
    let only = Only { faults: Some(half.clone()), operations: None };
    let ended = run_seed(7, &settings, &only, false);
    assert!(ended.violation.is_none());
    assert!(ended.faults.iter().all(|fault| half.contains(fault)));
    assert!(ended.faults.len() > half.len() / 3, "{} of {}", ended.faults.len(), half.len());
}

#[test]
fn a_failure_is_shrunk_to_one_of_the_same_promise() {
    expect_assertions();
    let settings = Settings { bug: Some(Bug::AckBeforeFsync), ..Settings::default() };
    let (seed, violation) =
        sweep(0..SEEDS, &settings, None, &|_| {}).failed.expect("it is soon found");
    let shrunk = shrink(seed, &settings);
    let again = shrunk.ended.violation.expect("it still breaks the promise");
    assert_eq!(again.property, violation.property);
    assert!(shrunk.faults.1 <= 10, "{:?} faults", shrunk.faults);
    assert!(shrunk.operations.1 <= shrunk.operations.0);
    assert!(!shrunk.ended.trace.is_empty());
}

/// The promise that the first seed breaks which finds the bug.
fn found_by(bug: Bug) -> &'static str {
    expect_assertions();
    let settings = Settings { bug: Some(bug), ..Settings::default() };
    let swept = sweep(0..SEEDS * 20, &settings, None, &|_| {});
    swept.failed.unwrap_or_else(|| panic!("no seed finds {bug}")).1.property
}

#[test]
fn a_retry_that_is_applied_again_is_seen() {
    assert_eq!(found_by(Bug::IgnoreTokens), "exactly once");
}

#[test]
fn a_stale_read_is_seen() {
    // A leader that does not step down keeps its majority waiting, too.
    let found = found_by(Bug::StaleRead);
    assert!(["linearizability", "liveness"].contains(&found), "{found}");
}

#[test]
fn what_is_acknowledged_before_it_is_durable_is_missed() {
    // A snapshot, which waits for its own disk writes, may outlive the log that it rests on.
    let found = found_by(Bug::AckBeforeFsync);
    assert!(["leader completeness", "recovery"].contains(&found), "{found}");
}

#[test]
fn figure_8_is_met() {
    let found = found_by(Bug::CommitEarlierTerm);
    assert!(["leader completeness", "state machine safety"].contains(&found), "{found}");
}

#[test]
fn a_vote_that_was_not_durable_is_given_twice() {
    let found = found_by(Bug::VoteNotDurable);
    assert!(["election safety", "leader completeness"].contains(&found), "{found}");
}

#[test]
fn what_stands_behind_a_torn_record_is_missed() {
    let found = found_by(Bug::AppendAfterTornTail);
    // The same bug looks past what was damaged.
    let found_as = ["leader completeness", "election safety", "recovery", "damage is noticed"];
    assert!(found_as.contains(&found), "{found}");
}

#[test]
fn a_read_of_what_is_not_applied_yet_is_seen() {
    assert_eq!(found_by(Bug::ReadBeforeApplied), "linearizability");
}

#[test]
fn a_lease_by_a_clock_that_was_set_back_is_seen_to_be_stale() {
    assert_eq!(found_by(Bug::WallClockLease), "linearizability");
}

#[test]
fn a_wiped_node_that_votes_and_acknowledges_again_is_seen_by_the_harm() {
    let found = found_by(Bug::WipedLogRejoins);
    assert!(["leader completeness", "election safety"].contains(&found), "{found}");
}

#[test]
fn a_member_that_lost_its_disk_and_votes_again_is_seen_by_the_harm() {
    let found = found_by(Bug::WipedVoterVotes);
    assert!(["leader completeness", "election safety"].contains(&found), "{found}");
}

#[test]
fn a_definite_refusal_of_what_is_done_later_is_seen() {
    assert_eq!(found_by(Bug::NotLeaderForAppended), "linearizability");
}
