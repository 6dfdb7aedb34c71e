//! From what was recorded to a verdict and a page.

use anyhow::{Context, Result, anyhow};
use checker::history::{Event, History, Operations};
use checker::oracle::version::VersionSemantics;
use checker::verdict::{Analysis, Verdict};
use results::event::Phase;
use results::loaded_run::LoadedRun;
use results::metrics::fault_intervals;
use results::summary::{Liveness, RunInfo, Summary};

use super::cluster::Cluster;
use super::live::Live;
use super::recorder::Recorder;
use super::{Ended, Setup, judge};
use crate::auditing::Saved;

/// Judges what is on disk, writes verdict and report.
///
/// `tested` is what the run says of liveness, or why the harness failed on the way; then the
/// history is judged all the same, because an Invalid that was recorded before stands.
///
/// `contradiction` is the event at which the history became Invalid by what was seen during the run.
///
/// # Errors
/// When the history cannot be read or the results cannot be written.
pub fn conclude(
    setup: &Setup,
    info: RunInfo,
    tested: Result<Liveness>,
    contradiction: Option<u64>,
    cluster: &Cluster,
    recorder: &Recorder,
    live: &Live,
) -> Result<Ended> {
    let Setup { plan, workload, .. } = setup;
    let (liveness, mut failure) = match tested {
        Ok(liveness) => (liveness, None),
        Err(error) => (not_asked(&error), Some(error)),
    };
    // A disk that is full cannot take the mark of a phase, but the history can still be judged.
    let marked = recorder.phase(Phase::Check);
    failure = failure.or(marked.err());

    let (path, loaded) =
        recorder.with_directory(|directory| (directory.path().to_owned(), directory.load()));
    let loaded = loaded?;
    for note in &loaded.notes {
        recorder.note(note);
    }
    let saved = Saved::read(&path)?;
    let mut safety = check(&loaded.history, workload.model, cluster.versions, &saved)?;
    if let Some(index) = contradiction
        && safety.verdict != Verdict::Invalid
    {
        // What is Invalid stays so, and less of it may be easier to decide.
        let until = |event: &&Event| event.index <= index;
        let events = loaded.history.events.iter().filter(until).cloned().collect();
        safety = check(&History { events }, workload.model, cluster.versions, &saved)?;
        if safety.verdict != Verdict::Invalid {
            let bug =
                anyhow!("checked online, the history was Invalid at event {index}; now it is not");
            failure = failure.or(Some(bug));
        }
    }
    let faults = fault_intervals(&loaded.history);
    let planned = plan.schedule.len();
    let coverage = judge::coverage(&loaded.history, &faults, workload.kinds, planned);
    let fault_coverage =
        (planned > 0).then(|| judge::fault_coverage(&faults, &plan.schedule_options()));
    let (verdict, sentence) = judge::merge(&safety, &liveness, &coverage);
    let phases = judge::phases(&loaded.history);
    let summary = Summary {
        verdict,
        sentence,
        safety,
        liveness,
        coverage,
        fault_coverage,
        findings: cluster.findings(),
        run: info,
        phases,
    };

    if failure.is_none() {
        failure = write_results(&summary, &loaded, recorder).err();
    } else {
        // Wanted all the same; but the first trouble is the one to tell.
        let _ = write_results(&summary, &loaded, recorder);
    }
    Ok(Ended { summary, path, counts: live.snapshot(), failure })
}

fn check(
    history: &History,
    model: &str,
    versions: Option<VersionSemantics>,
    saved: &Saved,
) -> Result<Analysis> {
    let model = Some(model.into());
    let options = checker::Options { model, versions, ..checker::Options::default() };
    let context = "the recorded history is not well formed";
    let operations = Operations::of(history).context(context)?;
    checker::check_with_records(&operations, &options, &saved.records(versions), &|_| {})
        .context(context)
}

fn write_results(summary: &Summary, loaded: &LoadedRun, recorder: &Recorder) -> Result<()> {
    recorder.with_directory(|directory| directory.save_verdict(summary))?;
    recorder.phase(Phase::Report)?;
    let page = results::report::html(summary, &loaded.history, &loaded.node_events);
    recorder.with_directory(|directory| directory.save_report(&page))?;
    Ok(())
}

/// Liveness of a run that did not get so far.
fn not_asked(error: &anyhow::Error) -> Liveness {
    Liveness {
        verdict: Verdict::Unknown,
        sentence: format!("the harness failed before the cluster could be asked: {error:#}"),
        recovery_seconds: None,
        probe_lateness_seconds: 0.0,
    }
}
