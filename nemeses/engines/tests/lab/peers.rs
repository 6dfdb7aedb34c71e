//! A small service whose nodes speak with each other, and the loopback lab's proxies between them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faults::grudge::{CLIENTS, Grudge, Link};
use faults::host::{Host, HostError, NodeState};
use stormproof_engines::LocalHost;
use stormproof_engines::loopback::{self, LoopbackNetwork};
use stormproof_engines::node_process::{NodeSpec, OwnClock};

use crate::inside::{HANGS_AFTER, names, set, spread};

/// Leads the arguments of a node: then where it listens, and its peers as `NAME=ADDRESS`.
pub const NODE: &str = "--node";

/// After this long, no answer is on its way.
const SILENCE: Duration = Duration::from_millis(100);

/// Connections of a node to its peers, opened when they are first used or broke.
#[derive(Default)]
struct Peers {
    addresses: BTreeMap<String, SocketAddr>,
    connections: BTreeMap<String, BufReader<TcpStream>>,
    asked: u32,
}

impl Peers {
    fn say(&mut self, peer: &str, line: &str) -> std::io::Result<&mut BufReader<TcpStream>> {
        if !self.connections.contains_key(peer) {
            let connection = TcpStream::connect(self.addresses[peer])?;
            connection.set_read_timeout(Some(SILENCE))?;
            self.connections.insert(peer.to_owned(), BufReader::new(connection));
        }
        let connection = self.connections.get_mut(peer).expect("it was opened");
        connection.get_mut().write_all(line.as_bytes())?;
        Ok(connection)
    }

