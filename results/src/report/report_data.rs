//! Everything the panels draw from, derived once.

use checker::verdict::{Counterexample, Operation};

use super::election_data::ElectionData;
use super::sample::{Drawn, drawn};
use crate::event::NodeEvent;
use crate::metrics::{
    ClockTrack, CommitTrack, FaultInterval, NodeSpan, NodeState, PhaseInterval, Recovery,
    RunHistory, RunOperations, at_told_times, clock_tracks, commit_tracks, fault_intervals,
    node_spans, phases, recoveries,
};
use crate::summary::Summary;
use crate::timed_logs::TimedLog;

pub(super) struct ReportData<'a> {
    pub(super) summary: &'a Summary,
    /// Nanoseconds from the start of the run to the last thing that was recorded.
    pub(super) end: u64,
    pub(super) operations: &'a RunOperations,
    /// Those of them that the timeline draws.
    pub(super) drawn: Vec<Drawn<'a>>,
    pub(super) faults: Vec<FaultInterval>,
    pub(super) phases: Vec<PhaseInterval>,
    pub(super) recoveries: Vec<Recovery>,
    /// Each node with what it was over time, in the order of the summary.
    pub(super) nodes: Vec<(String, Vec<NodeSpan>)>,
    /// The clocks of the nodes whose clocks were read.
    pub(super) clocks: Vec<ClockTrack>,
    /// The progress of the logs of those nodes that told of it.
    pub(super) commits: Vec<CommitTrack>,
    /// The elections.
    pub(super) elections: ElectionData,
    /// The lines of the nodes' logs, with times.
    pub(super) logs: &'a [TimedLog],
}

impl<'a> ReportData<'a> {
    pub(super) fn new(
        summary: &'a Summary,
        history: &'a RunHistory,
        node_events: &[NodeEvent],
        logs: &'a [TimedLog],
    ) -> ReportData<'a> {
        let node_events = &at_told_times(node_events);
        let last_heard = node_events.iter().map(|event| event.time).max().unwrap_or(0);
        let end = history.end().max(last_heard);
        let operations = &history.operations;
        let told = summary.safety.counterexample.iter();
        let told = told.flat_map(|it| it.operations.iter().chain(&it.neighbourhood));
        let drawn = drawn(operations, &told.map(|operation| operation.invoked).collect());
        let faults = fault_intervals(history);
        let phases = phases(history);
        let recoveries = recoveries(&faults, operations, &phases);
        let nodes = summary
            .run
            .nodes
            .iter()
            .map(|node| (node.clone(), node_spans(node, node_events, &faults, end)))
            .collect();
        let clocks = clock_tracks(&summary.run.nodes, node_events);
        let commits = commit_tracks(&summary.run.nodes, node_events);
        let elections = ElectionData::of(&summary.run.nodes, node_events, &faults);
        ReportData {
            summary,
            end,
            operations,
            drawn,
            faults,
            phases,
            recoveries,
            nodes,
            clocks,
            commits,
            elections,
            logs,
        }
    }

    pub(super) fn counterexample(&self) -> Option<&'a Counterexample> {
        self.summary.safety.counterexample.as_ref()
    }

    /// The operations that contradict the others.
    pub(super) fn culprits(&self) -> impl Iterator<Item = &'a Operation> {
        self.counterexample().into_iter().flat_map(|counterexample| {
            counterexample.culprits.iter().filter_map(|&at| counterexample.operations.get(at))
        })
    }

    /// The state of `node` at `time`.
    pub(super) fn state_at(&self, node: &str, time: u64) -> Option<&NodeState> {
        let (_, spans) = self.nodes.iter().find(|(name, _)| name == node)?;
        spans.iter().find(|span| span.start <= time && time < span.end).map(|span| &span.state)
    }

    /// The role of `node` just before a fault began: the fault itself must not be counted.
    pub(super) fn role_before(&self, node: &str, fault: &FaultInterval) -> &str {
        match self.state_at(node, fault.start.saturating_sub(1)) {
            Some(NodeState::Role(role)) => role,
            Some(NodeState::Down) => "down",
            Some(NodeState::Paused) => "paused",
            Some(NodeState::Silent) | None => "unknown",
        }
    }
}
