//! How a fault begins: each kind of action done through the host, and judged by what was seen.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::{self, Judgement};
use super::{Look, Nemesis, compose};
use crate::effect::{Effect, Measurement};
use crate::fault::{ClockCondition, DiskCondition};
use crate::grudge::Grudge;
use crate::host::{DiskSeen, Host, HostError, NodeState, PartitionSeen, PerNode};
use crate::outcome::Outcome;
use crate::schedule::{Action, FileDamage, MembersChanged, PowerFailure, StoresTended};
use crate::shaping::Shaping;

impl<H: Host> Nemesis<H> {
    /// Notes what counters say, then acts.
    pub(super) fn attempt(&mut self, id: u32, action: &Action) -> Judgement {
        let read = match action {
            Action::Grudge(_) => self.host.dropped().map(|dropped| {
                self.active.entry(id).and_modify(|active| active.dropped_before = dropped);
            }),
            Action::Shape(_) => self.host.shaped().map(|shaped| {
                self.active.entry(id).and_modify(|active| active.shaped_before = shaped);
            }),
            _ => Ok(()),
        };
        match read {
            Ok(()) => self.seize(id, action, Look::Closely),
            Err(error) => Judgement::settled(judge::without_effect(error)),
        }
    }

    /// Does `action`, which its fault holds already.
    pub(super) fn seize(&mut self, id: u32, action: &Action, look: Look) -> Judgement {
        match action {
            Action::Nothing => Judgement::settled((Outcome::Installed, Effect::new())),
            Action::Grudge(grudge) => self.cut(grudge, look),
            Action::Shape(shaping) => self.shape(shaping, look),
            Action::Kill(nodes) => self.kill(nodes),
            Action::Pause(nodes) => self.pause(nodes),
            Action::Cpu(percent) => self.slow_down(percent),
            Action::Clocks(clocks) => self.shift_clocks(id, clocks, look),
            Action::Disks(disks) => self.trouble_disks(id, disks),
            Action::Power(failure) => self.cut_power(id, failure),
            Action::Corrupt(damage) => self.corrupt(damage),
            Action::Transfer(to) => match self.host.transfer(to) {
                Ok(took) => {
                    let effect = Effect::new().with("transferred_after", judge::milliseconds(took));
                    Judgement::settled((Outcome::Installed, effect))
                }
                Err(error) => Judgement::settled(judge::without_effect(error)),
            },
            Action::Membership(members) => self.change_members(members),
            Action::Maintain(stores) => self.tend(stores),
        }
    }

    /// Makes exactly the links drop packets that faults which are on cut.
    pub(super) fn apply_grudges(&mut self, look: Look) -> Result<PartitionSeen, HostError> {
        let union = compose::grudge(self.actions());
        match look {
            Look::Closely => self.host.partition(&union),
            Look::Away => self.host.partition_quickly(&union),
        }
    }

    fn cut(&mut self, grudge: &Grudge, look: Look) -> Judgement {
        match self.apply_grudges(look) {
            Ok(seen) => judge::cut(grudge, &seen),
            Err(error) => Judgement::settled(judge::without_effect(error)),
        }
    }

    fn shape(&mut self, shaping: &Shaping, look: Look) -> Judgement {
        let union = compose::shaping(self.actions()).links().collect();
        match self.host.shape(&union, look == Look::Closely) {
            Ok(seen) if look == Look::Closely => judge::shaped(shaping, &seen),
            Ok(_) => Judgement::settled((Outcome::Installed, Effect::new())),
            Err(error) => Judgement::settled(judge::without_effect(error)),
        }
    }

    /// Nodes that are down already are held down.
    fn kill(&mut self, nodes: &BTreeSet<String>) -> Judgement {
        let running = self.nodes_not(nodes, NodeState::Stopped);
        let mut effect = already_down(nodes, &running);
        if running.is_empty() {
            let reason = "every one of these nodes is down already";
            // Not skipped: it holds them down.
            return Judgement::settled((judge::indeterminate(reason), effect));
        }
        let killed = self.host.kill(&running);
        effect.extend(judge::slowest("nodes_killed", "dead_after", &killed));
        Judgement::settled((judge::nodes(&killed), effect))
    }

    fn pause(&mut self, nodes: &BTreeSet<String>) -> Judgement {
        let alive = self.nodes_not(nodes, NodeState::Stopped);
        if alive.is_empty() {
            return judge::skipped("every one of these nodes is down");
        }
        let paused = self.host.pause(&alive);
        let mut effect = already_down(nodes, &alive);
        effect.extend(judge::slowest("nodes_paused", "stopped_after", &paused));
        Judgement::settled((judge::nodes(&paused), effect))
    }

    fn slow_down(&mut self, percent: &BTreeMap<String, f64>) -> Judgement {
        let seen = self.host.limit_cpu(&compose::cpu(self.actions()));
        let (outcome, mut effect) = judge::throttled(&of(percent, seen));
        let least = percent.values().copied().reduce(f64::min).unwrap_or(0.0);
        effect.set("limit", Measurement::Percent(least));
        Judgement::open((outcome, effect))
    }

