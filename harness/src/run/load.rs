//! The clients: they carry out what a generator has until it is exhausted.
//!
//! One dispatcher asks the generator, whenever something happened or its time has come, and hands
//! each operation to the thread that it is for. So the generator sees one sequence of questions
//! and events, as in the simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use checker::history::{Event, EventType};
use rand::rngs::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use workloads::clients::ClientPlan;
use workloads::retry::RetryPolicy;
use workloads::route::Route;
use workloads::{Context, Generator, Invocation, Next, stream};

use super::operation::Actor;
use super::order::OrderKeeper;
use super::recorder::Recorder;
use super::triggers::Triggers;
use crate::targets::Client;

/// Everything that all clients of a run share.
pub struct Clients {
    /// Writes down what they do.
    pub recorder: Arc<Recorder>,
    /// Speaks to the cluster.
    pub client: Arc<dyn Client>,
    /// The names of the nodes, by position.
    pub nodes: Vec<String>,
    /// The run's seed.
    pub seed: u64,
    /// The first part of every token: the run's id.
    pub run: String,
    /// The traits of each; as many as there are act at a time.
    pub plan: ClientPlan,
    /// True if the nodes of the target say who leads.
    pub knows_leader: bool,
    /// True if nodes agree that name the same leader, in whichever terms.
    pub terms_may_differ: bool,
    /// The events that faults wait for, some of which are held back.
    pub triggers: Triggers,
    /// The order that the run keeps, if it does.
    pub order: Option<Arc<OrderKeeper>>,
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
        plan: ClientPlan,
    ) -> Self {
        let next_process = AtomicU64::new(0);
        Clients {
            recorder,
            client,
            nodes,
            seed,
            run,
            plan,
            knows_leader: true,
            terms_may_differ: false,
            triggers: Triggers::default(),
            order: None,
            next_process,
        }
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
        let mut route = Route::pinned(node, self.nodes.len());
        let mut rng = stream(self.seed, &format!("process {process}"));
        let token = format!("{}:{process}:0", self.run);
        let policy = RetryPolicy::default();
        self.actor(policy, &mut route, &mut rng, None).act(process, token, invocation).await
    }

    fn actor<'a>(
        &'a self,
        policy: RetryPolicy,
        route: &'a mut Route,
        rng: &'a mut ChaCha8Rng,
        thread: Option<usize>,
    ) -> Actor<'a> {
        let number = thread.and_then(|thread| u16::try_from(thread).ok());
        Actor {
            recorder: &self.recorder,
            client: &*self.client,
            nodes: &self.nodes,
            policy,
            route,
            rng,
            order: number.zip(self.order.as_deref()),
        }
    }
}

/// Carries out what the generator has until it is exhausted or `stopped` is over, then waits for
/// what is still open.
///
/// # Errors
/// When the history cannot be written, or the generator waits for what will never happen.
pub async fn drive(
    clients: Arc<Clients>,
    generator: &mut dyn Generator,
    stopped: impl Future<Output = ()> + Send,
) -> Result<()> {
    Dispatcher::start(clients).dispatch(generator, stopped).await
}

/// Asks the generator, and keeps the threads busy.
struct Dispatcher {
    clients: Arc<Clients>,
    /// When the load began.
    begin: Duration,
    context: Context,
    /// To each thread, by number: who acts, and what it does.
    tasks: Vec<mpsc::UnboundedSender<(u64, Invocation)>>,
    completions: mpsc::UnboundedReceiver<(usize, Result<Event>)>,
    /// The threads; they end with the dispatcher.
    workers: JoinSet<()>,
}

