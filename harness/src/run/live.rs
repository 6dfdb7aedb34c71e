//! The state of a run right now, kept up to date by the event stream: who leads, how many operations
//! came to what, which faults are on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use checker::history::EventType;
use results::event::{NodeChange, Phase, RunEvent};
use results::metrics::FaultIntervals;

use super::recorder::Listener;

/// A snapshot of a run.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The phase the run is in.
    pub phase: Option<Phase>,
    /// When the load began.
    pub load_began: Option<Instant>,
    /// Operations invoked by clients.
    pub invoked: u64,
    /// Operations that ended `ok`.
    pub ok: u64,
    /// Operations that ended `fail`.
    pub fail: u64,
    /// Operations that ended `info`.
    pub info: u64,
    /// Every fault so far.
    pub faults: FaultIntervals,
    nodes: BTreeMap<String, NodeState>,
    /// The newest leadership there was, whether it still holds or not.
    newest: Option<Leadership>,
    /// The leader before that one.
    former_leader: Option<String>,
}

/// The nodes that lead and did, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaders {
    /// See [`Snapshot::leader`].
    pub leader: Option<String>,
    /// See [`Snapshot::former_leader`].
    pub former_leader: Option<String>,
}

/// That a node began to lead.
#[derive(Debug, Clone)]
struct Leadership {
    node: String,
    term: u64,
    /// Nanoseconds since the start of the run.
    since: u64,
}

#[derive(Debug, Clone, Default)]
struct NodeState {
    role: String,
    term: u64,
    /// The highest index that it knows to be committed, if it says so.
    commit: Option<u64>,
    /// The number of times that it was started.
    life: u64,
    /// Set while its process runs and is not known to serve.
    unready: bool,
}

impl Snapshot {
    /// The leader: of all that claim to, the one with the highest term.
    pub fn leader(&self) -> Option<&str> {
        self.nodes
            .iter()
            .filter(|(_, state)| state.role == "leader")
            .max_by_key(|(_, state)| state.term)
            .map(|(name, _)| name.as_str())
    }

    /// The names of the faults that are on.
    pub fn faults_on(&self) -> Vec<&str> {
        let on = self.faults.iter().filter(|fault| fault.is_on());
        on.map(|fault| fault.name.as_str()).collect()
    }

    /// The node that led last before the present leader: it may not know yet that it was deposed.
    pub fn former_leader(&self) -> Option<&str> {
        self.former_leader.as_deref()
    }

    /// The nodes that know most and least of the log to be committed, of those that run and say.
    pub fn by_commit(&self) -> Option<(&str, &str)> {
        let said = || self.nodes.iter().filter_map(|(name, node)| Some((node.commit?, name)));
        let (most, least) = (said().max()?, said().min()?);
        Some((most.1, least.1))
    }

    /// When the newest leader began to lead, in nanoseconds since the start of the run.
    pub fn leads_since(&self) -> Option<u64> {
        self.newest.as_ref().map(|leadership| leadership.since)
    }

    /// The nodes whose processes run and do not serve yet.
    pub fn unready(&self) -> BTreeSet<String> {
        let unready = self.nodes.iter().filter(|(_, state)| state.unready);
        unready.map(|(name, _)| name.clone()).collect()
    }

    /// The role that every node says it has: `follower`, `pre-candidate`, `candidate`, `leader`. A node that
    /// is down or has said nothing yet is missing.
    pub fn roles(&self) -> BTreeMap<String, String> {
        let known = self.nodes.iter().filter(|(_, state)| !state.role.is_empty());
        known.map(|(name, state)| (name.clone(), state.role.clone())).collect()
    }

    fn note_leader(&mut self, node: &str, term: u64, since: u64) {
        if self.newest.as_ref().is_some_and(|newest| term <= newest.term) {
            return;
        }
        let next = Leadership { node: node.into(), term, since };
        if let Some(before) = self.newest.replace(next)
            && before.node != node
        {
            self.former_leader = Some(before.node);
        }
    }

    fn take(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Operation(event) => self.count(event.kind),
            RunEvent::Fault(event) => self.faults.take(event),
            RunEvent::Phase(event) => {
                self.phase = Some(event.phase);
                if event.phase == Phase::Load {
                    self.load_began = Some(Instant::now());
                }
            }
            RunEvent::Node(event) => {
                if let NodeChange::Role { role, term, .. } = &event.change
                    && role == "leader"
                {
                    self.note_leader(&event.node, *term, event.time);
                }
                let node = self.nodes.entry(event.node.clone()).or_default();
                match &event.change {
                    NodeChange::Role { role, term, .. } => {
                        (node.role, node.term) = (role.clone(), *term);
                    }
                    NodeChange::Exited { .. } => {
                        *node = NodeState { life: node.life, ..NodeState::default() };
                    }
                    NodeChange::Started { .. } => {
                        node.life += 1;
                        node.unready = true;
                    }
                    NodeChange::Commit { index, .. } => node.commit = Some(*index),
                    _ => {}
                }
            }
            RunEvent::Mark(_) | RunEvent::Note(_) => {}
        }
    }

    fn count(&mut self, kind: EventType) {
        let counter = match kind {
            EventType::Invoke => &mut self.invoked,
            EventType::Ok => &mut self.ok,
            EventType::Fail => &mut self.fail,
            EventType::Info => &mut self.info,
        };
        *counter += 1;
    }
}

