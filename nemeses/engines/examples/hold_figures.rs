//! Measures watches: the time from an event that is seen to the fault that has taken effect while
//! it is held, and the cost of watches that see every event and never report one. Times depend on
//! what else the machine does: a process that is killed, and every thread that hears of it, has to
//! get a processor.
//!
//! `cargo run --release -p stormproof-engines --example hold_figures [ROUNDS]`, as root.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use faults::fault::PowerCut;
use faults::grudge::Grudge;
use faults::host::{Host, NodeState};
use faults::trigger::{DiskCall, DiskWatch, Edge, MessageWatch, Observation, Watch};
use nix::time::ClockId;
use stormproof_engines::LocalHost;
use stormproof_engines::network::{
    Network, NetworkOptions, PartitionEngine, TcpKnobs, choose_engine,
};
use stormproof_engines::node_process::{NodeSpec, OwnClock};
use stormproof_engines::process_tree::{Lab, LabContext, dispatch, relaunch};

/// Events of each kind, unless the command line says another number.
const ROUNDS: u32 = 1_000;
/// An event waits so long for its fault.
const HOLD: Duration = Duration::from_millis(50);
/// An event that does not come in this time is lost.
const LOST_AFTER: Duration = Duration::from_secs(20);
/// Blocks measured with and without a watch, in turns.
const BLOCKS: usize = 100;
/// Calls, or round trips, in each.
const IN_A_BLOCK: usize = 1_000;
/// Bytes of a stream in each block.
const STREAMED: usize = 32 << 20;
/// Any port: the nodes run nothing else.
const PORT: u16 = 7;
/// Leads the arguments of a node: where it listens, and its peer.
const NODE: &str = "--node";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let place = dispatch();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let [NODE, listen, peer] = arguments[..] {
        run_node(listen.parse()?, peer.parse()?)?;
    }
    if place == LabContext::Outside {
        let status = relaunch(Lab::Namespaces)?;
        return Ok(ExitCode::from(status.code().unwrap_or(1) as u8));
    }
    let rounds = arguments.first().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let scratch = std::env::temp_dir().join(format!("stormproof-figures-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    // By our own switch, and by what the lab would choose.
    for engine in BTreeSet::from([PartitionEngine::Switch, choose_engine().engine]) {
        let mut lab = Figures::new(engine, &scratch.join(engine.name()))?;
        if engine == PartitionEngine::Switch {
            lab.measure_processes(rounds)?;
            lab.measure_power(rounds)?;
            lab.measure_disk_cost()?;
            lab.measure_message_cost()?;
        }
        lab.measure_cuts(engine, rounds)?;
    }
    fs::remove_dir_all(&scratch)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes, syncs and asks its peer all the time, and answers it.
fn run_node(listen: SocketAddr, peer: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &connection, &mut &connection));
        }
    });
    let mut log = File::create("log")?;
    loop {
        let Ok(mut connection) = TcpStream::connect(peer) else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        connection.set_nodelay(true)?;
        let mut message = [7; 100];
        loop {
            log.write_all(&message)?;
            log.sync_data()?;
            let answered = connection.write_all(&message);
            if answered.and_then(|()| connection.read_exact(&mut message)).is_err() {
                break;
            }
        }
    }
}

/// Two nodes on disks of their own, on a network that our switch carries.
struct Figures {
    host: LocalHost,
    seen: Receiver<(Observation, Instant)>,
    watches: u32,
}

fn set(nodes: &[&str]) -> BTreeSet<String> {
    nodes.iter().map(|node| (*node).to_owned()).collect()
}

impl Figures {
    fn new(engine: PartitionEngine, place: &std::path::Path) -> Result<Self, Box<dyn Error>> {
        let names = ["n1", "n2"].map(str::to_owned);
        let options = NetworkOptions { engine, packet_faults: true, tcp: TcpKnobs::QUICK };
        let network = Network::build(&names, options)?;
        let mut host = LocalHost::new(Some(network), Arc::new(|_: &str, _| {}))?;
        let (report, seen) = channel();
        let report = Mutex::new(report);
        host.report_observations(Arc::new(move |observation| {
            let now = Instant::now();
            let _ = report.lock().expect("no holder panics").send((observation, now));
        }));
        let own = std::env::current_exe()?;
        let address = |host: &LocalHost, node: &str| format!("{}:{PORT}", host.address(node));
        for (node, peer) in [("n1", "n2"), ("n2", "n1")] {
            let data = place.join(node);
            fs::create_dir_all(&data)?;
            let (listen, peer) = (address(&host, node), address(&host, peer));
            host.add_node(NodeSpec {
                name: node.to_owned(),
                argv: vec![own.clone().into(), NODE.into(), listen.into(), peer.into()],
                later_argv: None,
                anew_argv: None,
                env: BTreeMap::new(),
                cwd: data.clone(),
                log_path: place.join(format!("{node}.log")),
                own_clock: OwnClock::No,
            });
            host.mount_disk(node, &data, 7)?;
        }
        Ok(Self { host, seen, watches: 0 })
    }

