//! The service to clients around each fault, read off a run.

use checker::history::{EventType, REFUTED};

use super::owing::{Stretch, owed_stretches};
use super::recovery::Answers;
use super::{FaultInterval, PhaseInterval, RunHistory, RunOperation};
use crate::availability::{Availability, FaultService};
use crate::event::{NodeChange, NodeEvent};

/// The figures of a run on `nodes`, without any verdict.
pub fn availability(
    history: &RunHistory,
    faults: &[FaultInterval],
    phases: &[PhaseInterval],
    node_events: &[NodeEvent],
    nodes: &[String],
) -> Availability {
    let answers = Answers::of(faults, &history.operations, phases);
    let owed = owed_stretches(nodes, faults, answers.load);
    let ends = ends(history);
    let leaders = Leaders::of(node_events);
    let attempted = || faults.iter().filter(|fault| fault.was_attempted());
    let load_end = answers.load.1;
    let of_fault = |fault: &FaultInterval| {
        let next = attempted().map(|other| other.start).find(|&start| start > fault.start);
        let until = next.unwrap_or(load_end).min(load_end);
        let Service { owed_from, without, recovery, cut_short } =
            service(&answers, &owed, fault.start, until);
        let on_until = fault.end.unwrap_or(load_end).min(until);
        let meanwhile = &ends[ends.partition_point(|end| end.0 < fault.start)..];
        let meanwhile = &meanwhile[..meanwhile.partition_point(|end| end.0 < until)];
        let count = |which| meanwhile.iter().filter(|(_, end)| *end == which).count() as u64;
        let again = owed_from.zip(recovery).map_or(until, |(from, took)| until.max(from + took));
        FaultService {
            fault: fault.fault,
            name: fault.name.clone(),
            family: fault.family,
            role: fault.facts.clone().unwrap_or_default().whom(&fault.nodes),
            owed: owed.iter().any(|(from, to)| *from <= fault.start && on_until <= *to),
            first_error_seconds: answers
                .first_error(fault.start, until)
                .map(|error| seconds(error.after)),
            unserved_seconds: seconds(without),
            recovery_seconds: recovery.map(seconds),
            cut_short,
            ended: meanwhile.len() as u64,
            failed: count(End::Failed),
            unknown: count(End::Unknown),
            election_seconds: leaders.next(fault.start, again).map(seconds),
        }
    };
    let owed_time = owed.iter().map(|(from, to)| to - from).sum();
    let unserved = owed.iter().map(|stretch| unserved(&answers, *stretch)).sum();
    Availability {
        owed_seconds: seconds(owed_time),
        unserved_seconds: seconds(unserved),
        ok_per_second: ok_per_second(&answers.oks, answers.load),
        faults: attempted().filter(|fault| fault.start < load_end).map(of_fault).collect(),
        ..Availability::default()
    }
}

/// To the hundredth.
fn ok_per_second(oks: &[u64], (from, to): Stretch) -> f64 {
    let count = oks.partition_point(|&ok| ok <= to) - oks.partition_point(|&ok| ok < from);
    (count as f64 * 1e11 / to.saturating_sub(from).max(1) as f64).round() / 1e2
}

/// To the millisecond, as times of service need it.
fn seconds(nanoseconds: u64) -> f64 {
    (nanoseconds as f64 / 1e6).round() / 1e3
}

/// The service after a fault.
struct Service {
    /// When it was owed, at the fault's beginning or after; none if it never was.
    owed_from: Option<u64>,
    /// The longest time without a success from then on.
    without: u64,
    /// The time from then until the end of an interruption, 0 without one.
    recovery: Option<u64>,
    /// True if the end of the interruption was not seen.
    cut_short: bool,
}

fn service(answers: &Answers<'_>, owed: &[Stretch], start: u64, until: u64) -> Service {
    let stretch = owed.iter().find(|(from, to)| *to > start && *from < until);
    let Some(&(from, to)) = stretch else {
        return Service { owed_from: None, without: 0, recovery: None, cut_short: false };
    };
    let from = from.max(start);
    let gaps = gaps(answers, (from, to));
    // What lies beyond the next fault's beginning, and before only by chance, is not this fault's.
    let share = |gap: &Stretch| gap.1.min(until).saturating_sub(gap.0);
    let longest = gaps.max_by_key(share).unwrap_or((from, from));
    let without = if share(&longest) < answers.interruption {
        share(&longest)
    } else {
        longest.1 - longest.0
    };
    let interrupted = share(&longest) >= answers.interruption;
    let recovery = if interrupted { longest.1 - from } else { 0 };
    // A success ends a gap; the end of what is owed only ends the sight of it.
    let cut_short = interrupted && answers.oks.binary_search(&longest.1).is_err();
    Service { owed_from: Some(from), without, recovery: Some(recovery), cut_short }
}

/// The time of interruptions within a stretch.
fn unserved(answers: &Answers<'_>, stretch: Stretch) -> u64 {
    let lengths = gaps(answers, stretch).map(|(from, to)| to - from);
    lengths.filter(|length| *length >= answers.interruption).sum()
}

/// The times between one success and the next within a stretch.
fn gaps<'a>(answers: &'a Answers<'_>, (from, to): Stretch) -> impl Iterator<Item = Stretch> + 'a {
    let oks = &answers.oks[answers.oks.partition_point(|&ok| ok < from)..];
    let oks = &oks[..oks.partition_point(|&ok| ok < to)];
    let begins = [from].into_iter().chain(oks.iter().copied());
    begins.zip(oks.iter().copied().chain([to]))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Answered,
    Failed,
    Unknown,
}

/// When operations ended, and how; by time.
fn ends(history: &RunHistory) -> Vec<(u64, End)> {
    let refuted = |it: RunOperation<'_>| it.error().is_some_and(|error| REFUTED.contains(&error));
    let ends = history.operations.iter().filter_map(|operation| {
        let end = match operation.outcome() {
            EventType::Fail if !refuted(operation) => End::Failed,
            EventType::Info => End::Unknown,
            EventType::Ok | EventType::Fail | EventType::Invoke => End::Answered,
        };
        Some((operation.end()?, end))
    });
    let mut ends: Vec<(u64, End)> = ends.collect();
    ends.sort_unstable();
    ends
}

/// When nodes said that they lead, and in which term; by time.
struct Leaders(Vec<(u64, u64)>);

impl Leaders {
    fn of(events: &[NodeEvent]) -> Leaders {
        let leads = events.iter().filter_map(|event| match &event.change {
            NodeChange::Role { role, term, .. } if role == "leader" => Some((event.time, *term)),
            _ => None,
        });
        let mut leads: Vec<(u64, u64)> = leads.collect();
        leads.sort_unstable();
        Leaders(leads)
    }

    /// The time from a moment until a node led in a term in which none had led before.
    fn next(&self, from: u64, until: u64) -> Option<u64> {
        let (before, after) = self.0.split_at(self.0.partition_point(|(time, _)| *time < from));
        let highest = before.iter().map(|(_, term)| *term).max().unwrap_or(0);
        let new = after.iter().find(|(_, term)| *term > highest);
        new.map(|(time, _)| *time).filter(|time| *time <= until).map(|time| time - from)
    }
}
