//! The core within small bounds, right and with bugs planted.

use cluster::bugs::{Bug, Bugs};

use super::{Bounds, Findings, OperationKind, explore};

/// As many as the machine has that the tests are made for.
const THREADS: usize = 2;

fn explored(bounds: Bounds) -> Findings {
    explore(bounds, THREADS, None, |_| {})
}

/// The right core keeps every promise, and the exploration saw what it is meant to see.
fn check(bounds: Bounds) {
    let findings = explored(bounds);
    let lines: Vec<String> = findings
        .broken
        .iter()
        .map(|(promise, steps)| format!("{promise}:\n{}", steps.join("\n")))
        .collect();
    assert!(lines.is_empty(), "broken: {}", lines.join("\n\n"));
    assert!(findings.missing.is_empty(), "not met: {:?}", findings.missing);
    assert!(findings.is_complete);
}

/// The promise that the bug breaks within the bounds, after so many steps at most.
fn check_bug(bug: Bug, bounds: Bounds, promise: &str, steps: usize) {
    let right = Bounds { bugs: Bugs::new(), ..bounds.clone() };
    let findings = explored(Bounds { bugs: Bugs::from([bug]), ..right });
    let broken = findings.broken.iter().find(|(name, _)| *name == promise);
    let (_, path) = broken.unwrap_or_else(|| panic!("{bug} is not found: {findings:?}"));
    assert!(path.len() <= steps, "{bug}: {} steps:\n{}", path.len(), path.join("\n"));
}

/// Two elections, and a crash of any node at any moment.
fn elections() -> Bounds {
    Bounds { terms: 2, entries: 2, crashes: 1, ..Bounds::default() }
}

/// A write and a read while leadership changes.
fn clients() -> Bounds {
    let operations = vec![OperationKind::Write, OperationKind::Read];
    Bounds { terms: 2, entries: 3, settled: true, operations, ..Bounds::default() }
}

/// A command that is sent twice while leadership changes.
fn retries() -> Bounds {
    let operations = vec![OperationKind::CompareAndSet];
    Bounds { terms: 2, entries: 4, settled: true, operations, attempts: 2, ..Bounds::default() }
}

#[test]
fn elections_and_crashes_are_safe() {
    check(elections());
}

#[test]
fn operations_are_linearizable_while_leadership_changes() {
    check(clients());
}

#[test]
fn retries_take_effect_once() {
    check(retries());
}

#[test]
fn heartbeats_and_leaders_that_step_down_are_safe() {
    check(Bounds { terms: 2, entries: 2, heartbeats: 1, step_downs: 1, ..Bounds::default() });
}

#[test]
fn transfers_are_safe() {
    let operations = vec![OperationKind::Write];
    let transfers = 1;
    check(Bounds {
        terms: 2,
        entries: 3,
        settled: true,
        operations,
        transfers,
        ..Bounds::default()
    });
}

/// Figure 8 of the paper: two nodes lead in turn, and the entry of the one is on a majority when the
/// other may still replace it.
fn figure_8() -> Bounds {
    let operations = vec![OperationKind::Write];
    Bounds {
        terms: 4,
        entries: 3,
        candidates: 2,
        settled: true,
        batch: 1,
        operations,
        ..Bounds::default()
    }
}

#[test]
fn entries_of_earlier_terms_are_committed_with_one_of_the_own() {
    check(figure_8());
    check_bug(Bug::CommitEarlierTerm, figure_8(), "leader completeness", 18);
}

#[test]
fn a_leader_that_answers_unasked_reads_stale() {
    check_bug(Bug::StaleRead, clients(), "linearizability", 11);
}

#[test]
fn a_retry_that_is_applied_again_contradicts_itself() {
    check_bug(Bug::IgnoreTokens, retries(), "linearizability", 16);
}

#[test]
fn votes_that_a_crash_undoes_elect_two_leaders() {
    check_bug(Bug::VoteForgotten, elections(), "election safety", 10);
    check_bug(Bug::VoteNotDurable, elections(), "election safety", 10);
    check_bug(Bug::AckBeforeFsync, elections(), "election safety", 10);
}