    /// Asks a peer; a connection that broke is opened anew the next time.
    fn ask(&mut self, peer: &str) -> &'static str {
        match self.try_to_ask(peer) {
            Ok(()) => "pong",
            Err(error) if error.kind() == ErrorKind::WouldBlock => "silence",
            Err(_) => {
                self.connections.remove(peer);
                "broken"
            }
        }
    }

    /// Waits for the answer to this question; that to an earlier one may come before it.
    fn try_to_ask(&mut self, peer: &str) -> std::io::Result<()> {
        self.asked += 1;
        let wanted = format!("pong {}\n", self.asked);
        let connection = self.say(peer, &format!("ping {}\n", self.asked))?;
        let mut answer = String::new();
        while answer != wanted {
            answer.clear();
            if connection.read_line(&mut answer)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// Serves until it is killed. `ping` is answered, `note` is counted, `notes` tells the count; `ask`
/// and `tell` send a ping or a note to a peer.
pub fn serve(listen: &str, peers: &[&str]) {
    let addresses = peers.iter().map(|peer| {
        let (name, address) = peer.split_once('=').expect("a name and an address");
        (name.to_owned(), address.parse().expect("an address"))
    });
    let peers = Peers { addresses: addresses.collect(), ..Peers::default() };
    let (peers, notes) = (Arc::new(Mutex::new(peers)), Arc::new(AtomicU32::new(0)));
    let listener = TcpListener::bind(listen).expect("its port is free");
    println!("up");
    for connection in listener.incoming() {
        let (peers, notes) = (Arc::clone(&peers), Arc::clone(&notes));
        std::thread::spawn(move || -> std::io::Result<()> {
            let mut connection = BufReader::new(connection?);
            let mut line = String::new();
            while connection.read_line(&mut line)? > 0 {
                let mut peers = peers.lock().expect("no holder panics");
                let answer = match line.trim().split_once(' ') {
                    Some(("ask", peer)) => peers.ask(peer).to_owned(),
                    Some(("ping", number)) => format!("pong {number}"),
                    Some(("tell", peer)) => peers.say(peer, "note\n").map(|_| "told".to_owned())?,
                    _ => match line.trim() {
                        "ping" => "pong".to_owned(),
                        "notes" => notes.load(Ordering::Relaxed).to_string(),
                        "note" => {
                            notes.fetch_add(1, Ordering::Relaxed);
                            line.clear();
                            continue;
                        }
                        other => panic!("no such word: {other}"),
                    },
                };
                drop(peers);
                writeln!(connection.get_mut(), "{answer}")?;
                line.clear();
            }
            Ok(())
        });
    }
}

/// A client of one node.
struct Client(BufReader<TcpStream>);

impl Client {
    fn of(host: &LocalHost, node: &str) -> Self {
        let addresses = host.proxies().and_then(|proxies| proxies.addresses(node));
        let connection = TcpStream::connect(addresses.expect("it is known").clients);
        let connection = connection.expect("the proxy listens");
        connection.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
        Self(BufReader::new(connection))
    }

    fn say(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").expect("the connection holds");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer comes");
        line.trim().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    fn hears_nothing(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(SILENCE)).expect("it is no zero");
        let silent = self.0.fill_buf().is_err();
        self.0.get_ref().set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
        silent
    }

    /// Asks until the answer is the one that must come in the end.
    fn comes_to(&mut self, line: &str, wanted: &str) {
        let start = Instant::now();
        loop {
            let answer = self.ask(line);
            if answer == wanted {
                return;
            }
            assert!(start.elapsed() < HANGS_AFTER, "{line}: {answer} instead of {wanted}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn link(from: &str, to: &str) -> Link {
    Link { from: from.to_owned(), to: to.to_owned() }
}

fn grudge(from: &str, to: &str) -> Grudge {
    let mut grudge = Grudge::none();
    grudge.drop_link(from, to);
    grudge
}

fn cut(host: &mut LocalHost, grudge: &Grudge) {
    let seen = host.partition(grudge).expect("links are cut");
    assert!(seen.unproven.is_empty() && seen.silent.is_empty(), "{grudge}: {seen:?}");
    assert!(grudge.links().all(|link| seen.dropped[&link] > 0), "{grudge}: {seen:?}");
    println!("    {grudge}: in {:?}", seen.took);
}

pub fn check_proxies(directory: &Path) {
    let nodes = names(3);
    loopback::try_out().expect("proxies work everywhere");
    let taken = LoopbackNetwork::build(&[CLIENTS.to_owned()], 0).map(drop);
    assert!(taken.is_err(), "the name is reserved");
    let proxies = LoopbackNetwork::build(&nodes, 0).expect("there are ports");
    let host = LocalHost::new(None, Arc::new(|_: &str, _| {})).expect("threads start");
    let mut host = host.with_proxies(proxies);
    let addresses: Vec<_> = nodes
        .iter()
        .map(|node| host.proxies().and_then(|it| it.addresses(node)).expect("it is known"))
        .collect();
    let own = std::env::current_exe().expect("this program has a path").display().to_string();
    for (node, address) in nodes.iter().zip(&addresses) {
        let mut command = vec![own.clone(), NODE.to_owned(), address.listen.to_string()];
        let peers = nodes.iter().zip(&addresses);
        command.extend(peers.map(|(name, its)| format!("{name}={}", its.peers[0].advertised)));
        // Of one node, the process that speaks is not the one that is started.
        let argv = match node.as_str() {
            "n3" => vec!["sh".to_owned(), "-c".to_owned(), format!("{} & wait", command.join(" "))],
            _ => command,
        };
        host.add_node(NodeSpec {
            name: node.clone(),
            argv: argv.into_iter().map(Into::into).collect(),
            later_argv: None,
            anew_argv: None,
            env: BTreeMap::new(),
            cwd: directory.to_owned(),
            log_path: directory.join(format!("{node}.log")),
            own_clock: OwnClock::No,
        });
    }
    for result in host.start(&nodes.iter().cloned().collect()).values() {
        result.as_ref().expect("it starts");
    }
    for address in &addresses {
        until_up(address.listen);
    }
    check_one_way(&mut host);
    check_clients(&mut host);
    check_processes(&mut host);

    let mut beats = Vec::new();
    for _ in 0..20 {
        beats.push(host.partition_quickly(&Grudge::halves(&nodes)).expect("links are cut").took);
        beats.push(host.partition_quickly(&Grudge::none()).expect("links are healed").took);
    }
    println!("a beat of a flaky link takes {}", spread(&beats));
    let refused = host.partition(&grudge("n1", "n9")).expect_err("there is no n9");
    assert!(matches!(refused, HostError::Failed(_)), "{refused}");
}

fn until_up(address: SocketAddr) {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < HANGS_AFTER, "no process listens at {address}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn check_one_way(host: &mut LocalHost) {
    let mut clients = ["n1", "n2", "n3"].map(|node| Client::of(host, node));
    for (from, to) in [(0, "n2"), (1, "n1"), (2, "n1"), (0, "n3")] {
        clients[from].comes_to(&format!("ask {to}"), "pong");
    }
    assert_eq!(host.dropped(), Ok(BTreeMap::new()));
    for (from, to, other) in [(0, "n2", 1), (2, "n1", 0)] {
        let sender = format!("n{}", from + 1);
        cut(host, &grudge(&sender, to));
        let before: u32 = clients[other].ask("notes").parse().expect("a number");
        assert_eq!(clients[from].ask(&format!("ask {to}")), "silence", "what is asked is held");
        assert_eq!(clients[other].ask(&format!("ask {sender}")), "silence", "the answer is held");
        let notes: u32 = clients[from].ask("notes").parse().expect("a number");
        assert_eq!(clients[other].ask(&format!("tell {sender}")), "told");
        clients[from].comes_to("notes", &(notes + 1).to_string());
        for _ in 0..3 {
            assert_eq!(clients[from].ask(&format!("tell {to}")), "told");
        }
        assert!(clients[other].hears_nothing());
        assert_eq!(clients[other].ask("notes"), before.to_string(), "held");
        let third = if from == 0 { "n3" } else { "n2" };
        clients[from].comes_to(&format!("ask {third}"), "pong");

        cut(host, &Grudge::none());
        clients[other].comes_to("notes", &(before + 3).to_string());
        clients[from].comes_to(&format!("ask {to}"), "pong");
        let held = host.proxies().expect("there are some").held_back();
        let held = held[&link(&sender, to)];
        assert!(held.bytes >= "ping\nnote\nnote\nnote\n".len() as u64, "{held:?}");
        assert!(host.dropped().expect("they are counted")[&link(&sender, to)] >= held.times);
    }
}

fn check_clients(host: &mut LocalHost) {
    let (mut first, mut second) = (Client::of(host, "n1"), Client::of(host, "n2"));
    let notes = first.ask("notes");
    cut(host, &grudge(CLIENTS, "n1"));
    first.say("ping");
    let mut late = Client::of(host, "n1");
    late.say("ping");
    assert!(first.hears_nothing() && late.hears_nothing(), "cut");
    second.comes_to("ask n1", "pong");
    let mut impatient = Client::of(host, "n1");
    impatient.say("note");
    drop(impatient);
    cut(host, &grudge("n1", CLIENTS));
    assert!(first.hears_nothing(), "it is asked now, but its answer is held");
    cut(host, &Grudge::none());
    assert_eq!((first.hear(), late.hear()), ("pong".to_owned(), "pong".to_owned()));
    assert!(first.hears_nothing());
    assert_eq!(first.ask("notes"), notes, "a connection was never made for a client that is gone");
}

fn check_processes(host: &mut LocalHost) {
    let mut client = Client::of(host, "n1");
    let one = set(&["n2"]);
    host.pause(&one)["n2"].as_ref().expect("it stops");
    assert_eq!(client.ask("ask n2"), "silence");
    host.resume(&one)["n2"].as_ref().expect("it continues");
    client.comes_to("ask n2", "pong");
    cut(host, &grudge("n2", "n1"));
    host.kill(&one)["n2"].as_ref().expect("it dies");
    assert_eq!(client.ask("ask n2"), "silence", "its end is held too");
    cut(host, &Grudge::none());
    client.comes_to("ask n2", "broken");
    client.comes_to("ask n2", "broken");
    host.start(&one)["n2"].as_ref().expect("it starts");
    assert_eq!(host.state("n2"), NodeState::Running);
    client.comes_to("ask n2", "pong");
    cut(host, &grudge("n1", "n2"));
    assert_eq!(client.ask("ask n2"), "silence", "its new process is known");
    cut(host, &Grudge::none());
}
