//! The controller's part of each test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use faults::fault::{Aim, Fault, Kill, Partition, Pause, Shape};
use faults::grudge::{Grudge, Link};
use faults::host::{Host, HostError, NodeState};
use faults::nemesis::Nemesis;
use faults::outcome::Outcome;
use faults::schedule::{Entry, Roles};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::time::ClockId;
use nix::unistd::Pid;
use stormproof_engines::LocalHost;
use stormproof_engines::cpu::{CpuEngine, choose_engine as choose_cpu_engine};
use stormproof_engines::journal::Journal;
use stormproof_engines::network::{Network, PartitionEngine, choose_engine};
use stormproof_engines::node_process::{NodeOutput, NodeSpec, OwnClock};
use stormproof_engines::process_tree::Lab;

use crate::{leaving, messages, packets, peers};

/// Nothing that is waited for takes this long unless it hangs.
pub const HANGS_AFTER: Duration = Duration::from_secs(20);

pub fn play(lab: Lab, role: &str, arguments: &[&str]) -> ExitCode {
    match (role, arguments) {
        ("exit", [code]) => return ExitCode::from(code.parse::<u8>().expect("an exit code")),
        ("die", []) => raise(Signal::SIGKILL).expect("a signal can be raised"),
        ("count-signals", []) => count_signals(),
        ("hold", []) => hold(lab),
        ("leave", [directory]) => leaving::leave(lab, Path::new(directory)),
        (_, [directory]) => check(lab, role, Path::new(directory)),
        other => panic!("no such role: {other:?}"),
    }
    ExitCode::SUCCESS
}

/// Plays a role that checks for itself and has a directory of its own.
fn check(lab: Lab, role: &str, directory: &Path) {
    fs::create_dir(directory).expect("the directory is new");
    match role {
        "nodes" => check_nodes(lab, directory),
        "processors" => check_processors(lab, directory),
        "links" => check_links(),
        "messages" => messages::check_messages(directory),
        "packets" => packets::check_troubled_links(),
        "proxies" => peers::check_proxies(directory),
        "clients" => packets::check_client_links(),
        "nemesis" => check_nemesis(lab, directory),
        other => panic!("no such role: {other}"),
    }
}

/// Tells of each signal; a SIGTERM is the last. It waits a while for one that comes twice.
fn count_signals() {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    // Most programs have handlers instead, which a mask left by the guard would keep from running.
    let mask = SigSet::thread_get_mask().expect("a mask can be read");
    assert!(signals.iter().all(|signal| !mask.contains(signal)), "{mask:?}");
    signals.thread_block().expect("signals can be blocked");
    println!("ready");
    assert_eq!(signals.wait(), Ok(Signal::SIGINT));
    std::thread::sleep(Duration::from_millis(200));
    println!("SIGINT 1");
    assert_eq!(signals.wait(), Ok(Signal::SIGTERM), "not SIGINT again");
    println!("SIGINT 1, SIGTERM 1");
}

pub fn names(count: usize) -> Vec<String> {
    (1..=count).map(|index| format!("n{index}")).collect()
}

pub fn set(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|node| (*node).to_owned()).collect()
}

fn network(lab: Lab, nodes: &[String]) -> Option<Network> {
    let build = || Network::build(nodes, choose_engine().engine).expect("the network is built");
    (lab == Lab::Namespaces).then(build)
}

/// A node that is a shell script.
pub fn shell(name: &str, script: &str, directory: &Path) -> NodeSpec {
    NodeSpec {
        name: name.to_owned(),
        argv: ["sh", "-c", script].map(Into::into).to_vec(),
        later_argv: None,
        anew_argv: None,
        env: [("NODE".into(), name.into())].into(),
        cwd: directory.to_owned(),
        log_path: directory.join(format!("{name}.log")),
        own_clock: OwnClock::No,
    }
}

