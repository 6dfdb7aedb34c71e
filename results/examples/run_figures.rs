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
        let figures = RunFigures::of(&figures, summary.run.machine_ms);
        let mut line = serde_json::to_value(&figures)?;
        line["latency"] = serde_json::to_value(latency(&history.operations))?;
        println!("{line}");
    }
    Ok(())
}
