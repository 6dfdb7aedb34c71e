//! Records a history from a simulated service.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType, History, Process};

use super::lies;
use super::requests::request;
use super::service::{Service, serve};

/// The recipe of a recording.
#[derive(Debug, Clone, Copy)]
pub struct Recording {
    pub service: Service,
    pub seed: u64,
    pub operations: usize,
    pub clients: usize,
    pub keys: usize,
    /// The number of different values; none makes every written value unique.
    pub values: Option<u64>,
    /// The share of operations whose outcome the client does not learn.
    pub unknown: f64,
    /// The number of operations that answer something else than the service did.
    pub lies: usize,
}

impl Default for Recording {
    fn default() -> Recording {
        Recording {
            service: Service::Register,
            seed: 0,
            operations: 200,
            clients: 10,
            keys: 1,
            values: None,
            unknown: 0.0,
            lies: 0,
        }
    }
}

/// The next event of an operation of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EventKind {
    Invocation,
    Effect,
    Completion,
}

#[derive(Debug, Clone)]
struct Request {
    process: u64,
    key: usize,
    f: &'static str,
    argument: Value,
    unknown: bool,
    answer: Option<(EventType, Value)>,
}

/// Latencies are drawn from 1 to this many nanoseconds.
const SLOWEST: u64 = 100;

/// The latest time at which an effect of unknown outcome may still come.
const LATEST: u64 = 2_000;

/// Records a history. Without lies it is linearizable.
pub fn record(recording: Recording) -> History {
    let mut random = ChaCha8Rng::seed_from_u64(recording.seed);
    let mut state: Vec<Value> = vec![Value::Null; recording.keys];
    let mut seen: BTreeMap<(usize, usize), Value> = BTreeMap::new();
    let mut past: Vec<Vec<Value>> = vec![vec![Value::Null]; recording.keys];
    let mut requests: Vec<Request> = Vec::new();
    let mut processes: Vec<u64> = (0..recording.clients as u64).collect();
    let mut agenda = BinaryHeap::new();
    let mut events: Vec<Event> = Vec::new();
    let mut last_value = 0;
    for client in 0..recording.clients {
        let start = random.random_range(0..SLOWEST);
        agenda.push(Reverse((start, EventKind::Invocation, client, usize::MAX)));
    }

    while let Some(Reverse((time, next, client, number))) = agenda.pop() {
        match next {
            EventKind::Invocation if requests.len() == recording.operations => {}
            EventKind::Invocation => {
                let number = requests.len();
                let key = random.random_range(0..recording.keys);
                let mut fresh = || {
                    last_value += 1;
                    match recording.values {
                        None => json!(last_value),
                        Some(values) => json!(random.random_range(1..=values)),
                    }
                };
                let (one, other) = (fresh(), fresh());
                let expected = match (recording.values, seen.get(&(client, key))) {
                    (None, Some(value)) => value.clone(),
                    _ => other,
                };
                let owner = match recording.values {
                    None => format!("p{}", processes[client]),
                    Some(names) => format!("owner {}", random.random_range(0..names)),
                };
                let (f, argument) = request(recording, &mut random, one, expected, &owner);
                let latency = random.random_range(1..=SLOWEST);
                let unknown = random.random_bool(recording.unknown);
                let effect = match (unknown, random.random_range(0..4)) {
                    (true, 0) => None,
                    (true, 1) => Some(time + latency + random.random_range(0..LATEST)),
                    _ => Some(time + random.random_range(0..latency)),
                };
                if let Some(effect) = effect {
                    agenda.push(Reverse((effect, EventKind::Effect, client, number)));
                }
                agenda.push(Reverse((time + latency, EventKind::Completion, client, number)));
                let process = processes[client];
                let request = Request { process, key, f, argument, unknown, answer: None };
                events.push(event(events.len(), time, &request, EventType::Invoke));
                requests.push(request);
            }
            EventKind::Effect => {
                let request = &mut requests[number];
                let before = state[request.key].clone();
                let answer =
                    serve(recording.service, &mut state[request.key], request.f, &request.argument);
                if state[request.key] != before {
                    past[request.key].push(state[request.key].clone());
                }
                request.answer = Some(answer);
            }
            EventKind::Completion => {
                let request = &mut requests[number];
                if request.unknown {
                    processes[client] += recording.clients as u64;
                    // Some crash without a word.
                    if random.random_bool(0.5) {
                        events.push(event(events.len(), time, request, EventType::Info));
                    }
                } else {
                    let (kind, value) = request.answer.clone().expect("it took effect before");
                    let mut completion = event(events.len(), time, request, kind);
                    if matches!(request.f, "read" | "get" | "dequeue" | "acquire" | "txn") {
                        completion.value = value.clone();
                    }
                    events.push(completion);
                    match (kind, request.f) {
                        (EventType::Fail, _) => seen.remove(&(client, request.key)),
                        (_, "write") => {
                            seen.insert((client, request.key), request.argument.clone())
                        }
                        (_, "cas") => {
                            seen.insert((client, request.key), request.argument[1].clone())
                        }
                        _ => seen.insert((client, request.key), value),
                    };
                }
                let pause = random.random_range(1..=10);
                agenda.push(Reverse((time + pause, EventKind::Invocation, client, usize::MAX)));
            }
        }
    }

    lies::tell(recording, &mut events, &past, &mut random);
    for event in &mut events {
        // A queue says in so many words that it is empty.
        if event.f == "dequeue" && event.kind == EventType::Fail {
            event.error = Some("empty".to_string());
        }
    }
    History { events }
}

fn event(index: usize, time: u64, request: &Request, kind: EventType) -> Event {
    Event {
        index: index as u64,
        time,
        process: Process::Client(request.process),
        kind,
        f: request.f.to_string(),
        key: Some(format!("k{}", request.key)),
        value: request.argument.clone(),
        token: None,
        node: None,
        version: None,
        error: None,
        attempts: Vec::new(),
    }
}
