//! Packet faults and links of clients, as seen by programs that send and receive.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use faults::fault::LinkCondition;
use faults::grudge::{CLIENTS, Grudge, Link};
use faults::host::{HostError, LinkCounts, LinkSeen};
use stormproof_engines::netem;
use stormproof_engines::network::{
    Network, NetworkOptions, PartitionEngine, TcpKnobs, try_packet_faults,
};

use crate::inside::{HANGS_AFTER, names, spread};

/// Any port: the nodes run nothing else.
const PORT: u16 = 7;
/// The wait for a datagram that must not come. Everything that could bring it has happened before.
const NO_MORE: Duration = Duration::from_millis(20);

pub fn check_troubled_links() {
    println!("netem: {:?}", netem::try_out());
    println!("packet faults: {:?}", try_packet_faults().expect("the switch does them"));
    for engine in PartitionEngine::ALL {
        let options = NetworkOptions { engine, packet_faults: true, tcp: TcpKnobs::default() };
        match Network::build(&names(3), options) {
            Ok(network) => check_trouble(network),
            Err(error) => {
                assert_ne!(engine, PartitionEngine::Switch, "the switch needs nothing: {error}");
                println!("{engine}: skipped, {error}");
            }
        }
        check_bridge(engine);
    }
}

/// A network that was not built for packet faults says so.
fn check_bridge(engine: PartitionEngine) {
    if engine == PartitionEngine::Switch {
        return;
    }
    let Ok(mut network) = Network::build(&names(2), engine) else { return };
    let slow = LinkCondition { delay_ms: 1.0, ..Default::default() };
    let refused = network.shape(&[(link("n1", "n2"), slow)].into(), true);
    assert!(matches!(refused, Err(HostError::Unavailable(_))), "{refused:?}");
}

fn link(from: &str, to: &str) -> Link {
    Link { from: from.to_owned(), to: to.to_owned() }
}

/// Gives the link from n1 to n2 a condition, and no other.
fn trouble(network: &mut Network, condition: LinkCondition) -> LinkSeen {
    let only = link("n1", "n2");
    let seen = network.shape(&[(only.clone(), condition)].into(), true).expect("it is shaped");
    assert_eq!(seen.len(), 1);
    println!("    {condition}: {:?}", seen[&only]);
    seen[&only]
}

/// The counts of the link from n1 to n2.
fn counts(network: &Network) -> LinkCounts {
    network.shaped().expect("links are counted").get(&link("n1", "n2")).copied().unwrap_or_default()
}

fn check_trouble(mut network: Network) {
    println!("{}:", network.engine());
    check_delay(&mut network);
    check_loss(&mut network);
    check_duplicates(&mut network);
    check_reordering(&mut network);
    check_corruption(&mut network);
    check_rate(&mut network);
    check_with_cuts(&mut network);
    // Well again: as if nothing had been, the other links all the time.
    assert_eq!(network.shape(&BTreeMap::new(), true), Ok(BTreeMap::new()));
    let before = counts(&network);
    let seen = network.cut(&Grudge::none()).expect("links are healed");
    assert!(seen.silent.is_empty(), "{seen:?}");
    let after = counts(&network);
    assert_eq!(LinkCounts { passed: before.passed, bytes: before.bytes, ..after }, before);
    for (other, counts) in network.shaped().expect("links are counted") {
        let LinkCounts { passed, bytes, .. } = counts;
        let untroubled = LinkCounts { passed, bytes, ..Default::default() };
        assert!(other == link("n1", "n2") || counts == untroubled, "{other}: {counts:?}");
    }
}

/// A datagram socket of each end; the first sends to the second.
fn sockets(network: &Network, from: &str, to: &str) -> (UdpSocket, UdpSocket) {
    let socket = |node: &str, port: u16| {
        let address = network.address(node).expect("it has an address");
        let namespace = network.namespace(node).expect("it has a namespace");
        let socket = namespace.run(|| UdpSocket::bind((address, port))).expect("a thread");
        socket.expect("the port is free")
    };
    let (near, far) = (socket(from, 0), socket(to, PORT));
    near.connect(far.local_addr().expect("it is bound")).expect("it is reachable");
    far.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
    (near, far)
}

