//! The clients of a simulation: those of a run, but that their waits are simulated.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use checker::history::{Event, EventType, History};
use cluster::world::{ClientReply, Received, Simulation, Situation};
use rand::rngs::ChaCha8Rng;
use workloads::attempts::{Attempts, Refused, Then};
use workloads::retry::RetryPolicy;
use workloads::route::Route;
use workloads::{Context, Generator, Invocation, Next, PRECONDITION_FAILED, stream};

use super::settings::ClientChoices;
use crate::targets::bundled::{AnswerBody, ERRORS, Kept, RequestBody, Words};
use crate::targets::{Answer, NONSENSE, Refusal, Reply, refusal};

/// All clients, and what they saw.
pub(super) struct Clients {
    threads: Vec<Thread>,
    words: Words,
    nodes: Vec<String>,
    history: History,
    next_process: u64,
    /// The process that acts on each thread, and the number of its next operation.
    processes: Vec<(u64, u64)>,
    /// The thread that waits for the reply to a request. Those given up are not among them.
    asked: BTreeMap<u64, usize>,
    /// Timers by time and number, each for an attempt of a thread's operation.
    timers: BinaryHeap<Reverse<(Duration, u64, usize, u64)>>,
    timers_set: u64,
}

/// A thread, which does one operation after the other.
struct Thread {
    route: Route,
    policy: RetryPolicy,
    /// True if it asks once for each operation, without a token.
    asks_once: bool,
    rng: ChaCha8Rng,
    /// The number of attempts that it has made in all: a timer of an earlier one is over.
    attempts: u64,
    open: Option<Open>,
}

/// An operation under way.
struct Open {
    invocation: Event,
    /// The body of every request for it.
    body: Vec<u8>,
    kept: Kept,
    begin: Duration,
    course: Attempts,
    node: usize,
    /// The request that may still be answered; none while the client waits to ask again.
    request: Option<u64>,
}

/// The state in which clients stopped acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The generator was exhausted and every operation ended.
    Done,
    /// Time was over, with operations still open.
    TimeOver,
    /// A property was broken.
    Broken,
}

impl Clients {
    /// Clients that have not acted yet.
    pub(super) fn new(seed: u64, choices: &ClientChoices, nodes: usize) -> Clients {
        let ClientChoices { workload, plan, ask_once } = choices;
        let thread = |number: usize| Thread {
            route: plan.routing.route(number, nodes),
            policy: plan.policy(number),
            asks_once: *ask_once,
            rng: stream(seed, &format!("client {number}")),
            attempts: 0,
            open: None,
        };
        let prober = Thread {
            route: Route::roaming(0, nodes),
            policy: RetryPolicy::default(),
            asks_once: false,
            rng: stream(seed, "prober"),
            attempts: 0,
            open: None,
        };
        let count = plan.clients() + 1;
        Clients {
            threads: (0..plan.clients()).map(thread).chain([prober]).collect(),
            words: Words::of(workload.model).expect("the bundled cluster serves every workload"),
            nodes: (1..=nodes).map(|number| format!("n{number}")).collect(),
            history: History::default(),
            next_process: count as u64,
            processes: (0..count as u64).map(|process| (process, 0)).collect(),
            asked: BTreeMap::new(),
            timers: BinaryHeap::new(),
            timers_set: 0,
        }
    }

    /// The thread that asks whether the service serves: it roams, and is patient enough to find
    /// the leader.
    pub(super) fn prober(&self) -> usize {
        self.threads.len() - 1
    }

    /// The number of threads, the prober's among them, which is the last one.
    pub(super) fn count(&self) -> usize {
        self.threads.len()
    }

    /// Everything that they saw.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The same, when they act no more.
    pub(super) fn into_history(self) -> History {
        self.history
    }