/// Runs two nodes with children until it is killed.
fn hold(lab: Lab) {
    let nodes = names(2);
    let directory = std::env::temp_dir();
    let (heard, hears) = channel();
    let heard = Mutex::new(heard);
    let listener = move |_: &str, output: NodeOutput| {
        let _ = heard.lock().expect("no holder panics").send(output);
    };
    let mut host = LocalHost::new(network(lab, &nodes), Arc::new(listener)).expect("threads start");
    for node in &nodes {
        // One child, and one in a session of its own whose parent is gone, and which says so.
        let script = "sleep 600 & (setsid sh -c 'echo up; exec sleep 600' &); wait";
        let log_path = "/dev/null".into();
        host.add_node(NodeSpec { log_path, ..shell(node, script, &directory) });
    }
    assert!(host.start(&nodes.iter().cloned().collect()).values().all(Result::is_ok));
    let mut up = 0;
    while up < nodes.len() {
        let output = hears.recv_timeout(HANGS_AFTER).expect("the nodes say that they are up");
        up += usize::from(output == NodeOutput::Line("up".to_owned()));
    }
    // Faults that are on must not keep anything alive.
    host.pause(&set(&["n2"]))["n2"].as_ref().expect("it stops");
    let cut = host.partition(&Grudge::halves(&nodes));
    assert_eq!(cut.is_ok(), lab == Lab::Namespaces, "{cut:?}");
    println!("{}", own_namespaces(lab));
    std::thread::sleep(Duration::from_secs(600));
}

/// The namespaces that the lab made for this process.
pub fn own_namespaces(lab: Lab) -> String {
    let kinds: &[&str] = match lab {
        Lab::Namespaces => &["net", "mnt", "pid"],
        Lab::Loopback => &[],
    };
    let own = kinds.iter().map(|kind| fs::read_link(format!("/proc/self/ns/{kind}")).unwrap());
    own.map(|link| link.display().to_string()).collect::<Vec<_>>().join(" ")
}

/// A host whose nodes' outputs come out of a channel.
fn host(lab: Lab, nodes: &[String]) -> (LocalHost, Receiver<(String, NodeOutput)>) {
    let (heard, hears) = channel();
    let heard = Mutex::new(heard);
    let listener = move |node: &str, output: NodeOutput| {
        let _ = heard.lock().expect("no holder panics").send((node.to_owned(), output));
    };
    let host = LocalHost::new(network(lab, nodes), Arc::new(listener)).expect("threads start");
    (host, hears)
}

fn check_nodes(lab: Lab, directory: &Path) {
    let nodes = names(1);
    let (mut host, hears) = host(lab, &nodes);
    // A wrapper, as people write them, around what ticks.
    let script = "echo hello $NODE; echo complaint >&2; printf 'caf\\351'; echo; \
                  (while :; do echo tick; sleep 0.01; done) & wait";
    let spec = shell("n1", script, directory);
    let log = spec.log_path.clone();
    host.add_node(spec);
    let one = set(&["n1"]);
    let next = || hears.recv_timeout(HANGS_AFTER).expect("the node is heard").1;
    let line = |text: &str| NodeOutput::Line(text.to_owned());

    assert_eq!(host.state("n1"), NodeState::Stopped);
    let pid = *host.start(&one)["n1"].as_ref().expect("it starts");
    assert_eq!(next(), NodeOutput::Started { pid });
    assert_eq!(next(), line("hello n1"));
    assert_eq!(next(), line("caf\u{fffd}"));
    assert_eq!(next(), line("tick"));
    assert_eq!(host.start(&one)["n1"], Ok(pid), "a node that runs is left alone");

    let took = host.pause(&one)["n1"].clone().expect("it stops");
    assert_eq!(host.state("n1"), NodeState::Paused);
    println!("paused in {took:?}");
    let members = group(pid);
    let runs = |(_, state): &(i32, char)| matches!(state, 'R' | 'S');
    assert!(!members.iter().any(runs), "every process of a paused node is stopped: {members:?}");
    // What it said before it stopped is still on its way, and its end is that nothing comes for the
    // time of ten ticks: that of a node which is not paused never comes.
    let start = Instant::now();
    while hears.recv_timeout(Duration::from_millis(100)).is_ok() {
        assert!(start.elapsed() < HANGS_AFTER, "not even the wrapper's child prints any more");
    }
    let took = host.resume(&one)["n1"].clone().expect("it continues");
    println!("resumed in {took:?}");
    assert_eq!(next(), line("tick"));

    host.pause(&one)["n1"].as_ref().expect("it stops again");
    let took = host.kill(&one)["n1"].clone().expect("a paused node can be killed");
    println!("killed in {took:?}");
    assert_eq!(host.state("n1"), NodeState::Stopped);
    let last = std::iter::from_fn(|| hears.try_recv().ok()).last().expect("it was heard");
    assert_eq!(last.1, NodeOutput::Exited { status: "signal SIGKILL".into(), expected: true });
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(fs::read_to_string(&log).expect("there is a log"), "complaint\n");
    assert!(host.resume(&one)["n1"].is_ok(), "a node that is gone is left alone");

    host.add_node(shell("n1", "echo last words; exit 3", directory));
    let pid = *host.start(&one)["n1"].as_ref().expect("it starts");
    assert_eq!(next(), NodeOutput::Started { pid });
    assert_eq!(next(), line("last words"));
    assert_eq!(next(), NodeOutput::Exited { status: "exit code 3".into(), expected: false });

    let missing = NodeSpec { argv: vec!["/no/such/program".into()], ..shell("n1", "", directory) };
    host.add_node(missing);
    let error = host.start(&one)["n1"].clone().expect_err("there is no such program");
    assert!(error.to_string().contains("/no/such/program"), "{error}");

    let unstoppable = "trap '' TERM INT; (setsid sleep 600 &); sleep 600";
    host.add_node(shell("n1", unstoppable, directory));
    host.start(&one)["n1"].as_ref().expect("it starts");
    drop(host);
}