/// The numbers that arrive: so many, for which it waits, and those that come after them.
fn numbers(far: &UdpSocket, expected: usize) -> Vec<u32> {
    let mut message = [0; 4];
    let mut numbers = Vec::new();
    loop {
        let wait = if numbers.len() < expected { HANGS_AFTER } else { NO_MORE };
        far.set_read_timeout(Some(wait)).expect("it is no zero");
        match far.recv(&mut message) {
            Ok(_) => numbers.push(u32::from_be_bytes(message)),
            Err(_) => return numbers,
        }
    }
}

/// The packets that a link dropped so far because it was cut.
fn dropped(network: &Network, from: &str, to: &str) -> u64 {
    let dropped = network.dropped().expect("links are counted");
    dropped.get(&link(from, to)).copied().unwrap_or_default()
}

/// Waits until a link that is cut has dropped so many packets.
fn wait_for_dropped(network: &Network, from: &str, to: &str, wanted: u64) {
    let start = Instant::now();
    while dropped(network, from, to) < wanted {
        assert!(start.elapsed() < HANGS_AFTER, "{from} to {to}: fewer than {wanted} dropped");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the link from n1 to n2 has counted so many.
fn wait_for_count(network: &Network, count: impl Fn(LinkCounts) -> u64, wanted: u64) -> u64 {
    let start = Instant::now();
    loop {
        let counted = count(counts(network));
        if counted >= wanted {
            return counted;
        }
        assert!(start.elapsed() < HANGS_AFTER, "{counted} of {wanted}: {:?}", counts(network));
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn send_numbers(near: &UdpSocket, count: u32) {
    for number in 0..count {
        near.send(&number.to_be_bytes()).expect("the socket has room");
    }
}

fn check_delay(network: &mut Network) {
    let slow = LinkCondition { delay_ms: 30.0, jitter_ms: 10.0, ..Default::default() };
    let before = counts(network);
    let seen = trouble(network, slow);
    assert_eq!(seen.sent, seen.arrived);
    assert!(seen.fastest_ms.expect("they arrived") >= 30.0, "{seen:?}");
    let (near, far) = sockets(network, "n1", "n2");
    let start = Instant::now();
    send_numbers(&near, 50);
    far.recv(&mut [0; 4]).expect("it arrives");
    assert!(start.elapsed() >= Duration::from_millis(30), "{:?}", start.elapsed());
    assert_eq!(numbers(&far, 49), (1..50).collect::<Vec<_>>(), "in order");
    let after = counts(network);
    let held = after.delayed - before.delayed;
    assert!(held >= 50 + u64::from(seen.sent));
    assert!(after.delayed_us - before.delayed_us >= held * 30_000);
}

fn check_loss(network: &mut Network) {
    let before = counts(network);
    trouble(network, LinkCondition { loss_percent: 20.0, ..Default::default() });
    let (near, far) = sockets(network, "n1", "n2");
    // The probes of the condition have their counts already, and nothing else uses the link.
    let probed = counts(network);
    send_numbers(&near, 200);
    wait_for_count(network, |now| now.lost + now.passed, probed.lost + probed.passed + 200);
    let lost = counts(network).lost - before.lost;
    let arrived = numbers(&far, 200 - (counts(network).lost - probed.lost) as usize);
    assert!((1..200).contains(&arrived.len()), "{arrived:?}");
    assert!(arrived.is_sorted(), "those that arrive keep their order");
    assert!(lost >= 200 - arrived.len() as u64, "{lost}");
    let seen = trouble(network, LinkCondition { loss_percent: 100.0, ..Default::default() });
    assert_eq!((seen.arrived, seen.fastest_ms), (0, None));
    let probed = counts(network).lost;
    send_numbers(&near, 20);
    let all = wait_for_count(network, |now| now.lost, probed + 20);
    assert_eq!(numbers(&far, 0), [0; 0]);
    assert!(all >= before.lost + lost + 20);
}

fn check_duplicates(network: &mut Network) {
    let before = counts(network);
    trouble(network, LinkCondition { duplicate_percent: 100.0, ..Default::default() });
    let (near, far) = sockets(network, "n1", "n2");
    send_numbers(&near, 20);
    let twice: Vec<_> = (0..20).flat_map(|number| [number; 2]).collect();
    assert_eq!(numbers(&far, twice.len()), twice);
    assert!(counts(network).duplicated >= before.duplicated + 20);
}

fn check_reordering(network: &mut Network) {
    let before = counts(network);
    trouble(network, LinkCondition { reorder_percent: 20.0, ..Default::default() });
    let (near, far) = sockets(network, "n1", "n2");
    send_numbers(&near, 100);
    let mut arrived = numbers(&far, 100);
    assert!(!arrived.is_sorted(), "{arrived:?}");
    arrived.sort_unstable();
    assert_eq!(arrived, (0..100).collect::<Vec<_>>(), "nothing is lost");
    assert!(counts(network).reordered > before.reordered);
}

/// A listener of n2 and a connection of n1 to it.
fn stream(network: &Network) -> (TcpStream, TcpStream) {
    let at = |node: &str| network.namespace(node).expect("it has a namespace");
    let address = (network.address("n2").expect("it has an address"), PORT);
    let listener = at("n2").run(|| TcpListener::bind(address)).expect("a thread").expect("a port");
    let near = at("n1").run(|| TcpStream::connect(address)).expect("a thread");
    let far = listener.accept().expect("it is connected to").0;
    far.set_read_timeout(Some(HANGS_AFTER)).expect("it is no zero");
    (near.expect("a connection"), far)
}

/// Bytes of which no two places near each other are alike.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + index / 251) as u8).collect()
}

/// Sends bytes from n1 to n2, and tells how long they took.
fn transfer(network: &Network, bytes: &[u8]) -> Duration {
    let (mut near, mut far) = stream(network);
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || near.write_all(bytes).expect("the connection holds"));
        let mut received = vec![0; bytes.len()];
        far.read_exact(&mut received).expect("the connection holds");
        assert!(received == bytes, "the stream is what was sent");
    });
    start.elapsed()
}

