//! Histories for tests: recorded from a simulated service that is linearizable, then spoilt on
//! demand. The service is written by itself, so that a mistake in a model shows.

#![expect(dead_code, reason = "each test binary uses its own part of this module")]

mod lies;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType, History, Operations, Process};
use stormproof_checker::verdict::Operation;

/// The object of the simulated service under each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A value to read, write, compare-and-set and delete.
    Register,
    /// A string to get, put and append to.
    Strings,
    /// A sum to read and add to.
    Counter,
    /// A growing set to read and add to.
    Set,
    /// A queue to enqueue to and dequeue from.
    Queue,
    /// A lock to acquire and release. Where values are unique the owner is the process, else one
    /// of so many names, which clients share.
    Mutex,
    /// The same with a fencing token.
    FencedLock,
    /// A sum that only grows.
    Tally,
    /// A sum to which different powers of two are added, or from which they are taken.
    Powers,
    /// A list to read and append to.
    Lists,
    /// Two registers and a list that transactions read, write and append to.
    Transactions,
}

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
enum Moment {
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

/// The most that a transaction does.
const MICRO_OPERATIONS: u64 = 3;

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
        agenda.push(Reverse((start, Moment::Invocation, client, usize::MAX)));
    }

    while let Some(Reverse((time, moment, client, number))) = agenda.pop() {
        match moment {
            Moment::Invocation if requests.len() == recording.operations => {}
            Moment::Invocation => {
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
                let (f, argument) = invent(recording, &mut random, one, expected, &owner);
                let latency = random.random_range(1..=SLOWEST);
                let unknown = random.random_bool(recording.unknown);
                let effect = match (unknown, random.random_range(0..4)) {
                    (true, 0) => None,
                    (true, 1) => Some(time + latency + random.random_range(0..LATEST)),
                    _ => Some(time + random.random_range(0..latency)),
                };
                if let Some(effect) = effect {
                    agenda.push(Reverse((effect, Moment::Effect, client, number)));
                }
                agenda.push(Reverse((time + latency, Moment::Completion, client, number)));
                let process = processes[client];
                let request = Request { process, key, f, argument, unknown, answer: None };
                events.push(event(events.len(), time, &request, EventType::Invoke));
                requests.push(request);
            }
            Moment::Effect => {
                let request = &mut requests[number];
                let before = state[request.key].clone();
                let answer =
                    serve(recording.service, &mut state[request.key], request.f, &request.argument);
                if state[request.key] != before {
                    past[request.key].push(state[request.key].clone());
                }
                request.answer = Some(answer);
            }
            Moment::Completion => {
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
                agenda.push(Reverse((time + pause, Moment::Invocation, client, usize::MAX)));
            }
        }
    }

    match recording.service {
        Service::Register
        | Service::Strings
        | Service::Counter
        | Service::Tally
        | Service::Powers
        | Service::Lists
        | Service::Transactions => {
            lie(&mut events, &past, recording, &mut random);
        }
        service => lies::tell(service, &mut events, &past, recording.lies, &mut random),
    }
    for event in &mut events {
        // A queue says in so many words that it is empty.
        if event.f == "dequeue" && event.kind == EventType::Fail {
            event.error = Some("empty".to_string());
        }
    }
    History { events }
}

