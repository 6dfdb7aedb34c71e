//! Does the checker decide what the default workloads produce in ten minutes?
//!
//! ```sh
//! cargo run --release -p stormproof-workloads --example long_runs [SEEDS [OPERATIONS]]
//! ```
//!
//! Each workload, for each seed, against the simulated service while requests and answers are lost
//! or late and the service is down now and then; 600,000 operations are ten minutes at 1,000 a
//! second. Clients are drawn from the seed, but values are numbers: how long they are makes nothing
//! harder to decide. A history that is not Valid ends the program with 1.

use std::process::ExitCode;
use std::time::Instant;

use checker::history::{EventType, Operations};
use checker::verdict::Verdict;
use stormproof_workloads::clients::ClientPlan;
use stormproof_workloads::simulation::Simulation;
use stormproof_workloads::{GeneratorOptions, ValueSizes};

const SEEDS: u64 = 5;
const OPERATIONS: u64 = 600_000;

/// As `stormproof run` has by default.
const CLIENTS: usize = 10;

fn main() -> ExitCode {
    let mut figures = std::env::args().skip(1).map(|text| text.parse().expect("a whole number"));
    let seeds = figures.next().unwrap_or(SEEDS);
    let operations = figures.next().unwrap_or(OPERATIONS);
    let mut all_valid = true;
    println!("workload  seed  operations  unknown  keys   ms      verdict  decided by");
    for workload in stormproof_workloads::ALL {
        for seed in 1..=seeds {
            let clients = ClientPlan::draw(seed, CLIENTS);
            let options =
                GeneratorOptions { seed, hot_keys: clients.keys, values: ValueSizes::Numbers };
            let recorded =
                Simulation::unreliable(seed, CLIENTS).run(workload, &options, operations);
            let unknown = |kind: EventType| kind == EventType::Info;
            let unknown =
                recorded.history.events.iter().filter(|event| unknown(event.kind)).count();
            let table = Operations::of(&recorded.history).expect("the simulation records well");
            drop(recorded);
            let how = checker::Options {
                model: Some(workload.model.into()),
                ..checker::Options::default()
            };
            let begin = Instant::now();
            let analysis = checker::check(&table, &how).expect("the model fits");
            let ms = begin.elapsed().as_secs_f64() * 1e3;
            all_valid &= analysis.verdict == Verdict::Valid;
            println!(
                "{:<9} {seed:>4}  {:>10}  {unknown:>7}  {:>5}  {ms:>6.0}  {:<7}  {}",
                workload.name,
                table.len(),
                analysis.keys,
                format!("{:?}", analysis.verdict),
                analysis.algorithm,
            );
        }
    }
    if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
