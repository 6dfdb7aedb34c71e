//! Measures clocks of a process's own: what a look at the clock costs, how well a drift follows its
//! rate, how long a change takes, and what the correction of deadlines costs and is good for.
//!
//! `cargo run --release -p stormproof-engines --example clock_figures`

use std::error::Error;
use std::ffi::OsString;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use faults::fault::ClockCondition;
use nix::time::{ClockId, clock_gettime};
use stormproof_engines::node_process::{NodeOutput, NodeProcess, NodeSpec, OwnClock, Spawner};

/// Leads the arguments of this program when it is a node.
const NODE: &str = "--node";
/// Looks at the clock that are measured at once.
const LOOKS: u32 = 200_000;
/// Waits that are measured at once.
const WAITS: u32 = 20_000;
/// Batches of which the best counts: the machine may have been busy in the others.
const BATCHES: usize = 15;
/// Changes of the clocks that are measured.
const CHANGES: usize = 10_000;
/// The time for which a drift is watched.
const DRIFT: Duration = Duration::from_secs(4);
/// A wait that is too long by what the clock has gained, if its deadline is not corrected.
const WAIT: Duration = Duration::from_millis(500);
/// For so long the clock gains a tenth before that.
const GAIN: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [first, role] = arguments.as_slice()
        && first == NODE
    {
        play(role);
    }
    starts()?;
    reads()?;
    slopes()?;
    changes()?;
    deadline_costs()?;
    long_waits()
}

/// The life of a node: it prints one number a line, for ever.
fn play(role: &str) -> ! {
    let (nothing, never) = (Mutex::new(()), Condvar::new());
    let wait = |time| {
        let guard = nothing.lock().expect("no other thread has it");
        drop(never.wait_timeout(guard, time).expect("no other thread has it"));
    };
    // Else each wait lasts at least 50 µs, which hides what happens before it begins.
    nix::sys::prctl::set_timerslack(1).expect("every process may");
    loop {
        match role {
            "read" => println!(
                "{}",
                batch(LOOKS, || {
                    black_box(Instant::now());
                })
            ),
            "call" => println!(
                "{}",
                batch(LOOKS, || {
                    black_box(nix::unistd::getppid());
                })
            ),
            "wait" => println!("{}", batch(WAITS, || wait(Duration::ZERO))),
            "tick" => {
                println!("{}", monotonic());
                sleep(Duration::from_millis(1));
            }
            "long" => {
                wait(WAIT);
                println!("0");
            }
            other => panic!("no such node: {other}"),
        }
    }
}

/// Picoseconds of each.
fn batch(count: u32, action: impl Fn()) -> u128 {
    let start = Instant::now();
    (0..count).for_each(|_| action());
    start.elapsed().as_nanos() * 1000 / u128::from(count)
}

/// The monotonic clock, in nanoseconds.
fn monotonic() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every machine has this clock");
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}

/// A node that says numbers.
struct Node {
    process: NodeProcess,
    numbers: Receiver<(i64, i64)>,
    _spawner: Spawner,
}

impl Node {
    fn start(program: &[&str], own_clock: OwnClock) -> Result<Self, Failure> {
        let own = std::env::current_exe()?.into_os_string();
        let argv = match program {
            [role] => vec![own, NODE.into(), role.into()],
            other => other.iter().map(OsString::from).collect(),
        };
        let spec = NodeSpec {
            name: "n1".to_owned(),
            argv,
            later_argv: None,
            anew_argv: None,
            env: Default::default(),
            cwd: "/".into(),
            log_path: "/dev/null".into(),
            own_clock,
        };
        let (said, numbers) = channel();
        let said = Mutex::new(said);
        let listener = move |_: &str, output: NodeOutput| {
            if let NodeOutput::Line(line) = output {
                let heard = monotonic();
                let number = line.parse().expect("it says numbers");
                // Who listens may have gone.
                let _ = said.lock().expect("no holder panics").send((heard, number));
            }
        };
        let spawner = Spawner::new()?;
        let right = ClockCondition::default();
        let listener = std::sync::Arc::new(listener) as _;
        let process = NodeProcess::start(&spec, None, &right, None, &spawner, &listener)?;
        Ok(Self { process, numbers, _spawner: spawner })
    }

    fn drift(&self, rate: f64) -> Result<(), Failure> {
        self.process.set_clocks(&ClockCondition { wall_shift_ms: 0, rate })?;
        Ok(())
    }

    /// The best of what it says, in nanoseconds.
    fn best(&self) -> Result<f64, Failure> {
        self.forget();
        let mut best = i64::MAX;
        for _ in 0..BATCHES {
            best = best.min(self.numbers.recv()?.1);
        }
        Ok(best as f64 / 1000.0)
    }

    fn forget(&self) {
        while self.numbers.try_recv().is_ok() {}
    }
}

