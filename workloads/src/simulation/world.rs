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

/// How long a message takes, in microseconds.
const LATENCY: Range<u64> = 100..10_000;

/// How much longer a late one takes.
const LATENESS: Range<u64> = 10_000..2_000_000;

/// How long a client waits for an answer before it asks again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(60);

/// How long it waits until then, in microseconds.
const BACKOFF: Range<u64> = 5_000..30_000;

/// When it gives up.
const DEADLINE: Duration = Duration::from_millis(400);

/// From the end of an outage to the next, and how long one lasts, in microseconds.
const BETWEEN_OUTAGES: Range<u64> = 500_000..4_000_000;
const OUTAGE: Range<u64> = 50_000..1_000_000;

/// What happens at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Moment {
    /// A request reaches the service.
    Arrival(Attempt),
    /// Its answer reaches the client: a value, or none when a precondition failed.
    Answer(Attempt, Option<Value>),
    /// The news that nobody serves reaches the client.
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

/// A moment with its time. Of several at the same time, the one planned first comes first.
#[derive(Debug, PartialEq, Eq)]
struct Planned {
    time: Duration,
    order: u64,
    moment: Moment,
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// An operation and how far it has come.
struct Call {
    thread: usize,
    invocation: Invocation,
    invoked: Duration,
    /// The number of the attempt that is under way; what comes of earlier ones is not heard.
    attempt: u32,
    /// Whether some attempt may have taken effect, or may yet.
    in_doubt: bool,
    /// Whether its client still waits. Its requests may arrive long after that.
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
    calls: Vec<Call>,
    agenda: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    events: Vec<Event>,
}

impl World {
    pub fn new(simulation: &Simulation, object: Object) -> Self {
        let Simulation { seed, threads, lost, late, outages, lies } = *simulation;
        assert!(threads > 0, "somebody must act");
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
            calls: Vec::new(),
            agenda: BinaryHeap::new(),
            planned: 0,
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
        Recorded { history: History { events: self.events }, lies: self.service.told }
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
            let next = self.agenda.peek().map(|Reverse(planned)| planned.time);
            match (wake, next) {
                (Some(wake), next) if next.is_none_or(|next| wake < next) => {
                    assert!(wake > self.context.time(), "pending until a time that is over");
                    self.context.advance(wake);
                }
                (_, Some(_)) => {
                    let Reverse(planned) = self.agenda.pop().expect("there is a next moment");
                    self.context.advance(planned.time);
                    self.happen(planned.moment, generator);
                }
                (_, None) => panic!("the generator waits although nothing will ever happen"),
            }
        }
    }

    fn invoke(&mut self, thread: usize, invocation: Invocation, generator: &mut dyn Generator) {
        let process = self.context.process(thread);
        let event = invocation.event(process);
        let operation = self.calls.len();
        let invoked = self.context.time();
        let (attempt, in_doubt, open) = (0, false, true);
        self.calls.push(Call { thread, invocation, invoked, attempt, in_doubt, open });
        self.context.begin(thread);
        let event = self.record(event);
        generator.update(&self.context, &event);
        self.send(Attempt { operation, number: 0 });
    }

    fn send(&mut self, attempt: Attempt) {
        self.plan(ATTEMPT_TIMEOUT, Moment::Timeout(attempt));
        if self.rng.random_bool(self.lost) {
            return;
        }
        let mut delay = self.draw(LATENCY);
        if self.rng.random_bool(self.late) {
            delay += self.draw(LATENESS);
        }
        self.plan(delay, Moment::Arrival(attempt));
    }

    fn happen(&mut self, moment: Moment, generator: &mut dyn Generator) {
        match moment {
            Moment::Arrival(attempt) => self.arrive(attempt),
            Moment::Answer(attempt, answer) => {
                if self.is_under_way(attempt) {
                    let (kind, error) = match answer {
                        Some(_) => (EventType::Ok, None),
                        None => (EventType::Fail, Some(PRECONDITION_FAILED)),
                    };
                    self.settle(attempt.operation, kind, answer, error, generator);
                }
            }
            Moment::Refusal(attempt) => {
                if self.is_under_way(attempt) {
                    self.try_again(attempt, "refused", generator);
                }
            }
            Moment::Timeout(attempt) => {
                if self.is_under_way(attempt) {
                    self.calls[attempt.operation].in_doubt = true;
                    self.try_again(attempt, "timeout", generator);
                }
            }
            Moment::Retry(attempt) => self.send(attempt),
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
                self.plan(delay, Moment::Refusal(attempt));
            }
            return;
        }
        // Whoever gave up has no use for an answer, but the service does not know that.
        let Call { invocation, invoked, .. } = &self.calls[attempt.operation];
        let answer = self.service.serve(attempt.operation, invocation, *invoked, now);
        if !self.rng.random_bool(self.lost) {
            let delay = self.draw(LATENCY);
            self.plan(delay, Moment::Answer(attempt, answer));
        }
    }

    fn try_again(&mut self, attempt: Attempt, error: &'static str, generator: &mut dyn Generator) {
        let wait = self.draw(BACKOFF);
        let now = self.context.time();
        let call = &mut self.calls[attempt.operation];
        if now + wait >= call.invoked + DEADLINE {
            let kind = if call.in_doubt { EventType::Info } else { EventType::Fail };
            self.settle(attempt.operation, kind, None, Some(error), generator);
            return;
        }
        call.attempt += 1;
        let next = Attempt { number: call.attempt, ..attempt };
        self.plan(wait, Moment::Retry(next));
    }

    fn is_under_way(&self, attempt: Attempt) -> bool {
        let call = &self.calls[attempt.operation];
        call.open && call.attempt == attempt.number
    }

    fn settle(
        &mut self,
        operation: usize,
        kind: EventType,
        answer: Option<Value>,
        error: Option<&'static str>,
        generator: &mut dyn Generator,
    ) {
        let call = &mut self.calls[operation];
        call.open = false;
        let thread = call.thread;
        let mut event = call.invocation.event(self.context.process(thread));
        event.kind = kind;
        event.error = error.map(String::from);
        if let Some(answer) = answer {
            event.value = answer;
        }
        let event = self.record(event);
        self.context.finish(thread);
        generator.update(&self.context, &event);
        if kind == EventType::Info {
            // Its operation may still take effect; whoever acts next is somebody else.
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

    fn plan(&mut self, delay: Duration, moment: Moment) {
        let time = self.context.time() + delay;
        self.agenda.push(Reverse(Planned { time, order: self.planned, moment }));
        self.planned += 1;
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
