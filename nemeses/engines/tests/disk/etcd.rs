//! An unmodified etcd on a disk that loses its power.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use faults::fault::PowerCut;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{disk, skip};

/// etcd starts within a second; a starved machine takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Clients that put keys, each the next when the last is acknowledged.
const CLIENTS: usize = 4;
/// The time for which they write before the power fails.
const LOAD: Duration = Duration::from_millis(250);

/// One etcd, killed when dropped.
struct Etcd {
    process: Child,
    client: SocketAddr,
}

impl Etcd {
    fn start(data: &Path, client: SocketAddr, peer: SocketAddr) -> Self {
        let (client_url, peer_url) = (format!("http://{client}"), format!("http://{peer}"));
        let mut command = Command::new("etcd");
        command.args(["--name", "n1", "--data-dir"]).arg(data);
        command.args(["--listen-client-urls", &client_url]);
        command.args(["--advertise-client-urls", &client_url]);
        command.args(["--listen-peer-urls", &peer_url]);
        command.args(["--initial-advertise-peer-urls", &peer_url]);
        command.args(["--initial-cluster", &format!("n1={peer_url}")]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let etcd = Self { process: command.spawn().unwrap(), client };
        let start = Instant::now();
        while etcd.put("ready000", "yes00000").is_err() {
            assert!(start.elapsed() < PATIENCE, "etcd does not serve");
            std::thread::sleep(Duration::from_millis(50));
        }
        etcd
    }

    /// Returns whether it acknowledged. Keys and values are taken for Base64, which any eight
    /// letters and digits are.
    fn put(&self, key: &str, value: &str) -> io::Result<()> {
        let body = format!(r#"{{"key":"{key}","value":"{value}"}}"#);
        self.post("/v3/kv/put", &body).map(|_| ())
    }

    fn has(&self, key: &str, value: &str) -> io::Result<bool> {
        let answer = self.post("/v3/kv/range", &format!(r#"{{"key":"{key}"}}"#))?;
        Ok(answer.contains(&format!(r#""value":"{value}""#)))
    }

    /// The answer, if it is one that says 200.
    fn post(&self, path: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.client)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") { Ok(answer) } else { Err(io::Error::other(answer)) }
    }

    fn kill(&self) {
        let process = Pid::from_raw(self.process.id() as i32);
        kill(process, Signal::SIGKILL).unwrap();
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One on which no process listened a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn etcd_loses_nothing_that_it_acknowledged_when_the_power_fails() {
    if Command::new("etcd").arg("--version").output().is_err() {
        return skip("etcd is not installed");
    }
    let Some((_scratch, mut disk)) = disk("etcd") else { return };
    let data = disk.path().join("data");
    let (client, peer) = (free_address(), free_address());
    let mut acknowledged = Vec::new();
    // Losing all that may be lost, tearing and reordering it, and keeping it.
    for (round, keep_percent) in [0.0, 50.0, 50.0, 100.0].into_iter().enumerate() {
        let etcd = Etcd::start(&data, client, peer);
        let of_client = |client: usize| {
            let mut acknowledged = Vec::new();
            for number in 0.. {
                let key = format!("k{round}c{client}{number:04}");
                let value = format!("v{round}c{client}{number:04}");
                if etcd.put(&key, &value).is_err() {
                    break;
                }
                acknowledged.push((key, value));
            }
            acknowledged
        };
        // The power fails in the midst of it.
        std::thread::scope(|scope| {
            let of_client = &of_client;
            let clients: Vec<_> =
                (0..CLIENTS).map(|client| scope.spawn(move || of_client(client))).collect();
            std::thread::sleep(LOAD);
            disk.power_off();
            etcd.kill();
            for client in clients {
                acknowledged.extend(client.join().unwrap());
            }
        });
        let cut = PowerCut { keep_percent, sector: 512 };
        let lost = disk.crash(&cut, round as u64);
        eprintln!("{} acknowledged, keeping {keep_percent} %: {lost:?}", acknowledged.len());
        disk.power_on().unwrap();
    }
    assert!(!acknowledged.is_empty(), "a disk without faults fails nothing");
    let etcd = Etcd::start(&data, client, peer);
    for (key, value) in acknowledged {
        assert!(etcd.has(&key, &value).unwrap(), "{key} was acknowledged");
    }
    assert!(disk.seen().fsync.count > 0);
}
