//! A run of a night as its ledger tells of it.

use std::path::Path;

use faults::coverage::Coverage;
use results::night::{Kept, NightDirectory, NightRun, RunFigures};
use results::run_directory::RunDirectory;
use results::summary::Summary;

use super::agenda::Part;
use crate::repeats::RunOutcome;

/// The entry of a run that came to this, what its faults reached, and its figures.
pub(super) fn entry(
    night: &NightDirectory,
    part: Part,
    outcome: &RunOutcome,
) -> (NightRun, Option<Coverage>, Option<RunFigures>) {
    let summary = outcome.run.as_deref().and_then(summary);
    let info = summary.as_ref().map(|summary| &summary.run);
    let liveness = summary.as_ref().map(|summary| &summary.liveness);
    let run = NightRun {
        number: part.number,
        cell: part.cell,
        seed: part.seed,
        verdict: outcome.verdict,
        safety: outcome.safety,
        liveness: outcome.liveness,
        availability: outcome.availability,
        starved: outcome.starved,
        contradiction: summary.as_ref().and_then(|it| Some(it.safety.contradiction()?.0)),
        failure: outcome.failure.clone(),
        sentence: outcome.sentence.clone(),
        target_version: info.map(|info| info.target_version.clone()),
        started: info.map(|info| info.started.clone()),
        seconds: outcome.seconds,
        recovery_seconds: liveness.and_then(|liveness| liveness.recovery_seconds),
        degree: liveness.and_then(|liveness| liveness.degree),
        latency: summary.as_ref().and_then(|summary| summary.latency),
        probe_lateness_seconds: liveness.map(|liveness| liveness.probe_lateness_seconds),
        command: info.map(|info| info.command.clone()),
        directory: outcome.run.as_deref().map(|run| night.relative(run)),
        kept: Kept::Everything,
        follow_up: None,
    };
    let figures = summary.as_ref().and_then(|summary| {
        let availability = summary.availability.as_ref()?;
        Some(RunFigures::of(availability, summary.run.machine_ms))
    });
    let reached = summary.and_then(|summary| summary.fault_coverage);
    // What was missed follows from what was reached, by all runs together.
    (run, reached.map(|reached| Coverage { missed: Vec::new(), ..reached }), figures)
}

fn summary(run: &Path) -> Option<Summary> {
    RunDirectory::open(run).and_then(|run| run.summary()).ok()?
}