fn check_processors(lab: Lab, directory: &Path) {
    let nodes = names(2);
    let (mut host, _hears) = host(lab, &nodes);
    for node in &nodes {
        // What is busy is a child of what is started.
        host.add_node(shell(node, "(while :; do :; done) & wait", directory));
    }
    let both: BTreeSet<_> = nodes.iter().cloned().collect();
    assert!(host.start(&both).values().all(Result::is_ok));
    let slow = |percent: f64| BTreeMap::from([("n1".to_owned(), percent)]);
    let seen = |host: &mut LocalHost, percent: f64| {
        let seen = host.limit_cpu(&slow(percent));
        assert_eq!(seen.len(), 1, "only who is limited is told of: {seen:?}");
        seen["n1"].clone().expect("a processor can be limited everywhere")
    };

    let engine = choose_cpu_engine();
    println!("chosen: {}, for {}", engine.engine, engine.reason);
    let first = seen(&mut host, 20.0);
    assert!(first.throttled > 0, "a busy node is held back at once: {first:?}");
    // It is measured by what the node uses, since a machine that is busy gives it less in the same
    // time: the more is right, the less it got.
    let (start, before) = (Instant::now(), used_by_group(&host, "n1"));
    let mut used = Duration::ZERO;
    while used < Duration::from_millis(80) {
        assert!(start.elapsed() < HANGS_AFTER, "a slow node gets its share: {used:?}");
        std::thread::sleep(Duration::from_millis(20));
        used = used_by_group(&host, "n1") - before;
    }
    let percent = used.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    let later = seen(&mut host, 20.0);
    println!("allowed 20 % of a processor, used about {percent:.0} %, {later:?}");
    assert!(later.throttled > first.throttled && later.throttled_ms > first.throttled_ms);
    if engine.engine != CpuEngine::Throttle {
        assert!(percent < 30.0, "the kernel gives no more");
    }
    let anew = seen(&mut host, 10.0);
    assert!(anew.throttled < later.throttled, "a new limit counts anew: {anew:?}");

    let one = set(&["n1"]);
    host.pause(&one)["n1"].as_ref().expect("a slow node stops");
    let paused = used_by_group(&host, "n1");
    std::thread::sleep(Duration::from_millis(60));
    let since = used_by_group(&host, "n1") - paused;
    // The kernel says that a process is stopped a moment before it is.
    let most = Duration::from_millis(1);
    assert!(since < most, "the limit does not continue a paused node: {since:?}");
    host.resume(&one)["n1"].as_ref().expect("it continues");
    let took = host.kill(&one)["n1"].clone().expect("a slow node dies");
    println!("killed in {took:?}");
    let before = seen(&mut host, 10.0);
    host.start(&one)["n1"].as_ref().expect("it starts");
    let start = Instant::now();
    while seen(&mut host, 10.0).throttled <= before.throttled {
        assert!(start.elapsed() < HANGS_AFTER, "who starts while it is limited is limited");
    }

    assert!(host.limit_cpu(&BTreeMap::new()).is_empty());
    let again = seen(&mut host, 1e4);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(again.throttled, 0);
    assert_eq!(seen(&mut host, 1e4).throttled, 0, "who may use more than there is goes free");
    for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = host.limit_cpu(&slow(nonsense))["n1"].clone();
        assert!(matches!(error, Err(HostError::Failed(_))), "{nonsense} %: {error:?}");
    }
    drop(host);
    let journal = Journal::open().expect("there is a place for a journal");
    let left = leaving::cgroups(&format!("stormproof-{}-", journal.owner()));
    assert_eq!(left, Vec::<PathBuf>::new(), "a host that is dropped leaves no cgroup");
}