/// The receiver's kernel notices damage: it is like loss, and never reaches a program.
fn check_corruption(network: &mut Network) {
    let before = counts(network);
    let seen = trouble(network, LinkCondition { corrupt_percent: 100.0, ..Default::default() });
    assert_eq!(seen.arrived, 0, "{seen:?}");
    assert!(counts(network).corrupted >= before.corrupted + u64::from(seen.sent));
    let before = counts(network);
    trouble(network, LinkCondition { corrupt_percent: 2.0, ..Default::default() });
    transfer(network, &pattern(2 << 20));
    let corrupted = counts(network).corrupted - before.corrupted;
    assert!(corrupted > 5, "{corrupted} of {}", counts(network).passed - before.passed);
    println!("    {corrupted} damaged segments, and a sound stream");
}

/// Segments of many sizes come out whole too, so the stream is compared here as well.
fn check_rate(network: &mut Network) {
    let rate_kbit = 32_000;
    trouble(network, LinkCondition { rate_kbit: Some(rate_kbit), ..Default::default() });
    let bytes = pattern(1 << 20);
    let took = transfer(network, &bytes);
    let least = bytes.len() as f64 * 8.0 / (rate_kbit as f64 * 1e3);
    println!("    {} bytes in {took:.2?}, not before {least:.2} s", bytes.len());
    assert!(took.as_secs_f64() >= least);
}

fn check_with_cuts(network: &mut Network) {
    let slow = LinkCondition { delay_ms: 150.0, ..Default::default() };
    trouble(network, slow);
    let mut grudge = Grudge::none();
    grudge.drop_link("n1", "n2");
    grudge.drop_link("n1", "n3");
    let seen = network.cut(&grudge).expect("links are cut");
    assert!(seen.unproven.is_empty() && seen.silent.is_empty(), "{seen:?}");
    // Without the delay for a moment, no probe is on its way when packets are counted.
    network.shape(&BTreeMap::new(), false).expect("it is well again");
    network.heal().expect("links are healed");
    network.shape(&[(link("n1", "n2"), slow)].into(), false).expect("it is shaped");

    let (near, far) = sockets(network, "n1", "n2");
    let before = dropped(network, "n1", "n2");
    send_numbers(&near, 10);
    network.cut_quickly(&grudge).expect("links are cut");
    wait_for_dropped(network, "n1", "n2", before + 10);
    // One of those may be the kernel's own, and then one of ours has not left yet.
    std::thread::sleep(Duration::from_secs_f64(slow.delay_ms / 1e3));
    assert_eq!(numbers(&far, 0), [0; 0], "what is on its way over a link that breaks is gone");
    network.cut_quickly(&Grudge::none()).expect("links are healed");

    let stranger = network.shape(&[(link("n1", "n9"), slow)].into(), true);
    assert!(matches!(stranger, Err(HostError::Failed(_))), "{stranger:?}");
    let start = Instant::now();
    let endless = LinkCondition { delay_ms: 600_000.0, ..Default::default() };
    network.shape(&[(link("n1", "n2"), endless)].into(), false).expect("it is shaped");
    send_numbers(&near, 10);
    assert_eq!(numbers(&far, 0), [0; 0], "held back");
    network.shape(&BTreeMap::new(), false).expect("it is well again");
    assert_eq!(numbers(&far, 10), (0..10).collect::<Vec<_>>(), "released at once, in order");
    assert!(start.elapsed() < HANGS_AFTER);
}

