//! Simulated services of every model that are linearizable but for one wrong answer.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType, History, Process};

/// The simulated operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    List,
    Text,
    Set,
    /// Additions of 1 to 5.
    Tally,
    /// Additions of -3 to 5.
    UpAndDown,
    /// A counter for every hundred operations, to which powers of two are added.
    Powers,
    Queue,
    Mutex,
    FencedLock,
    Transactions,
}

/// Each with the model that judges it, and what sets it apart from others of that model.
pub const SERVICES: &[(Service, &str, &str)] = &[
    (Service::List, "append-list", ""),
    (Service::Text, "kv-append", ""),
    (Service::Set, "set", ""),
    (Service::Tally, "counter", ""),
    (Service::UpAndDown, "counter", ", up and down"),
    (Service::Powers, "counter", ", powers of two, 100 a key"),
    (Service::Queue, "queue", ""),
    (Service::Mutex, "mutex", ""),
    (Service::FencedLock, "fenced-lock", ""),
    (Service::Transactions, "txn", ""),
];

const CLIENTS: usize = 20;

/// The share of mutations whose outcome the client does not learn.
const UNKNOWN: f64 = 0.01;

/// Reads that answer all that was ever put in; more of them would take too much memory.
const LONG_READS: usize = 100;

/// Objects of transactions.
const OBJECTS: usize = 10;

/// Time between two effects.
const BETWEEN: u64 = 64;

/// The number of operations ago at which a stale answer was true.
const STALE: usize = 20 * CLIENTS;

/// An operation at the moment of its effect.
struct Op {
    client: usize,
    key: usize,
    f: &'static str,
    asked: Value,
    answered: Value,
}

/// Operations that follow each other, one of which answers wrongly if there is to be a lie.
pub fn record(service: Service, operations: usize, lie: bool) -> History {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut simulated = Simulated::new(service, operations, lie);
    let ops: Vec<Op> = (0..operations).map(|number| simulated.op(number, &mut random)).collect();
    let is_lock = matches!(service, Service::Mutex | Service::FencedLock);
    // When each client acts before and after.
    let mut after = vec![u64::MAX; operations];
    let mut last: [Option<usize>; CLIENTS] = [None; CLIENTS];
    for (number, op) in ops.iter().enumerate() {
        if let Some(before) = last[op.client].replace(number) {
            after[before] = number as u64 * BETWEEN;
        }
    }
    let mut free_at = [0; CLIENTS];
    let mut processes: Vec<usize> = (0..CLIENTS).collect();
    let mut events: Vec<Event> = Vec::with_capacity(2 * operations);
    for (number, op) in ops.into_iter().enumerate() {
        let effect = (number as u64 + 1) * BETWEEN;
        let most = CLIENTS as u64 * BETWEEN;
        let room = (effect - free_at[op.client]).min(most);
        let invoked = effect - random.random_range(0..room.max(2) / 2 + 1);
        let room = after[number].saturating_add(BETWEEN).saturating_sub(effect).min(most);
        let returned = effect + 1 + random.random_range(0..room.max(2) / 2);
        free_at[op.client] = returned + 1;
        let process = processes[op.client];
        let may_be_unknown = match is_lock {
            true => op.f == "release",
            false => !matches!(op.f, "read" | "get"),
        };
        let unknown = may_be_unknown && random.random_bool(UNKNOWN);
        let event = |time, kind, value| Event {
            time,
            key: Some(format!("k{}", op.key)),
            ..Event::new(Process::Client(process as u64), kind, op.f, value)
        };
        let asked = if is_lock { json!(format!("p{process}")) } else { op.asked };
        events.push(event(invoked, EventType::Invoke, asked.clone()));
        let (kind, answered) = match op.answered {
            _ if unknown => (EventType::Info, asked),
            answered if is_lock && answered.is_null() => (EventType::Ok, asked),
            answered => (EventType::Ok, answered),
        };
        events.push(event(returned, kind, answered));
        if unknown {
            processes[op.client] += CLIENTS;
        }
    }
    events.sort_by_key(|event| (event.time, event.kind != EventType::Invoke));
    for (index, event) in events.iter_mut().enumerate() {
        event.index = index as u64;
    }
    History { events }
}

struct Simulated {
    service: Service,
    operations: usize,
    /// True if a wrong answer is still to be given.
    lie: bool,
    /// The list, the text's pieces, the set or what was enqueued.
    elements: Vec<usize>,
    /// Of the queue, how many went out.
    taken: usize,
    /// After each operation.
    sums: Vec<i64>,
    /// The amounts that will be added to the present counter.
    additions: Vec<i64>,
    /// The contents of each object of transactions, in turn.
    objects: Vec<Vec<Value>>,
    /// The number of acquisitions.
    token: usize,
    /// The holder of the lock.
    holders: Vec<usize>,
}

