//! Leadership: the leader is asked to hand over, which a service does in daily operation. It needs
//! a target that can.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::bounds::at_least_two;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, milliseconds};
use crate::fault::{Budget, MOMENT, RoleDraw};
use crate::host::{HostError, Request};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "leadership",
    letter: 'L',
    description: "the leader is told to hand over, for targets that can",
    engine: Engine::Target,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["to"],
    lasts: (MOMENT, MOMENT),
    draw: |wanted, random| {
        let to = wanted.limits.aim(&WEIGHTS, random);
        // A single node has no other to hand over to.
        (wanted.limits.nodes >= 2).then_some(Fault::Leadership(Leadership { to }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    // A hand-over is a moment; the new leader should have its own.
    gap_alone: (0.2, 4.0),
    comes_on_top: true,
    undone: UndoneWith::Requests,
    steps: Steps::InTurn,
};

/// The weight of each aim in a draw: the node that led before has the most to be confused by.
const WEIGHTS: [(Aim, u32); 2] = [(Aim::Follower, 2), (Aim::FormerLeader, 1)];

/// The leader hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leadership {
    /// The node that it hands over to; never itself.
    pub to: Aim,
}

impl fmt::Display for Leadership {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "hand leadership to {}", self.to)
    }
}

impl Spec for Leadership {
    fn aim(&self) -> Option<Aim> {
        Some(self.to)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.to = aim;
    }

    fn validate(&self, nodes: usize) -> Result<(), String> {
        at_least_two(nodes)
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        match roles.successor(self.to) {
            Some(to) => Action::Leadership(Transfer(to)),
            None => Action::Nothing,
        }
    }
}

/// Judges a hand-over by its answer, which took so long, or has not come yet.
fn judge(answer: Result<Option<Duration>, HostError>) -> Judgement {
    match answer {
        Ok(Some(took)) => {
            let effect = Effect::new().with("transferred_after", milliseconds(took));
            Judgement::settled(Outcome::Installed, effect)
        }
        Ok(None) => Judgement::unanswered(Effect::new()),
        Err(error) => error.into(),
    }
}

impl Transfer {
    fn request(&self) -> Request {
        Request::Transfer(self.0.clone())
    }
}

/// The leader hands over to this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Transfer(pub String);

impl fmt::Display for Transfer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "hand leadership to {}", self.0)
    }
}

impl State for Transfer {
    fn nodes(&self) -> BTreeSet<String> {
        [self.0.clone()].into()
    }

    fn retain(&mut self, _: &BTreeSet<String>) {}

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        judge(acting.host.ask(&self.request()))
    }

    fn is_pending(&self, acting: &mut Acting<'_>) -> bool {
        acting.is_open() && acting.host.answer(&self.request()) == Ok(None)
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        if !acting.is_open() {
            return (None, Effect::new());
        }
        let answer = acting.host.answer(&self.request());
        let Judgement { outcome, effect, .. } = judge(answer).told_late();
        (Some(outcome), effect)
    }
}
