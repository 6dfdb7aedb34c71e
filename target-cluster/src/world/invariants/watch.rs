//! All properties, and what they need to see changes.

use super::{
    Change, Configurations, ElectionSafety, ExactlyOnce, Invariant, LeaderAppendOnly,
    LeaderCompleteness, LogMatching, StateEquality, StateMachineSafety, Violation,
};
use crate::core::{Effect, Node};

/// Watches the nodes of a world.
pub(crate) struct Watch {
    invariants: Vec<Box<dyn Invariant>>,
    /// By node.
    known: Vec<Known>,
}

/// The state of a node after its last turn, as far as a change of it matters.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The term that it leads, if it does.
    leads: Option<u64>,
    /// The index through which it has committed.
    commit: u64,
    /// The index through which it has applied.
    applied: u64,
}

impl Watch {
    /// Watches so many nodes.
    pub(crate) fn new(nodes: usize) -> Watch {
        let invariants: Vec<Box<dyn Invariant>> = vec![
            Box::new(ElectionSafety::default()),
            Box::new(LeaderAppendOnly),
            Box::new(LogMatching::new(nodes)),
            Box::new(LeaderCompleteness::default()),
            Box::new(StateMachineSafety::default()),
            Box::new(StateEquality::default()),
            Box::new(ExactlyOnce::default()),
            Box::new(Configurations::default()),
        ];
        Watch { invariants, known: vec![Known::default(); nodes] }
    }

    /// A node starts with what is on its disk.
    pub(crate) fn started(&mut self, position: usize, node: &Node) -> Result<(), Violation> {
        self.known[position] =
            Known { leads: None, commit: node.commit(), applied: node.applied() };
        self.ask(|invariant| invariant.started(position, node))
    }

    /// A node took a turn, which had these effects.
    pub(crate) fn turned(
        &mut self,
        position: usize,
        node: &Node,
        effects: &[Effect],
    ) -> Result<(), Violation> {
        let Known { leads: led, commit, applied } = self.known[position];
        let matters = |effect: &Effect| {
            matches!(effect, Effect::Persist { .. } | Effect::SaveSnapshot(_) | Effect::Role(_))
        };
        let (leads, now) = (node.leads(), (node.commit(), node.applied()));
        if now == (commit, applied) && !effects.iter().any(matters) {
            return Ok(());
        }
        self.known[position] = Known { leads, commit: now.0, applied: now.1 };
        let change = Change { node, position, led, leads, commit, effects };
        self.ask(|invariant| invariant.check(&change))
    }

    /// Asks every one, also behind the first violation: each must see every change.
    fn ask(
        &mut self,
        mut question: impl FnMut(&mut Box<dyn Invariant>) -> Result<(), String>,
    ) -> Result<(), Violation> {
        let mut first = Ok(());
        for invariant in &mut self.invariants {
            first = first.and(question(invariant).map_err(|detail| {
                let (property, source) = invariant.name();
                Violation::new(property, source, detail)
            }));
        }
        first
    }
}
