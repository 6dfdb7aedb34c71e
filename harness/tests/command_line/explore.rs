//! `stormproof explore` as a user meets it.

use std::net::TcpListener;

use crate::common::run;

#[test]
fn what_is_explored_to_its_end_without_a_broken_promise_is_valid() {
    run(&["explore", "--terms", "1", "--entries", "1", "--threads", "1"])
        .exits(0)
        .says("met: a leader is elected (on one way after 4 steps)")
        .says("met: an entry is committed")
        .says("48 states, 77 steps")
        .says("every promise is kept in every state within these bounds");
}

#[test]
fn a_planted_bug_is_found_and_the_way_to_it_printed() {
    let bounds = ["--terms", "2", "--entries", "2", "--crashes", "1", "--threads", "1"];
    let planted = [&["explore", "--bug", "vote-forgotten"], &bounds[..]].concat();
    run(&planted)
        .exits(1)
        .says("BROKEN: election safety, after 7 steps:")
        .says("1. n1 hears no leader, and a majority would vote for it")
        .says("5. n3 crashes and starts again")
        .says("n2 is now leader in term 1");
}

#[test]
fn what_was_not_looked_at_or_could_not_be_seen_is_unknown() {
    run(&["explore", "--terms", "4", "--entries", "4", "--crashes", "3", "--time-limit", "100ms"])
        .exits(2)
        .says("unknown: the time was over before every state was looked at");
    run(&["explore", "--nodes", "1", "--terms", "2", "--entries", "2"])
        .exits(2)
        .says("not met: two nodes lead at once")
        .says("unknown: the bounds leave no room for all that was to be seen");
}

#[test]
fn impossible_bounds_and_names_are_refused() {
    for (flag, value, complaint) in [
        ("--nodes", "0", "1..=7"),
        ("--nodes", "8", "1..=7"),
        ("--candidates", "0", "a number from 1"),
        ("--terms", "16", "1..=15"),
        ("--entries", "0", "1..=64"),
        ("--crashes", "256", "0..=255"),
        ("--batch", "0", "a number from 1"),
        ("--attempts", "16", "1..=15"),
        ("--threads", "0", "1..=255"),
        ("--operations", "raed", "read"),
        ("--bug", "vote-forgoten", "vote-forgotten"),
        ("--time-limit", "soon", "--time-limit"),
        ("--web", "here", "--web"),
        ("--step-dowms", "1", "--step-downs"),
    ] {
        run(&["explore", flag, value]).exits(64).says(complaint);
    }
}

#[test]
fn an_address_that_is_taken_is_said_before_anything_is_explored() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    run(&["explore", "--web", &address]).exits(3).says(&format!("cannot listen at {address}"));
}
