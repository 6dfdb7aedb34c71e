//! Pause: node processes are stopped with SIGSTOP and continued when the fault ends.
//!
//! Their sockets stay open and the kernel goes on acknowledging what arrives: to the others a
//! paused node is slow, not gone. When it continues it believes that no time has passed, which is
//! what leases and cached leadership must survive.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, already_down, failures, outcome_of, slowest};
use crate::fault::{Budget, RoleDraw};
use crate::host::NodeState;

pub(in crate::fault) const ABOUT: About = About {
    name: "pause",
    letter: 'S',
    description: "nodes are stopped with SIGSTOP and continued, unaware of the lost time",
    engine: Engine::Signals,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Paused,
    excuse: Excuse::WhileOn,
    fields: &["aim"],
    lasts: (0.05, 8.0),
    draw: |wanted, random| {
        Some(Fault::Pause(Pause { aim: wanted.limits.aim_down(&WEIGHTS, random) }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Pauses,
    steps: Steps::ByNode,
};

/// The weight of each aim in a draw. A leader that wakes up believing it still leads is the
/// classic.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 5),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 2),
    (Aim::Majority, 1),
    (Aim::All, 1),
];

/// Processes are stopped; they continue when the fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The nodes whose processes are stopped.
    pub aim: Aim,
}

impl fmt::Display for Pause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "pause {}", self.aim)
    }
}

impl Spec for Pause {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        self.aim.count(nodes)
    }

    fn lasts_like_a_timer(&self) -> bool {
        true
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Pause(Paused(roles.nodes(self.aim)))
    }
}

/// These nodes are stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Paused(pub BTreeSet<String>);

impl fmt::Display for Paused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "pause {}", list(&self.0))
    }
}

impl State for Paused {
    fn nodes(&self) -> BTreeSet<String> {
        self.0.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.0.retain(|node| kept.contains(node));
    }

    fn takes_down(&self) -> BTreeSet<String> {
        self.nodes()
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let alive = acting.nodes_not(&self.0, NodeState::Stopped);
        if alive.is_empty() {
            return Judgement::skipped("every one of these nodes is down");
        }
        let paused = acting.host.pause(&alive);
        let mut effect = already_down(&self.0, &alive);
        effect.extend(slowest("nodes_paused", "stopped_after", &paused));
        Judgement::settled(outcome_of(&paused), effect)
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        let held: BTreeSet<String> =
            acting.states::<Self>().flat_map(|paused| &paused.0).cloned().collect();
        let free = self.0.difference(&held).cloned().collect();
        let alive = acting.nodes_not(&free, NodeState::Stopped);
        let resumed = acting.host.resume(&alive);
        (slowest("nodes_resumed", "running_after", &resumed), failures(&resumed))
    }
}
