//! Nodes of the bundled cluster as processes: beside clients that take what they can get, and asked to
//! end.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::common::scratch;
use crate::turn::{turn, wide_turn};

/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Three nodes that may open so many descriptors each.
struct Nodes {
    processes: Vec<Child>,
    addresses: Vec<SocketAddr>,
}

impl Nodes {
    fn start(directory: &Path, descriptors: u32) -> Nodes {
        let held: Vec<TcpListener> =
            (0..6).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let mut addresses: Vec<SocketAddr> =
            held.iter().map(|listener| listener.local_addr().unwrap()).collect();
        drop(held);
        let for_peers = addresses.split_off(3);
        let name = |node: usize| format!("n{}", node + 1);
        let start = |node: usize| {
            let peers = (0..3).map(|peer| format!("--peer={}={}", name(peer), for_peers[peer]));
            Command::new("sh")
                .args(["-c", "ulimit -n $0 && exec \"$@\"", &descriptors.to_string()])
                .args([env!("CARGO_BIN_EXE_stormproof"), "node", "--id", &name(node)])
                .args(["--listen", &addresses[node].to_string()])
                .args(["--peer-listen", &for_peers[node].to_string()])
                .arg("--data")
                .arg(directory.join(name(node)))
                .args(peers)
                .stdout(Stdio::null())
                .spawn()
                .expect("sh starts")
        };
        Nodes { processes: (0..3).map(start).collect(), addresses }
    }

    /// The leader that all of them name, with its term.
    fn leader(&self) -> (SocketAddr, u64) {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let status = |address: &SocketAddr| ask(*address, "GET", "/status", "").ok();
            let all: Vec<Value> = self.addresses.iter().filter_map(status).collect();
            let named = |status: &Value| status["leader"].as_str().map(str::to_owned);
            if let [first, second, third] = &all[..]
                && let Some(leader) = named(first)
                && [second, third].iter().all(|it| named(it).as_ref() == Some(&leader))
            {
                let number: usize = leader[1..].parse().unwrap();
                return (self.addresses[number - 1], first["term"].as_u64().unwrap());
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("no leader within {PATIENCE:?}");
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Sends one request on a connection of its own, and returns the body of the answer.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    write!(stream, "{head}content-length: {length}\r\n\r\n{body}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Ok(serde_json::from_str(body)?)
}

/// The case: 300 requests of which half is sent, at a limit of 256 descriptors.
#[test]
fn requests_that_are_half_sent_keep_no_one_else_from_being_served() {
    let _turn = turn();
    let directory = scratch("half-sent");
    let nodes = Nodes::start(&directory, 256);
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

    let (mut writes, mut slowest, start) = (0, Duration::ZERO, Instant::now());
    while start.elapsed() < Duration::from_secs(15) {
        let sent = Instant::now();
        let write = json!({"f": "add", "key": "k", "value": 1}).to_string();
        let answer = ask(leader, "POST", "/kv", &write).expect("it is answered");
        assert_eq!(answer["type"], "ok", "{answer}");
        writes += 1;
        slowest = slowest.max(sent.elapsed());
        thread::sleep(Duration::from_millis(20));
    }
    println!("{writes} writes, the slowest took {slowest:?}");
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    assert!(writes > 100, "{writes} writes");
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

/// The case: six clients read a list of 72 MB at a time.
#[test]
fn reads_of_a_large_list_depose_no_leader() {
    let _turn = wide_turn();
    let directory = scratch("large-list");
    let nodes = Nodes::start(&directory, 1024);
    let (leader, _) = nodes.leader();
    let element = "x".repeat(1_000_000);
    for _ in 0..72 {
        let append = json!({"f": "append", "key": "k", "value": element}).to_string();
        let answer = ask(leader, "POST", "/kv", &append).expect("it is answered");
        assert_eq!(answer["type"], "ok", "{answer}");
    }
    let before = nodes.leader();
    assert_eq!(before.0, leader);
    let read = json!({"f": "read", "key": "k"}).to_string();
    let reader = || {
        let answer = ask(leader, "POST", "/kv", &read).expect("it is answered");
        assert_eq!(answer["value"].as_array().map(Vec::len), Some(72), "{:.300}", answer);
    };
    thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(reader))));
    assert_eq!(nodes.leader(), before);
}

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
