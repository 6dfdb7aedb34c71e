//! Requests of simulated clients.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use super::recording::Recording;
use super::service::Service;

/// The most that a transaction does.
const MICRO_OPERATIONS: u64 = 3;

/// The request of a client.
pub(super) fn request(
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
        Service::Bank => match dice {
            0..50 => ("read", Value::Null),
            _ => {
                let account = |number: u32| ["a", "b", "c"][number as usize % 3];
                let (from, step) = (random.random_range(0..3), random.random_range(1..3));
                let amount = random.random_range(1..=5);
                let (from, to) = (account(from), account(from + step));
                ("transfer", json!({"from": from, "to": to, "amount": amount}))
            }
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
        Service::RegisterTransactions => {
            let values = recording.values.unwrap_or(u64::MAX);
            let steps = 0..random.random_range(1..=MICRO_OPERATIONS);
            let steps: Vec<Value> = steps
                .map(|_| {
                    let register = ["x", "y"][random.random_range(0..2)];
                    match random.random_range(0..10) {
                        0..5 => json!(["r", register, null]),
                        5 => json!(["w", register, null]),
                        _ => json!(["w", register, random.random_range(1..=values)]),
                    }
                })
                .collect();
            ("txn", json!(steps))
        }
    }
}
