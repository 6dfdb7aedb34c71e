//! From what was recorded to a verdict and a page.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use checker::history::Operations;
use checker::verdict::{Analysis, Verdict};
use results::event::Phase;
use results::loaded_run::LoadedRun;
use results::summary::{EarlyEnd, Liveness, NodeAtEnd, RunInfo, Summary};
use results::verdict_text;

use super::cluster::Cluster;
use super::live::Live;
use super::order::OrderKeeper;
use super::recorder::Recorder;
use super::{Ended, Known, Owed, Setup, summarise};
use crate::auditing::Saved;
use crate::targets::Member;

/// Judges what is on disk, writes verdict and report.
///
/// `tested` is what the run says of liveness, or why the harness failed on the way; then the
/// history is judged all the same, because an Invalid that was recorded before stands.
///
/// `contradiction` is the event at which the history became Invalid by what was seen during the run.
///
/// # Errors
/// When the history cannot be read. Results that cannot be written are told; the verdict stands.
pub fn conclude(
    setup: &Setup,
    info: RunInfo,
    tested: Result<Liveness>,
    contradiction: Option<u64>,
    (cluster, order): (&Cluster, Option<&OrderKeeper>),
    recorder: &Recorder,
    live: &Live,
) -> Result<Ended> {
    let Setup { plan, workload, .. } = setup;
    let (liveness, mut failure) = match tested {
        Ok(liveness) => (liveness, None),
        Err(error) => (not_asked(&error, cluster), Some(error)),
    };
    // A disk that is full cannot take the mark of a phase, but the history can still be judged.
    let mut unwritten = Vec::from_iter(recorder.phase(Phase::Check).err());

    let (path, operations) =
        recorder.with_directory(|directory| (directory.path().to_owned(), directory.operations()));
    let mut operations = operations?;
    let saved = Saved::read(&path)?;
    let options = checker::Options {
        model: Some(workload.model.into()),
        versions: cluster.versions,
        ..checker::Options::default()
    };
    let check = |operations: &Operations| -> Result<Analysis> {
        let analysis = saved.check(operations, &options, &|_| {})?;
        analysis.context("the recorded history is not well formed")
    };
    let mut safety = check(&operations)?;
    if let Some(index) = contradiction
        && safety.verdict != Verdict::Invalid
    {
        // What is Invalid stays so, and less of it may be easier to decide.
        operations.truncate(index);
        safety = check(&operations)?;
        if safety.verdict != Verdict::Invalid {
            let bug =
                anyhow!("checked online, the history was Invalid at event {index}; now it is not");
            failure = failure.or(Some(bug));
        }
    }
    // The page needs no values, which take most of the room.
    drop(operations);
    let loaded = recorder.with_directory(|directory| directory.load())?;
    for note in &loaded.notes {
        recorder.note(note);
    }
    let mut summary = summarise(Known {
        history: &loaded.history,
        node_events: &loaded.node_events,
        planned: plan.planned(),
        kinds: workload.kinds,
        safety,
        liveness,
        findings: cluster.findings(),
        info,
        owed: Owed::of(plan, &*setup.target),
        promises: &plan.promises(),
        options: Some(plan.schedule_options()),
        failed: failure.as_ref().map(|_| EarlyEnd::Failure),
        failure: failure.as_ref().map(|error| format!("{error:#}")),
    });
    if let Some(order) = order {
        let (bytes, followed) = order.result();
        summary.order = followed;
        let saved = recorder.with_directory(|directory| directory.save_order(&bytes));
        unwritten.extend(saved.err());
    }
    let page = write_results(&summary, &loaded, recorder, &mut unwritten);
    let unwritten = unwritten.iter().map(|error| format!("{error:#}")).collect();
    let saved = verdict_text::Saved { page, unwritten };
    Ok(Ended { summary, counts: live.snapshot(), failure, saved })
}

/// Writes verdict and page, as far as they can be written; returns the path of the page if it was.
fn write_results(
    summary: &Summary,
    loaded: &LoadedRun,
    recorder: &Recorder,
    unwritten: &mut Vec<anyhow::Error>,
) -> Option<PathBuf> {
    let verdict = recorder.with_directory(|directory| directory.save_verdict(summary));
    unwritten.extend(verdict.err());
    unwritten.extend(recorder.phase(Phase::Report).err());
    let logs = loaded.node_logs();
    let page = results::report::html(summary, &loaded.history, &loaded.node_events, &logs);
    let page = recorder.with_directory(|directory| directory.save_report(&page));
    page.map_err(|error| unwritten.push(error)).ok()
}

/// Liveness of a run that did not get so far. The logs that the failure may quote stand with their
/// nodes: the sentence is one.
fn not_asked(error: &anyhow::Error, cluster: &Cluster) -> Liveness {
    let error = format!("{error:#}");
    let error = error.lines().next().unwrap_or_default();
    let node =
        |member: &Member| NodeAtEnd { node: member.name.clone(), answer: None, logs: Vec::new() };
    let mut nodes: Vec<NodeAtEnd> = cluster.members.iter().map(node).collect();
    cluster.add_logs(&mut nodes);
    Liveness {
        verdict: Verdict::Unknown,
        sentence: format!("the harness failed before the cluster could be asked: {error}"),
        recovery_seconds: None,
        probe_lateness_seconds: 0.0,
        load_lateness_seconds: 0.0,
        degree: None,
        nodes,
    }
}
