//! Planted bugs are caught by the weather that they cannot stand.

use crate::common::scratch;
use crate::support::{CLOCKS, DISKS, can, has_namespaces, latest, plan_file, run_into, verdict};
use crate::turn::turn;

/// A plan of one bug's worst weather, so that catching it is no matter of luck.
fn assert_caught(bug: &str, plan: &str) {
    let _turn = turn();
    if !has_namespaces() {
        return;
    }
    let results = scratch(bug);
    run_into(&results, &["--plan", &plan_file(plan)]).exits(1).says("INVALID");
    let verdict = verdict(&results);
    let operations = verdict["safety"]["counterexample"]["operations"].as_array();
    let count = operations.expect("an invalid run has a counterexample").len();
    assert!((1..=10).contains(&count), "a counterexample of {count} operations");
    let page = std::fs::read_to_string(latest(&results).join("report.html")).expect("readable");
    assert!(page.contains("INVALID"), "the page does not tell the verdict");
}

#[test]
fn a_leader_that_answers_reads_without_a_majority_is_caught() {
    assert_caught("stale-read", "stale-read.toml");
}

#[test]
fn two_leaders_that_each_change_a_voter_at_once_are_caught() {
    assert_caught("change-before-own-term", "change-before-own-term.toml");
}

#[test]
fn a_retry_that_is_applied_again_is_caught() {
    assert_caught("ignore-tokens", "ignore-tokens.toml");
}

#[test]
fn writes_that_are_acknowledged_before_they_are_synced_are_caught() {
    if can(&[DISKS]) {
        assert_caught("ack-before-fsync", "ack-before-fsync.toml");
    }
}

#[test]
fn a_vote_that_is_given_before_it_is_synced_is_caught() {
    if can(&[DISKS]) {
        assert_caught("vote-not-durable", "vote-not-durable.toml");
    }
}

#[test]
fn a_log_that_goes_on_behind_a_torn_record_is_caught() {
    if can(&[DISKS]) {
        assert_caught("append-after-torn-tail", "append-after-torn-tail.toml");
    }
}

#[test]
fn a_lease_that_is_measured_by_the_wall_clock_is_caught() {
    if can(&[CLOCKS]) {
        assert_caught("wall-clock-lease", "wall-clock-lease.toml");
    }
}

#[test]
fn a_write_that_is_acknowledged_for_the_entry_of_another_leader_is_caught() {
    assert_caught("reply-for-truncated-entry", "reply-for-truncated-entry.toml");
}

#[test]
fn a_follower_that_acknowledges_before_it_syncs_is_caught() {
    if can(&[DISKS]) {
        assert_caught("follower-acks-before-fsync", "follower-acks-before-fsync.toml");
    }
}

#[test]
fn a_new_leader_that_serves_reads_before_its_first_commit_is_caught() {
    if can(&[DISKS]) {
        assert_caught("read-index-too-early", "read-index-too-early.toml");
    }
}

#[test]
fn a_node_that_discards_its_damaged_log_is_caught() {
    if can(&[DISKS]) {
        assert_caught("corrupt-log-discarded", "corrupt-log-discarded.toml");
    }
}

#[test]
fn a_node_that_cuts_its_log_off_at_a_damaged_record_is_caught() {
    if can(&[DISKS]) {
        assert_caught("corrupt-middle-cut-off", "corrupt-middle-cut-off.toml");
    }
}

#[test]
fn a_node_that_does_not_miss_the_end_of_its_log_is_caught() {
    if can(&[DISKS]) {
        assert_caught("lost-log-still-votes", "lost-log-still-votes.toml");
    }
}

#[test]
fn a_write_that_is_denied_though_it_is_committed_is_caught() {
    assert_caught("not-leader-for-appended", "not-leader-for-appended.toml");
}