/// The request of a client.
fn invent(
    recording: Recording,
    random: &mut ChaCha8Rng,
    value: Value,
    expected: Value,
    owner: &str,
) -> (&'static str, Value) {
    let dice = random.random_range(0..100);
    match recording.service {
        Service::Register => match dice {
            0..50 => ("read", Value::Null),
            // Two deletions leave the same nothing, so they do not belong where values are unique.
            50..53 if recording.values.is_some() => ("delete", Value::Null),
            50..77 => ("write", value),
            _ => ("cas", json!([expected, value])),
        },
        Service::Strings => match dice {
            0..50 => ("get", Value::Null),
            50..95 => ("append", json!(format!("{value},"))),
            _ => ("put", json!(format!("{value},"))),
        },
        Service::Counter => match dice {
            0..50 => ("read", Value::Null),
            50..95 => ("add", json!(random.random_range(1..=3))),
            _ => ("add", json!(-1)),
        },
        Service::Set => match dice {
            0..50 => ("read", Value::Null),
            _ => ("add", value),
        },
        Service::Queue => match dice {
            0..50 => ("dequeue", Value::Null),
            _ => ("enqueue", value),
        },
        Service::Mutex | Service::FencedLock => match dice {
            0..50 => ("acquire", json!(owner)),
            _ => ("release", json!(owner)),
        },
        Service::Tally => match dice {
            0..50 => ("read", Value::Null),
            _ => ("add", json!(random.random_range(1..=5))),
        },
        Service::Powers => match (dice, value.as_u64().expect("a number") / 2 % 60) {
            (0..50, _) => ("read", Value::Null),
            (50..65, bit) => ("add", json!(-(1_i64 << bit))),
            (_, bit) => ("add", json!(1_i64 << bit)),
        },
        Service::Lists => match dice {
            0..50 => ("read", Value::Null),
            _ => ("append", value),
        },
        Service::Transactions => {
            let steps = 0..random.random_range(1..=MICRO_OPERATIONS);
            let steps: Vec<Value> = steps
                .map(|number| {
                    let value = match recording.values {
                        None => {
                            json!(value.as_u64().expect("a number") * MICRO_OPERATIONS + number)
                        }
                        Some(_) => value.clone(),
                    };
                    match random.random_range(0..6) {
                        0 => json!(["r", "x", null]),
                        1 => json!(["r", "y", null]),
                        2 => json!(["r", "z", null]),
                        3 => json!(["w", "x", value]),
                        4 => json!(["w", "y", value]),
                        _ => json!(["append", "z", value]),
                    }
                })
                .collect();
            ("txn", json!(steps))
        }
    }
}

/// Takes a request to its effect; answers as the service would.
fn serve(service: Service, state: &mut Value, f: &str, argument: &Value) -> (EventType, Value) {
    match service {
        Service::Set => return serve_set(state, f, argument),
        Service::Queue => return serve_queue(state, f, argument),
        Service::Mutex | Service::FencedLock => return serve_lock(service, state, f, argument),
        Service::Register
        | Service::Strings
        | Service::Counter
        | Service::Tally
        | Service::Powers
        | Service::Lists
        | Service::Transactions => {}
    }
    match f {
        "read" | "get" => return (EventType::Ok, state.clone()),
        "write" | "put" => *state = argument.clone(),
        "delete" => *state = Value::Null,
        "cas" if *state != argument[0] => return (EventType::Fail, argument.clone()),
        "cas" => *state = argument[1].clone(),
        "append" if !argument.is_string() => {
            let mut list = state.as_array().cloned().unwrap_or_default();
            list.push(argument.clone());
            *state = json!(list);
        }
        "txn" => {
            let steps = argument.as_array().expect("a transaction is a list").iter();
            let answers: Vec<Value> = steps.map(|step| serve_step(state, step)).collect();
            return (EventType::Ok, json!(answers));
        }
        "append" => {
            let old = state.as_str().unwrap_or("");
            *state = json!(format!("{old}{}", argument.as_str().expect("appends are strings")));
        }
        "add" => {
            let amount = argument.as_i64().expect("additions are numbers");
            *state = json!(state.as_i64().unwrap_or(0) + amount);
        }
        other => unreachable!("the simulation does not ask for {other}"),
    }
    (EventType::Ok, argument.clone())
}

/// The state is a list of elements.
fn serve_set(state: &mut Value, f: &str, argument: &Value) -> (EventType, Value) {
    if f == "read" {
        return (EventType::Ok, state.clone());
    }
    let mut elements = state.as_array().cloned().unwrap_or_default();
    if !elements.contains(argument) {
        // In front of the others, so that answers are not in the order of the additions.
        elements.insert(0, argument.clone());
    }
    *state = json!(elements);
    (EventType::Ok, argument.clone())
}

