//! Messages between nodes that a watch sees and holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faults::grudge::{CLIENTS, Grudge};
use faults::host::{Host, HostError};
use faults::trigger::{MessageWatch, Observation, Watch};
use stormproof_engines::LocalHost;
use stormproof_engines::network::{Network, NetworkOptions, PartitionEngine, TcpKnobs};
use stormproof_engines::node_process::{NodeSpec, OwnClock};

use crate::inside::{HANGS_AFTER, names, set};
use crate::peers;

/// Longer than any test holds anything.
const LONG: Duration = Duration::from_secs(60);
/// After this long, nothing is on its way.
const SILENCE: Duration = Duration::from_millis(100);
/// A segment that is not acknowledged is sent again by then.
const SENT_AGAIN: Duration = Duration::from_millis(700);
/// Any port: the nodes run nothing else.
const PORT: u16 = 7;

/// A host with a network of three, and what is seen on it.
struct Links {
    host: LocalHost,
    observations: Receiver<Observation>,
}

impl Links {
    fn new(network: Network) -> Self {
        let mut host =
            LocalHost::new(Some(network), Arc::new(|_: &str, _| {})).expect("threads start");
        let (report, observations) = channel();
        let report = Mutex::new(report);
        host.report_observations(Arc::new(move |seen| {
            let _ = report.lock().expect("no holder panics").send(seen);
        }));
        Self { host, observations }
    }

    fn watch(&mut self, number: u32, watch: MessageWatch, nth: u32, hold: Option<Duration>) {
        let watch = Watch::Message(watch);
        assert_eq!(self.host.check_watch(&watch), Ok(()));
        self.host.watch(number, &watch, nth, hold).expect("it can be seen");
    }

    fn observation(&self) -> Observation {
        self.observations.recv_timeout(HANGS_AFTER).expect("it is seen")
    }

    fn end(&mut self, number: u32) -> Duration {
        self.host.end_watch(number).expect("it was held")
    }

    /// A connection from one end to another: its two sides.
    fn connect(&self, from: &str, to: &str) -> (TcpStream, TcpStream) {
        let network = self.host.network().expect("there is one");
        let at = |node: &str| network.namespace(node).expect("it has a namespace");
        let address = (network.address(to).expect("it has an address"), PORT);
        let listener = at(to).run(|| TcpListener::bind(address)).expect("a thread");
        let listener = listener.expect("a port");
        let near = at(from).run(|| TcpStream::connect(address)).expect("a thread");
        let near = near.expect("a connection");
        let far = listener.accept().expect("it is connected to").0;
        for side in [&near, &far] {
            side.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
            side.set_nodelay(true).expect("it is a stream");
        }
        (near, far)
    }
}

fn any_from(from: &str, to: &str) -> MessageWatch {
    MessageWatch { from: set(&[from]), to: set(&[to]), least_bytes: 0, path: None }
}

fn says(mut side: &TcpStream, text: &str) {
    side.write_all(text.as_bytes()).expect("the connection holds");
}

