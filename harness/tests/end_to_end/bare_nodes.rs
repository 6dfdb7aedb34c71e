//! Three nodes of the bundled cluster as processes, without a lab and without a run.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Only ends a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Three nodes, which end with this value.
pub struct Nodes {
    pub processes: Vec<Child>,
    /// The addresses at which clients reach them.
    pub addresses: Vec<SocketAddr>,
}

impl Nodes {
    /// Starts three that may open so many descriptors each, with their data below `directory`.
    pub fn start(directory: &Path, descriptors: u32) -> Nodes {
        Nodes::start_with(&[], directory, descriptors)
    }

    /// The same with more flags for each.
    pub fn start_with(flags: &[&str], directory: &Path, descriptors: u32) -> Nodes {
        let mut addresses = free_addresses(6);
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
                .args(flags)
                .stdout(Stdio::null())
                .spawn()
                .expect("sh starts")
        };
        Nodes { processes: (0..3).map(start).collect(), addresses }
    }

    /// The processor time that the Raft loop of a node has used: it is on the process's first thread,
    /// alone but for the messages between nodes.
    pub fn loop_time(&self, address: SocketAddr) -> Duration {
        let node = self.addresses.iter().position(|it| *it == address).expect("it is one of them");
        let process = self.processes[node].id();
        let stat = std::fs::read_to_string(format!("/proc/{process}/task/{process}/stat")).unwrap();
        let behind_name = stat.rsplit_once(')').expect("a name is in brackets").1;
        let ticks = behind_name.split_whitespace().skip(11).take(2);
        // They are hundredths of a second for every program.
        Duration::from_millis(10 * ticks.map(|it| it.parse::<u64>().unwrap()).sum::<u64>())
    }

    /// The leader that all of them name, with its term.
    pub fn leader(&self) -> (SocketAddr, u64) {
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

/// Addresses of this machine on which no program listens. All are held until the last is found, so that
/// no two are the same.
pub fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap()).collect()
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
pub fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> std::io::Result<Value> {
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
