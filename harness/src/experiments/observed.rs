//! A run as experiments measure it: acknowledged writes, leaders and faults over time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checker::history::EventType;
use results::event::{NodeChange, NodeEvent, Phase};
use results::metrics::{FaultInterval, RunHistory, at_told_times, fault_intervals, phases};
use results::run_directory::RunDirectory;
use results::summary::Summary;

use super::answered_reads::{AnsweredRead, answered_reads};

/// The role of a node that leads, as nodes name it.
const LEADER: &str = "leader";

/// A run that ended, read from its directory. Times are nanoseconds since its start.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The verdict.
    pub summary: Summary,
    /// Its faults that took effect, by the time at which they began.
    pub faults: Vec<FaultInterval>,
    /// All of them, those too that did not take effect.
    pub tried: Vec<FaultInterval>,
    /// Its history.
    pub history: RunHistory,
    /// The beginning and the end of the load.
    pub load: (u64, u64),
    /// The times at which writes were acknowledged, sorted.
    acknowledged: Vec<u64>,
    /// The times at which nodes began to lead, sorted, with their terms.
    led: Vec<(u64, u64)>,
    /// The events of the nodes, by time.
    pub(super) events: Vec<NodeEvent>,
    /// The place of the run.
    folder: PathBuf,
}

impl Observed {
    /// Reads the run in this directory.
    ///
    /// # Errors
    /// When it cannot be read, or was not judged.
    pub fn read(path: &Path) -> Result<Observed> {
        let run = RunDirectory::open(path)?.load()?;
        let summary = run.summary.context("the run was not judged")?;
        Ok(Observed::of(path, summary, run.history, &run.node_events))
    }

    fn of(path: &Path, summary: Summary, history: RunHistory, events: &[NodeEvent]) -> Observed {
        let tried = fault_intervals(&history);
        let faults = tried.iter().filter(|fault| fault.took_effect()).cloned().collect();
        let load = phases(&history).into_iter().find(|phase| phase.phase == Phase::Load);
        let load = load.map_or((0, history.end()), |load| (load.start, load.end));
        let is_write = |f: &str| !f.starts_with("read");
        let writes = history.operations.iter().filter(|operation| is_write(operation.f()));
        let ok = writes.filter(|operation| operation.outcome() == EventType::Ok);
        let mut acknowledged: Vec<u64> = ok.filter_map(|operation| operation.end()).collect();
        acknowledged.sort_unstable();
        let events = at_told_times(events);
        let mut led: Vec<(u64, u64)> = events
            .iter()
            .filter_map(|event| match &event.change {
                NodeChange::Role { role, term, .. } if role == LEADER => Some((event.time, *term)),
                _ => None,
            })
            .collect();
        led.sort_unstable();
        let folder = path.to_owned();
        Observed { summary, faults, tried, history, load, acknowledged, led, events, folder }
    }

    /// The number of writes that were acknowledged from one time to the one before another.
    pub fn acknowledged(&self, from: u64, to: u64) -> usize {
        self.between(from, to).len()
    }

    /// The longest time without an acknowledged write between two times, in seconds.
    pub fn longest_gap(&self, from: u64, to: u64) -> f64 {
        let mut last = from;
        let mut longest = 0;
        for &time in self.between(from, to).iter().chain([&to.max(from)]) {
            longest = longest.max(time - last);
            last = time;
        }
        seconds(longest)
    }

    fn between(&self, from: u64, to: u64) -> &[u64] {
        let times = &self.acknowledged;
        let first = times.partition_point(|&time| time < from);
        let end = times.partition_point(|&time| time < to);
        &times[first..end.max(first)]
    }

    /// The highest term in which a node led by then; 0 before the first.
    pub fn term_by(&self, time: u64) -> u64 {
        let led = self.led.iter().take_while(|(began, _)| *began <= time);
        led.map(|(_, term)| *term).max().unwrap_or(0)
    }

    /// The term that a node was in by then; 0 before it told of any.
    pub fn term_of(&self, node: &str, time: u64) -> u64 {
        let own = self.events.iter().take_while(|event| event.time <= time);
        let told = own.filter(|event| event.node == node).filter_map(|event| match event.change {
            NodeChange::Role { term, .. } => Some(term),
            _ => None,
        });
        told.max().unwrap_or(0)
    }

