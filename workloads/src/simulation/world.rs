//! Clients, network and time of a simulation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::time::Duration;

use checker::history::{Event, EventType, History, Process};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use super::service::Service;
use super::{Recorded, Simulation};
use crate::generator::{Context, Generator, Invocation, Next};
use crate::{Object, PRECONDITION_FAILED, stream};

/// The time that a message takes, in microseconds.
const LATENCY: Range<u64> = 100..10_000;

/// The additional time of a late one, in microseconds.
const LATENESS: Range<u64> = 10_000..2_000_000;

/// The time that a client waits for an answer before it asks again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(60);

/// The pause before that, in microseconds.
const BACKOFF: Range<u64> = 5_000..30_000;

/// The time after which it gives up.
const DEADLINE: Duration = Duration::from_millis(400);

/// From the end of an outage to the next, and how long one lasts, in microseconds.
const BETWEEN_OUTAGES: Range<u64> = 500_000..4_000_000;
const OUTAGE: Range<u64> = 50_000..1_000_000;

/// An event of the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SimulatedEvent {
    /// A request reaches the service.
    Arrival(Attempt),
    /// Its answer reaches the client: a value, or none when a precondition failed.
    Answer(Attempt, Option<Value>),
    /// The refusal of a service that is down reaches the client.
    Refusal(Attempt),
    /// The client has waited long enough.
    Timeout(Attempt),
    /// It asks again.
    Retry(Attempt),
}

/// One request: the number of its operation, and its own among the operation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attempt {
    operation: usize,
    number: u32,
}

/// An event with its time. Of several at the same time, the one scheduled first comes first.
#[derive(Debug, PartialEq, Eq)]
struct Scheduled {
    time: Duration,
    order: u64,
    event: SimulatedEvent,
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// An operation and how far it has come.
struct OperationState {
    thread: usize,
    invocation: Invocation,
    invoked: Duration,
    /// The number of the attempt that is under way; what comes of earlier ones is not heard.
    attempt: u32,
    /// True once some attempt may have taken effect, or may yet.
    in_doubt: bool,
    /// True while its client waits. Its requests may arrive long after that.
    open: bool,
}

/// While the service is down, it refuses or is silent.
struct Outage {
    begin: Duration,
    end: Duration,
    refuses: bool,
}

/// Everything there is.
pub(super) struct World {
    lost: f64,
    late: f64,
    outages: bool,
    rng: ChaCha8Rng,
    service: Service,
    outage: Outage,
    context: Context,
    next_process: u64,
    operations: Vec<OperationState>,
    event_queue: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    events: Vec<Event>,
}

impl World {
    pub fn new(simulation: &Simulation, object: Object) -> Self {
        let Simulation { seed, threads, lost, late, outages, lies } = *simulation;
        assert!(threads > 0, "a simulation needs a thread");
        let mut rng = stream(seed, "simulation");
        let outage = next_outage(Duration::ZERO, &mut rng);
        World {
            lost,
            late,
            outages,
            rng,
            service: Service::new(object, lies, stream(seed, "lies")),
            outage,
            context: Context::new(0..threads as u64),
            next_process: threads as u64,
            operations: Vec::new(),
            event_queue: BinaryHeap::new(),
            scheduled: 0,
            events: Vec::new(),
        }
    }

    /// Nothing goes wrong any more. What is under way arrives.
    pub fn heal(&mut self) {
        (self.lost, self.late, self.outages) = (0.0, 0.0, false);
        let phase = Event::new(Process::Controller, EventType::Info, "phase", json!("final-reads"));
        self.record(phase);
    }

    pub fn into_recorded(self) -> Recorded {
        Recorded { history: History { events: self.events }, lies: self.service.lies_told }
    }

    /// Carries out what the generator has, and waits for the last of it.
    pub fn drive(&mut self, generator: &mut dyn Generator) {
        let mut exhausted = false;
        loop {
            let mut wake = None;
            while !exhausted && !self.context.free().is_empty() {
                match generator.next(&self.context) {
                    Next::Operation { thread, invocation } => {
                        self.invoke(thread, invocation, generator);
                    }
                    Next::Pending { until } => {
                        wake = until;
                        break;
                    }
                    Next::Exhausted => exhausted = true,
                }
            }
            if exhausted && self.context.all_free() {
                return;
            }
            let next = self.event_queue.peek().map(|Reverse(scheduled)| scheduled.time);
            match (wake, next) {
                (Some(wake), next) if next.is_none_or(|next| wake < next) => {
                    assert!(wake > self.context.time(), "pending until a time that is over");
                    self.context.advance(wake);
                }
                (_, Some(_)) => {
                    let Reverse(scheduled) = self.event_queue.pop().expect("there is a next event");
                    self.context.advance(scheduled.time);
                    self.happen(scheduled.event, generator);
                }
                (_, None) => panic!("the generator waits although nothing will ever happen"),
            }
        }
    }

