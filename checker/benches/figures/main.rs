//! The time that histories take to judge. `cargo bench -p stormproof-checker --bench figures [--
//! WORD…]` prints a table of those whose names contain every word.
//!
//! Judging is timed without the reading of the history, which has rows of its own. The histories
//! are recorded from a simulated register, always the same ones, and from a service of every model
//! with one wrong answer in its last quarter; of an invalid one, the counterexample is made in the
//! same time. More rows are histories that are hard to judge (`hard.rs`). With `STORMPROOF_CORPUS`
//! set, the recorded histories of that folder are judged as well, the slowest of each kind is shown.
//!
//! Memory is the most that the process held while it judged, the history included. What earlier
//! rows leave behind counts too: ask for a row by itself.

mod corpus;
mod hard;
mod memory;
mod one_lie;
mod simulation;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Instant;

use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType, Operations, Pairing, Process};
use stormproof_checker::{Options, check};

use crate::simulation::{Ending, Request, Simulated, Simulation, simulate};

/// One key whose every value is written once.
const UNIQUE: Simulation = Simulation {
    seed: 1,
    operations: 1_000_000,
    clients: 100,
    keys: 1,
    values: 0,
    unknown: 0.01,
    reads: 0.5,
    deletions: 0.0,
    stale: 0,
};

/// One key of five values.
const FEW: Simulation = Simulation { values: 5, unknown: 0.0, ..UNIQUE };

/// In the order of the table. Where there are many stale reads, no order explains them.
const ROWS: &[Simulation] = &[
    Simulation { operations: 1_000, ..UNIQUE },
    Simulation { operations: 10_000, ..UNIQUE },
    Simulation { operations: 100_000, ..UNIQUE },
    UNIQUE,
    Simulation { clients: 5, unknown: 0.0, ..UNIQUE },
    Simulation { stale: 1, ..UNIQUE },
    Simulation { keys: 100, ..UNIQUE },
    Simulation { keys: 100, stale: 1, ..UNIQUE },
    Simulation { operations: 10_000, clients: 5, ..FEW },
    Simulation { operations: 10_000, clients: 10, ..FEW },
    Simulation { operations: 10_000, clients: 10, unknown: 0.05, ..FEW },
    Simulation { operations: 10_000, clients: 50, ..FEW },
    Simulation { operations: 10_000, clients: 50, stale: 1, ..FEW },
    Simulation { operations: 10_000, clients: 100, unknown: 0.01, ..FEW },
    Simulation { operations: 100_000, clients: 20, ..FEW },
    Simulation { operations: 100_000, clients: 20, stale: 1, ..FEW },
    Simulation { operations: 100_000, clients: 20, stale: 1500, ..FEW },
    Simulation { operations: 100_000, clients: 50, ..FEW },
    Simulation { operations: 100_000, clients: 50, stale: 2000, ..FEW },
    Simulation { clients: 20, keys: 100, unknown: 0.01, ..FEW },
    Simulation { operations: 10_000, clients: 100, unknown: 0.02, ..FEW },
    Simulation { operations: 10_000, clients: 100, unknown: 0.03, ..FEW },
    Simulation { operations: 10_000, clients: 100, unknown: 0.05, ..FEW },
    Simulation { operations: 10_000, clients: 100, unknown: 0.1, ..FEW },
    Simulation { operations: 10_000, clients: 100, unknown: 0.05, stale: 400, ..FEW },
    Simulation { operations: 100_000, clients: 100, unknown: 0.05, ..FEW },
    Simulation { operations: 10_000, clients: 20, unknown: 0.01, stale: 100, ..FEW },
    Simulation { clients: 20, unknown: 0.01, ..FEW },
];

fn main() {
    // `cargo bench` passes flags of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| words.iter().all(|word| name.contains(word));
    println!("{:68} {:8} {:>9} {:>5}  decided by", "history", "verdict", "ms", "MB");
    for &row in ROWS {
        let name = name(row);
        if wanted(&name) {
            judge(&operations(row), &Options::default(), &name);
        }
    }
    for &(service, model, kind) in one_lie::SERVICES {
        for operations in [10_000, 100_000] {
            for (lie, what) in [(false, "none"), (true, "one")] {
                let name = format!("{model}{kind}: {operations} operations, {what} of them wrong");
                if wanted(&name) {
                    let history = one_lie::record(service, operations, lie);
                    let options = Options { model: Some(model.to_string()), ..Options::default() };
                    let history = Operations::of(&history).expect("it is well formed");
                    judge(&history, &options, &name);
                }
            }
        }
    }
    for &recipe in hard::RECIPES {
        let name = recipe.name();
        if wanted(&name) {
            let history = Operations::of(&hard::record(recipe)).expect("it is well formed");
            let model = Some(recipe.model().to_string());
            judge(&history, &Options { model, ..Options::default() }, &name);
        }
    }
    if wanted("reading") {
        read();
    }
    if wanted("corpus") {
        corpus::judge();
    }
}

