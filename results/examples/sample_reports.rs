//! Writes pages of made-up runs into a folder, to look at while working on the page:
//! `cargo run -p stormproof-results --example sample_reports -- /tmp/pages`

use std::path::PathBuf;

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use stormproof_results::metrics::RunHistory;
use stormproof_results::report;

#[path = "../tests/sample/mod.rs"]
mod sample;

use sample::{Options, Sample, judged, models, sample, storm, with_promises};

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("which folder shall the pages go to?")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let pages = [
        ("valid", Options { seconds: 60, rate: 1_000, faults: true, verdict: Verdict::Valid }),
        ("invalid", Options { seconds: 30, rate: 200, faults: true, verdict: Verdict::Invalid }),
        ("unknown", Options { seconds: 60, rate: 300, faults: true, verdict: Verdict::Unknown }),
        ("no-faults", Options { seconds: 10, rate: 100, faults: false, verdict: Verdict::Valid }),
        ("large", Options { seconds: 300, rate: 340, faults: true, verdict: Verdict::Valid }),
    ];
    for (name, options) in pages {
        let run: Sample = with_promises(sample(&options));
        let page = report::html(
            &run.summary,
            &RunHistory::from(&run.history),
            &run.node_events,
            &run.logs,
        );
        std::fs::write(folder.join(format!("{name}.html")), page)?;
    }
    for (name, rate) in [("storm", 600), ("large-storm", 3_400)] {
        let run = storm(rate);
        let page = report::html(
            &run.summary,
            &RunHistory::from(&run.history),
            &run.node_events,
            &run.logs,
        );
        std::fs::write(folder.join(format!("{name}.html")), page)?;
    }
    for model in models() {
        let run = judged(model);
        let page = report::html(
            &run.summary,
            &RunHistory::from(&run.history),
            &run.node_events,
            &run.logs,
        );
        std::fs::write(folder.join(format!("{model}.html")), page)?;
    }
    let run = sample(&Options { seconds: 1, rate: 1, faults: false, verdict: Verdict::Unknown });
    let page = report::html(&run.summary, &RunHistory::default(), &[], &[]);
    std::fs::write(folder.join("empty.html"), page)?;
    Ok(())
}
