//! Prints the figures of saved runs, a line of JSON each, as nights compare them:
//! `cargo run -p stormproof-results --example run_figures -- results/runs/*/`

use std::path::Path;

use anyhow::{Context, Result};
use stormproof_results::metrics::{availability, fault_intervals, latency, phases};
use stormproof_results::night::RunFigures;
use stormproof_results::run_directory::RunDirectory;

fn main() -> Result<()> {
    for run in std::env::args().skip(1) {
        let loaded = RunDirectory::open(Path::new(&run))?.load()?;
        let summary = loaded.summary.with_context(|| format!("{run} has no verdict"))?;
        let history = &loaded.history;
        let figures = availability(
            history,
            &fault_intervals(history),
            &phases(history),
            &loaded.node_events,
            &summary.run.nodes,
        );
        let figures =
            RunFigures::of(&figures, latency(&history.operations), summary.run.machine_ms);
        println!("{}", serde_json::to_string(&figures)?);
    }
    Ok(())
}
