//! Membership: nodes leave and join, as they do in daily operation. It needs a target that can.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Measurement};
use crate::fault::bounds::at_least_two;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, failures, slowest};
use crate::fault::{Budget, RoleDraw, weighted};
use crate::host::{HostError, MembersAround, PerNode, Request};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "membership",
    letter: 'M',
    description: "members are removed, replaced by new ones or demoted, for targets that can",
    engine: Engine::Target,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["aim", "change"],
    lasts: (1.0, 8.0),
    draw: |wanted, random| {
        let change = weighted(&CHANGES, |it| wanted.limits.abilities.changes.contains(&it), random);
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
    /// A voter becomes a learner. It votes again when the fault ends.
    Demote,
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Demote => "demote",
        })
    }
}

/// The weight of each aim in a draw: a leader that removes itself is the hard case.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Follower, 3), (Aim::Leader, 2), (Aim::One, 1)];

/// The weight of each change in a draw.
const CHANGES: [(MembershipChange, u32); 3] =
    [(MembershipChange::Remove, 2), (MembershipChange::Replace, 1), (MembershipChange::Demote, 1)];

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

    fn keeps_from_voting(&self) -> Option<&BTreeSet<String>> {
        (self.change != MembershipChange::Replace).then_some(&self.nodes)
    }

    /// One that is no member any more may say so and stop.
    fn may_end(&self, node: &str) -> bool {
        self.change != MembershipChange::Demote && self.nodes.contains(node)
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let held = held_by_others(acting);
        let replaces = self.change == MembershipChange::Replace;
        let mut answers = PerNode::new();
        for node in &self.nodes {
            // A new member would have to start at once.
            let answer = match replaces && held.contains(node) {
                true => Err(HostError::Unavailable("another fault keeps it down".to_owned())),
                false => acting.host.ask(&self.request(node)),
            };
            if replaces && matches!(answer, Ok(Some(_))) {
                acting.host.bring_back(&[node.clone()].into());
            }
            answers.insert(node.clone(), answer.and_then(|_| self.answer(node, acting)));
        }
        self.judge(answers, acting)
    }

    fn is_pending(&self, acting: &mut Acting<'_>) -> bool {
        acting.is_open() && self.answers(acting).values().any(|answer| *answer == Ok(None))
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        if !acting.is_open() {
            return (None, Effect::new());
        }
        let mut answers = self.answers(acting);
        for (node, answer) in &mut answers {
            let removed = acting.host.answer(&self.request(node));
            if let (Ok(None), Ok(Some(_))) = (&answer, removed) {
                let missing = match acting.host.learners().contains(node) {
                    true => Request::Promote(node.clone()),
                    false => Request::Add(node.clone()),
                };
                let why = acting.host.answer(&missing).err();
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                *answer = Err(HostError::Failed(format!("it was removed and is not back{why}")));
            }
        }
        let Judgement { outcome, effect, .. } = self.judge(answers, acting).told_late();
        (Some(outcome), effect)
    }

    fn begin_release(&self, acting: &mut Acting<'_>) -> bool {
        let free = &self.nodes - &held_by_others(acting);
        acting.host.bring_back(&free)
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        // Those that another fault keeps down come back when it lets go of them.
        let free = &self.nodes - &held_by_others(acting);
        let started = acting.host.start(&free);
        let mut restored = PerNode::new();
        let mut members = None;
        for node in &free {
            let [added, promoted] = [Request::Add(node.clone()), Request::Promote(node.clone())]
                .map(|request| {
                    (acting.host.answer(&request), acting.host.members_around(&request))
                });
            members = promoted.1.or(added.1).or(members);
            let took = [added.0, promoted.0].into_iter().filter_map(|answer| answer.ok()?);
            let took = took.reduce(|added, promoted| added + promoted);
            restored.extend(took.map(|took| (node.clone(), Ok(took))));
        }
        let mut effect = slowest("members_restored", "restored_after", &restored);
        if let Some(MembersAround { after, .. }) = members {
            effect.set("members_in_the_end", Measurement::Text(after));
        }
        (effect, failures(&started))
    }
}

impl MembersChanged {
    /// The request that the service is asked first.
    fn request(&self, node: &str) -> Request {
        match self.change {
            MembershipChange::Remove | MembershipChange::Replace => {
                Request::Remove(node.to_owned())
            }
            MembershipChange::Demote => Request::Demote(node.to_owned()),
        }
    }

    /// The answer of the service about one node, with the time that it took.
    fn answer(&self, node: &str, acting: &mut Acting<'_>) -> Result<Option<Duration>, HostError> {
        let changed = acting.host.answer(&self.request(node))?;
        match (changed, self.change) {
            (Some(removed), MembershipChange::Replace) => {
                // It is tried again and again until it is back.
                let host = &mut acting.host;
                let is_back =
                    !host.former_members().contains(node) && !host.learners().contains(node);
                let added = host.answer(&Request::Add(node.to_owned()));
                let added = added.unwrap_or(None).filter(|_| is_back);
                let promoted = host.answer(&Request::Promote(node.to_owned())).ok().flatten();
                Ok(added.map(|added| removed + added + promoted.unwrap_or_default()))
            }
            (changed, _) => Ok(changed),
        }
    }

    fn answers(&self, acting: &mut Acting<'_>) -> PerNode<Option<Duration>> {
        self.nodes.iter().map(|node| (node.clone(), self.answer(node, acting))).collect()
    }

    /// The judgement by the answers, with the members as the service tells of them.
    fn judge(&self, answers: PerNode<Option<Duration>>, acting: &mut Acting<'_>) -> Judgement {
        let mut judgement = Judgement::of_answers(answers, "members_changed", "changed_after");
        let around = |node: &String| acting.host.members_around(&self.request(node));
        let around: Vec<MembersAround> = self.nodes.iter().filter_map(around).collect();
        if let (Some(first), Some(last)) = (around.first(), around.last()) {
            judgement.effect.set("members_before", Measurement::Text(first.before.clone()));
            judgement.effect.set("members_then", Measurement::Text(last.after.clone()));
        }
        judgement
    }
}

/// The nodes that other faults which are on keep from starting.
fn held_by_others(acting: &Acting<'_>) -> BTreeSet<String> {
    acting.actions_of_others().filter_map(Action::holds_down).flatten().cloned().collect()
}
