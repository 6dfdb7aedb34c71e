//! Measures the lab's network with each partition engine, over the kernel's bridge and over our
//! switch: time to build five nodes, to cut and to heal, round trip and throughput between two
//! nodes; delays and rates against those asked for; and the proxies of the loopback lab.
//!
//! `cargo run --release -p stormproof-engines --example network_figures`

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use faults::fault::LinkCondition;
use faults::grudge::{Grudge, Link};
use faults::host::LinkCounts;
use stormproof_engines::loopback::LoopbackNetwork;
use stormproof_engines::network::{
    Network, NetworkOptions, PartitionEngine, TcpKnobs, choose_engine,
};
use stormproof_engines::process_tree::{Lab, LabContext, dispatch, relaunch};

/// Round trips measured.
const ROUND_TRIPS: usize = 20_000;
/// Partitions made and healed.
const PARTITIONS: usize = 20;
/// The time for which a stream is measured.
const STREAM: Duration = Duration::from_secs(3);
/// Any port: the nodes run nothing else.
const PORT: u16 = 7;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if dispatch() == LabContext::Outside {
        let status = relaunch(Lab::Namespaces)?;
        return Ok(ExitCode::from(status.code().unwrap_or(1) as u8));
    }
    let choice = choose_engine();
    println!("chosen: {}, for {}", choice.engine, choice.reason);
    for engine in PartitionEngine::ALL {
        for packet_faults in [false, true] {
            // The switch carries what it cuts anyway.
            if engine == PartitionEngine::Switch && !packet_faults {
                continue;
            }
            if let Err(error) = measure(engine, packet_faults) {
                println!("{engine}: {error}");
            }
        }
    }
    measure_trouble()?;
    measure_proxies()?;
    Ok(ExitCode::SUCCESS)
}

fn names() -> Vec<String> {
    (1..=5).map(|index| format!("n{index}")).collect()
}

fn measure(engine: PartitionEngine, packet_faults: bool) -> Result<(), Box<dyn Error>> {
    let nodes = names();
    let start = Instant::now();
    let options = NetworkOptions { engine, packet_faults, tcp: TcpKnobs::default() };
    let mut network = Network::build(&nodes, options)?;
    let segment = if packet_faults { "switch" } else { "bridge" };
    let engine = format!("{engine} over the {segment}");
    println!("{engine}: 5 nodes built in {:.1?}", start.elapsed());

    let (mut cuts, mut heals) = (Vec::new(), Vec::new());
    for _ in 0..PARTITIONS {
        cuts.push(network.cut(&Grudge::halves(&nodes))?.took);
        heals.push(network.heal()?.took);
    }
    println!("{engine}: halves cut in {}, healed in {}", median(&mut cuts), median(&mut heals));
    println!("{engine}: round trip {}", median(&mut round_trips(&network, ROUND_TRIPS)?));
    println!("{engine}: stream {:.1} Gbit/s", stream(&network)?);
    Ok(())
}

/// Delays and rates as measured, beside those asked for.
fn measure_trouble() -> Result<(), Box<dyn Error>> {
    let mut network = Network::build(&names(), PartitionEngine::Switch)?;
    let link = |from: &str, to: &str| Link { from: from.to_owned(), to: to.to_owned() };
    for delay_ms in [0.5, 1.0, 5.0, 20.0, 100.0] {
        let slow = LinkCondition { delay_ms, ..Default::default() };
        network.shape(&[(link("n1", "n5"), slow), (link("n5", "n1"), slow)].into(), false)?;
        let mut times = round_trips(&network, (2_000.0 / delay_ms) as usize)?;
        println!("{delay_ms} ms each way: round trip {}", median(&mut times));
    }
    let start = Instant::now();
    network.shape(&Default::default(), false)?;
    println!("conditions of 30 links set in {:.1?}", start.elapsed());
    for rate_kbit in [1_000, 10_000, 100_000, 1_000_000] {
        let narrow = LinkCondition { rate_kbit: Some(rate_kbit), ..Default::default() };
        network.shape(&[(link("n1", "n5"), narrow)].into(), false)?;
        let before = network.shaped()?;
        let bytes = |counts: &BTreeMap<Link, LinkCounts>| {
            counts.get(&link("n1", "n5")).map_or(0, |counts| counts.bytes)
        };
        let start = Instant::now();
        let stream = stream(&network)?;
        let sent = bytes(&network.shaped()?) - bytes(&before);
        let wire = sent as f64 * 8.0 / 1e3 / start.elapsed().as_secs_f64();
        println!("{rate_kbit} kbit/s: {wire:.0} kbit/s with headers, a stream {:.0}", stream * 1e6);
    }
    let lossy = LinkCondition { loss_percent: 1e-9, ..Default::default() };
    network.shape(&[(link("n1", "n5"), lossy)].into(), false)?;
    println!("packets told apart: stream {:.1} Gbit/s", stream(&network)?);
    Ok(())
}

