//! One turn of the loop that owns the core.

use crate::bugs::Bug;
use crate::core::{Effect, Input, Node, Proposal, Time};
use crate::kv::EncodedCommand;

/// Everything that gathered, taken in at one time. The commands among it are proposed together,
/// so that one append carries them, and the core looks at its deadlines last: a node that was
/// stopped for a while must not depose a leader whose heartbeats are waiting to be read.
pub(crate) struct Turn {
    now: Time,
    proposals: Vec<Proposal>,
    effects: Vec<Effect>,
}

impl Turn {
    /// Begins a turn at the time `now`. The wall clock is read only for the planted bug that goes by
    /// it.
    pub(crate) fn begin(node: &mut Node, now: Time, wall: impl FnOnce() -> Time) -> Turn {
        let mut turn = Turn { now, proposals: Vec::new(), effects: Vec::new() };
        if node.options().bugs.contains(&Bug::WallClockLease) {
            turn.step(node, Input::WallClock(wall()));
        }
        turn
    }

    /// A client wants a command applied.
    pub(crate) fn propose(&mut self, request: u64, command: EncodedCommand) {
        self.proposals.push(Proposal { request, command });
    }

    /// Something else happened.
    pub(crate) fn step(&mut self, node: &mut Node, input: Input) {
        let effects = node.step(self.now, input);
        if self.effects.is_empty() {
            self.effects = effects;
        } else {
            self.effects.extend(effects);
        }
    }

    /// Ends the turn: what must be done, in order.
    pub(crate) fn end(mut self, node: &mut Node) -> Vec<Effect> {
        if !self.proposals.is_empty() {
            let proposals = std::mem::take(&mut self.proposals);
            self.step(node, Input::Propose(proposals));
        }
        self.step(node, Input::Tick);
        self.effects
    }
}