    /// Lets the first `acting` threads carry out what the generator has, until it is exhausted and
    /// nothing is open. After `until` no operation begins; at `give_up` all is left as it is.
    pub(super) fn drive(
        &mut self,
        world: &mut Simulation,
        generator: &mut dyn Generator,
        acting: usize,
        until: Duration,
        give_up: Duration,
    ) -> Stopped {
        let begin = world.now();
        let acting = 0..acting;
        let processes = self.processes[acting.clone()].iter();
        let mut context = Context::new(processes.map(|(process, _)| *process));
        for thread in acting.filter(|thread| self.threads[*thread].open.is_some()) {
            context.begin(thread);
        }
        let mut exhausted = false;
        loop {
            let mut wake = give_up;
            while !exhausted && !context.free().is_empty() {
                if world.now() >= until {
                    exhausted = true;
                    break;
                }
                match generator.next(&context) {
                    Next::Operation { thread, invocation } => {
                        self.invoke(world, thread, &invocation);
                        context.begin(thread);
                        generator.update(&context, self.newest());
                    }
                    Next::Pending { until: asks_again } => {
                        wake = wake.min(asks_again.map_or(give_up, |time| begin + time)).min(until);
                        break;
                    }
                    Next::Exhausted => exhausted = true,
                }
            }
            if exhausted && context.all_free() {
                return Stopped::Done;
            }
            if world.now() >= give_up {
                return Stopped::TimeOver;
            }
            if let Some(Reverse((time, ..))) = self.timers.peek() {
                wake = wake.min(*time);
            }
            let completed = match world.advance(wake) {
                Some(heard) => self.hear(world, heard),
                None if world.violation().is_some() => return Stopped::Broken,
                None => self.timer(world),
            };
            context.advance(world.now() - begin);
            if let Some(thread) = completed {
                context.finish(thread);
                let completion = self.newest();
                generator.update(&context, completion);
                if completion.kind == EventType::Info {
                    context.replace(thread, self.processes[thread].0);
                }
            }
        }
    }

    fn invoke(&mut self, world: &mut Simulation, thread: usize, invocation: &Invocation) {
        let (process, number) = &mut self.processes[thread];
        let token = (!self.threads[thread].asks_once).then(|| format!("s:{process}:{number}"));
        *number += 1;
        let word = self.words.word(invocation.f).expect("it has a word for each operation");
        let body = RequestBody::of(word, &invocation.key, &invocation.value, token.as_deref());
        let body = serde_json::to_vec(&body).expect("it has a JSON form");
        let mut event = invocation.event(*process);
        event.token = token;
        self.record(world, event.clone());
        let state = &mut self.threads[thread];
        let node = state.route.begin();
        state.open = Some(Open {
            invocation: event,
            body,
            kept: word.kept,
            begin: world.now(),
            course: Attempts::default(),
            node,
            request: None,
        });
        self.ask(world, thread);
    }

    /// The next attempt of a thread's operation.
    fn ask(&mut self, world: &mut Simulation, thread: usize) {
        let state = &mut self.threads[thread];
        let open = state.open.as_mut().expect("it has an operation");
        let request = world.submit(open.node, &open.body);
        open.request = Some(request);
        let limit = Attempts::limit(&state.policy, world.now() - open.begin);
        self.asked.insert(request, thread);
        self.set_timer(thread, world.now() + limit);
    }

    fn set_timer(&mut self, thread: usize, time: Duration) {
        self.timers_set += 1;
        let state = &mut self.threads[thread];
        state.attempts += 1;
        self.timers.push(Reverse((time, self.timers_set, thread, state.attempts)));
    }

    /// The first timer may be due: then an attempt has taken too long, or the next one begins. Returns
    /// the thread whose operation is over.
    fn timer(&mut self, world: &mut Simulation) -> Option<usize> {
        let Reverse((time, _, thread, attempt)) = *self.timers.peek()?;
        if time > world.now() {
            return None;
        }
        self.timers.pop();
        let state = &self.threads[thread];
        if state.attempts != attempt {
            return None;
        }
        let open = state.open.as_ref()?;
        match open.request {
            Some(_) => self.refused(world, thread, "timeout", None),
            None => {
                self.ask(world, thread);
                None
            }
        }
    }