    fn start(&mut self) -> Result<(), Box<dyn Error>> {
        for (_, started) in self.host.start(&set(&["n1", "n2"])) {
            started?;
        }
        Ok(())
    }

    fn watch_fsync(&mut self, nth: u32) -> Result<(), Box<dyn Error>> {
        let edge = if self.watches.is_multiple_of(2) { Edge::Before } else { Edge::After };
        let (call, files) = (DiskCall::Fsync, Some("*".to_owned()));
        let watch = Watch::Disk(DiskWatch { nodes: set(&["n1"]), call, files, edge });
        self.watch(&watch, nth)
    }

    fn watch_messages(&mut self, nth: u32, path: Option<&str>) -> Result<(), Box<dyn Error>> {
        let (from, to) = (set(&["n1"]), set(&["n2"]));
        let path = path.map(str::to_owned);
        self.watch(&Watch::Message(MessageWatch { from, to, least_bytes: 1, path }), nth)
    }

    fn watch(&mut self, watch: &Watch, nth: u32) -> Result<(), Box<dyn Error>> {
        self.watches += 1;
        Ok(self.host.watch(self.watches, watch, nth, Some(HOLD))?)
    }

    /// Waits for the event that the last watch waits for, and returns when it was seen.
    fn event(&self) -> Result<Instant, Box<dyn Error>> {
        let (observation, at) = self.seen.recv_timeout(LOST_AFTER)?;
        assert_eq!(observation.watch, self.watches, "{observation:?}");
        Ok(at)
    }

    /// Ends the last watch; returns false if its hold was over before the fault was done.
    fn end(&mut self) -> bool {
        self.host.end_watch(self.watches).is_some_and(|held| held < HOLD)
    }

    fn measure_processes(&mut self, rounds: u32) -> Result<(), Box<dyn Error>> {
        let n1 = set(&["n1"]);
        let (mut kills, mut pauses) = (Times::default(), Times::default());
        for round in 0..rounds {
            self.start()?;
            self.watch_fsync(1 + round % 5)?;
            let at = self.event()?;
            for (_, killed) in self.host.kill(&n1) {
                killed?;
            }
            kills.add(at.elapsed(), self.host.state("n1") == NodeState::Stopped && self.end());
        }
        kills.print("fsync held → killed, its end seen");
        self.start()?;
        for round in 0..rounds {
            self.watch_fsync(1 + round % 5)?;
            let at = self.event()?;
            for (_, paused) in self.host.pause(&n1) {
                paused?;
            }
            pauses.add(at.elapsed(), self.host.state("n1") == NodeState::Paused && self.end());
            for (_, resumed) in self.host.resume(&n1) {
                resumed?;
            }
        }
        pauses.print("fsync held → paused, every thread seen stopped");
        Ok(())
    }

    fn measure_power(&mut self, rounds: u32) -> Result<(), Box<dyn Error>> {
        let n1 = set(&["n1"]);
        let cut = PowerCut { keep_percent: 50.0, sector: 512 };
        let mut times = Times::default();
        for round in 0..rounds {
            self.start()?;
            self.watch_fsync(1 + round % 5)?;
            let at = self.event()?;
            for (_, lost) in self.host.cut_power(&n1, &cut, u64::from(round)) {
                lost?;
            }
            times.add(at.elapsed(), self.host.state("n1") == NodeState::Stopped && self.end());
        }
        times.print("fsync held → power cut, its process dead, its disk crashed");
        Ok(())
    }

    fn measure_cuts(&mut self, engine: PartitionEngine, rounds: u32) -> Result<(), Box<dyn Error>> {
        self.start()?;
        let mut grudge = Grudge::none();
        grudge.drop_link("n1", "n2");
        let mut times = Times::default();
        for round in 0..rounds {
            self.watch_messages(1 + round % 5, None)?;
            let at = self.event()?;
            self.host.partition_quickly(&grudge)?;
            let took = at.elapsed();
            // Healed before it goes on, so that the next round need not wait for TCP.
            self.host.partition_quickly(&Grudge::none())?;
            times.add(took, self.end());
        }
        times.print(&format!("message held → its link cut by {engine}"));
        Ok(())
    }

