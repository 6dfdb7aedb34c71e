//! The bundled cluster beside clients that take what they can get.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bare_nodes::{Nodes, PATIENCE, ask};
use crate::common::scratch;
use crate::turn::{turn, wide_turn};

/// An election timeout that no starved machine reaches, so that a leader is deposed by what it does, and
/// not by what else there is to do.
const PATIENT: [&str; 2] = ["--election-timeout", "4s"];

/// The shortest election timeout by default.
const ELECTION_TIMEOUT: Duration = Duration::from_millis(400);

/// The case: 300 requests of which half is sent, at a limit of 256 descriptors.
#[test]
fn requests_that_are_half_sent_keep_no_one_else_from_being_served() {
    let _turn = turn();
    let directory = scratch("half-sent");
    let nodes = Nodes::start_with(&PATIENT, &directory, 256);
    let (leader, term) = nodes.leader();
    let half = "POST /kv HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n";
    let half_sent: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect_timeout(&leader, PATIENCE).unwrap();
            // Every other one sends its head, and then no body.
            let end = if number % 2 == 0 { "" } else { "\r\n{\"f\":" };
            // Those for which there is no place any more may be closed already.
            let _ = write!(stream, "{half}{end}");
            stream
        })
        .collect();

    // Beside each write, a node without a crowd is asked something: how long that takes is what the
    // machine does to everyone. A write takes a dozen such steps, through the loops and disks of three.
    let uncrowded = *nodes.addresses.iter().find(|address| **address != leader).unwrap();
    let steps = |control: Duration| 12 * control;
    let (mut writes, mut took, mut control) = (0, Duration::ZERO, Duration::ZERO);
    let (mut slowest, mut slowest_control, start) =
        (Duration::ZERO, Duration::ZERO, Instant::now());
    while start.elapsed() < Duration::from_secs(15) || writes <= 100 {
        let asked = Instant::now();
        ask(uncrowded, "GET", "/status", "").expect("it is answered");
        slowest_control = slowest_control.max(asked.elapsed());
        let sent = Instant::now();
        let write = json!({"f": "add", "key": "k", "value": 1}).to_string();
        let answer = ask(leader, "POST", "/kv", &write).expect("it is answered");
        assert_eq!(answer["type"], "ok", "{answer}");
        writes += 1;
        if writes <= 100 {
            (took, control) = (took + sent.elapsed(), control + (sent - asked));
        }
        slowest = slowest.max(sent.elapsed());
        thread::sleep(Duration::from_millis(20));
    }
    println!("{writes} writes, the slowest took {slowest:?}, beside {slowest_control:?}");
    assert!(slowest < Duration::from_secs(3) + steps(slowest_control), "{slowest:?}");
    assert!(took < Duration::from_secs(13) + steps(control), "100 writes took {took:?}");
    assert_eq!(nodes.leader(), (leader, term), "the others heard the leader all the time");
    for mut stream in half_sent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Closed or reset, either way it is over.
        let mut answer = Vec::new();
        if stream.read_to_end(&mut answer).is_ok() && !answer.is_empty() {
            let text = String::from_utf8_lossy(&answer);
            assert!(text.contains("\"definite\":true"), "{text}");
        }
    }
}

/// The case: six clients read a list of 72 MB at a time. A leader is deposed when its loop has no
/// time for heartbeats. On a machine with other work that depends on its luck; so what the loop takes is
/// measured in processor time: for all reads together less than an election timeout.
#[test]
fn reads_of_a_large_list_depose_no_leader() {
    let _turn = wide_turn();
    let directory = scratch("large-list");
    let nodes = Nodes::start_with(&PATIENT, &directory, 1024);
    let (leader, _) = nodes.leader();
    let element = "x".repeat(1_000_000);
    for _ in 0..72 {
        let append = json!({"f": "append", "key": "k", "value": element}).to_string();
        let answer = ask(leader, "POST", "/kv", &append).expect("it is answered");
        assert_eq!(answer["type"], "ok", "{answer}");
    }
    let before = nodes.leader();
    assert_eq!(before.0, leader);
    let used = nodes.loop_time(leader);
    assert!(!used.is_zero(), "its appends took some");
    let read = json!({"f": "read", "key": "k"}).to_string();
    let reader = || {
        let answer = ask(leader, "POST", "/kv", &read).expect("it is answered");
        assert_eq!(answer["value"].as_array().map(Vec::len), Some(72), "{:.300}", answer);
    };
    thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(reader))));
    let used = nodes.loop_time(leader) - used;
    println!("beside the reads the leader's loop took {used:?} of a processor");
    assert!(used < ELECTION_TIMEOUT, "{used:?}");
    assert_eq!(nodes.leader(), before);
}
