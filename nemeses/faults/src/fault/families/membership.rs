//! Membership: nodes leave and join, as they do in daily operation. It needs a target that can.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::bounds::at_least_two;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, failures, slowest};
use crate::fault::{Budget, RoleDraw, weighted};
use crate::host::{HostError, PerNode};

pub(in crate::fault) const ABOUT: About = About {
    name: "membership",
    letter: 'M',
    description: "members are removed or replaced by new ones, for targets that can",
    engine: Engine::Target,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["aim", "change"],
    lasts: (1.0, 8.0),
    draw: |wanted, random| {
        let change = weighted(&CHANGES, |_| true, random);
        let aim = wanted.limits.aim_down(&WEIGHTS, random);
        // A smaller cluster cannot spare a member.
        (wanted.limits.nodes >= 3).then_some(Fault::Membership(Membership { aim, change }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: true,
    undone: UndoneWith::Requests,
    steps: Steps::InTurn,
};

/// The cluster's members change, and change back when the fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The nodes whose membership changes.
    pub aim: Aim,
    /// The change.
    pub change: MembershipChange,
}

/// A change of a node's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MembershipChange {
    /// A member is removed. It comes back as a new one, with an empty disk, when the fault ends.
    Remove,
    /// A member is removed and comes back at once, as a new one with an empty disk.
    Replace,
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Remove => "remove",
            Self::Replace => "replace",
        })
    }
}

/// The weight of each aim in a draw: a leader that removes itself is the hard case.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Follower, 3), (Aim::Leader, 2), (Aim::One, 1)];

/// The weight of each change in a draw.
const CHANGES: [(MembershipChange, u32); 2] =
    [(MembershipChange::Remove, 2), (MembershipChange::Replace, 1)];

impl fmt::Display for Membership {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.change, self.aim)
    }
}

impl Spec for Membership {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        self.aim.count(nodes)
    }

    fn validate(&self, nodes: usize) -> Result<(), String> {
        at_least_two(nodes)
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        let nodes = roles.nodes(self.aim);
        Action::Membership(MembersChanged { nodes, change: self.change })
    }
}

/// The membership of these nodes changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersChanged {
    /// The nodes.
    pub nodes: BTreeSet<String>,
    /// The change of their membership.
    pub change: MembershipChange,
}

impl fmt::Display for MembersChanged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.change, list(&self.nodes))
    }
}

impl State for MembersChanged {
    fn nodes(&self) -> BTreeSet<String> {
        self.nodes.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.nodes.retain(|node| kept.contains(node));
    }

    fn holds_down(&self) -> Option<&BTreeSet<String>> {
        (self.change == MembershipChange::Remove).then_some(&self.nodes)
    }

    fn takes_down(&self) -> BTreeSet<String> {
        self.nodes()
    }

    /// One that is no member any more may say so and stop.
    fn may_end(&self, node: &str) -> bool {
        self.nodes.contains(node)
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let held = held_by_others(acting);
        let mut results = PerNode::new();
        for node in &self.nodes {
            // A new member would have to start at once.
            let result = match self.change == MembershipChange::Replace && held.contains(node) {
                true => Err(HostError::Unavailable("another fault keeps it down".to_owned())),
                false => acting.host.change_membership(node, self.change),
            };
            results.insert(node.clone(), result);
        }
        Judgement::of_nodes(&results, "members_changed", "changed_after")
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        // Those that another fault keeps down come back when it lets go of them.
        let held = held_by_others(acting);
        let mut results = PerNode::new();
        for node in self.nodes.difference(&held) {
            results.insert(node.clone(), acting.host.restore_membership(node, self.change));
        }
        (slowest("members_restored", "restored_after", &results), failures(&results))
    }
}

/// The nodes that other faults which are on keep from starting.
fn held_by_others(acting: &Acting<'_>) -> BTreeSet<String> {
    acting.actions_of_others().filter_map(Action::holds_down).flatten().cloned().collect()
}