const KINDS: [OwnClock; 3] = [OwnClock::No, OwnClock::Plain, OwnClock::WithDeadlines];

fn starts() -> Result<(), Failure> {
    for own_clock in KINDS {
        let mut times = Vec::new();
        for _ in 0..100 {
            let start = Instant::now();
            let node = Node::start(&["sleep", "60"], own_clock)?;
            times.push(start.elapsed());
            drop(node);
        }
        println!("start of a process, {own_clock:?}: {}", spread(&mut times));
    }
    Ok(())
}

fn reads() -> Result<(), Failure> {
    let plain = Node::start(&["read"], OwnClock::No)?.best()?;
    println!("look at the clock, of the machine: {plain:.1} ns");
    let node = Node::start(&["read"], OwnClock::Plain)?;
    let own = node.best()?;
    println!("look at the clock, own: {own:.1} ns, {:+.1} ns", own - plain);
    // By its own clock, which is slower or faster itself.
    node.drift(1.1)?;
    let drifting = node.best()? / 1.1;
    println!("look at the clock, drifting: {drifting:.1} ns, {:+.1} ns", drifting - plain);
    Ok(())
}

/// Lines that took long to arrive say nothing, so of the first and of the last ones the fastest
/// count.
fn slopes() -> Result<(), Failure> {
    let node = Node::start(&["tick"], OwnClock::Plain)?;
    for rate in [0.9, 0.95, 0.99, 1.01, 1.05, 1.1] {
        node.drift(rate)?;
        sleep(Duration::from_millis(50));
        node.forget();
        let mut heard = Vec::new();
        let start = Instant::now();
        while start.elapsed() < DRIFT {
            heard.push(node.numbers.recv()?);
        }
        let fastest = |part: &[(i64, i64)]| {
            *part.iter().max_by_key(|(heard, said)| said - heard).expect("it ticks")
        };
        let first = fastest(&heard[..heard.len() / 10]);
        let last = fastest(&heard[heard.len() * 9 / 10..]);
        let slope = (last.1 - first.1) as f64 / (last.0 - first.0) as f64;
        let error = (slope / rate - 1.0) * 100.0;
        println!("rate {rate} asked for: {slope:.5} measured, {error:+.3} %");
    }
    Ok(())
}

fn changes() -> Result<(), Failure> {
    let node = Node::start(&["read"], OwnClock::Plain)?;
    let (mut changes, mut reads) = (Vec::new(), Vec::new());
    for change in 0..CHANGES {
        let shift = [1000, -1000][change % 2];
        let start = Instant::now();
        node.process.set_clocks(&ClockCondition { wall_shift_ms: shift, rate: 1.0 })?;
        changes.push(start.elapsed());
        let start = Instant::now();
        node.process.clocks()?;
        reads.push(start.elapsed());
    }
    println!("change of the clocks, read back: {}", spread(&mut changes));
    println!("reading them back: {}", spread(&mut reads));
    Ok(())
}

fn deadline_costs() -> Result<(), Failure> {
    for own_clock in KINDS {
        let call = Node::start(&["call"], own_clock)?.best()?;
        println!("any system call, {own_clock:?}: {call:.0} ns");
    }
    for own_clock in KINDS {
        let node = Node::start(&["wait"], own_clock)?;
        println!("wait until now, {own_clock:?}: {:.0} ns", node.best()?);
        if own_clock == OwnClock::WithDeadlines {
            node.drift(1.1)?;
            println!("wait until now, drifting: {:.0} ns", node.best()? / 1.1);
        }
    }
    Ok(())
}

fn long_waits() -> Result<(), Failure> {
    let kinds = [OwnClock::Plain, OwnClock::WithDeadlines];
    let nodes = kinds.map(|own_clock| Node::start(&["long"], own_clock));
    let mut waiting = Vec::new();
    for (own_clock, node) in kinds.into_iter().zip(nodes) {
        let node = node?;
        node.drift(1.1)?;
        waiting.push((own_clock, node));
    }
    sleep(GAIN);
    for (_, node) in &waiting {
        node.drift(1.0)?;
    }
    for (own_clock, node) in waiting {
        let gained = node.process.clocks()?.monotonic_offset_ms;
        node.forget();
        let mut ends = (0..4).map(|_| node.numbers.recv().map(|(heard, _)| heard));
        let _ = (ends.next(), ends.next());
        let (first, second) = (ends.next().expect("four"), ends.next().expect("four"));
        let took = (second? - first?) as f64 / 1e6;
        println!("wait of {WAIT:?} on a clock {gained:.0} ms ahead, {own_clock:?}: {took:.1} ms");
    }
    Ok(())
}

/// The median and the most.
fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    format!("median {:.1?}, at most {:.1?}", times[times.len() / 2], times[times.len() - 1])
}