fn hears(mut side: &TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    side.read_exact(&mut heard).expect("it arrives");
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

fn hears_nothing(mut side: &TcpStream, time: Duration) {
    side.set_read_timeout(Some(time)).expect("it is no zero");
    let heard = side.read(&mut [0; 64]).map_err(|error| error.kind());
    assert_eq!(heard, Err(ErrorKind::WouldBlock));
    side.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
}

pub fn check_messages(directory: &Path) {
    let nodes = names(3);
    for engine in PartitionEngine::ALL {
        let options = NetworkOptions { engine, packet_faults: true, tcp: TcpKnobs::QUICK };
        let network = match Network::build(&nodes, options) {
            Ok(network) => network,
            Err(error) => {
                assert_ne!(engine, PartitionEngine::Switch, "the switch needs nothing: {error}");
                println!("{engine}: skipped, {error}");
                continue;
            }
        };
        println!("{engine}:");
        let mut links = Links::new(network);
        check_held(&mut links);
        check_kinds(&mut links);
        check_cut(&mut links);
        check_time(&mut links);
        check_many(&mut links);
        check_killed(links, directory);
        check_bridge(engine);
    }
    let mut alone = LocalHost::new(None, Arc::new(|_: &str, _| {})).expect("threads start");
    let refused = alone.watch(1, &Watch::Message(any_from("n1", "n2")), 1, None);
    assert!(matches!(refused, Err(HostError::Unavailable(_))), "{refused:?}");
}

/// The message, all behind it and all beside it wait, and come whole and in order.
fn check_held(links: &mut Links) {
    let (near, far) = links.connect("n1", "n2");
    let (other_near, other_far) = links.connect("n1", "n2");
    says(&near, "before");
    hears(&far, "before");
    links.watch(1, any_from("n1", "n2"), 1, Some(LONG));
    says(&near, "held");
    let seen = links.observation();
    let expected = Observation {
        watch: 1,
        node: "n1".to_owned(),
        receiver: Some("n2".to_owned()),
        what: "message of 4 bytes".to_owned(),
        held: true,
    };
    assert_eq!(seen, expected);
    says(&other_near, "beside");
    hears_nothing(&far, SENT_AGAIN);
    hears_nothing(&other_far, SILENCE);
    says(&far, "back");
    hears(&near, "back");
    // The lab's own look at its links is not held, nor takes them for broken.
    let look = links.host.partition(&Grudge::none()).expect("links are healed");
    assert!(look.silent.is_empty(), "{look:?}");

    // More than any window, so that the sender has to wait for the receiver.
    let bytes: Vec<u8> = (0..8 << 20).map(|index| (index * 31 + index / 251) as u8).collect();
    std::thread::scope(|scope| {
        let (bytes, mut near) = (&bytes, &near);
        scope.spawn(move || near.write_all(bytes).expect("the connection holds"));
        std::thread::sleep(SILENCE);
        let held = links.end(1);
        assert!(held >= SENT_AGAIN && held < HANGS_AFTER, "{held:?}");
        hears(&far, "held");
        let mut received = vec![0; bytes.len()];
        (&far).read_exact(&mut received).expect("the connection holds");
        assert!(received == *bytes, "the stream is what was sent");
    });
    hears(&other_far, "beside");
    assert!(links.observations.try_recv().is_err(), "it is seen once");
    assert_eq!(links.host.end_watch(1), None, "it has ended");
}

/// Size, path, number, direction and ends are those that were asked for.
fn check_kinds(links: &mut Links) {
    let (near, far) = links.connect("n1", "n2");
    let vote = "POST /raft/request-vote HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    let append = "POST /raft/append-entries HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    let path = Some("/raft/request-vote".to_owned());
    links.watch(1, MessageWatch { path, ..any_from("n1", "n2") }, 2, None);
    links.watch(2, MessageWatch { least_bytes: 100, ..any_from("n1", "n2") }, 1, None);
    links.watch(3, any_from("n2", "n1"), 5, None);
    let all: BTreeSet<_> = names(3).into_iter().collect();
    let anywhere = MessageWatch { from: all.clone(), to: all, least_bytes: 0, path: None };
    links.watch(4, anywhere, 5, None);
    // One at a time, or several would be one segment.
    for (text, expected) in [
        (vote, &[][..]),
        (append, &[]),
        // The answers count as well where every node is meant.
        (vote, &[(1, "POST /raft/request-vote, 55 bytes"), (4, "message of 55 bytes")]),
        (vote, &[]),
        (&"x".repeat(100), &[(2, "message of 100 bytes")]),
    ] {
        says(&near, text);
        hears(&far, text);
        let mut seen: Vec<_> = links.observations.try_iter().collect();
        seen.sort_by_key(|one| one.watch);
        let seen: Vec<_> = seen.iter().map(|one| (one.watch, one.what.as_str())).collect();
        assert_eq!(seen, expected, "{text:?}");
        says(&far, "ok");
        hears(&near, "ok");
    }
    assert_eq!(links.observation().node, "n2", "the fifth answer");
    // A watch that looks elsewhere goes on counting.
    let (third, to_third) = links.connect("n2", "n3");
    links.watch(5, any_from("n1", "n2"), 2, None);
    says(&near, "1");
    hears(&far, "1");
    links.watch(5, any_from("n2", "n3"), 2, None);
    says(&near, "1");
    hears(&far, "1");
    assert!(links.observations.try_recv().is_err(), "not there any more");
    says(&third, "2");
    hears(&to_third, "2");
    let seen = links.observation();
    assert_eq!((seen.node.as_str(), seen.receiver.as_deref()), ("n2", Some("n3")));
    // Of clients, both ways.
    let (client, node) = links.connect(CLIENTS, "n3");
    links.watch(6, any_from(CLIENTS, "n3"), 1, Some(LONG));
    links.watch(7, any_from("n3", CLIENTS), 1, Some(LONG));
    says(&client, "ask");
    assert_eq!(links.observation().watch, 6);
    hears_nothing(&node, SILENCE);
    links.end(6);
    hears(&node, "ask");
    says(&node, "answer");
    assert_eq!(links.observation().node, "n3");
    hears_nothing(&client, SILENCE);
    links.end(7);
    hears(&client, "answer");
    for number in 1..=5 {
        assert_eq!(links.host.end_watch(number), None, "nothing was held");
    }
    // Of two watches that hold it, both have to let go.
    links.watch(8, any_from("n1", "n2"), 1, Some(LONG));
    links.watch(9, any_from("n1", "n2"), 1, Some(LONG));
    // And one that sees what waited behind it holds the link again.
    links.watch(10, any_from("n1", "n2"), 2, Some(LONG));
    says(&near, "first");
    assert_eq!([links.observation().watch, links.observation().watch], [8, 9]);
    says(&near, "second");
    links.end(8);
    hears_nothing(&far, SILENCE);
    links.end(9);
    hears(&far, "first");
    assert_eq!(links.observation().watch, 10);
    hears_nothing(&far, SILENCE);
    links.end(10);
    hears(&far, "second");
    let stranger = links.host.watch(11, &Watch::Message(any_from("n1", "n9")), 1, None);
    assert!(matches!(stranger, Err(HostError::Failed(_))), "{stranger:?}");
}

/// A message that is held on a link that is cut meanwhile is gone, and TCP sends it again after the
/// heal.
fn check_cut(links: &mut Links) {
    let (near, far) = links.connect("n1", "n2");
    links.watch(1, any_from("n1", "n2"), 1, Some(LONG));
    says(&near, "gone at first");
    links.observation();
    let mut grudge = Grudge::none();
    grudge.drop_link("n1", "n2");
    let took = links.host.partition_quickly(&grudge).expect("links are cut").took;
    let before = links.host.dropped().expect("links are counted");
    let held = links.end(1);
    hears_nothing(&far, SILENCE);
    let after = links.host.dropped().expect("links are counted");
    let link = grudge.links().next().expect("it has one");
    let count = |of: &BTreeMap<_, u64>| of.get(&link).copied().unwrap_or_default();
    assert!(count(&after) > count(&before), "{after:?}");
    links.host.partition(&Grudge::none()).expect("links are healed");
    hears(&far, "gone at first");
    println!("    cut in {took:?}, held for {held:?}");
}

/// A hold that runs out lets go by itself, at its time.
fn check_time(links: &mut Links) {
    let (near, far) = links.connect("n2", "n3");
    let hold = Duration::from_millis(50);
    links.watch(1, any_from("n2", "n3"), 1, Some(hold));
    let start = Instant::now();
    says(&near, "late");
    links.observation();
    hears(&far, "late");
    let arrived = start.elapsed();
    assert!(arrived >= hold, "{arrived:?}");
    std::thread::sleep(SILENCE);
    let held = links.end(1);
    assert!(held >= hold && held <= arrived, "as long as it was: {held:?}");
}

/// A thousand watches in a row: each sees the message that it waits for.
fn check_many(links: &mut Links) {
    let (near, far) = links.connect("n1", "n2");
    let echo = std::thread::spawn(move || {
        let mut echo = far.try_clone().expect("a descriptor");
        std::io::copy(&mut &far, &mut echo)
    });
    for number in 1..=1_000 {
        let nth = 1 + number % 3;
        links.watch(number, any_from("n1", "n2"), nth, Some(LONG));
        let (text, before) = (format!("{number:04}"), links.observations.try_recv());
        assert!(before.is_err(), "watch {number}: {before:?}");
        for _ in 1..nth {
            says(&near, &text);
            hears(&near, &text);
        }
        says(&near, &text);
        assert_eq!(links.observation().watch, number);
        links.end(number);
        hears(&near, &text);
    }
    drop(near);
    echo.join().expect("it does not panic").expect("the connection holds");
}

/// Of a process that is killed while its message is held, the message has left.
fn check_killed(mut links: Links, directory: &Path) {
    let nodes = names(2);
    let own = std::env::current_exe().expect("this program has a path");
    let address = |host: &LocalHost, node: &str| SocketAddr::from((host.address(node), PORT));
    for node in &nodes {
        let mut argv = vec![own.clone().into_os_string(), peers::NODE.into()];
        argv.push(address(&links.host, node).to_string().into());
        argv.extend(
            nodes.iter().map(|peer| format!("{peer}={}", address(&links.host, peer)).into()),
        );
        links.host.add_node(NodeSpec {
            name: node.clone(),
            argv,
            later_argv: None,
            anew_argv: None,
            env: BTreeMap::new(),
            cwd: directory.to_owned(),
            log_path: directory.join(format!("{node}.log")),
            own_clock: OwnClock::No,
        });
    }
    for started in links.host.start(&nodes.iter().cloned().collect()).values() {
        started.as_ref().expect("it starts");
    }
    let ask = |host: &LocalHost, node: &str, line: &str| {
        let start = Instant::now();
        let connection = loop {
            match TcpStream::connect(address(host, node)) {
                Ok(connection) => break connection,
                Err(error) => assert!(start.elapsed() < HANGS_AFTER, "{node}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        connection.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
        let mut connection = BufReader::new(connection);
        writeln!(connection.get_mut(), "{line}").expect("the connection holds");
        let mut answer = String::new();
        connection.read_line(&mut answer).expect("an answer comes");
        answer.trim().to_owned()
    };
    let start = Instant::now();
    while ask(&links.host, "n1", "ask n2") != "pong" {
        assert!(start.elapsed() < HANGS_AFTER, "n2 never answers n1");
    }
    links.watch(1, any_from("n1", "n2"), 1, Some(LONG));
    assert_eq!(ask(&links.host, "n1", "tell n2"), "told");
    assert_eq!(links.observation().what, "message of 5 bytes");
    links.host.kill(&set(&["n1"]))["n1"].as_ref().expect("it dies");
    std::thread::sleep(SILENCE);
    assert_eq!(ask(&links.host, "n2", "notes"), "0", "its note is held");
    links.end(1);
    let start = Instant::now();
    while ask(&links.host, "n2", "notes") != "1" {
        assert!(start.elapsed() < HANGS_AFTER, "its note never arrives");
    }
}

/// Nothing is seen where the kernel's bridge carries.
fn check_bridge(engine: PartitionEngine) {
    if engine == PartitionEngine::Switch {
        return;
    }
    let network = Network::build(&names(2), engine).expect("it was built before");
    let mut host = LocalHost::new(Some(network), Arc::new(|_: &str, _| {})).expect("threads start");
    let refused = host.watch(1, &Watch::Message(any_from("n1", "n2")), 1, None);
    let Err(HostError::Unavailable(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("bridge"), "{why}");
}
