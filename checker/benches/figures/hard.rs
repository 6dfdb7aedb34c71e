//! Histories that are hard to judge: values repeat, or outcomes are unknown. All of them are
//! recorded from services that are linearizable, but for one answer on demand.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType, History, Process};

/// The service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Half are additions between these two, half are reads.
    Counter { least: i64, most: i64 },
    /// Half are enqueues of so many values, half dequeues.
    Queue { values: u64 },
    /// Transactions of up to three steps on ten registers; of values that are all different if
    /// there are none.
    Transactions { values: u64 },
    /// Appends of so many values, and a read of all for every hundred operations.
    List { values: u64 },
    /// Additions, and a read of all for every fifty operations.
    Set,
}

/// The recipe of a history.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    pub service: Service,
    pub operations: usize,
    pub clients: usize,
    /// The share of operations whose outcome the client does not learn. Every fourth of them never
    /// takes effect, and every fourth later.
    pub unknown: f64,
    /// True if one answer of the last quarter is wrong.
    pub lie: bool,
}

/// In the order of the table.
pub const RECIPES: &[Recipe] = &[
    counter(1, 10_000, 0.01),
    counter(1, 30_000, 0.01),
    counter(1, 100_000, 0.01),
    counter(1, 100_000, 0.05),
    Recipe { lie: true, ..counter(1, 10_000, 0.01) },
    Recipe { lie: true, ..counter(1, 100_000, 0.01) },
    counter(-3, 1_000, 0.05),
    counter(-3, 10_000, 0.01),
    Recipe { lie: true, ..counter(-3, 1_000, 0.05) },
    transactions(0, 10_000, 0.01),
    transactions(0, 16_000, 0.01),
    transactions(0, 17_000, 0.01),
    transactions(0, 30_000, 0.0),
    transactions(0, 100_000, 0.01),
    Recipe { lie: true, ..transactions(0, 100_000, 0.01) },
    Recipe { clients: 10, ..queue(1_000, 0.0) },
    queue(10_000, 0.0),
    queue(100_000, 0.0),
    queue(10_000, 0.01),
    Recipe { lie: true, ..queue(10_000, 0.0) },
    list(5_000),
    Recipe { lie: true, ..list(5_000) },
    list(20_000),
    Recipe { lie: true, ..list(20_000) },
    transactions(20, 10_000, 0.0),
    transactions(20, 10_000, 0.01),
    Recipe { lie: true, ..transactions(20, 10_000, 0.01) },
    transactions(20, 100_000, 0.01),
    Recipe { lie: true, ..transactions(20, 100_000, 0.01) },
    Recipe { service: Service::Set, operations: 20_400, clients: 20, unknown: 0.01, lie: false },
];

const fn counter(least: i64, operations: usize, unknown: f64) -> Recipe {
    let service = Service::Counter { least, most: 5 };
    Recipe { service, operations, clients: 20, unknown, lie: false }
}

const fn transactions(values: u64, operations: usize, unknown: f64) -> Recipe {
    let service = Service::Transactions { values };
    Recipe { service, operations, clients: 20, unknown, lie: false }
}

const fn queue(operations: usize, unknown: f64) -> Recipe {
    let service = Service::Queue { values: 20 };
    Recipe { service, operations, clients: 20, unknown, lie: false }
}

const fn list(operations: usize) -> Recipe {
    let service = Service::List { values: 50 };
    Recipe { service, operations, clients: 20, unknown: 0.01, lie: false }
}