pub fn check_client_links() {
    let taken = Network::build(&[CLIENTS.to_owned()], PartitionEngine::Switch).map(drop);
    assert!(taken.is_err(), "the name is reserved");
    for engine in PartitionEngine::ALL {
        for packet_faults in [false, true] {
            let options = NetworkOptions { engine, packet_faults, tcp: TcpKnobs::QUICK };
            match Network::build(&names(3), options) {
                Ok(network) => check_clients(network),
                Err(error) => {
                    assert_ne!(engine, PartitionEngine::Switch, "it needs nothing: {error}");
                    println!("{engine}: skipped, {error}");
                }
            }
        }
    }
}

fn check_clients(mut network: Network) {
    let (to_clients, from_clients) =
        (sockets(&network, "n1", CLIENTS), sockets(&network, CLIENTS, "n2"));
    let mut grudge = Grudge::none();
    grudge.drop_link("n1", CLIENTS);
    let seen = network.cut(&grudge).expect("links are cut");
    assert!(seen.unproven.is_empty() && seen.silent.is_empty(), "{seen:?}");
    let before = dropped(&network, "n1", CLIENTS);
    send_numbers(&to_clients.0, 3);
    send_numbers(&from_clients.0, 3);
    wait_for_dropped(&network, "n1", CLIENTS, before + 3);
    assert_eq!(numbers(&to_clients.1, 0), [0; 0], "cut");
    assert_eq!(numbers(&from_clients.1, 3), [0, 1, 2], "not cut");

    let mut other = Grudge::none();
    other.drop_link(CLIENTS, "n2");
    let seen = network.cut(&other).expect("links are cut");
    assert!(seen.unproven.is_empty() && seen.silent.is_empty(), "{seen:?}");
    let before = dropped(&network, CLIENTS, "n2");
    send_numbers(&to_clients.0, 3);
    send_numbers(&from_clients.0, 3);
    wait_for_dropped(&network, CLIENTS, "n2", before + 3);
    assert_eq!(numbers(&to_clients.1, 3), [0, 1, 2], "healed");
    assert_eq!(numbers(&from_clients.1, 0), [0; 0], "cut");
    assert!(dropped(&network, "n1", CLIENTS) >= 3, "what was counted before is not lost");

    let mut beats = Vec::new();
    for _ in 0..10 {
        beats.push(network.cut_quickly(&grudge).expect("links are cut"));
        beats.push(network.cut_quickly(&Grudge::none()).expect("links are healed"));
    }
    println!("{}: a beat of a flaky link takes {}", network.engine(), spread(&beats));

    let slow = LinkCondition { delay_ms: 20.0, ..Default::default() };
    let both = [(link("n3", CLIENTS), slow), (link(CLIENTS, "n3"), slow)];
    match network.shape(&both.into(), true) {
        Ok(seen) => {
            assert!(network.options().packet_faults || network.engine() == PartitionEngine::Switch);
            assert_eq!(seen.len(), 2);
            assert!(seen.values().all(|seen| seen.fastest_ms.is_some_and(|least| least >= 20.0)));
        }
        Err(error) => assert!(matches!(error, HostError::Unavailable(_)), "{error}"),
    }
    check_knobs(&network);
}

/// Checks that the reported settings are in force at both ends.
fn check_knobs(network: &Network) {
    let TcpKnobs { rto_max_ms, retries } = network.options().tcp;
    for end in ["n1", CLIENTS] {
        let read = |name: &str| {
            let file = format!("/proc/sys/net/ipv4/{name}");
            let inside = network.namespace(end).expect("it has a namespace");
            let text = inside.run(|| std::fs::read_to_string(file)).expect("a thread");
            text.ok().map(|text| text.trim().parse::<u32>().expect("a number"))
        };
        assert_eq!(rto_max_ms, read("tcp_rto_max_ms").map(|_| 1_000));
        assert_eq!(rto_max_ms, read("tcp_rto_max_ms"));
        assert_eq!(retries, read("tcp_retries2"));
    }
}
