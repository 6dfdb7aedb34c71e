//! The clients: they take operations from the generator at the plan's pace until the load ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use checker::history::{Event, EventType};
use tokio::sync::watch;
use tokio::task::JoinSet;
use workloads::pace::Pace;
use workloads::retry::RetryPolicy;
use workloads::route::Route;
use workloads::{Generator, Invocation, stream};

use super::operation::Actor;
use super::recorder::Recorder;
use crate::target::Client;

/// What all clients of a run share.
pub struct Clients {
    /// Writes down what they do.
    pub recorder: Arc<Recorder>,
    /// Speaks to the cluster.
    pub client: Arc<dyn Client>,
    /// The names of the nodes, by position.
    pub nodes: Vec<String>,
    /// When they try again and when they give up.
    pub policy: RetryPolicy,
    /// The run's seed.
    pub seed: u64,
    /// The first part of every token: the run's id.
    pub run: String,
    /// How many act at a time.
    pub concurrency: usize,
    /// The number of the next process.
    next_process: AtomicU64,
}

impl Clients {
    /// Clients that have not acted yet.
    pub fn new(
        recorder: Arc<Recorder>,
        client: Arc<dyn Client>,
        nodes: Vec<String>,
        seed: u64,
        run: String,
        concurrency: usize,
    ) -> Self {
        let policy = RetryPolicy::default();
        let next_process = AtomicU64::new(0);
        Clients { recorder, client, nodes, policy, seed, run, concurrency, next_process }
    }

    /// A process that has never acted.
    pub fn new_process(&self) -> u64 {
        self.next_process.fetch_add(1, Ordering::Relaxed)
    }

    /// Carries out one operation as a process of its own that begins at `node`.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub async fn once(&self, node: usize, invocation: Invocation) -> Result<Event> {
        let process = self.new_process();
        // Odd clients are pinned; this one to the node asked for.
        let mut route = Route::new(2 * node + 1, self.nodes.len());
        let mut rng = stream(self.seed, &format!("process {process}"));
        let token = format!("{}:{process}:0", self.run);
        self.actor(&mut route, &mut rng).act(process, token, invocation).await
    }

    fn actor<'a>(&'a self, route: &'a mut Route, rng: &'a mut rand::rngs::ChaCha8Rng) -> Actor<'a> {
        Actor {
            recorder: &self.recorder,
            client: &*self.client,
            nodes: &self.nodes,
            policy: self.policy,
            route,
            rng,
        }
    }
}

/// Where the operations come from and when they begin.
struct Source {
    generator: Box<dyn Generator>,
    pace: Pace,
}

/// Drives the cluster until `time_limit` is over or `stop` turns true, then waits for what is
/// still open. Returns the generator, which knows what should be read in the end.
///
/// # Errors
/// When the history cannot be written.
pub async fn drive(
    clients: Arc<Clients>,
    generator: Box<dyn Generator>,
    rate: Option<f64>,
    time_limit: Duration,
    stop: watch::Receiver<bool>,
) -> Result<Box<dyn Generator>> {
    let begin = clients.recorder.elapsed();
    let pace = Pace::new(rate, clients.seed);
    let source = Arc::new(Mutex::new(Source { generator, pace }));
    let mut workers = JoinSet::new();
    for number in 0..clients.concurrency {
        let worker = Worker {
            clients: clients.clone(),
            source: source.clone(),
            begin,
            end: begin + time_limit,
            stop: stop.clone(),
        };
        workers.spawn(worker.run(number));
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("a client panicked")??;
    }
    let source = Arc::into_inner(source).context("a client outlived the load")?;
    Ok(source.into_inner().unwrap_or_else(PoisonError::into_inner).generator)
}

struct Worker {
    clients: Arc<Clients>,
    source: Arc<Mutex<Source>>,
    begin: Duration,
    end: Duration,
    stop: watch::Receiver<bool>,
}

impl Worker {
    async fn run(mut self, number: usize) -> Result<()> {
        let clients = self.clients.clone();
        let mut route = Route::new(number, clients.nodes.len());
        let mut rng = stream(clients.seed, &format!("client {number}"));
        let mut process = clients.new_process();
        let mut sequence = 0;
        while self.wait_for_slot().await {
            let invocation = self.source().generator.next();
            let token = format!("{}:{process}:{sequence}", clients.run);
            sequence += 1;
            let completion =
                clients.actor(&mut route, &mut rng).act(process, token, invocation).await?;
            self.source().generator.update(&completion);
            if completion.kind == EventType::Info {
                // Its operation may still take effect; whoever acts next is somebody else.
                process = clients.new_process();
                sequence = 0;
            }
        }
        Ok(())
    }

    /// Waits until the next operation may begin; false when the load is over.
    async fn wait_for_slot(&mut self) -> bool {
        let now = self.clients.recorder.elapsed();
        let slot = self.begin + self.source().pace.take(now - self.begin);
        if slot >= self.end || *self.stop.borrow() {
            return false;
        }
        if slot > now {
            tokio::select! {
                () = tokio::time::sleep(slot - now) => {}
                _ = self.stop.wait_for(|stop| *stop) => return false,
            }
        }
        true
    }

    fn source(&self) -> std::sync::MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries out every invocation once, as many at a time as there are clients.
///
/// # Errors
/// When the history cannot be written.
pub async fn each_once(clients: Arc<Clients>, invocations: Vec<Invocation>) -> Result<()> {
    let queue = Arc::new(Mutex::new(invocations.into_iter()));
    let mut workers = JoinSet::new();
    for number in 0..clients.concurrency {
        let (clients, queue) = (clients.clone(), queue.clone());
        workers.spawn(async move {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(invocation) = next else { return anyhow::Ok(()) };
                clients.once(number % clients.nodes.len(), invocation).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("a client panicked")??;
    }
    Ok(())
}