impl Simulated {
    fn new(service: Service, operations: usize, lie: bool) -> Simulated {
        Simulated {
            service,
            operations,
            lie,
            elements: Vec::new(),
            taken: 0,
            sums: Vec::new(),
            additions: Vec::new(),
            objects: vec![vec![Value::Null]; OBJECTS],
            token: 0,
            holders: Vec::new(),
        }
    }

    /// The operation at this place of the order.
    fn op(&mut self, number: usize, random: &mut ChaCha8Rng) -> Op {
        let due = self.lie && number >= self.operations / 4 * 3;
        let client = number % CLIENTS;
        let looks = random.random_bool(0.5);
        let looks_at_all = number.is_multiple_of(self.operations / LONG_READS);
        let op = |f, asked, answered| Op { client, key: 0, f, asked, answered };
        let done = |f, asked: Value| op(f, asked.clone(), asked);
        match self.service {
            Service::List | Service::Set => {
                if looks_at_all {
                    let length = self.elements.len();
                    let known = if due { length - STALE } else { length };
                    self.lie &= !due;
                    return op("read", Value::Null, json!(self.elements[..known]));
                }
                self.elements.push(number);
                done(if self.service == Service::Set { "add" } else { "append" }, json!(number))
            }
            Service::Text => {
                if looks {
                    let mut pieces = self.elements.clone();
                    if due && pieces.len() > 12 {
                        self.lie = false;
                        pieces.remove(2);
                    }
                    let text: String = pieces.iter().map(|piece| format!("{piece},")).collect();
                    return op("get", Value::Null, json!(text));
                }
                let anew = random.random_bool(0.1);
                if anew {
                    self.elements.clear();
                }
                self.elements.push(number);
                done(if anew { "put" } else { "append" }, json!(format!("{number},")))
            }
            Service::Tally | Service::UpAndDown => {
                let least = if self.service == Service::Tally { 1 } else { -3 };
                let sum = self.sums.last().copied().unwrap_or(0);
                let addition = if looks { 0 } else { random.random_range(least..=5) };
                self.sums.push(sum + addition);
                match looks {
                    true => {
                        let stale = self.sums[self.sums.len().saturating_sub(STALE)];
                        let answer = if due { stale } else { sum };
                        self.lie &= !due;
                        op("read", Value::Null, json!(answer))
                    }
                    false => done("add", json!(addition)),
                }
            }
            Service::Powers => {
                let key = number / 100;
                if number.is_multiple_of(100) {
                    self.sums = vec![0];
                    let both_ways = key % 4 == 3;
                    self.additions = (0..40)
                        .map(
                            |bit| if both_ways && random.random() { -(1 << bit) } else { 1 << bit },
                        )
                        .collect();
                    self.additions.shuffle(random);
                }
                let sum = self.sums[self.sums.len() - 1];
                let addition = self.additions.pop_if(|_| random.random_bool(0.45));
                self.sums.push(sum + addition.unwrap_or(0));
                let op = match addition {
                    None => {
                        // The last one of a counter is down.
                        let wrong = due && key % 4 == 3 && number % 100 > 60;
                        self.lie &= !wrong;
                        op("read", Value::Null, json!(if wrong { self.sums[20] } else { sum }))
                    }
                    Some(addition) => done("add", json!(addition)),
                };
                Op { key, ..op }
            }
            Service::Queue => {
                if looks && self.taken < self.elements.len() {
                    let element = self.elements[self.taken];
                    if due {
                        self.lie = false;
                        return op(
                            "dequeue",
                            Value::Null,
                            json!(self.elements[self.taken - STALE]),
                        );
                    }
                    self.taken += 1;
                    return op("dequeue", Value::Null, json!(element));
                }
                self.elements.push(number);
                done("enqueue", json!(number))
            }
            Service::Mutex | Service::FencedLock => {
                let lies = due && self.holders.len() == 1;
                if self.holders.is_empty() || lies {
                    self.lie &= !lies;
                    self.token += 1;
                    let client = self.token % CLIENTS;
                    self.holders.push(client);
                    let answered = match self.service {
                        Service::Mutex => Value::Null,
                        _ => json!(self.token),
                    };
                    return Op { client, ..op("acquire", Value::Null, answered) };
                }
                let client = self.holders.pop().expect("somebody holds it");
                Op { client, ..op("release", Value::Null, Value::Null) }
            }
            Service::Transactions => {
                let (mut asked, mut answered) = (Vec::new(), Vec::new());
                for step in 0..random.random_range(1..=3) {
                    let object = random.random_range(0..self.objects.len());
                    let contents = &mut self.objects[object];
                    if random.random_bool(0.5) {
                        let age = if due { CLIENTS.min(contents.len() - 1) } else { 0 };
                        self.lie &= !due;
                        asked.push(json!(["r", object, null]));
                        answered.push(json!(["r", object, contents[contents.len() - 1 - age]]));
                    } else {
                        let written = json!(["w", object, number * 3 + step]);
                        contents.push(written[2].clone());
                        asked.push(written.clone());
                        answered.push(written);
                    }
                }
                op("txn", json!(asked), json!(answered))
            }
        }
    }
}