/// A [`Snapshot`] that several threads read while the event stream writes it.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Snapshot>>);

impl Live {
    /// The listener that keeps it up to date.
    pub fn listener(&self) -> Listener {
        let live = self.clone();
        Box::new(move |event| live.lock().take(event))
    }

    /// A copy of the present state.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// The number of operations that ended `ok`.
    pub fn acknowledged(&self) -> u64 {
        self.lock().ok
    }

    /// The nodes that lead and did, without a copy of all else.
    pub fn leaders(&self) -> Leaders {
        let live = self.lock();
        let own = |node: Option<&str>| node.map(str::to_owned);
        Leaders { leader: own(live.leader()), former_leader: own(live.former_leader()) }
    }

    /// The nodes whose processes run and do not serve yet.
    pub fn unready(&self) -> BTreeSet<String> {
        self.lock().unready()
    }

    /// The number of the life of a node's process, if it runs and is not known to serve.
    pub fn unready_life(&self, node: &str) -> Option<u64> {
        self.lock().nodes.get(node).filter(|state| state.unready).map(|state| state.life)
    }

    /// A node serves, as it was asked in that life.
    pub fn note_ready(&self, node: &str, life: u64) {
        if let Some(state) = self.lock().nodes.get_mut(node)
            && state.life == life
        {
            state.unready = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use faults::record::FaultRecord;
    use results::event::{FaultEvent, NodeEvent};
    use serde_json::json;

    use super::*;

    fn role(node: &str, role: &str, term: u64) -> RunEvent {
        let change = NodeChange::Role { role: role.into(), term, leader: None };
        RunEvent::Node(NodeEvent { time: 0, node: node.into(), change, at: None })
    }

    #[test]
    fn of_two_that_claim_to_lead_the_higher_term_leads() {
        let mut snapshot = Snapshot::default();
        snapshot.take(&role("n1", "leader", 3));
        snapshot.take(&role("n2", "leader", 4));
        assert_eq!(snapshot.leader(), Some("n2"));
        let change = NodeChange::Exited { status: "signal SIGKILL".into() };
        snapshot.take(&RunEvent::Node(NodeEvent { time: 0, node: "n2".into(), change, at: None }));
        assert_eq!(snapshot.leader(), Some("n1"));
    }

    #[test]
    fn whoever_led_before_is_remembered_until_another_is_deposed() {
        let mut snapshot = Snapshot::default();
        let mut lead = |node: &str, term| {
            snapshot.take(&role(node, "leader", term));
            snapshot.former_leader().map(str::to_owned)
        };
        assert_eq!(lead("n1", 3), None);
        assert_eq!(lead("n1", 4), None, "elected again, it deposed nobody");
        assert_eq!(lead("n2", 6).as_deref(), Some("n1"));
        assert_eq!(lead("n1", 5).as_deref(), Some("n1"), "late news");
        assert_eq!(lead("n3", 7).as_deref(), Some("n2"));
        assert_eq!(snapshot.roles().len(), 3);
    }

    #[test]
    fn a_node_is_ready_when_it_says_so_in_the_life_that_it_has() {
        let live = Live::default();
        let take = |change: NodeChange| {
            let event = NodeEvent { time: 0, node: "n1".into(), change, at: None };
            live.lock().take(&RunEvent::Node(event));
        };
        assert_eq!(live.unready_life("n1"), None);
        take(NodeChange::Started { pid: 1 });
        assert_eq!((live.unready_life("n1"), live.unready().len()), (Some(1), 1));
        live.note_ready("n1", 1);
        assert_eq!(live.unready_life("n1"), None);
        take(NodeChange::Exited { status: "signal SIGKILL".into() });
        assert_eq!(live.unready_life("n1"), None, "there is no process");
        take(NodeChange::Started { pid: 2 });
        // Asked before it was killed.
        live.note_ready("n1", 1);
        assert_eq!(live.unready_life("n1"), Some(2));
    }

    #[test]
    fn a_fault_is_on_from_its_injection_to_its_undoing() {
        let mut snapshot = Snapshot::default();
        let mut on_after = |stage: &str, outcome: &str| {
            let value = json!({"fault": 3, "stage": stage, "name": "kill n1", "outcome": outcome});
            let record = FaultRecord::from_value("kill", false, &value).expect("a record");
            snapshot.take(&RunEvent::Fault(FaultEvent { index: 0, time: 0, record }));
            snapshot.faults_on().len()
        };
        assert_eq!(on_after("inject", "skipped"), 0);
        assert_eq!(on_after("inject", "installed"), 1);
        assert_eq!(on_after("undo", "installed"), 0);
    }
}