impl Recipe {
    /// The name of the model that judges it.
    pub fn model(&self) -> &'static str {
        match self.service {
            Service::Counter { .. } => "counter",
            Service::Queue { .. } => "queue",
            Service::Transactions { .. } => "txn",
            Service::List { .. } => "append-list",
            Service::Set => "set",
        }
    }

    /// The name of the row.
    pub fn name(&self) -> String {
        let kind = match self.service {
            Service::Counter { least, most } => format!(", additions of {least} to {most}"),
            Service::Transactions { values: 0 } => ", unique values".to_string(),
            Service::Queue { values }
            | Service::Transactions { values }
            | Service::List { values } => format!(", {values} values"),
            Service::Set => ", whole reads".to_string(),
        };
        let Recipe { operations, clients, unknown, .. } = self;
        let lie = if self.lie { ", one wrong" } else { "" };
        let unknown = match unknown {
            0.0 => String::new(),
            share => format!(", {} % unknown", share * 100.0),
        };
        format!("{}{kind}: {operations} operations, {clients} clients{unknown}{lie}", self.model())
    }
}

/// The kind of the next event of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EventKind {
    Invocation,
    Effect,
    Return,
}

/// The mean time of an operation, of a pause, and of the delay of an effect that comes late.
const MEAN: f64 = 100.0;
const PAUSE: f64 = 5.0;
const LATE: f64 = 2000.0;

/// The number of effects ago at which a wrong answer was true.
const STALE: usize = 60;

