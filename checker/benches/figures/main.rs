//! How long histories take to judge. `cargo bench -p checker --bench figures [-- WORD…]` prints a
//! table of those whose names contain every word.
//!
//! Only judging is timed, not the making of the history.

mod simulation;

use std::time::Instant;

use checker::history::{Event, EventType, History, Process};
use checker::{Options, check};
use serde_json::{Value, json};

use crate::simulation::{Ending, Request, Simulated, Simulation, simulate};

/// Operations, clients, keys, share of unknown outcomes, stale reads. The stale reads of the last
/// rows are so many that no order explains them.
const ROWS: &[(usize, usize, usize, f64, usize)] = &[
    (10_000, 5, 1, 0.0, 0),
    (10_000, 10, 1, 0.0, 0),
    (100_000, 20, 1, 0.0, 0),
    (10_000, 50, 1, 0.0, 0),
    (100_000, 50, 1, 0.0, 0),
    (10_000, 100, 1, 0.01, 0),
    (10_000, 10, 1, 0.05, 0),
    (1_000_000, 20, 100, 0.01, 0),
    (100_000, 20, 1, 0.0, 1),
    (10_000, 50, 1, 0.0, 1),
    (100_000, 20, 1, 0.0, 1500),
    (100_000, 50, 1, 0.0, 2000),
];

fn main() {
    // `cargo bench` passes flags of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    println!("{:58} {:18} {:8} {:>10} {:>11}", "history", "algorithm", "verdict", "ms", "steps");
    for &(operations, clients, keys, unknown, stale) in ROWS {
        let name = format!(
            "{operations} operations, {clients} clients, {keys} keys, {unknown} unknown, \
             {stale} stale"
        );
        if !words.iter().all(|word| name.contains(word)) {
            continue;
        }
        let simulation =
            Simulation { operations, clients, keys, unknown, stale, ..Simulation::default() };
        let history = history(&simulate(simulation));
        let start = Instant::now();
        let analysis = check(&history, &Options::default()).expect("the history is well formed");
        println!(
            "{name:58} {:18} {:8} {:10.1} {:11}",
            analysis.algorithm,
            format!("{:?}", analysis.verdict),
            start.elapsed().as_secs_f64() * 1000.0,
            analysis.steps,
        );
    }
}

/// The operations as events.
fn history(operations: &[Simulated]) -> History {
    let mut events = Vec::with_capacity(2 * operations.len());
    for operation in operations {
        let (f, asked, answered) = match operation.request {
            Request::Read { answer } => ("read", Value::Null, value(answer)),
            Request::Write(0) => ("delete", Value::Null, Value::Null),
            Request::Write(written) => ("write", value(written), value(written)),
            Request::CompareAndSet { from, to } => {
                let pair = json!([value(from), value(to)]);
                ("cas", pair.clone(), pair)
            }
        };
        let event = |index: u64, kind, value| Event {
            index,
            time: index * 1000,
            process: Process::Client(operation.process),
            kind,
            f: f.to_string(),
            key: Some(format!("k{}", operation.key)),
            value,
            token: None,
            node: None,
            version: None,
            error: None,
            attempts: Vec::new(),
        };
        events.push(event(operation.invoked, EventType::Invoke, asked.clone()));
        let (kind, answer) = match operation.ending {
            Ending::Ok => (EventType::Ok, answered),
            Ending::Failed => (EventType::Fail, asked),
            Ending::Unknown => (EventType::Info, asked),
        };
        events.push(event(operation.returned, kind, answer));
    }
    events.sort_by_key(|event| event.index);
    History { events }
}

/// A value of the simulation: 0 stands for none.
fn value(number: u32) -> Value {
    if number == 0 { Value::Null } else { json!(number) }
}
