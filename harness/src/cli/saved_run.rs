//! Judging a saved run again: one that ended as planned, one that failed, and one that was killed.

use anyhow::Result;
use checker::history::EventType;
use checker::verdict::{Analysis, Verdict};
use results::metrics::{FaultIntervals, RunHistory, recorded_liveness};
use results::node_logs;
use results::run_directory::RunDirectory;
use results::summary::{EarlyEnd, Liveness, Summary};
use results::verdict_text::{self, Saved};

use super::judging::{Judged, Judging, judge, unreadable};
use super::run::shortest;
use crate::exit::bad_input;
use crate::plan::{SavedPlan, saved};
use crate::printing::err;
use crate::run::{Known, Owed, Parts, merge, summarise};
use crate::terminal;

/// A saved run, judged again.
pub struct JudgedAgain {
    /// The summary by which it is judged now.
    pub summary: Summary,
    /// The text for a terminal.
    pub text: String,
}

/// Judges a run that was saved. One that has no verdict of its own, since it was killed, gets one,
/// and a page.
///
/// # Errors
/// When the directory is no run, or a file of it cannot be read.
pub fn judge_again(judging: &Judging) -> Result<JudgedAgain> {
    let run = RunDirectory::open(judging.path()).map_err(unreadable)?;
    let before = run.summary().map_err(unreadable)?;
    let Judged { analysis, .. } = judge(judging)?;
    let colour = terminal::colours();
    match before {
        Some(before) if !ended_by_kill(&before) => {
            let again = with_safety(before.clone(), analysis);
            // The faults are shown beside a counterexample and a known failure alone.
            let shown = again.safety.counterexample.is_some()
                || again.run.known.iter().any(|known| known.tested);
            let faults = match shown {
                true => FaultIntervals::of(&run.load().map_err(unreadable)?.history),
                false => FaultIntervals::default(),
            };
            let text = verdict_text::again(&again, &before, &faults, colour);
            Ok(JudgedAgain { summary: again, text })
        }
        _ => {
            let (summary, history, saved) = judge_remains(&run, analysis, judging.is_plain())?;
            let faults = FaultIntervals::of(&history);
            let counts = counts(&history);
            let text = verdict_text::run(&summary, counts, &faults, &saved, colour);
            Ok(JudgedAgain { summary, text })
        }
    }
}

/// Judges what a run left that was killed, and writes verdict and page; returns the page's path.
///
/// # Errors
/// When a file cannot be read or the page cannot be written.
pub fn write_page(run: &RunDirectory) -> Result<std::path::PathBuf> {
    let judging = Judging::of_run(run.path().to_owned());
    let Judged { analysis, .. } = judge(&judging)?;
    let (_, _, saved) = judge_remains(run, analysis, true)?;
    match saved.page {
        Some(page) => Ok(page),
        None if saved.unwritten.is_empty() => Err(bad_input(format!(
            "{} goes on; its page is written when it ends",
            run.path().display()
        ))),
        None => Err(anyhow::anyhow!(saved.unwritten.join("; "))),
    }
}

/// Such a verdict was made by a judgement like this one, and may be made anew.
fn ended_by_kill(summary: &Summary) -> bool {
    summary.ended_early.as_ref().is_some_and(|ended| ended.cause == EarlyEnd::Kill)
}

/// The verdict of a run whose history is judged anew; all else is as the run found it.
fn with_safety(mut summary: Summary, safety: Analysis) -> Summary {
    let Summary { liveness, availability, coverage, run, ended_early, .. } = &summary;
    let parts = Parts { safety: &safety, liveness, availability: availability.as_ref(), coverage };
    let (verdict, sentence) = merge(parts, ended_early.as_ref(), &run.known);
    summary.verdict = verdict;
    summary.sentence = sentence;
    summary.safety = safety;
    summary
}

/// Judges what there is of a run without a verdict. What comes of it is saved if `save` is set and
/// the run does not go on.
fn judge_remains(
    run: &RunDirectory,
    safety: Analysis,
    save: bool,
) -> Result<(Summary, RunHistory, Saved)> {
    let goes_on = run.goes_on();
    let loaded = run.load().map_err(unreadable)?;
    let plan = SavedPlan::of(run.path());
    let account = run.account().map_err(unreadable)?;
    let kinds: Vec<String> = match (&account, workloads::find(&plan.workload)) {
        (Some(account), _) => account.kinds.clone(),
        (None, Some(workload)) => workload.kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        (None, None) => Vec::new(),
    };
    let info = account.map(|account| account.run);
    let info = info.unwrap_or_else(|| plan.account(run.id(), run.path()));
    let mut liveness = recorded_liveness(&loaded.history).unwrap_or_else(|| never_asked(goes_on));
    if liveness.verdict != Verdict::Valid {
        add_logs(&mut liveness, node_logs::read_all(run.path()).map_err(unreadable)?);
    }
    let resolved = saved(run.path()).and_then(|written| written.resolve()).ok();
    let owed = resolved.as_ref().and_then(|plan| Owed::of(plan, &*plan.open_target().ok()?));
    let summary = summarise(Known {
        history: &loaded.history,
        node_events: &loaded.node_events,
        planned: plan.planned(),
        kinds: &kinds.iter().map(String::as_str).collect::<Vec<_>>(),
        safety,
        liveness,
        findings: Vec::new(),
        info,
        owed,
        promises: &resolved.as_ref().map(|plan| plan.promises()).unwrap_or_default(),
        options: resolved.map(|plan| plan.schedule_options()),
        failed: (!goes_on).then_some(EarlyEnd::Kill),
        failure: None,
    });
    let mut files = Saved::default();
    if goes_on {
        err!("{} goes on; this is a look at what there is so far", run.path().display());
    } else if save {
        let logs = loaded.node_logs();
        let page = results::report::html(&summary, &loaded.history, &loaded.node_events, &logs);
        let mut note = |error: anyhow::Error| files.unwritten.push(format!("{error:#}"));
        run.save_verdict(&summary).map_or_else(&mut note, drop);
        files.page = run.save_report(&page).map_err(note).ok().map(|page| shortest(&page));
    }
    Ok((summary, loaded.history, files))
}

/// Liveness of a run that did not get so far.
fn never_asked(goes_on: bool) -> Liveness {
    let sentence = match goes_on {
        true => "the run goes on, and the healed cluster was not asked yet",
        false => "the healed cluster was never asked",
    };
    Liveness {
        verdict: Verdict::Unknown,
        sentence: sentence.to_owned(),
        recovery_seconds: None,
        probe_lateness_seconds: 0.0,
        load_lateness_seconds: 0.0,
        degree: None,
        nodes: Vec::new(),
    }
}

/// Adds the logs that nodes left to what was heard of them.
fn add_logs(liveness: &mut Liveness, left: Vec<results::summary::NodeAtEnd>) {
    for of_node in left {
        match liveness.nodes.iter_mut().find(|node| node.node == of_node.node) {
            Some(node) if node.logs.is_empty() => node.logs = of_node.logs,
            Some(_) => {}
            None => liveness.nodes.push(of_node),
        }
    }
}

/// The number of operations that ended ok, fail and info.
fn counts(history: &RunHistory) -> [u64; 3] {
    let ended = || history.operations.iter().filter(|operation| operation.completed().is_some());
    let of = |kind| ended().filter(|operation| operation.outcome() == kind).count() as u64;
    [of(EventType::Ok), of(EventType::Fail), of(EventType::Info)]
}
