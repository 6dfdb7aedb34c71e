//! A program in Go, statically linked: etcd, if it is installed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use stormproof_engines::node_process::OwnClock;

use crate::node::{HANGS_AFTER, Node};
use crate::programs::{clocks, run};
use crate::{Ran, shifted};

const DAY: i64 = 86_400;

/// The wall clock of etcd is the date of its answers.
pub fn follows() -> Ran {
    run(Command::new("etcd").arg("--version"))?;
    let directory = std::env::temp_dir().join(format!("stormproof-clock-{}", std::process::id()));
    let [client, peer] = free_ports();
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let argv = [
        ("--data-dir", directory.display().to_string()),
        ("--listen-client-urls", url(client)),
        ("--advertise-client-urls", url(client)),
        ("--listen-peer-urls", url(peer)),
        ("--initial-advertise-peer-urls", url(peer)),
        ("--initial-cluster", format!("default={}", url(peer))),
    ];
    let argv = argv.into_iter().flat_map(|(flag, value)| [flag.into(), value.into()]);
    let argv = std::iter::once("etcd".into()).chain(argv).collect();
    let half_an_hour = 1_800_000;
    let node = Node::start(argv, OwnClock::Plain, &shifted(half_an_hour));
    let begun = Instant::now();
    while time_of_day(client).is_none() {
        assert!(begun.elapsed() < HANGS_AFTER, "etcd does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    for shift_ms in [half_an_hour, -3 * half_an_hour, 0] {
        node.set(&shifted(shift_ms));
        let expected = |own: i64| (own / 1_000_000_000 + shift_ms / 1000).rem_euclid(DAY);
        let before = expected(clocks().0);
        let shown = time_of_day(client).expect("etcd answers");
        let after = expected(clocks().0);
        // Modulo a day, which may begin just now.
        let late = (shown - before).rem_euclid(DAY);
        assert!(late <= (after - before).rem_euclid(DAY), "{shown} s, not {before} to {after}");
    }
    drop(node);
    std::fs::remove_dir_all(directory).expect("it is ours");
    Ok(())
}

/// No process listens there now.
fn free_ports() -> [u16; 2] {
    let listen = || TcpListener::bind("127.0.0.1:0").expect("there are ports");
    [listen(), listen()].map(|listener| listener.local_addr().expect("it is bound").port())
}

/// Seconds since midnight by its clock; none when it does not answer.
fn time_of_day(port: u16) -> Option<i64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /version HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    // Date: Fri, 20 Nov 2026 22:10:05 GMT
    let date = answer.lines().find_map(|line| line.strip_prefix("Date: "))?;
    let time = date.split(' ').nth(4)?;
    let mut parts = time.split(':').map(|part| part.parse::<i64>().expect("a number"));
    Some(parts.next()? * 3600 + parts.next()? * 60 + parts.next()?)
}