/// The processes of a group: their ids and states.
fn group(group: u32) -> Vec<(i32, char)> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let members = entries.filter_map(|entry| {
        let line = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (before, fields) = line.rsplit_once(')')?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        let is_member = fields.get(2)?.parse() == Ok(group);
        let pid = before.split(' ').next()?.parse().ok()?;
        is_member.then_some((pid, fields[0].chars().next()?))
    });
    members.collect()
}

/// The processor time that the processes of a node's group used, by the kernel's exact clock.
fn used_by_group(host: &LocalHost, node: &str) -> Duration {
    let members = group(host.pid(node).expect("it runs"));
    let used = members.into_iter().filter_map(|(pid, _)| {
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid)).ok()?;
        Some(Duration::from(clock.now().ok()?))
    });
    used.sum()
}

fn check_links() {
    let choice = choose_engine();
    println!("chosen: {}, for {}", choice.engine, choice.reason);
    for engine in PartitionEngine::ALL {
        let nodes = names(5);
        let start = Instant::now();
        match Network::build(&nodes, engine) {
            Ok(network) => {
                println!("{engine}: 5 nodes in {:?}", start.elapsed());
                let second = Network::build(&nodes, engine).map(drop);
                let second = second.expect_err("a second network has no room").kind();
                assert_eq!(second, ErrorKind::AlreadyExists);
                check_network(network, &nodes);
            }
            Err(error) => {
                assert_ne!(engine, PartitionEngine::Switch, "the switch needs nothing: {error}");
                println!("{engine}: skipped, {error}");
            }
        }
    }
    let interfaces = nix::net::if_::if_nameindex().expect("interfaces can be listed");
    let interfaces: Vec<_> = interfaces
        .iter()
        .map(|interface| interface.name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(interfaces, ["lo"], "a network that is dropped leaves no interface");
    let descriptors = fs::read_dir("/proc/self/fd").expect("/proc is there").flatten();
    let held = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let namespaces: Vec<_> =
        held.filter(|link| link.to_string_lossy().starts_with("net:")).collect();
    assert!(namespaces.is_empty(), "a network that is dropped holds no namespace: {namespaces:?}");
}

fn check_network(mut network: Network, nodes: &[String]) {
    let shapes = [
        Grudge::halves(nodes),
        Grudge::isolate(nodes, "n3"),
        Grudge::into_node(nodes, "n1"),
        Grudge::out_of_node(nodes, "n1"),
        Grudge::bridge(nodes),
        Grudge::majority_ring(nodes),
    ];
    let mut connection = connect(&network, "n1", "n5");
    let (mut cuts, mut heals, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for grudge in &shapes {
        let start = Instant::now();
        let seen = network.cut(grudge).expect("links are cut");
        assert!(seen.unproven.is_empty() && seen.silent.is_empty(), "{grudge}: {seen:?}");
        assert_eq!(seen.dropped.len(), grudge.links().count());
        cuts.push(seen.took);
        proofs.push(start.elapsed());
        let seen = network.heal().expect("links are healed");
        assert!(seen.silent.is_empty(), "{grudge}: {seen:?}");
        heals.push(seen.took);
        connection.write_all(b"after").expect("the connection survived");
        connection.read_exact(&mut [0; 5]).expect("the connection survived");
    }
    let total = network.dropped().expect("links are counted");
    for link in shapes.iter().flat_map(Grudge::links) {
        assert!(total.get(&link).is_some_and(|packets| *packets > 0), "{link}: {total:?}");
    }
    // From one partition to another without healing between.
    for grudge in &shapes {
        let seen = network.cut(grudge).expect("links are cut");
        assert!(seen.unproven.is_empty() && seen.silent.is_empty(), "{grudge}: {seen:?}");
    }
    let after = network.dropped().expect("links are counted");
    assert!(total.iter().all(|(link, packets)| after[link] >= *packets), "counts never go back");
    network.heal().expect("links are healed");
    let mut stranger = Grudge::none();
    stranger.drop_link("n1", "n9");
    let error = network.cut(&stranger).expect_err("there is no n9").to_string();
    assert!(error.contains("n1 → n9"), "{error}");
    let engine = network.engine();
    let (cuts, heals, proofs) = (spread(&cuts), spread(&heals), spread(&proofs));
    println!("{engine}: cut {cuts}, heal {heals}, cut with its proof {proofs}");
}

/// Least and most.
pub fn spread(times: &[Duration]) -> String {
    let least = times.iter().min().expect("there were some");
    format!("{least:.1?} to {:.1?}", times.iter().max().expect("there were some"))
}

/// A connection between two nodes whose far end echoes.
fn connect(network: &Network, from: &str, to: &str) -> TcpStream {
    let address = (network.address(to).expect("it has an address"), 7);
    let at = |node: &str| network.namespace(node).expect("it has a namespace");
    let listener = at(to).run(|| TcpListener::bind(address)).expect("a thread").expect("a port");
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().expect("it is connected to");
        let mut echo = peer.try_clone().expect("a descriptor");
        std::io::copy(&mut peer, &mut echo)
    });
    let connection = at(from).run(|| TcpStream::connect(address)).expect("a thread");
    let connection = connection.expect("a connection");
    connection.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
    connection
}