    /// The seconds from a time until a node leads in a term later than any before, by `until`.
    pub fn next_leader(&self, from: u64, until: u64) -> Option<f64> {
        let before = self.term_by(from);
        let later = |(began, term): &&(u64, u64)| *began > from && *term > before;
        let (began, _) = self.led.iter().find(later).filter(|(began, _)| *began <= until)?;
        Some(seconds(began - from))
    }

    /// The seconds from a time until a node that leads by then leads no more, at most until the load
    /// ends; none if it does not lead by then.
    pub fn led_on(&self, node: &str, from: u64) -> Option<f64> {
        let roles = self.events.iter().filter_map(|event| match &event.change {
            NodeChange::Role { role, .. } if event.node == node => Some((event.time, &role[..])),
            _ => None,
        });
        let (before, after): (Vec<_>, Vec<_>) = roles.partition(|(time, _)| *time <= from);
        before.last().filter(|(_, role)| *role == LEADER)?;
        let deposed = after.iter().find(|(_, role)| *role != LEADER).map(|(time, _)| *time);
        Some(seconds(deposed.unwrap_or(self.load.1).saturating_sub(from)))
    }

    /// True if a node began to lead between two times.
    pub fn began_to_lead(&self, node: &str, from: u64, to: u64) -> bool {
        self.events.iter().any(|event| {
            let leads = matches!(&event.change, NodeChange::Role { role, .. } if role == LEADER);
            leads && event.node == node && (from..=to).contains(&event.time)
        })
    }

    /// The highest index that a node had told by then to be committed.
    pub fn committed(&self, time: u64) -> u64 {
        let told = self.events.iter().take_while(|event| event.time <= time);
        told.filter_map(|event| commit_index(&event.change)).max().unwrap_or(0)
    }

    /// The seconds from a time until a leader told that a node has what was committed by then.
    pub fn caught_up(&self, node: &str, from: u64) -> Option<f64> {
        let wanted = self.committed(from);
        let has_it = |event: &&NodeEvent| match &event.change {
            NodeChange::Append(sums) => {
                sums.to.as_deref() == Some(node) && sums.accepted >= Some(wanted)
            }
            _ => false,
        };
        let later = self.events.iter().filter(|event| event.time >= from);
        Some(seconds(later.filter(has_it).min_by_key(|event| event.time)?.time - from))
    }

    /// The time after another at which a process of a node started.
    pub fn started(&self, node: &str, from: u64) -> Option<u64> {
        self.first(node, from, |change| matches!(change, NodeChange::Started { .. }))
    }

    /// The time after another at which a node first told its role: by then it has read its own log.
    pub fn came_up(&self, node: &str, from: u64) -> Option<u64> {
        self.first(node, from, |change| matches!(change, NodeChange::Role { .. }))
    }

    /// The time of the first such change of a node from a time on.
    fn first(&self, node: &str, from: u64, is: impl Fn(&NodeChange) -> bool) -> Option<u64> {
        let own = self.events.iter().filter(|event| event.node == node && event.time >= from);
        own.filter(|event| is(&event.change)).map(|event| event.time).min()
    }

    /// True if a process of a node ended by itself with this exit code between two times.
    pub fn ended_with(&self, code: u8, node: &str, from: u64, to: u64) -> bool {
        let own = self.events.iter().filter(|event| event.node == node);
        let mut between = own.filter(|event| (from..=to).contains(&event.time));
        let told = format!("exit code {code}");
        between
            .any(|event| matches!(&event.change, NodeChange::Exited { status } if *status == told))
    }

    /// The reads that were answered, by the time at which they began, with what their versions tell.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn reads(&self) -> Result<Vec<AnsweredRead>> {
        Ok(answered_reads(&RunDirectory::open(&self.folder)?.operations()?))
    }

    /// The beginning of the fault after the one at this place, or the end of the load.
    pub fn next_fault(&self, place: usize) -> u64 {
        let start = self.faults[place].start;
        let later = self.faults.iter().map(|fault| fault.start).find(|&other| other > start);
        later.unwrap_or(self.load.1).min(self.load.1)
    }
}

/// The index that is told to be committed.
fn commit_index(change: &NodeChange) -> Option<u64> {
    match change {
        NodeChange::Commit { index, .. } => Some(*index),
        _ => None,
    }
}

/// Nanoseconds as seconds.
pub(super) fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Seconds as nanoseconds.
pub(super) const fn nanoseconds(seconds: u64) -> u64 {
    seconds * 1_000_000_000
}