    fn measure_disk_cost(&mut self) -> Result<(), Box<dyn Error>> {
        // A power failure left its disk without power.
        self.start()?;
        for (_, killed) in self.host.kill(&set(&["n1", "n2"])) {
            killed?;
        }
        let path = self.host.disk("n1").expect("it was mounted").path().join("member");
        fs::create_dir_all(path.join("wal"))?;
        let mut file = File::create(path.join("wal/0000000000000000-0000000000000000.wal"))?;
        let block = || {
            for _ in 0..IN_A_BLOCK {
                file.write_all(&[7; 100])?;
                file.sync_data()?;
            }
            file.set_len(0)
        };
        self.compare("append of 100 bytes and fdatasync", IN_A_BLOCK, block, |figures| {
            figures.watch_fsync(u32::MAX)
        })
    }

    fn measure_message_cost(&mut self) -> Result<(), Box<dyn Error>> {
        let network = self.host.network().expect("there is one");
        let at = |node: &str| network.namespace(node).expect("it was built");
        let address = (network.address("n2").expect("it was built"), PORT);
        let listener = at("n2").run(|| TcpListener::bind(address))??;
        let mut near = at("n1").run(|| TcpStream::connect(address))??;
        let (far, _) = listener.accept()?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        // It answers a message of 100 bytes, and takes a stream.
        let far = thread::spawn(move || -> std::io::Result<()> {
            let mut buffer = vec![0; 1 << 20];
            loop {
                match (&far).read(&mut buffer)? {
                    0 => return Ok(()),
                    100 => (&far).write_all(&buffer[..100])?,
                    _ => {}
                }
            }
        });
        let request = b"POST /raft/heartbeat HTTP/1.1\r\ncontent-length: 30\r\n\r\n";
        let mut message = [b'x'; 100];
        message[..request.len()].copy_from_slice(request);
        let mut answer = message;
        let trips = || {
            for _ in 0..IN_A_BLOCK {
                near.write_all(&message)?;
                near.read_exact(&mut answer)?;
            }
            Ok(())
        };
        self.compare("message of 100 bytes and its answer", IN_A_BLOCK, trips, |figures| {
            figures.watch_messages(u32::MAX, Some("/raft/"))
        })?;
        let bytes = vec![7; 64 << 10];
        let stream = || (0..STREAMED / bytes.len()).try_for_each(|_| near.write_all(&bytes));
        self.compare("64 KiB of a stream", STREAMED / bytes.len(), stream, |figures| {
            figures.watch_messages(u32::MAX, Some("/raft/"))
        })?;
        drop(near);
        far.join().expect("it does not panic")?;
        Ok(())
    }

    /// Runs blocks without and with a watch in turns, and prints time and processor time of both.
    fn compare(
        &mut self,
        what: &str,
        in_a_block: usize,
        mut block: impl FnMut() -> std::io::Result<()>,
        watch: impl Fn(&mut Self) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let (mut walls, mut processors) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        block()?;
        for number in 0..BLOCKS {
            let is_watched = number % 2;
            if is_watched == 1 {
                watch(self)?;
            }
            let (start, used) = (Instant::now(), processor_time()?);
            block()?;
            walls[is_watched].push(start.elapsed() / in_a_block as u32);
            processors[is_watched].push((processor_time()? - used) / in_a_block as u32);
            self.host.end_watch(self.watches);
        }
        for (kind, [without, with]) in [("", &mut walls), (", processor", &mut processors)] {
            // Of neighbours, since the machine's speed changes.
            let pairs = without.iter().zip(&*with);
            let mut more: Vec<_> =
                pairs.map(|(without, with)| with.as_secs_f64() / without.as_secs_f64()).collect();
            more.sort_unstable_by(f64::total_cmp);
            let more = (more[more.len() / 2] - 1.0) * 100.0;
            let (without, with) = (median(without), median(with));
            println!("{what}{kind}: {without:.2?}, watched {with:.2?}, median of {more:+.1} %");
        }
        Ok(())
    }
}

/// That of this process, in which disk, switch and callers all are.
fn processor_time() -> nix::Result<Duration> {
    ClockId::CLOCK_PROCESS_CPUTIME_ID.now().map(Duration::from)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The times of one kind of fault.
#[derive(Default)]
struct Times {
    times: Vec<Duration>,
    /// Those whose hold was over before the fault was done.
    late: usize,
}

impl Times {
    fn add(&mut self, time: Duration, was_in_time: bool) {
        self.times.push(time);
        self.late += usize::from(!was_in_time);
    }

    fn print(&mut self, what: &str) {
        self.times.sort_unstable();
        let at = |share: usize| self.times[(self.times.len() - 1) * share / 100];
        let (count, late) = (self.times.len(), self.late);
        println!(
            "{what}: median {:.2?}, 99 % {:.2?}, at most {:.2?}; {count} events, none lost, {late} late",
            at(50),
            at(99),
            at(100)
        );
    }
}
