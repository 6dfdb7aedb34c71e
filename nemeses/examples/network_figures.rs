//! Measures the lab's network with each partition engine: time to build five nodes, to cut and to
//! heal, round trip and throughput between two nodes.
//!
//! `cargo run --release -p nemeses --example network_figures`

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nemeses::grudge::Grudge;
use nemeses::host::network::{Network, PartitionEngine, choose_engine};
use nemeses::host::process_tree::{Lab, Place, dispatch, relaunch};

/// Round trips measured.
const ROUND_TRIPS: usize = 20_000;
/// Partitions made and healed.
const PARTITIONS: usize = 20;
/// How long a stream is measured.
const STREAM: Duration = Duration::from_secs(3);
/// Any port: the nodes run nothing else.
const PORT: u16 = 7;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if dispatch() == Place::Outside {
        let status = relaunch(Lab::Namespaces)?;
        return Ok(ExitCode::from(status.code().unwrap_or(1) as u8));
    }
    let choice = choose_engine();
    println!("chosen: {}, for {}", choice.engine, choice.reason);
    for engine in PartitionEngine::ALL {
        if let Err(error) = measure(engine) {
            println!("{engine}: {error}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(engine: PartitionEngine) -> Result<(), Box<dyn Error>> {
    let nodes: Vec<_> = (1..=5).map(|index| format!("n{index}")).collect();
    let start = Instant::now();
    let mut network = Network::build(&nodes, engine)?;
    println!("{engine}: 5 nodes built in {:.1?}", start.elapsed());

    let (mut cuts, mut heals) = (Vec::new(), Vec::new());
    for _ in 0..PARTITIONS {
        cuts.push(network.cut(&Grudge::halves(&nodes))?.took);
        heals.push(network.heal()?.took);
    }
    println!("{engine}: halves cut in {}, healed in {}", median(&mut cuts), median(&mut heals));
    println!("{engine}: round trip {}", median(&mut round_trips(&network)?));
    println!("{engine}: stream {:.1} Gbit/s", stream(&network)?);
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
fn round_trips(network: &Network) -> std::io::Result<Vec<Duration>> {
    let near = at(network, "n1", |address| UdpSocket::bind((address, PORT)))?;
    let far = at(network, "n5", |address| UdpSocket::bind((address, PORT)))?;
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    let mut message = [0; 64];
    let echo = thread::spawn(move || -> std::io::Result<()> {
        let mut message = [0; 64];
        for _ in 0..ROUND_TRIPS {
            let length = far.recv(&mut message)?;
            far.send(&message[..length])?;
        }
        Ok(())
    });
    let mut times = Vec::new();
    for _ in 0..ROUND_TRIPS {
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
    let mut connection = at(network, "n1", |_| TcpStream::connect(to))?;
    let buffer = vec![0; 1 << 20];
    let start = Instant::now();
    while start.elapsed() < STREAM {
        connection.write_all(&buffer)?;
    }
    drop(connection);
    let total = receiver.join().expect("it does not panic")?;
    Ok(total as f64 * 8.0 / 1e9 / start.elapsed().as_secs_f64())
}
