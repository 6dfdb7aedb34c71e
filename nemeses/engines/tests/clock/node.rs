//! A node that is listened to.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faults::fault::ClockCondition;
use faults::host::ClockSeen;
use stormproof_engines::node_process::{
    NodeListener, NodeOutput, NodeProcess, NodeSpec, OwnClock, Spawner,
};

use crate::programs::clocks;

/// Nothing that is waited for takes this long unless it hangs.
pub const HANGS_AFTER: Duration = Duration::from_secs(30);

/// The clocks of a node, as it said.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    pub wall: i64,
    pub monotonic: i64,
}

pub struct Node {
    process: NodeProcess,
    lines: Receiver<NodeOutput>,
    _spawner: Spawner,
}

/// The command of a node of these tests.
pub fn spec(argv: Vec<OsString>, own_clock: OwnClock) -> NodeSpec {
    NodeSpec {
        name: "n1".to_owned(),
        argv,
        later_argv: None,
        anew_argv: None,
        env: Default::default(),
        cwd: PathBuf::from("/tmp"),
        log_path: PathBuf::from("/dev/null"),
        own_clock,
    }
}

/// A listener, and where the output comes out.
pub fn listener() -> (NodeListener, Receiver<NodeOutput>) {
    let (heard, lines) = channel();
    let heard = Mutex::new(heard);
    let listener = move |_: &str, output: NodeOutput| {
        let _ = heard.lock().expect("no holder panics").send(output);
    };
    (Arc::new(listener), lines)
}

impl Node {
    pub fn start(argv: Vec<OsString>, own_clock: OwnClock, clocks: &ClockCondition) -> Self {
        let spawner = Spawner::new().expect("threads start");
        let (listener, lines) = listener();
        let process =
            NodeProcess::start(&spec(argv, own_clock), None, clocks, None, &spawner, &listener)
                .expect("it starts");
        Self { process, lines, _spawner: spawner }
    }

    pub fn process(&self) -> &NodeProcess {
        &self.process
    }

    pub fn set(&self, condition: &ClockCondition) -> ClockSeen {
        self.process.set_clocks(condition).expect("its clocks are set")
    }

    /// The numbers of the next line that begins with a letter.
    pub fn next(&self, letter: &str) -> Vec<i64> {
        next(&self.lines, letter)
    }

    /// Forgets what it has said.
    pub fn forget(&self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// Its clocks at a moment from now on. Its monotonic clock must not be behind.
    pub fn tick(&self) -> Tick {
        let (_, now) = clocks();
        loop {
            let numbers = self.next("T");
            let tick = Tick { wall: numbers[0], monotonic: numbers[1] };
            if tick.monotonic >= now {
                return tick;
            }
        }
    }

    /// Asserts that its wall clock is ahead by so much, and its monotonic one right.
    #[track_caller]
    pub fn assert_ahead(&self, milliseconds: i64) {
        let ahead = milliseconds * 1_000_000;
        let before = clocks();
        let tick = self.tick();
        let after = clocks();
        // Java's wall clock has milliseconds.
        let range = before.0 + ahead - 1_000_000..=after.0 + ahead;
        assert!(range.contains(&tick.wall), "{milliseconds} ms: {tick:?} not in {range:?}");
        assert!((before.1..=after.1).contains(&tick.monotonic), "{tick:?}");
    }
}

/// The numbers of the next line that begins with a letter.
pub fn next(lines: &Receiver<NodeOutput>, letter: &str) -> Vec<i64> {
    loop {
        match lines.recv_timeout(HANGS_AFTER).expect("the node says something") {
            NodeOutput::Line(line) if line.starts_with(letter) => {
                let numbers = line.split(' ').skip(1);
                return numbers.map(|number| number.parse().expect("a number")).collect();
            }
            NodeOutput::Exited { status, .. } => panic!("the node ended: {status}"),
            _ => {}
        }
    }
}
