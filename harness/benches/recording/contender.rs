//! The contenders, and what each is measured against.

use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use checker::history::{Event, EventType, Process};
use results::run_directory::{HISTORY, PLAN, RunDirectory};
use stormproof::internal::{Clients, Live, Recorder, load, online_check};
use stormproof::targets::{Client, Reply, Request};
use tokio::task::JoinSet;
use tokio::time::timeout;
use workloads::clients::ClientPlan;
use workloads::retry::RetryPolicy;
use workloads::{Generator, GeneratorOptions, Invocation, Load, Next, ValueSizes};

use crate::machine;
use crate::node::Node;
use crate::target::AtOnce;

/// The number of clients that act at a time.
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

/// The side that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    AtOnce,
    Node,
}

/// The record that is kept of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    /// Nothing.
    None,
    /// The record of a run, written to `/dev/null`.
    Nowhere { listener: bool },
    /// The record of a run.
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
        let (file, listener) = match self.record {
            Record::None => {
                let meter = Meter::start()?;
                let operations = without_a_record(client, length).await?;
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
            // Without it this would be no run.
            fs::write(place.join(PLAN), "")?;
            RunDirectory::open(place)?
        };
        let history = directory.path().join(HISTORY);
        let live = Live::default();
        let listeners = if listener {
            vec![live.listener(), online_check::start("register")?.0]
        } else {
            Vec::new()
        };
        let recorder = Arc::new(Recorder::new(directory, listeners));
        let nodes = vec!["n1".to_owned()];
        let plan = ClientPlan::usual(CLIENTS);
        let clients = Clients::new(recorder.clone(), client, nodes, 1, "bench".into(), plan);
        let meter = Meter::start()?;
        let stopped = tokio::time::sleep(length);
        load::drive(Arc::new(clients), &mut *generator()?, stopped).await?;
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

/// The figures of one turn.
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

/// The task of every contender.
fn generator() -> Result<Box<dyn Load>> {
    let workload = workloads::find("register").context("there is a register workload")?;
    let options = GeneratorOptions { seed: 1, hot_keys: 5, values: ValueSizes::default() };
    Ok((workload.generator)(&options))
}

/// Does what a run's clients do when all goes well, without writing it down; returns how often.
async fn without_a_record(client: Arc<dyn Client>, length: Duration) -> Result<u64> {
    let end = Instant::now() + length;
    let mut workers = JoinSet::new();
    for process in 0..CLIENTS as u64 {
        let client = client.clone();
        workers.spawn(async move {
            let mut generator = generator()?;
            let context = workloads::Context::new(vec![process]);
            let mut sequence = 0;
            while Instant::now() < end {
                let Next::Operation { invocation, .. } = generator.next(&context) else {
                    anyhow::bail!("a workload never ends");
                };
                let token = format!("bench:{process}:{sequence}");
                sequence += 1;
                let Invocation { f, key, value, mutates } = invocation.clone();
                let request = Request { f, key, value, mutates, token };
                let limit = RetryPolicy::default().attempt_timeout;
                let reply = timeout(limit, client.attempt(0, &request)).await?;
                let Reply::Answer(answer) = reply else { anyhow::bail!("refused: {reply:?}") };
                let mut completion = invocation.event(process);
                completion.kind = match answer.value {
                    Some(_) => EventType::Ok,
                    None => EventType::Fail,
                };
                completion.value = answer.value.unwrap_or(completion.value);
                generator.update(&context, &completion);
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
