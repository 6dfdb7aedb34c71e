//! A cluster of `up --watch`: its page's endpoints, asked as the page asks them.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::background::{is_alive, signal};
use crate::common::{scratch, stormproof};
use crate::turn::turn;

/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster with its page; ended if a test fails.
struct Watched {
    up: Child,
    address: String,
    token: String,
    processes: Vec<i32>,
    data: Vec<PathBuf>,
}

impl Watched {
    /// Starts so many nodes and another that waits to be added.
    fn start(nodes: usize) -> Watched {
        let port = first_of_free_ports(nodes as u16 + 1);
        let mut up = stormproof()
            .args(["up", "--watch=0", "--spare", "1", "--restart-after", "2"])
            .args(["--nodes", &nodes.to_string(), "--port", &port.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = up.stdout.take().expect("it is piped");
        let (mut processes, mut data) = (Vec::new(), Vec::new());
        let mut lines = BufReader::new(out).lines().map_while(Result::ok);
        let mut address = None;
        while address.is_none() || processes.len() <= nodes {
            let line = lines.next().expect("it goes on until all is told");
            if let Some((_, id)) = line.split_once("runs as process ") {
                processes.push(id.parse().expect("a number"));
            } else if let Some((_, folder)) = line.split_once("data in ") {
                data.push(folder.into());
            } else if let Some(("Watch it, and disturb it: ", page)) = line.split_once("http://") {
                address = Some(page.trim_end_matches('/').to_owned());
            }
        }
        // It goes on to print.
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("it was awaited");
        let (token, processes) = (String::new(), processes);
        let mut watched = Watched { up, address, token, processes, data };
        let (status, page) = watched.ask("GET / HTTP/1.1", "");
        assert_eq!(status, 200);
        let token = page.split_once(r#"{"token":""#).and_then(|(_, rest)| rest.split_once('"'));
        watched.token = token.expect("the page knows it").0.to_owned();
        watched
    }

    /// Status and contents of an answer.
    fn ask(&self, request: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let head = format!("{request}\r\nHost: {}\r\n{headers}\r\n", self.address);
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, contents) = answer.split_once("\r\n\r\n").expect("a head and contents");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("a status"), contents.to_owned())
    }

    fn press(&self, button: &str, node: &str) -> (u16, String) {
        let own =
            format!("X-Stormproof-Token: {}\r\nOrigin: http://{}\r\n", self.token, self.address);
        self.ask(&format!("POST /press?button={button}&node={node} HTTP/1.1"), &own)
    }

    fn now(&self) -> Value {
        let (status, body) = self.ask("GET /now HTTP/1.1", "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// The state of the page once this is true of it.
    fn once(&self, what: &str, is_true: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let now = self.now();
            if is_true(&now) {
                return now;
            }
            assert!(begin.elapsed() < PATIENCE, "never {what}; the last was {now:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if matches!(self.up.try_wait(), Ok(None)) {
            signal(self.up.id() as i32, "INT");
            let _ = self.up.wait();
        }
    }
}

/// The first of so many ports that are free, with those for peers above them.
fn first_of_free_ports(count: u16) -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let drawn = || TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
    let all_are = |first: &u16| {
        let mut ports = (*first..first + count).chain(first + 100..first + 100 + count);
        *first < u16::MAX - 200 && ports.all(is_free)
    };
    std::iter::repeat_with(|| drawn().expect("a free port").port())
        .find(all_are)
        .expect("it goes on")
}

/// The state and the term of each node at the end of what was told.
fn states(now: &Value) -> Vec<(String, String, u64)> {
    let nodes = now["run"]["nodes"].as_array().expect("nodes");
    let state = |node: &Value| {
        let last = node["spans"].as_array().and_then(|spans| spans.last()).cloned();
        let last = last.unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&node["name"]), text(&last[2]), last[3].as_u64().unwrap_or(0))
    };
    nodes.iter().map(state).collect()
}