    /// A client hears something. Returns the thread whose operation is over.
    fn hear(&mut self, world: &mut Simulation, heard: Received) -> Option<usize> {
        let thread = self.asked.remove(&heard.request)?;
        let open = self.threads[thread].open.as_ref().expect("it waits");
        let reply = match heard.reply {
            ClientReply::Body(body) => match serde_json::from_slice::<AnswerBody>(&body) {
                Ok(body) => body.understood(open.kept, &open.invocation.value, &self.nodes),
                Err(_) => refusal(NONSENSE),
            },
            ClientReply::ConnectionRefused => refusal("connection_refused"),
            ClientReply::ConnectionLost => refusal("connection_lost"),
        };
        match reply {
            Reply::Answer(Answer { value, version }) => {
                self.complete(world, thread, |event| {
                    event.version = version;
                    match value {
                        Some(value) => (event.kind, event.value) = (EventType::Ok, value),
                        None => {
                            event.kind = EventType::Fail;
                            event.error = Some(PRECONDITION_FAILED.into());
                        }
                    }
                });
                Some(thread)
            }
            Reply::Refusal(Refusal { error, leader }) => {
                self.refused(world, thread, &error, leader)
            }
        }
    }

    /// An attempt came to nothing; returns the thread if the client gives up.
    fn refused(
        &mut self,
        world: &mut Simulation,
        thread: usize,
        error: &str,
        leader: Option<usize>,
    ) -> Option<usize> {
        let Thread { route, policy, asks_once, rng, open, .. } = &mut self.threads[thread];
        let open = open.as_mut().expect("it has an operation");
        if let Some(request) = open.request.take() {
            self.asked.remove(&request);
        }
        let definite = ERRORS.iter().any(|row| row.name == error && row.definite);
        let elapsed = world.now() - open.begin;
        let may_repeat = !*asks_once;
        let refused = Refused { node: open.node, leader, definite, may_repeat, elapsed };
        match open.course.refused(refused, policy, route, rng) {
            Then::Ask { node, wait } => {
                if leader == Some(node) {
                    world.note_of_clients(Situation::HintFollowed);
                }
                open.node = node;
                self.set_timer(thread, world.now() + wait);
                None
            }
            Then::GiveUp(kind) => {
                if *asks_once {
                    // Its next operation asks another node, as its next attempt would have done.
                    route.after_error(leader, rng);
                }
                world.note_of_clients(match kind {
                    EventType::Info => Situation::OutcomeUnknown,
                    _ => Situation::OperationFailed,
                });
                self.complete(world, thread, |event| {
                    event.kind = kind;
                    event.error = Some(error.into());
                });
                Some(thread)
            }
        }
    }

    /// The operation of a thread is over; `settle` makes its completion of its invocation.
    fn complete(&mut self, world: &Simulation, thread: usize, settle: impl FnOnce(&mut Event)) {
        let state = &mut self.threads[thread];
        let open = state.open.take().expect("it had an operation");
        state.attempts += 1;
        let mut event = open.invocation;
        settle(&mut event);
        event.node = Some(self.nodes[open.node].clone());
        if event.kind == EventType::Info {
            // Its operation may still take effect, so another process acts from now on.
            self.processes[thread] = (self.next_process, 0);
            self.next_process += 1;
        }
        self.record(world, event);
    }

    fn record(&mut self, world: &Simulation, mut event: Event) {
        event.index = self.history.events.len() as u64;
        event.time = world.now().as_nanos() as u64;
        self.history.events.push(event);
    }

    /// The event recorded last.
    fn newest(&self) -> &Event {
        self.history.events.last().expect("one was just recorded")
    }
}