fn name(row: Simulation) -> String {
    let values = match row.values {
        0 => "unique values".to_string(),
        values => format!("{values} values"),
    };
    let mut name = format!("{} operations, {} clients, {values}", row.operations, row.clients);
    for (number, what) in [(row.keys, "keys"), (row.stale, "stale reads")] {
        if number > 0 && (what != "keys" || number > 1) {
            name.push_str(&format!(", {number} {what}"));
        }
    }
    if row.unknown > 0.0 {
        name.push_str(&format!(", {} % unknown", row.unknown * 100.0));
    }
    name
}

/// The history as the checker is given it.
fn operations(row: Simulation) -> Operations {
    let mut pairing = Pairing::default();
    for (place, event) in events(&simulate(row)).enumerate() {
        pairing.push_event(&event, place).expect("the history is well formed");
    }
    pairing.finish()
}

fn judge(operations: &Operations, options: &Options, name: &str) {
    memory::forget_peak();
    let start = Instant::now();
    let analysis = check(operations, options).expect("the history fits its model");
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    let peak = memory::peak().map_or("?".to_string(), |bytes| (bytes / 1_000_000).to_string());
    let shown = analysis.counterexample.map(|it| format!(", {} shown", it.operations.len()));
    println!(
        "{name:68} {:8} {milliseconds:9.1} {peak:>5}  {} in {} steps{}",
        format!("{:?}", analysis.verdict),
        analysis.algorithm,
        analysis.steps,
        shown.unwrap_or_default()
    );
}

/// The same million operations from the bytes of a file.
fn read() {
    let mut bytes = Vec::new();
    for event in events(&simulate(UNIQUE)) {
        serde_json::to_writer(&mut bytes, &event).expect("memory takes whatever is written");
        bytes.push(b'\n');
    }
    let all = Options::default().threads;
    for threads in BTreeSet::from([NonZeroUsize::MIN, all]) {
        let start = Instant::now();
        let reading = stormproof_checker::history::read_with_threads(&bytes[..], threads);
        let seconds = start.elapsed().as_secs_f64();
        let count = reading.expect("it was just written").operations.len();
        println!(
            "{:68} {:8} {:9.1} {:5}  {:.0} MB a second",
            format!("reading {count} operations, {threads} threads"),
            "",
            seconds * 1000.0,
            "",
            bytes.len() as f64 / 1e6 / seconds
        );
    }
}

/// The operations as events, one at a time: a million of them in memory at once, and given back
/// just before the judging, would slow that down and hide what it needs itself.
fn events(operations: &[Simulated]) -> impl Iterator<Item = Event> {
    let invocations = operations.iter().map(|operation| (operation.invoked, false, operation));
    let completions = operations.iter().map(|operation| (operation.returned, true, operation));
    let mut moments: Vec<_> = invocations.chain(completions).collect();
    moments.sort_unstable_by_key(|(index, ..)| *index);
    moments.into_iter().map(|(index, is_completion, operation)| {
        let (f, asked, answered) = match operation.request {
            Request::Read { answer } => ("read", Value::Null, value(answer)),
            Request::Write(0) => ("delete", Value::Null, Value::Null),
            Request::Write(written) => ("write", value(written), value(written)),
            Request::CompareAndSet { from, to } => {
                let pair = json!([value(from), value(to)]);
                ("cas", pair.clone(), pair)
            }
        };
        let (kind, value) = match operation.ending {
            _ if !is_completion => (EventType::Invoke, asked),
            Ending::Ok => (EventType::Ok, answered),
            Ending::Failed => (EventType::Fail, asked),
            Ending::Unknown => (EventType::Info, asked),
        };
        Event {
            index,
            time: index * 1000,
            key: Some(format!("k{}", operation.key)),
            ..Event::new(Process::Client(operation.process), kind, f, value)
        }
    })
}

/// A value of the simulation: 0 stands for none.
fn value(number: u32) -> Value {
    if number == 0 { Value::Null } else { json!(number) }
}