    fn invoke(&mut self, thread: usize, invocation: Invocation, generator: &mut dyn Generator) {
        let process = self.context.process(thread);
        let event = invocation.event(process);
        let operation = self.operations.len();
        let invoked = self.context.time();
        let (attempt, in_doubt, open) = (0, false, true);
        self.operations.push(OperationState {
            thread,
            invocation,
            invoked,
            attempt,
            in_doubt,
            open,
        });
        self.context.begin(thread);
        let event = self.record(event);
        generator.update(&self.context, &event);
        self.send(Attempt { operation, number: 0 });
    }

    fn send(&mut self, attempt: Attempt) {
        self.schedule(ATTEMPT_TIMEOUT, SimulatedEvent::Timeout(attempt));
        if self.rng.random_bool(self.lost) {
            return;
        }
        let mut delay = self.draw(LATENCY);
        if self.rng.random_bool(self.late) {
            delay += self.draw(LATENESS);
        }
        self.schedule(delay, SimulatedEvent::Arrival(attempt));
    }

    fn happen(&mut self, event: SimulatedEvent, generator: &mut dyn Generator) {
        match event {
            SimulatedEvent::Arrival(attempt) => self.arrive(attempt),
            SimulatedEvent::Answer(attempt, answer) => {
                if self.is_under_way(attempt) {
                    let (kind, error) = match answer {
                        Some(_) => (EventType::Ok, None),
                        None => (EventType::Fail, Some(PRECONDITION_FAILED)),
                    };
                    self.complete(attempt.operation, kind, answer, error, generator);
                }
            }
            SimulatedEvent::Refusal(attempt) => {
                if self.is_under_way(attempt) {
                    self.try_again(attempt, "refused", generator);
                }
            }
            SimulatedEvent::Timeout(attempt) => {
                if self.is_under_way(attempt) {
                    self.operations[attempt.operation].in_doubt = true;
                    self.try_again(attempt, "timeout", generator);
                }
            }
            SimulatedEvent::Retry(attempt) => self.send(attempt),
        }
    }

    fn arrive(&mut self, attempt: Attempt) {
        let now = self.context.time();
        while self.outage.end <= now {
            self.outage = next_outage(self.outage.end, &mut self.rng);
        }
        if self.outages && self.outage.begin <= now {
            if self.outage.refuses {
                let delay = self.draw(LATENCY);
                self.schedule(delay, SimulatedEvent::Refusal(attempt));
            }
            return;
        }
        // A client that gave up has no use for an answer, but the service does not know that.
        let OperationState { invocation, invoked, .. } = &self.operations[attempt.operation];
        let answer = self.service.serve(attempt.operation, invocation, *invoked, now);
        if !self.rng.random_bool(self.lost) {
            let delay = self.draw(LATENCY);
            self.schedule(delay, SimulatedEvent::Answer(attempt, answer));
        }
    }

    fn try_again(&mut self, attempt: Attempt, error: &'static str, generator: &mut dyn Generator) {
        let wait = self.draw(BACKOFF);
        let now = self.context.time();
        let state = &mut self.operations[attempt.operation];
        if now + wait >= state.invoked + DEADLINE {
            let kind = if state.in_doubt { EventType::Info } else { EventType::Fail };
            self.complete(attempt.operation, kind, None, Some(error), generator);
            return;
        }
        state.attempt += 1;
        let next = Attempt { number: state.attempt, ..attempt };
        self.schedule(wait, SimulatedEvent::Retry(next));
    }

    fn is_under_way(&self, attempt: Attempt) -> bool {
        let state = &self.operations[attempt.operation];
        state.open && state.attempt == attempt.number
    }

    fn complete(
        &mut self,
        operation: usize,
        kind: EventType,
        answer: Option<Value>,
        error: Option<&'static str>,
        generator: &mut dyn Generator,
    ) {
        let state = &mut self.operations[operation];
        state.open = false;
        let thread = state.thread;
        let mut event = state.invocation.event(self.context.process(thread));
        event.kind = kind;
        event.error = error.map(String::from);
        if let Some(answer) = answer {
            event.value = answer;
        }
        let event = self.record(event);
        self.context.finish(thread);
        generator.update(&self.context, &event);
        if kind == EventType::Info {
            // Its operation may still take effect, so another process acts from now on.
            self.context.replace(thread, self.next_process);
            self.next_process += 1;
        }
    }

    fn record(&mut self, mut event: Event) -> Event {
        event.index = self.events.len() as u64;
        event.time = self.context.time().as_nanos() as u64;
        self.events.push(event.clone());
        event
    }

    fn schedule(&mut self, delay: Duration, event: SimulatedEvent) {
        let time = self.context.time() + delay;
        self.event_queue.push(Reverse(Scheduled { time, order: self.scheduled, event }));
        self.scheduled += 1;
    }

    fn draw(&mut self, microseconds: Range<u64>) -> Duration {
        Duration::from_micros(self.rng.random_range(microseconds))
    }
}

fn next_outage(after: Duration, rng: &mut ChaCha8Rng) -> Outage {
    let begin = after + Duration::from_micros(rng.random_range(BETWEEN_OUTAGES));
    let end = begin + Duration::from_micros(rng.random_range(OUTAGE));
    Outage { begin, end, refuses: rng.random() }
}
