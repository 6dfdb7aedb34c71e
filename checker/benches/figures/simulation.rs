//! A simulated register that is linearizable, and clients that use it at the same time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// The recipe of a simulation.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    pub seed: u64,
    pub operations: usize,
    pub clients: usize,
    pub keys: usize,
    /// Writes and compare-and-sets choose among the values from 1 to this; 0 is there at first. If
    /// this is 0, every value is written once, and compare-and-sets expect what is there when they
    /// are invoked.
    pub values: u32,
    /// The share of operations whose outcome the client does not learn.
    pub unknown: f64,
    /// The share of reads; of what is not a read, two fifths are compare-and-sets.
    pub reads: f64,
    /// The share of writes that write 0, which stands for a deletion.
    pub deletions: f64,
    /// The number of reads that answer what the register held some time before. They can still be
    /// explained by another order.
    pub stale: usize,
}

impl Default for Simulation {
    fn default() -> Simulation {
        Simulation {
            seed: 1,
            operations: 1000,
            clients: 10,
            keys: 1,
            values: 5,
            unknown: 0.0,
            reads: 0.5,
            deletions: 0.0,
            stale: 0,
        }
    }
}

/// The request of a client, and a read's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    Read { answer: u32 },
    Write(u32),
    CompareAndSet { from: u32, to: u32 },
}

/// The end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Ok,
    /// A compare-and-set found another value.
    Failed,
    /// It is not known.
    Unknown,
}

/// One operation, with the indices of its events.
#[derive(Debug, Clone, Copy)]
pub struct Simulated {
    pub process: u64,
    pub key: usize,
    pub request: Request,
    pub ending: Ending,
    pub invoked: u64,
    pub returned: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EventKind {
    Invocation,
    Effect,
    Return,
}

/// The mean time of an operation, in units of time; at least [`LEAST`] come on top.
const MEAN: f64 = 100.0;
const LEAST: u64 = 2;

/// The mean delay of an effect that comes after the client gave up.
const LATE: f64 = 2000.0;

/// The mean pause between two operations of a client.
const PAUSE: f64 = 5.0;

/// Simulates; the operations are in the order of their invocations.
pub fn simulate(simulation: Simulation) -> Vec<Simulated> {
    let mut random = ChaCha8Rng::seed_from_u64(simulation.seed);
    let mut state = vec![0; simulation.keys];
    let mut past = vec![vec![0]; simulation.keys];
    let mut operations: Vec<Simulated> = Vec::new();
    let mut seen_at: Vec<usize> = Vec::new();
    let mut processes: Vec<u64> = (0..simulation.clients as u64).collect();
    let mut agenda = BinaryHeap::new();
    let mut turn = 0;
    let mut written = 0;
    let mut index = 0;
    for client in 0..simulation.clients {
        turn += 1;
        agenda.push(Reverse((random.random_range(0..50), turn, EventKind::Invocation, client, 0)));
    }
    while let Some(Reverse((time, _, kind, client, number))) = agenda.pop() {
        match kind {
            EventKind::Invocation if operations.len() == simulation.operations => {}
            EventKind::Invocation => {
                let number = operations.len();
                let unknown = random.random_bool(simulation.unknown);
                let length = LEAST + exponential(&mut random, MEAN);
                let effect = match (unknown, random.random_range(0..4)) {
                    (true, 0) => None,
                    (true, 1) => Some(time + length + exponential(&mut random, LATE)),
                    _ => Some(time + random.random_range(0..length)),
                };
                let key = random.random_range(0..simulation.keys);
                operations.push(Simulated {
                    process: processes[client],
                    key,
                    request: request(simulation, state[key], &mut written, &mut random),
                    ending: if unknown { Ending::Unknown } else { Ending::Ok },
                    invoked: index,
                    returned: u64::MAX,
                });
                seen_at.push(0);
                index += 1;
                for (time, kind) in effect
                    .map(|time| (time, EventKind::Effect))
                    .into_iter()
                    .chain([(time + length, EventKind::Return)])
                {
                    turn += 1;
                    agenda.push(Reverse((time, turn, kind, client, number)));
                }
            }
            EventKind::Effect => {
                let operation = &mut operations[number];
                let state = &mut state[operation.key];
                let before = *state;
                seen_at[number] = past[operation.key].len() - 1;
                match &mut operation.request {
                    Request::Read { answer } => *answer = *state,
                    Request::Write(value) => *state = *value,
                    Request::CompareAndSet { from, to } if *from == *state => *state = *to,
                    Request::CompareAndSet { .. } if operation.ending == Ending::Ok => {
                        operation.ending = Ending::Failed;
                    }
                    Request::CompareAndSet { .. } => {}
                }
                if *state != before {
                    past[operation.key].push(*state);
                }
            }
            EventKind::Return => {
                operations[number].returned = index;
                index += 1;
                if operations[number].ending == Ending::Unknown {
                    processes[client] += simulation.clients as u64;
                }
                turn += 1;
                let pause = 1 + exponential(&mut random, PAUSE);
                agenda.push(Reverse((time + pause, turn, EventKind::Invocation, client, 0)));
            }
        }
    }
    make_stale(&mut operations, &past, &seen_at, simulation, &mut random);
    operations
}

fn exponential(random: &mut ChaCha8Rng, mean: f64) -> u64 {
    (-(1.0 - random.random::<f64>()).ln() * mean) as u64
}

/// The request of a client. `present` is what the register holds, `written` how many values were
/// made up so far.
fn request(
    simulation: Simulation,
    present: u32,
    written: &mut u32,
    random: &mut ChaCha8Rng,
) -> Request {
    let (one, other) = match simulation.values {
        0 => {
            *written += 1;
            (present, *written)
        }
        values => (random.random_range(1..=values), random.random_range(1..=values)),
    };
    let dice = random.random::<f64>();
    if dice < simulation.reads {
        Request::Read { answer: 0 }
    } else if dice < simulation.reads + (1.0 - simulation.reads) * 0.4 {
        Request::CompareAndSet { from: one, to: other }
    } else if random.random_bool(simulation.deletions) {
        Request::Write(0)
    } else {
        Request::Write(other)
    }
}

/// Lets some reads of the last twentieth of the history, or of all of a short one, answer a value
/// from the past: the last one other than those around their effect.
fn make_stale(
    operations: &mut [Simulated],
    past: &[Vec<u32>],
    seen_at: &[usize],
    simulation: Simulation,
    random: &mut ChaCha8Rng,
) {
    let first = if operations.len() < 400 { 0 } else { operations.len() / 20 * 19 };
    let mut reads: Vec<usize> = (first..operations.len())
        .filter(|it| matches!(operations[*it].request, Request::Read { .. }))
        .filter(|it| operations[*it].ending == Ending::Ok)
        .collect();
    for _ in 0..simulation.stale {
        if reads.is_empty() {
            return;
        }
        let number = reads.swap_remove(random.random_range(0..reads.len()));
        let past = &past[operations[number].key];
        let other = |it: &&u32| **it != past[seen_at[number]];
        // Of unique values, one that surely was replaced for good.
        let skipped = if simulation.values == 0 { 4 * simulation.clients } else { 0 };
        let stale = past[..=seen_at[number]].iter().rev().filter(other).nth(skipped);
        if let Some(stale) = stale {
            operations[number].request = Request::Read { answer: *stale };
        }
    }
}