impl Dispatcher {
    fn start(clients: Arc<Clients>) -> Self {
        let mut workers = JoinSet::new();
        let (completed, completions) = mpsc::unbounded_channel();
        let processes: Vec<u64> =
            (0..clients.plan.clients()).map(|_| clients.new_process()).collect();
        let tasks = (0..clients.plan.clients()).map(|thread| {
            let (task, tasks) = mpsc::unbounded_channel();
            let worker =
                Worker { clients: clients.clone(), thread, tasks, completed: completed.clone() };
            workers.spawn(worker.run());
            task
        });
        Dispatcher {
            tasks: tasks.collect(),
            begin: clients.recorder.elapsed(),
            context: Context::new(processes),
            completions,
            clients,
            workers,
        }
    }

    async fn dispatch(
        mut self,
        generator: &mut dyn Generator,
        stopped: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        tokio::pin!(stopped);
        let mut over = false;
        loop {
            // What is known already is told before the next question.
            while let Ok((thread, completion)) = self.completions.try_recv() {
                self.complete(generator, thread, completion?);
            }
            let now = self.now();
            self.context.advance(now);
            let mut wake = None;
            if !over && !self.context.free().is_empty() {
                match generator.next(&self.context) {
                    Next::Operation { thread, invocation } => {
                        self.invoke(generator, thread, invocation)?;
                        continue;
                    }
                    Next::Pending { until } => wake = until,
                    Next::Exhausted => over = true,
                }
            }
            if over && self.context.all_free() {
                return Ok(());
            }
            ensure!(
                wake.is_some() || !self.context.all_free(),
                "the generator waits although nothing will ever happen"
            );
            let wait = wake.map(|wake| tokio::time::sleep(wake.saturating_sub(now)));
            let time_has_come = async {
                match wait {
                    Some(wait) => wait.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                completed = self.completions.recv() => {
                    let (thread, completion) = completed.ok_or_else(died)?;
                    self.complete(generator, thread, completion?);
                }
                // As long as it is given tasks, only a panic ends a thread.
                _ = self.workers.join_next() => return Err(died()),
                () = time_has_come => {}
                () = &mut stopped, if !over => over = true,
            }
        }
    }

    /// The time since the load began.
    fn now(&self) -> Duration {
        self.clients.recorder.elapsed() - self.begin
    }

    fn invoke(
        &mut self,
        generator: &mut dyn Generator,
        thread: usize,
        invocation: Invocation,
    ) -> Result<()> {
        let process = self.context.process(thread);
        self.context.begin(thread);
        generator.update(&self.context, &invocation.event(process));
        self.tasks[thread].send((process, invocation)).map_err(|_| died())
    }

    fn complete(&mut self, generator: &mut dyn Generator, thread: usize, completion: Event) {
        let now = self.now();
        self.context.advance(now);
        self.context.finish(thread);
        generator.update(&self.context, &completion);
        if completion.kind == EventType::Info {
            // Its operation may still take effect; whoever acts next is somebody else.
            self.context.replace(thread, self.clients.new_process());
        }
    }
}

fn died() -> anyhow::Error {
    anyhow!("a client panicked")
}

/// A thread: it carries out one operation after the other.
struct Worker {
    clients: Arc<Clients>,
    thread: usize,
    tasks: mpsc::UnboundedReceiver<(u64, Invocation)>,
    completed: mpsc::UnboundedSender<(usize, Result<Event>)>,
}

impl Worker {
    async fn run(mut self) {
        let clients = self.clients.clone();
        let mut route = clients.plan.routing.route(self.thread, clients.nodes.len());
        let policy = clients.plan.policy(self.thread);
        let mut rng = stream(clients.seed, &format!("client {}", self.thread));
        // The process that acted last, and its next number.
        let mut last = (u64::MAX, 0);
        while let Some((process, invocation)) = self.tasks.recv().await {
            let sequence = if last.0 == process { last.1 } else { 0 };
            last = (process, sequence + 1);
            let token = format!("{}:{process}:{sequence}", clients.run);
            let mut actor = clients.actor(policy, &mut route, &mut rng, Some(self.thread));
            let completion = actor.act(process, token, invocation).await;
            clients.triggers.pass(process).await;
            if self.completed.send((self.thread, completion)).is_err() {
                return;
            }
        }
    }
}
