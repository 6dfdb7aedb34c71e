//! The questions that a state of a fault answers, and the way it is brought about.

use std::collections::BTreeSet;
use std::fmt;

use super::{Acting, Action, Judgement, Probe};
use crate::effect::Effect;
use crate::grudge::Grudge;
use crate::host::HostError;
use crate::outcome::Outcome;

/// A state that one family's faults hold the cluster in, by the names of nodes.
pub(crate) trait State: fmt::Display {
    /// The nodes that it is done to; of links none.
    fn nodes(&self) -> BTreeSet<String>;

    /// Leaves out all other nodes. Of links all stay.
    fn retain(&mut self, kept: &BTreeSet<String>);

    /// Returns true if there is no node or link to do it to.
    fn is_empty(&self) -> bool {
        self.nodes().is_empty()
    }

    /// The links that it cuts, where it cuts any.
    fn grudge(&self) -> Option<&Grudge> {
        None
    }

    /// The nodes whose processes it ends and keeps from starting.
    fn holds_down(&self) -> Option<&BTreeSet<String>> {
        None
    }

    /// The nodes that it keeps from voting.
    fn keeps_from_voting(&self) -> Option<&BTreeSet<String>> {
        None
    }

    /// The nodes that do not serve meanwhile, as [`Spec::nodes_down`](super::Spec::nodes_down)
    /// counts them.
    fn takes_down(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Returns true if a process of `node` may end by itself because of it.
    fn may_end(&self, node: &str) -> bool {
        let _ = node;
        false
    }

    /// Notes what counters say before it is done for the first time.
    ///
    /// # Errors
    /// When they cannot be read; then it is not done.
    fn prepare(&self, acting: &mut Acting<'_>) -> Result<(), HostError> {
        let _ = acting;
        Ok(())
    }

    /// Does it, and judges by what was seen.
    fn inject(&self, acting: &mut Acting<'_>, probe: Probe) -> Judgement;

    /// Returns true if the service was asked for it and has not answered yet: then it is not to end.
    fn is_pending(&self, acting: &mut Acting<'_>) -> bool {
        let _ = acting;
        false
    }

    /// Asks the service for what its end needs, while it is still on; returns true until that is
    /// answered.
    fn begin_release(&self, acting: &mut Acting<'_>) -> bool {
        let _ = acting;
        false
    }

    /// The measurements while it was on, and the outcome that this alone would give; no outcome
    /// where there is nothing to see but at once.
    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        let _ = acting;
        (None, Effect::new())
    }

    /// Undoes it, as far as no other fault holds on to it: its own fault holds it no longer.
    /// Returns what was measured, and what could not be undone.
    fn release(&self, acting: &mut Acting<'_>, probe: Probe) -> (Effect, Vec<String>) {
        let _ = (acting, probe);
        (Effect::new(), Vec::new())
    }
}

/// A state of one family among those of all.
pub(crate) trait Held {
    /// The state, if the action is one of this family.
    fn of(action: &Action) -> Option<&Self>;
}

impl Action {
    /// Returns true if there is no node or link to do it to.
    pub fn is_empty(&self) -> bool {
        self.state().is_none_or(State::is_empty)
    }

    /// The nodes that it is done to; of links none.
    pub fn nodes(&self) -> BTreeSet<String> {
        self.state().map(State::nodes).unwrap_or_default()
    }

    /// The links that it cuts, where it cuts any.
    pub fn grudge(&self) -> Option<&Grudge> {
        self.state().and_then(State::grudge)
    }

    /// The nodes whose processes it ends and keeps from starting.
    pub fn holds_down(&self) -> Option<&BTreeSet<String>> {
        self.state().and_then(State::holds_down)
    }

    /// The nodes that it keeps from voting.
    pub fn keeps_from_voting(&self) -> Option<&BTreeSet<String>> {
        self.state().and_then(State::keeps_from_voting)
    }

    /// The nodes that do not serve meanwhile, as
    /// [`Fault::nodes_down`](super::Fault::nodes_down) counts them.
    pub fn takes_down(&self) -> BTreeSet<String> {
        self.state().map(State::takes_down).unwrap_or_default()
    }

    /// The same, done to these nodes only. Of links all stay.
    #[must_use]
    pub fn only(mut self, kept: &BTreeSet<String>) -> Self {
        if let Some(state) = self.state_mut() {
            state.retain(kept);
        }
        self
    }

    /// Returns true if a process of `node` may end by itself because of it, while it lasts or when
    /// it comes back: one that is refused a write, or finds its files damaged, has nothing better
    /// to do. That is a finding about the target, no failure of the harness.
    pub fn may_end(&self, node: &str) -> bool {
        self.state().is_some_and(|state| state.may_end(node))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state() {
            Some(state) => state.fmt(out),
            None => out.write_str("nothing"),
        }
    }
}

/// `n1, n2`
pub(in crate::fault) fn list(nodes: &BTreeSet<String>) -> String {
    nodes.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