/// Records a history.
pub fn record(recipe: Recipe) -> History {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut state = State { registers: vec![0; 10], ..State::default() };
    let mut requests: Vec<(&'static str, Value, Option<Value>)> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let mut processes: Vec<u64> = (0..recipe.clients as u64).collect();
    let mut agenda = BinaryHeap::new();
    let mut lie = recipe.lie;
    for client in 0..recipe.clients {
        let start = random.random_range(0..50);
        agenda.push(Reverse((start, EventKind::Invocation, client, 0, false)));
    }
    while let Some(Reverse((time, kind, client, number, unknown))) = agenda.pop() {
        let event = |kind, f, value| Event {
            time,
            ..Event::new(Process::Client(processes[client]), kind, f, value)
        };
        match kind {
            EventKind::Invocation if requests.len() == recipe.operations => {}
            EventKind::Invocation => {
                let number = requests.len();
                let (f, asked) = request(recipe.service, number, &mut random);
                let unknown = random.random_bool(recipe.unknown);
                let length = 2 + exponential(&mut random, MEAN);
                let effect = match (unknown, random.random_range(0..4)) {
                    (true, 0) => None,
                    (true, 1) => Some(time + length + exponential(&mut random, LATE)),
                    _ => Some(time + random.random_range(0..length)),
                };
                events.push(event(EventType::Invoke, f, asked.clone()));
                requests.push((f, asked, None));
                for (time, kind) in effect
                    .map(|time| (time, EventKind::Effect))
                    .into_iter()
                    .chain([(time + length, EventKind::Return)])
                {
                    agenda.push(Reverse((time, kind, client, number, unknown)));
                }
            }
            EventKind::Effect => {
                let due = lie && number >= recipe.operations / 4 * 3;
                let (f, asked, answer) = &mut requests[number];
                let (right, wrong) = state.serve(recipe.service, f, asked);
                let lies = due && wrong.as_ref().is_some_and(|wrong| *wrong != right);
                lie &= !lies;
                *answer = if lies { wrong } else { Some(right) };
            }
            EventKind::Return => {
                let (f, asked, answer) = &mut requests[number];
                // The answer is needed once.
                match answer.take().filter(|_| !unknown) {
                    Some(Value::Null) if *f == "dequeue" => {
                        events.push(event(EventType::Ok, f, Value::Null));
                    }
                    Some(answer) => events.push(event(EventType::Ok, f, answer)),
                    None => events.push(event(EventType::Info, f, asked.clone())),
                }
                if unknown {
                    processes[client] += recipe.clients as u64;
                }
                let pause = 1 + exponential(&mut random, PAUSE);
                agenda.push(Reverse((time + pause, EventKind::Invocation, client, 0, false)));
            }
        }
    }
    for (index, event) in events.iter_mut().enumerate() {
        event.index = index as u64;
    }
    History { events }
}

fn exponential(random: &mut ChaCha8Rng, mean: f64) -> u64 {
    (-(1.0 - random.random::<f64>()).ln() * mean) as u64
}

fn request(service: Service, number: usize, random: &mut ChaCha8Rng) -> (&'static str, Value) {
    match service {
        Service::Counter { .. } | Service::Queue { .. } if random.random_bool(0.5) => match service
        {
            Service::Counter { .. } => ("read", Value::Null),
            _ => ("dequeue", Value::Null),
        },
        Service::Counter { least, most } => ("add", json!(random.random_range(least..=most))),
        Service::Queue { values } => ("enqueue", json!(random.random_range(1..=values))),
        Service::List { .. } if number % 100 == 99 => ("read", Value::Null),
        Service::List { values } => ("append", json!(random.random_range(1..=values))),
        Service::Set if number % 51 == 50 => ("read", Value::Null),
        Service::Set => ("add", json!(number)),
        Service::Transactions { values } => {
            let steps = 0..random.random_range(1..=3);
            let steps: Vec<Value> = steps
                .map(|step| {
                    let register = random.random_range(0..10);
                    let value = match values {
                        0 => 1 + number as u64 * 3 + step,
                        values => random.random_range(1..=values),
                    };
                    match random.random_bool(0.5) {
                        true => json!(["r", register, null]),
                        false => json!(["w", register, value]),
                    }
                })
                .collect();
            ("txn", json!(steps))
        }
    }
}

/// The state of any service, and what it was.
#[derive(Debug, Default)]
struct State {
    sums: Vec<i64>,
    queue: VecDeque<Value>,
    elements: Vec<Value>,
    registers: Vec<u64>,
    before: VecDeque<Vec<u64>>,
}

impl State {
    /// Takes a request to its effect: its answer, and perhaps a wrong one.
    fn serve(&mut self, service: Service, f: &str, asked: &Value) -> (Value, Option<Value>) {
        let sum = self.sums.last().copied().unwrap_or(0);
        match (service, f) {
            (Service::Counter { .. }, "read") => {
                let stale = self.sums.len().checked_sub(STALE).map(|at| json!(self.sums[at]));
                return (json!(sum), stale);
            }
            (Service::Counter { .. }, _) => self.sums.push(sum + asked.as_i64().expect("a number")),
            (Service::Queue { .. }, "dequeue") => {
                let wrong = self.queue.get(12).cloned();
                return (self.queue.pop_front().unwrap_or_default(), wrong);
            }
            (Service::Queue { .. }, _) => self.queue.push_back(asked.clone()),
            (Service::List { .. } | Service::Set, "read") => {
                let mut fewer = self.elements.clone();
                fewer.remove(fewer.len() / 2);
                return (json!(self.elements), Some(json!(fewer)));
            }
            (Service::List { .. } | Service::Set, _) => self.elements.push(asked.clone()),
            (Service::Transactions { .. }, _) => return self.serve_transaction(asked),
        }
        (asked.clone(), None)
    }

    fn serve_transaction(&mut self, asked: &Value) -> (Value, Option<Value>) {
        let steps = asked.as_array().expect("a transaction is a list");
        let (mut right, mut wrong) = (steps.clone(), None);
        let value = |number: u64| if number == 0 { Value::Null } else { json!(number) };
        for (place, step) in steps.iter().enumerate() {
            let register = step[1].as_u64().expect("a register is a number") as usize;
            match step[0] == "r" {
                true => right[place][2] = value(self.registers[register]),
                false => self.registers[register] = step[2].as_u64().expect("a number"),
            }
            if step[0] == "r" && steps.len() == 1 {
                let stale = self.before.front().map_or(0, |registers| registers[register]);
                wrong = Some(json!([["r", step[1], value(stale)]]));
            }
        }
        self.before.push_back(self.registers.clone());
        if self.before.len() > STALE {
            self.before.pop_front();
        }
        (json!(right), wrong)
    }
}