/// The state is a list of elements.
fn serve_queue(state: &mut Value, f: &str, argument: &Value) -> (EventType, Value) {
    let mut elements = state.as_array().cloned().unwrap_or_default();
    let answer = match f {
        "enqueue" => {
            elements.push(argument.clone());
            (EventType::Ok, argument.clone())
        }
        _ if elements.is_empty() => (EventType::Fail, Value::Null),
        _ => (EventType::Ok, elements.remove(0)),
    };
    *state = json!(elements);
    answer
}

/// The state is a pair of the holder and the last token.
fn serve_lock(service: Service, state: &mut Value, f: &str, owner: &Value) -> (EventType, Value) {
    let (holder, token) = (state[0].clone(), state[1].as_i64().unwrap_or(0));
    match f {
        "acquire" if holder.is_null() => {
            *state = json!([owner, token + 1]);
            let answer = if service == Service::Mutex { owner.clone() } else { json!(token + 1) };
            (EventType::Ok, answer)
        }
        "release" if holder == *owner => {
            *state = json!([null, token]);
            (EventType::Ok, owner.clone())
        }
        _ => (EventType::Fail, owner.clone()),
    }
}

/// Takes one step of a transaction; answers it with what was read.
fn serve_step(state: &mut Value, step: &Value) -> Value {
    let (f, object) = (step[0].as_str().expect("a name"), step[1].as_str().expect("a name"));
    if state.is_null() {
        *state = json!({});
    }
    match f {
        "r" => return json!([f, object, state.get(object)]),
        "w" => state[object] = step[2].clone(),
        _ => {
            serve(Service::Transactions, &mut state[object], f, &step[2]);
        }
    }
    step.clone()
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

/// Lets reads answer what the key held at another time.
fn lie(events: &mut [Event], past: &[Vec<Value>], recording: Recording, random: &mut ChaCha8Rng) {
    let mut reads: Vec<usize> = (0..events.len())
        .filter(|index| events[*index].kind == EventType::Ok)
        .filter(|index| matches!(events[*index].f.as_str(), "read" | "get" | "txn"))
        .collect();
    for _ in 0..recording.lies {
        if reads.is_empty() {
            return;
        }
        let read = &mut events[reads.swap_remove(random.random_range(0..reads.len()))];
        let key: usize = read.key.as_deref().map_or(0, |key| key[1..].parse().expect("a number"));
        let other = &past[key][random.random_range(0..past[key].len())];
        match (recording.service, &mut read.value) {
            (Service::Transactions, Value::Array(steps)) => {
                let step = random.random_range(0..steps.len());
                if steps[step][0] == "r" {
                    let object = steps[step][1].as_str().expect("a name").to_string();
                    steps[step][2] = other.get(object).cloned().unwrap_or_default();
                }
            }
            // Some lists are answered in another order.
            (Service::Lists, Value::Array(list)) if list.len() > 1 && random.random_bool(0.3) => {
                list.swap(0, 1);
            }
            // Some sums are off by a little.
            (Service::Tally, Value::Number(sum)) if random.random_bool(0.5) => {
                let sum = sum.as_i64().expect("a whole number");
                read.value = json!(sum + random.random_range(-2..=2));
            }
            (_, value) => *value = other.clone(),
        }
    }
}

/// The operations of a history that is well formed.
pub fn paired(history: &History) -> Operations {
    Operations::of(history).expect("the history is well formed")
}

/// A history of these operations. Operations are written at the indices of their events.
pub fn history_of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> History {
    let mut events: Vec<Event> = Vec::new();
    for operation in operations {
        let mut add = |index, time, kind, value: &Value| {
            events.push(Event {
                index,
                time,
                process: operation.process,
                kind,
                f: operation.f.clone(),
                key: operation.key.clone(),
                value: value.clone(),
                token: None,
                node: None,
                version: None,
                error: None,
                attempts: Vec::new(),
            });
        };
        add(operation.invoked, operation.start, EventType::Invoke, &operation.input);
        if let (Some(index), Some(time)) = (operation.completed, operation.end) {
            add(index, time, EventType::Ok, &operation.output);
        }
    }
    events.sort_by_key(|event| event.index);
    History { events }
}
