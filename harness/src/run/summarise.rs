//! From what is known of a run to its summary: the same for a run at its end and for one that was
//! saved.

use std::time::Duration;

use checker::verdict::Analysis;
use faults::schedule::ScheduleOptions;
use results::event::NodeEvent;
use results::metrics::{
    Planned, RunHistory, availability, ended_early, fault_intervals, latency, phases,
};
use results::summary::{Coverage, EarlyEnd, Finding, Liveness, RunInfo, SCHEMA, Summary};

use super::judge::Parts;
use super::{Owed, judge, pace};
use crate::slo::{self, Promise};

/// Everything that is known of a run.
pub(crate) struct Known<'a> {
    /// The recorded events.
    pub history: &'a RunHistory,
    /// The events of all nodes, by time.
    pub node_events: &'a [NodeEvent],
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
    /// The promises by which its availability is judged.
    pub promises: &'a [Promise],
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
        node_events,
        planned,
        kinds,
        safety,
        liveness,
        findings,
        info,
        owed,
        promises,
        options,
        failed,
        failure,
    } = known;
    let faults = fault_intervals(history);
    let liveness = match owed {
        Some(owed) => owed.judge(history, &faults, liveness),
        None => liveness,
    };
    let figures = availability(history, &faults, &phases(history), node_events, &info.nodes);
    let lateness = Duration::from_secs_f64(liveness.load_lateness_seconds);
    let availability = Some(slo::judge(figures, promises, lateness));
    let ended = ended_early(history, &planned, failed);
    // Of a target that is not known here, nor are its timers.
    let timers = options.as_ref().map(|options| options.timers).unwrap_or_default();
    let coverage = Coverage {
        notes: pace::notes(history, &faults, timers.late_ms()),
        ..judge::coverage(history, &faults, kinds, &planned, ended.as_ref(), &info.known)
    };
    let options = options.filter(|_| !planned.faults.is_empty());
    let fault_coverage = options.map(|options| judge::fault_coverage(&faults, &options));
    let parts = Parts {
        safety: &safety,
        liveness: &liveness,
        availability: availability.as_ref(),
        coverage: &coverage,
    };
    let (verdict, sentence) = judge::merge(parts, ended.as_ref(), &info.known);
    Summary {
        schema: SCHEMA,
        verdict,
        sentence,
        safety,
        liveness,
        coverage,
        availability,
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