fn check_nemesis(lab: Lab, directory: &Path) {
    let nodes = names(3);
    let (mut host, hears) = host(lab, &nodes);
    for node in &nodes {
        host.add_node(shell(node, "exec sleep 600", directory));
    }
    host.start(&nodes.iter().cloned().collect());
    let mut nemesis = Nemesis::new(host);
    let entry = |id, fault| {
        let (at, lasts) = (Duration::ZERO, Duration::from_secs(1));
        Entry { id, at, lasts, pick: 1, named: None, on: None, when: None, fault }
    };
    let isolate = entry(1, Fault::Partition(Partition::steady(Shape::IsolateLeader)));
    let kill = entry(2, Fault::Kill(Kill::once(Aim::Leader)));
    let pause = entry(3, Fault::Pause(Pause { aim: Aim::All }));

    let report = nemesis.inject(&isolate, isolate.resolve(&nodes, Roles::led_by("n2")));
    match lab {
        Lab::Namespaces => {
            assert_eq!(report.outcome, Outcome::Installed, "{report:?}");
            let dropped = report.effect.count("packets_dropped");
            assert!(dropped >= Some(4), "one packet at least on each link: {report:?}");
        }
        Lab::Loopback => assert!(matches!(report.outcome, Outcome::Skipped { .. }), "{report:?}"),
    }
    let report = nemesis.inject(&pause, pause.resolve(&nodes, Roles::led_by("n2")));
    assert_eq!(report.outcome, Outcome::Installed, "{report:?}");
    let report = nemesis.inject(&kill, kill.resolve(&nodes, Roles::led_by("n2")));
    assert_eq!(report.outcome, Outcome::Installed, "{report:?}");
    assert_eq!(nemesis.host().state("n2"), NodeState::Stopped);

    let recoveries = nemesis.undo_all();
    assert!(recoveries.iter().all(|(_, undone)| undone.problems.is_empty()), "{recoveries:?}");
    assert_eq!(nemesis.active().count(), 0);
    assert!(nemesis.undo_all().is_empty(), "undone is undone");
    for node in &nodes {
        assert_eq!(nemesis.host().state(node), NodeState::Running);
    }
    let ends = hears.try_iter().filter(|(node, output)| {
        node == "n2" && matches!(output, NodeOutput::Exited { expected: true, .. })
    });
    assert_eq!(ends.count(), 1);
    let unseen = Link { from: "n1".to_owned(), to: "n3".to_owned() };
    if lab == Lab::Namespaces {
        let dropped = nemesis.host_mut().dropped().expect("links are counted");
        assert!(!dropped.contains_key(&unseen), "a link that was never cut: {dropped:?}");
    }
}
