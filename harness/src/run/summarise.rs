//! From what is known of a run to its summary: the same for a run at its end and for one that was
//! saved.

use checker::verdict::Analysis;
use faults::schedule::ScheduleOptions;
use results::metrics::{Planned, RunHistory, ended_early, fault_intervals, latency};
use results::summary::{Coverage, EarlyEnd, Finding, Liveness, RunInfo, SCHEMA, Summary};

use super::{Owed, judge, pace};

/// Everything that is known of a run.
pub(crate) struct Known<'a> {
    /// The recorded events.
    pub history: &'a RunHistory,
    /// The load and the faults of its plan.
    pub planned: Planned,
    /// Every kind of operation that its workload makes.
    pub kinds: &'a [&'a str],
    /// The judgement of its history.
    pub safety: Analysis,
    /// The answer to the question for liveness.
    pub liveness: Liveness,
    /// The facts about the target that are no part of the verdict.
    pub findings: Vec<Finding>,
    /// The account of the run.
    pub info: RunInfo,
    /// The service that it is owed while faults last; none if nothing is known of that.
    pub owed: Option<Owed>,
    /// The options that its faults were drawn for, where they are known.
    pub options: Option<ScheduleOptions>,
    /// The reason of an end that is not on record: the harness failed, or the run was killed.
    pub failed: Option<EarlyEnd>,
    /// The failure of the harness, if it failed.
    pub failure: Option<String>,
}

/// The summary of a run.
pub(crate) fn summarise(known: Known<'_>) -> Summary {
    let Known {
        history,
        planned,
        kinds,
        safety,
        liveness,
        findings,
        info,
        owed,
        options,
        failed,
        failure,
    } = known;
    let faults = fault_intervals(history);
    let liveness = match owed {
        Some(owed) => owed.judge(history, &faults, liveness),
        None => liveness,
    };
    let ended = ended_early(history, &planned, failed);
    // Of a target that is not known here, nor are its timers.
    let timers = options.as_ref().map(|options| options.timers).unwrap_or_default();
    let coverage = Coverage {
        notes: pace::notes(history, &faults, timers.late_ms()),
        ..judge::coverage(history, &faults, kinds, &planned, ended.as_ref(), &info.known)
    };
    let options = options.filter(|_| !planned.faults.is_empty());
    let fault_coverage = options.map(|options| judge::fault_coverage(&faults, &options));
    let (verdict, sentence) =
        judge::merge(&safety, &liveness, &coverage, ended.as_ref(), &info.known);
    Summary {
        schema: SCHEMA,
        verdict,
        sentence,
        safety,
        liveness,
        coverage,
        fault_coverage,
        latency: latency(&history.operations),
        findings,
        run: info,
        phases: judge::phases(history),
        ended_early: ended,
        order: None,
        failure,
    }
}
