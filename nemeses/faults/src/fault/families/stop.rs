//! Stop: node processes are asked to end with SIGTERM, as an operator or a supervisor asks them,
//! and started again when the fault ends.
//!
//! No kill ever shows the things that a service does only when it is asked to end: to hand over
//! leadership, write a snapshot, leave the cluster, close its log.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, already_down, indeterminate, outcome_of, slowest};
use crate::fault::{Budget, RoleDraw};
use crate::host::NodeState;
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "stop",
    letter: 'Q',
    description: "nodes are asked to end with SIGTERM and started again on the same data",
    engine: Engine::Signals,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Down,
    excuse: Excuse::WhileOn,
    fields: &["aim"],
    lasts: (0.2, 8.0),
    draw: |wanted, random| {
        Some(Fault::Stop(Stop { aim: wanted.limits.aim_down(&WEIGHTS, random) }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: true,
    undone: UndoneWith::Starts,
    steps: Steps::ByNode,
};

/// The weight of each aim in a draw: a leader that is asked to end may hand over first.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 4),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 1),
    (Aim::Majority, 1),
    (Aim::All, 2),
];

/// Processes are asked to end; they stay down while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The nodes whose processes are asked to end.
    pub aim: Aim,
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "stop {}", self.aim)
    }
}

impl Spec for Stop {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        self.aim.count(nodes)
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Stop(Stopped(roles.nodes(self.aim)))
    }
}

/// These nodes are asked to end, and stay down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stopped(pub BTreeSet<String>);

impl fmt::Display for Stopped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "stop {}", list(&self.0))
    }
}

impl State for Stopped {
    fn nodes(&self) -> BTreeSet<String> {
        self.0.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.0.retain(|node| kept.contains(node));
    }

    fn holds_down(&self) -> Option<&BTreeSet<String>> {
        Some(&self.0)
    }

    fn takes_down(&self) -> BTreeSet<String> {
        self.nodes()
    }

    /// Not all at once: a process may take its time to end.
    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let running = acting.nodes_not(&self.0, NodeState::Stopped);
        let mut effect = already_down(&self.0, &running);
        if running.is_empty() {
            let reason = "every one of these nodes is down already";
            // Not skipped: it holds them down.
            return Judgement::settled(indeterminate(reason), effect);
        }
        let stopped = acting.host.stop(&running);
        effect.extend(slowest("nodes_stopped", "ended_after", &stopped));
        Judgement::open(outcome_of(&stopped), effect)
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        let mut living = acting.nodes_not(&self.0, NodeState::Stopped);
        let ended = (self.0.len() - living.len()) as u64;
        // A sound service may take its time, or wait for its clients. It goes down all the same: it is
        // killed now, which is a measurement beside it.
        living.retain(|node| !acting.host.is_ending(node));
        let outcome = match living.is_empty() {
            true => Outcome::Installed,
            false => indeterminate(format!("{} was not asked to end", list(&living))),
        };
        (Some(outcome), Effect::new().counting("nodes_ended", ended))
    }

    /// One that did not end is killed, as a supervisor does which has waited long enough.
    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        let held: BTreeSet<String> =
            acting.actions().filter_map(Action::holds_down).flatten().cloned().collect();
        let free: BTreeSet<String> = self.0.difference(&held).cloned().collect();
        let ending: BTreeSet<String> =
            free.into_iter().filter(|node| acting.host.is_ending(node)).collect();
        let mut effect = Effect::new();
        let mut problems = Vec::new();
        if !ending.is_empty() {
            let killed = acting.host.kill(&ending);
            problems.extend(crate::fault::failures(&killed));
            effect.extend(slowest("nodes_killed_at_last", "dead_after", &killed));
        }
        let (started, failed) = acting.restart(&self.0);
        effect.extend(started);
        problems.extend(failed);
        (effect, problems)
    }
}