/// From a client to a node through the proxy of the loopback lab.
fn measure_proxies() -> Result<(), Box<dyn Error>> {
    let nodes = names();
    let mut network = LoopbackNetwork::build(&nodes, 0)?;
    let (mut cuts, mut heals) = (Vec::new(), Vec::new());
    for _ in 0..PARTITIONS {
        cuts.push(network.cut(&Grudge::halves(&nodes))?.took);
        heals.push(network.heal()?.took);
    }
    println!("proxies: halves cut in {}, healed in {}", median(&mut cuts), median(&mut heals));
    let addresses = network.addresses("n1").expect("it was built");
    for (name, to) in [("directly", addresses.listen), ("through a proxy", addresses.clients)] {
        let listener = TcpListener::bind(addresses.listen)?;
        let mut near = TcpStream::connect(to)?;
        let (mut far, _) = listener.accept()?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let mut message = [0; 64];
        let echo = thread::spawn(move || -> std::io::Result<()> {
            let mut message = [0; 64];
            for _ in 0..ROUND_TRIPS {
                far.read_exact(&mut message)?;
                far.write_all(&message)?;
            }
            Ok(())
        });
        let mut times = Vec::new();
        for _ in 0..ROUND_TRIPS {
            let start = Instant::now();
            near.write_all(&message)?;
            near.read_exact(&mut message)?;
            times.push(start.elapsed());
        }
        echo.join().expect("it does not panic")?;
        println!("loopback, {name}: round trip {}", median(&mut times));
        let connection = TcpStream::connect(to)?;
        println!("loopback, {name}: stream {:.1} Gbit/s", stream_over(listener, connection)?);
    }
    Ok(())
}

/// The median and the most.
fn median(times: &mut [Duration]) -> String {
    times.sort_unstable();
    format!("{:.1?} (at most {:.1?})", times[times.len() / 2], times[times.len() - 1])
}

/// Runs `action` inside the namespace of a node.
fn at<T: Send>(
    network: &Network,
    node: &str,
    action: impl FnOnce(Ipv4Addr) -> std::io::Result<T> + Send,
) -> std::io::Result<T> {
    let address = network.address(node).expect("the node was built");
    network.namespace(node).expect("the node was built").run(|| action(address))?
}

/// A datagram there and back, from n1 to n5.
fn round_trips(network: &Network, count: usize) -> std::io::Result<Vec<Duration>> {
    let near = at(network, "n1", |address| UdpSocket::bind((address, PORT)))?;
    let far = at(network, "n5", |address| UdpSocket::bind((address, PORT)))?;
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    let mut message = [0; 64];
    let echo = thread::spawn(move || -> std::io::Result<()> {
        let mut message = [0; 64];
        for _ in 0..count {
            let length = far.recv(&mut message)?;
            far.send(&message[..length])?;
        }
        Ok(())
    });
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        near.send(&message)?;
        near.recv(&mut message)?;
        times.push(start.elapsed());
    }
    echo.join().expect("it does not panic")?;
    Ok(times)
}

/// Gigabits a second of one connection from n1 to n5.
fn stream(network: &Network) -> std::io::Result<f64> {
    let listener = at(network, "n5", |address| TcpListener::bind((address, PORT)))?;
    let to = listener.local_addr()?;
    let connection = at(network, "n1", |_| TcpStream::connect(to))?;
    stream_over(listener, connection)
}

/// Gigabits a second of a connection to who is waited for.
fn stream_over(listener: TcpListener, mut connection: TcpStream) -> std::io::Result<f64> {
    let receiver = thread::spawn(move || -> std::io::Result<u64> {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = vec![0; 1 << 20];
        let mut total = 0;
        loop {
            match connection.read(&mut buffer)? {
                0 => return Ok(total),
                length => total += length as u64,
            }
        }
    });
    let buffer = vec![0; 64 << 10];
    let start = Instant::now();
    while start.elapsed() < STREAM {
        connection.write_all(&buffer)?;
    }
    drop(connection);
    let total = receiver.join().expect("it does not panic")?;
    Ok(total as f64 * 8.0 / 1e9 / start.elapsed().as_secs_f64())
}
