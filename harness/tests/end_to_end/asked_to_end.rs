//! Nodes of the bundled cluster that are asked to end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::bare_nodes::{Nodes, PATIENCE, ask};
use crate::common::scratch;
use crate::turn::wide_turn;

/// A leader that is asked to end hands over, so a write is accepted by another one sooner than any
/// follower could stand by itself.
#[test]
fn a_leader_that_is_asked_to_end_hands_over() {
    let _turn = wide_turn();
    let directory = scratch("asked-to-end");
    let mut nodes = Nodes::start(&directory, 1024);
    let (leader, term) = nodes.leader();
    let position = nodes.addresses.iter().position(|address| *address == leader).unwrap();
    let write = json!({"f": "write", "key": "k", "value": 1}).to_string();
    assert_eq!(ask(leader, "POST", "/kv", &write).unwrap()["type"], "ok");
    let health = ask(leader, "GET", "/health?can=commit", "").unwrap();
    let can = |what: &str| health[what] == true;
    assert!(can("healthy") && can("can_commit") && can("can_read"), "{health}");

    let process = nodes.processes[position].id();
    let asked = Instant::now();
    kill(Pid::from_raw(process.try_into().unwrap()), Signal::SIGTERM).unwrap();
    let others: Vec<SocketAddr> =
        nodes.addresses.iter().copied().filter(|address| *address != leader).collect();
    let written = || {
        let answers = others.iter().map(|address| ask(*address, "POST", "/kv", &write));
        answers.flatten().any(|answer| answer["type"] == "ok")
    };
    while !written() {
        assert!(asked.elapsed() < PATIENCE, "no other node takes writes");
    }
    let without = asked.elapsed();
    println!("{without:?} without writes");
    assert!(without < Duration::from_millis(300), "{without:?}: the others had to find out");
    let status = nodes.processes[position].wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let status = ask(others[0], "GET", "/status", "").unwrap();
    assert_eq!(status["term"], term + 1, "one election");
}