/// The leader of the highest term, with that.
fn leader(now: &Value) -> Option<(String, u64)> {
    let states = states(now);
    let highest = states.iter().map(|(.., term)| *term).max();
    states
        .into_iter()
        .find(|(_, state, term)| state == "leader" && Some(*term) == highest)
        .map(|(name, _, term)| (name, term))
}

fn state_of(now: &Value, node: &str) -> String {
    states(now).into_iter().find(|(name, ..)| name == node).map(|it| it.1).unwrap_or_default()
}

fn acknowledged(now: &Value, since: u64) -> usize {
    let operations = now["operations"].as_array().expect("operations");
    let is_one = |it: &&Value| it["outcome"] == "ok" && it["start"].as_u64() > Some(since);
    operations.iter().filter(is_one).count()
}

#[test]
fn the_page_of_a_cluster_shows_its_leader_killed_and_the_next_one_elected() {
    let _turn = turn();
    let mut watched = Watched::start(3);
    let now = watched.once("a leader", |now| leader(now).is_some() && acknowledged(now, 0) > 2);
    let (first, term) = leader(&now).expect("it was awaited");

    // No other than the page may press.
    let press = format!("POST /press?button=kill&node={first} HTTP/1.1");
    let token = format!("X-Stormproof-Token: {}\r\n", watched.token);
    assert_eq!(watched.ask(&press, "").0, 403);
    assert_eq!(watched.ask(&press, "X-Stormproof-Token: guessed\r\n").0, 403);
    let elsewhere = format!("{token}Origin: http://evil.example\r\n");
    assert_eq!(watched.ask(&press, &elsewhere).0, 403);
    assert_eq!(watched.ask(&press.replace("POST", "GET"), &token).0, 405);
    assert_eq!(watched.press("explode", &first).0, 400);
    assert_eq!(watched.press("kill", "n9").0, 409);
    assert!(watched.now()["run"]["faults"].as_array().is_some_and(Vec::is_empty));

    assert_eq!(watched.press("kill", &first), (200, r#"{"done":true}"#.to_owned()), "by the page");
    let now = watched.once("another leader", |now| leader(now).is_some_and(|it| it.1 > term));
    let (second, later) = leader(&now).expect("it was awaited");
    assert_ne!((&second, later), (&first, term));
    let fault = &now["run"]["faults"][0];
    assert_eq!(fault["name"], format!("kill {first}"));
    assert_eq!(fault["outcome"], "installed");
    assert!(
        now["chapters"].as_str().is_some_and(|table| table.contains(&format!("<b>{second}</b>")))
    );
    // It comes back by itself, and clients are served on.
    let end = now["run"]["end"].as_u64().expect("a time");
    let now = watched
        .once("all back", |now| state_of(now, &first) == "follower" && acknowledged(now, end) > 2);
    assert_eq!(now["controls"][&first]["kill"]["on"], false);

    signal(watched.up.id() as i32, "INT");
    assert!(watched.up.wait().expect("it ends").success());
    assert!(!watched.processes.iter().any(|id| is_alive(*id)), "no node is left");
    assert!(!watched.data.iter().any(|folder| folder.exists()), "no data is left");
}

#[test]
fn every_button_of_the_page_does_its_fault_and_undoes_it() {
    let _turn = turn();
    let mut watched = Watched::start(3);
    let done = |button: &str, node: &str| {
        let (status, said) = watched.press(button, node);
        assert_eq!(status, 200, "{button} {node}: {said}");
    };
    let is_on = |now: &Value, button: &str, node: &str| now["controls"][node][button]["on"] == true;
    let follower = |now: &Value| {
        let members = ["n1", "n2", "n3"];
        members.into_iter().find(|name| state_of(now, name) == "follower").map(str::to_owned)
    };
    let begin = watched.once("a leader with members", |now| {
        leader(now).is_some() && follower(now).is_some() && now["members"].is_array()
    });
    let (first, term) = leader(&begin).expect("it was awaited");

    // A leader that is cut off is followed by another one, and follows that when it is healed.
    done("cut", &first);
    let cut =
        watched.once("a leader beyond the cut", |now| leader(now).is_some_and(|it| it.1 > term));
    let fault = cut["run"]["faults"].as_array().and_then(|all| all.last()).expect("a fault");
    let links = fault["cuts"].as_array().map(Vec::len);
    assert_eq!((links, is_on(&cut, "cut", &first)), (Some(6), true), "both ways to three others");
    done("cut", &first);
    watched.once("it follows", |now| {
        state_of(now, &first) == "follower" && !is_on(now, "cut", &first)
    });

    let (second, _) = leader(&watched.now()).expect("there is one");
    done("pause", &second);
    watched.once("it is paused", |now| state_of(now, &second) == "paused");
    done("pause", &second);
    watched.once("it goes on", |now| {
        state_of(now, &second) != "paused" && leader(now).is_some() && follower(now).is_some()
    });

    // One that may lag a little is asked again.
    let to = follower(&watched.now()).expect("there is one");
    let begin = Instant::now();
    loop {
        watched.press("lead", &to);
        std::thread::sleep(Duration::from_secs(1));
        if leader(&watched.now()).is_some_and(|it| it.0 == to) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{to} never led: {:#}", watched.now()["log"]);
    }

    let disk = &watched.now()["controls"][&to]["slow-disk"];
    match disk["why"].as_str() {
        None => {
            done("slow-disk", &to);
            assert!(is_on(&watched.now(), "slow-disk", &to));
            done("slow-disk", &to);
        }
        Some(why) => {
            assert_eq!(watched.press("slow-disk", &to), (409, format!("slow disk: {why}\n")))
        }
    }

    // A spare node joins, a member leaves and comes back.
    let votes = |now: &Value, node: &str| {
        now["members"].as_array().is_some_and(|all| all.iter().any(|it| it == node))
    };
    assert!(is_on(&watched.now(), "remove", "n4"), "it can be added");
    done("remove", "n4");
    watched.once("n4 votes", |now| votes(now, "n4") && !is_on(now, "remove", "n4"));
    let gone = follower(&watched.now()).expect("there is one");
    done("remove", &gone);
    watched.once("it is gone", |now| !votes(now, &gone) && state_of(now, &gone) == "down");
    done("remove", &gone);
    watched.once("it is back", |now| votes(now, &gone) && !is_on(now, "remove", &gone));

    // Faults that are on in the end are undone.
    done("pause", "n1");
    signal(watched.up.id() as i32, "INT");
    assert!(watched.up.wait().expect("it ends").success());
    assert!(!watched.processes.iter().any(|id| is_alive(*id)), "no node is left");
    assert!(!watched.data.iter().any(|folder| folder.exists()), "no data is left");
}

#[test]
fn the_page_is_opened_in_the_browser_of_who_sits_at_a_terminal() {
    let _turn = turn();
    let terminal = Command::new("script").arg("--version").output();
    if terminal.is_err() {
        eprintln!("skipped: no script here, which makes a terminal");
        return;
    }
    let folder = scratch("watched-browser");
    let (browser, told) = (folder.join("browser"), folder.join("told"));
    let command = format!("#!/bin/sh\necho \"$1\" >{0}.new && mv {0}.new {0}\n", told.display());
    std::fs::write(&browser, command).expect("a scratch file can be written");
    std::fs::set_permissions(&browser, Permissions::from_mode(0o755)).expect("it is ours");
    let port = first_of_free_ports(2);
    let page = port + 1;
    let program = stormproof().get_program().display().to_string();
    let up = format!("exec {program} up --nodes 1 --port {port} --watch={page}");
    let mut terminal = Command::new("script")
        .args(["-qec", &up, "/dev/null"])
        .env("BROWSER", &browser)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it was there before");
    let begin = Instant::now();
    let opened = loop {
        match std::fs::read_to_string(&told) {
            Ok(opened) => break opened,
            Err(_) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => {
                let _ = terminal.kill();
                panic!("nothing was opened: {error}");
            }
        }
    };
    assert_eq!(opened, format!("http://127.0.0.1:{page}/\n"));
    // As Ctrl-C does.
    let mut keys = terminal.stdin.take().expect("it is piped");
    keys.write_all(b"\x03").expect("it reads");
    terminal.wait().expect("it ends");
}