    fn shift_clocks(
        &mut self,
        id: u32,
        clocks: &BTreeMap<String, ClockCondition>,
        look: Look,
    ) -> Judgement {
        let composed = compose::clocks(self.actions());
        if look == Look::Away {
            let told = of(clocks, self.host.set_clocks(&composed));
            return Judgement::settled((judge::nodes(&told), judge::offsets(&told)));
        }
        // What the clocks read before. Those of which nothing was asked are told to go right, so
        // that they are read too.
        let mut told = compose::clocks(self.actions_but(id));
        clocks.keys().for_each(|node| _ = told.entry(node.clone()).or_default());
        let before = self.host.set_clocks(&told);
        let after = self.host.set_clocks(&composed);
        Judgement::settled(judge::clocks(clocks, &composed, &before, &after))
    }

    fn trouble_disks(&mut self, id: u32, disks: &BTreeMap<String, DiskCondition>) -> Judgement {
        let told = of(disks, self.apply_disks(Some(id)));
        match judge::nodes(&told) {
            Outcome::Installed => {
                let effect = Effect::new().counting("disks_troubled", told.len() as u64);
                let reason = "what a disk does is seen only when it is used";
                Judgement::open((judge::indeterminate(reason), effect))
            }
            outcome => Judgement::settled((outcome, Effect::new())),
        }
    }

    /// Gives the disks what the faults that are on ask for. What a disk did under the condition
    /// that ends is added to what every fault of it but `fresh` has seen: afterwards it is forgotten.
    pub(super) fn apply_disks(&mut self, fresh: Option<u32>) -> PerNode<DiskSeen> {
        let composed = compose::disks(self.actions());
        let changes = |node: &String| composed.get(node) != self.disks.get(node);
        if self.disks.keys().any(changes) {
            let seen = self.host.disks();
            for (id, active) in &mut self.active {
                let Action::Disks(own) = &active.action else { continue };
                if Some(*id) == fresh {
                    continue;
                }
                for node in own.keys().filter(|node| composed.get(*node) != self.disks.get(*node)) {
                    if let Some(Ok(seen)) = seen.get(node) {
                        let total = active.disks_seen.entry(node.clone()).or_default();
                        *total = judge::together(total, seen);
                    }
                }
            }
        }
        let told = self.host.set_disks(&composed);
        self.disks = composed;
        told
    }

    /// Links first: a node without power says nothing.
    fn cut_power(&mut self, id: u32, failure: &PowerFailure) -> Judgement {
        let links = self.apply_grudges(Look::Away);
        let results = self.host.cut_power(&failure.nodes, &failure.cut, failure.seed);
        let judgement = Judgement::settled(judge::power(&failure.cut, &results));
        if matches!(judgement.outcome, Outcome::Skipped { .. }) && links.is_ok() {
            // It was not done after all, so the links must not stay cut for it.
            let others = compose::grudge(self.actions_but(id));
            if let Err(error) = self.host.partition_quickly(&others) {
                let reason = format!("{}; and links stay cut: {error}", judgement.outcome);
                return Judgement::settled((judge::indeterminate(reason), Effect::new()));
            }
        }
        let note = links.err().map(|error| format!("links stayed up: {error}"));
        Judgement { note, ..judgement }
    }

    fn corrupt(&mut self, damage: &FileDamage) -> Judgement {
        let FileDamage { nodes, damage, seed } = damage;
        let mut judgement = self.kill(nodes);
        if matches!(judgement.outcome, Outcome::Skipped { .. }) {
            return judgement;
        }
        let mut results = PerNode::new();
        for node in nodes {
            if self.host.state(node) == NodeState::Stopped {
                results.insert(node.clone(), self.host.damage(node, damage, *seed));
            }
        }
        let done = results.iter().filter_map(|(node, result)| {
            let file = result.as_ref().ok()?;
            Some((node, format!("{node}: {file}")))
        });
        let (damaged, told): (Vec<_>, Vec<_>) = done.unzip();
        self.damaged.extend(damaged.into_iter().cloned());
        if !told.is_empty() {
            let told = Measurement::Text(told.join("; "));
            judgement.effect.set("damaged", told);
        }
        judgement.outcome = match judge::nodes(&results) {
            Outcome::Installed if results.len() < nodes.len() => {
                judge::indeterminate("a node that did not die was not damaged")
            }
            // Not skipped: the nodes were killed.
            Outcome::Skipped { reason } => Outcome::Indeterminate { reason },
            outcome => outcome,
        };
        judgement
    }

    fn tend(&mut self, stores: &StoresTended) -> Judgement {
        let tend = |node: &String| (node.clone(), self.host.maintain(node, stores.work));
        let results = stores.nodes.iter().map(tend).collect();
        let effect = judge::slowest("stores_tended", "tended_after", &results);
        Judgement::settled((judge::nodes(&results), effect))
    }

    fn change_members(&mut self, members: &MembersChanged) -> Judgement {
        let mut results = PerNode::new();
        for node in &members.nodes {
            results.insert(node.clone(), self.host.change_membership(node, members.change));
        }
        let effect = judge::slowest("members_changed", "changed_after", &results);
        Judgement::settled((judge::nodes(&results), effect))
    }
}

/// The results of the nodes in `asked`.
fn of<T, R>(asked: &BTreeMap<String, T>, mut results: PerNode<R>) -> PerNode<R> {
    results.retain(|node, _| asked.contains_key(node));
    results
}

fn already_down(nodes: &BTreeSet<String>, running: &BTreeSet<String>) -> Effect {
    let down: Vec<_> = nodes.difference(running).cloned().collect();
    if down.is_empty() {
        return Effect::new();
    }
    Effect::new().with("already_down", Measurement::Text(down.join(", ")))
}
