//! What is measured against what.

use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use checker::history::{Event, EventType, Process};
use results::run_directory::{HISTORY, RunDirectory};
use stormproof::run::live::Live;
use stormproof::run::load::{self, Clients};
use stormproof::run::recorder::Recorder;
use stormproof::target::{Client, Reply, Request};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use workloads::retry::RetryPolicy;
use workloads::{GeneratorOptions, Invocation};

use crate::machine;
use crate::node::Node;
use crate::target::AtOnce;

/// How many clients act at a time.
const CLIENTS: usize = 20;

/// Every contender, in the order of their turns.
pub const CONTENDERS: [Contender; 7] = [
    Contender { target: Target::AtOnce, record: Record::None },
    Contender { target: Target::AtOnce, record: Record::Nowhere { listener: false } },
    Contender { target: Target::AtOnce, record: Record::Nowhere { listener: true } },
    Contender { target: Target::AtOnce, record: Record::File { listener: false } },
    Contender { target: Target::AtOnce, record: Record::File { listener: true } },
    Contender { target: Target::Node, record: Record::None },
    Contender { target: Target::Node, record: Record::File { listener: true } },
];

/// A target and the record that is kept of what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contender {
    target: Target,
    record: Record,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    AtOnce,
    Node,
}

/// What is kept of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    /// Nothing.
    None,
    /// What a run records, written to `/dev/null`.
    Nowhere { listener: bool },
    /// What a run records.
    File { listener: bool },
}

impl Contender {
    /// The one that is asked the same and keeps no record of it.
    pub fn rival(self) -> Self {
        Contender { record: Record::None, ..self }
    }

    /// Loads the target for `length`.
    ///
    /// # Errors
    /// When the target cannot be started, or the history has not all that was done.
    pub async fn turn(self, directory: &Path, length: Duration) -> Result<Figures> {
        match self.target {
            Target::AtOnce => self.load(Arc::new(AtOnce), directory, length).await,
            Target::Node => {
                let node = Node::start().await?;
                self.load(node.client.clone(), directory, length).await
            }
        }
    }

    async fn load(
        self,
        client: Arc<dyn Client>,
        place: &Path,
        length: Duration,
    ) -> Result<Figures> {
        let generator = |options| (workloads::register::WORKLOAD.generator)(options);
        let generator = generator(&GeneratorOptions { seed: 1, hot_keys: 5 });
        let (file, listener) = match self.record {
            Record::None => {
                let meter = Meter::start()?;
                let operations = without_a_record(client, generator, length).await?;
                return meter.read(operations);
            }
            Record::Nowhere { listener } => (false, listener),
            Record::File { listener } => (true, listener),
        };
        let directory = if file {
            RunDirectory::create(place, "run")?
        } else {
            fs::create_dir_all(place)?;
            symlink("/dev/null", place.join(HISTORY))?;
            RunDirectory::open(place)?
        };
        let history = directory.path().join(HISTORY);
        let live = Live::default();
        let listeners = if listener { vec![live.listener()] } else { Vec::new() };
        let recorder = Arc::new(Recorder::new(directory, listeners));
        let nodes = vec!["n1".to_owned()];
        let clients = Clients::new(recorder.clone(), client, nodes, 1, "bench".into(), CLIENTS);
        let (_goes_on, stop) = watch::channel(false);
        let meter = Meter::start()?;
        load::drive(Arc::new(clients), generator, None, length, stop).await?;
        // One event more tells how many there were.
        let last = Event::new(Process::Controller, EventType::Info, "count", ().into());
        let events = recorder.record(last)?.index;
        let figures = meter.read(events / 2)?;

        if file {
            let lines = fs::read(&history)?.iter().filter(|&&byte| byte == b'\n').count() as u64;
            ensure!(lines == events + 1, "{lines} lines for {} events", events + 1);
        }
        if listener {
            let seen = live.snapshot();
            ensure!(
                seen.invoked * 2 == events,
                "{} of {events} events were seen",
                seen.invoked * 2
            );
        }
        Ok(figures)
    }
}

/// What was seen in one turn.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Operations a second, of all clients together.
    pub speed: f64,
    /// Processor time of this process, microseconds an operation.
    pub cost: f64,
}

/// Clock and processor time at the beginning of a turn.
struct Meter {
    begin: Instant,
    used: Duration,
}

impl Meter {
    fn start() -> Result<Self> {
        Ok(Meter { begin: Instant::now(), used: machine::processor_time("self")? })
    }

    fn read(self, operations: u64) -> Result<Figures> {
        let operations = operations as f64;
        let used = machine::processor_time("self")? - self.used;
        Ok(Figures {
            speed: operations / self.begin.elapsed().as_secs_f64(),
            cost: used.as_secs_f64() * 1e6 / operations,
        })
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match self.target {
            Target::AtOnce => "at once",
            Target::Node => "one node",
        };
        let record = match self.record {
            Record::None => "no record",
            Record::Nowhere { listener: false } => "/dev/null",
            Record::Nowhere { listener: true } => "/dev/null, listener",
            Record::File { listener: false } => "file",
            Record::File { listener: true } => "file, listener",
        };
        write!(f, "{target}: {record}")
    }
}

/// What a run's clients do when all goes well, without writing it down; returns how often.
async fn without_a_record(
    client: Arc<dyn Client>,
    generator: Box<dyn workloads::Generator>,
    length: Duration,
) -> Result<u64> {
    let generator = Arc::new(Mutex::new(generator));
    let end = Instant::now() + length;
    let mut workers = JoinSet::new();
    for process in 0..CLIENTS as u64 {
        let (client, generator) = (client.clone(), generator.clone());
        workers.spawn(async move {
            let mut sequence = 0;
            while Instant::now() < end {
                let Invocation { f, key, value } = generator.lock().expect("no panic").next();
                let token = format!("bench:{process}:{sequence}");
                sequence += 1;
                let request = Request { f, key, value, token };
                let limit = RetryPolicy::default().attempt_timeout;
                let reply = timeout(limit, client.attempt(0, &request)).await?;
                let Reply::Answer(answer) = reply else { anyhow::bail!("refused: {reply:?}") };
                let kind = match answer.value {
                    Some(_) => EventType::Ok,
                    None => EventType::Fail,
                };
                let value = answer.value.unwrap_or(request.value);
                let mut completion = Event::new(Process::Client(process), kind, f, value);
                completion.key = Some(request.key);
                generator.lock().expect("no panic").update(&completion);
            }
            anyhow::Ok(sequence)
        });
    }
    let mut operations = 0;
    while let Some(worker) = workers.join_next().await {
        operations += worker.context("a client panicked")??;
    }
    Ok(operations)
}
