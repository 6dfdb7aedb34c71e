//! The means that a state of a fault has while it is brought about or ended: the host, and the
//! faults that are on.

use std::collections::{BTreeMap, BTreeSet};

use super::judgement::{Judgement, failures, indeterminate};
use super::state::list;
use super::{Action, DiskCondition, Held};
use crate::effect::{Effect, Measurement};
use crate::grudge::Link;
use crate::host::{DiskSeen, Host, HostError, LinkCounts, NodeState, PerNode};

/// The choice to wait until the effect of an action is seen, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Probe until its effect is seen, or was not in time.
    Wait,
    /// Lose no time with it.
    Skip,
}

/// The faults that are on, and what they leave behind.
#[derive(Debug, Default)]
pub(crate) struct FaultsOn {
    /// By id.
    pub active: BTreeMap<u32, Active>,
    /// The conditions that the disks were last given.
    pub disks: BTreeMap<String, DiskCondition>,
    /// Nodes whose files were damaged: they may never serve again.
    pub damaged: BTreeSet<String>,
}

/// A fault that is on.
#[derive(Debug)]
pub(crate) struct Active {
    /// The action that it does now.
    pub action: Action,
    /// The action that it did first, by which it is judged: later steps only vary it.
    pub first: Action,
    /// The most nodes that any of its steps takes down.
    pub most_down: usize,
    /// The nodes that it takes down at any time, as far as the budget allowed.
    pub may_take_down: BTreeSet<String>,
    /// The judgement when it was injected, which may be open yet.
    pub judgement: Judgement,
    /// The number of steps it has taken.
    pub steps: u64,
    /// The packets that each link had dropped before.
    pub dropped_before: BTreeMap<Link, u64>,
    /// The counters of each link before.
    pub shaped_before: BTreeMap<Link, LinkCounts>,
    /// The counters of its disks while it was on, until their condition was last changed.
    pub disks_seen: BTreeMap<String, DiskSeen>,
}

impl Active {
    /// A fault that is about to be attempted, with the nodes that its steps take down: the most
    /// at once, and all.
    pub fn new(first: Action, most_down: usize, may_take_down: BTreeSet<String>) -> Self {
        Self {
            action: first.clone(),
            first,
            most_down,
            may_take_down,
            judgement: Judgement::settled(indeterminate("not attempted"), Effect::new()),
            steps: 0,
            dropped_before: BTreeMap::new(),
            shaped_before: BTreeMap::new(),
            disks_seen: BTreeMap::new(),
        }
    }
}

/// The means that a state of a fault has.
pub(crate) struct Acting<'a> {
    /// The fault whose state it is.
    pub id: u32,
    pub host: &'a mut dyn Host,
    pub on: &'a mut FaultsOn,
}

impl FaultsOn {
    /// The action that every fault that is on does now.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.active.values().map(|active| &active.action)
    }
}

impl Acting<'_> {
    /// The action that every fault that is on does now.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.on.actions()
    }

    /// The action that every other fault that is on does now.
    pub fn actions_of_others(&self) -> impl Iterator<Item = &Action> {
        let others = self.on.active.iter().filter(|(id, _)| **id != self.id);
        others.map(|(_, active)| &active.action)
    }

    /// The states of one family that are on.
    pub fn states<'b, T: Held + 'b>(&'b self) -> impl Iterator<Item = &'b T> {
        self.actions().filter_map(T::of)
    }

    /// The fault itself, while it is on.
    pub fn own(&mut self) -> Option<&mut Active> {
        self.on.active.get_mut(&self.id)
    }

    /// Returns true if the judgement of the fault itself may still change.
    pub fn is_open(&mut self) -> bool {
        self.own().is_some_and(|own| own.judgement.open)
    }

    /// Those of `nodes` that are not in this state.
    pub fn nodes_not(&self, nodes: &BTreeSet<String>, state: NodeState) -> BTreeSet<String> {
        nodes.iter().filter(|node| self.host.state(node) != state).cloned().collect()
    }

    /// Starts those of `nodes` that are down and that no fault holds down.
    pub fn restart(&mut self, nodes: &BTreeSet<String>) -> (Effect, Vec<String>) {
        let held: BTreeSet<_> =
            self.actions().filter_map(Action::holds_down).flatten().cloned().collect();
        let free = nodes.difference(&held);
        let down = free.filter(|node| self.host.state(node) == NodeState::Stopped);
        let down = down.cloned().collect();
        let mut started = self.host.start(&down);
        let count = started.values().filter(|result| result.is_ok()).count();
        // The cluster's administration keeps them out, which is not this fault's doing.
        let out = self.host.former_members();
        let kept_out = |node: &String, result: &Result<u32, HostError>| {
            matches!(result, Err(HostError::Unavailable(_))) && out.contains(node)
        };
        let kept_out: BTreeSet<String> = started
            .iter()
            .filter(|(node, result)| kept_out(node, result))
            .map(|(node, _)| node.clone())
            .collect();
        started.retain(|node, _| !kept_out.contains(node));
        let mut effect = Effect::new().counting("nodes_started", count as u64);
        if !kept_out.is_empty() {
            effect.set("no_members_yet", Measurement::Text(list(&kept_out)));
        }
        (effect, failures(&started))
    }
}

/// The sum of the conditions that several faults ask of each node.
pub(crate) fn by_node<'a, T: Copy + 'a>(
    maps: impl Iterator<Item = &'a BTreeMap<String, T>>,
    and: impl Fn(&T, &T) -> T,
) -> BTreeMap<String, T> {
    let mut union: BTreeMap<String, T> = BTreeMap::new();
    for (node, condition) in maps.flatten() {
        let both = union.get(node).map_or(*condition, |before| and(before, condition));
        union.insert(node.clone(), both);
    }
    union
}

/// The results of the nodes in `asked`.
pub(crate) fn of<T, R>(asked: &BTreeMap<String, T>, mut results: PerNode<R>) -> PerNode<R> {
    results.retain(|node, _| asked.contains_key(node));
    results
}
