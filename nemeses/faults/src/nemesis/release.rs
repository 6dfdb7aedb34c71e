//! How a fault ends: each kind of action undone through the host, as far as no other fault holds on
//! to it, and what was measured while it was on.

use std::collections::BTreeSet;

use super::judge;
use super::{Look, Nemesis, compose};
use crate::effect::Effect;
use crate::host::{Host, NodeState, PerNode};
use crate::outcome::Outcome;
use crate::schedule::Action;

impl<H: Host> Nemesis<H> {
    /// What was measured of a fault while it was on, and what outcome that alone would give; no
    /// outcome where there is nothing to see but at once. None when the fault is not on.
    pub(super) fn over_life(&mut self, id: u32) -> Option<(Option<Outcome>, Effect)> {
        let active = self.active.get(&id)?;
        let unmeasured = |error| (Some(judge::indeterminate(format!("{error}"))), Effect::new());
        Some(match &active.first {
            Action::Grudge(grudge) => match self.host.dropped() {
                Ok(now) => {
                    let dropped = judge::dropped_between(grudge, &active.dropped_before, &now);
                    // Only what comes and goes may have been missed by the probes at its begin.
                    let seen = active.steps > 0 && dropped > 0;
                    let effect = Effect::new().counting("packets_dropped", dropped);
                    (seen.then_some(Outcome::Installed), effect)
                }
                Err(error) => unmeasured(error),
            },
            Action::Shape(shaping) => match self.host.shaped() {
                Ok(now) => {
                    let (outcome, effect) =
                        judge::shaped_between(shaping, &active.shaped_before, &now);
                    (Some(outcome), effect)
                }
                Err(error) => unmeasured(error),
            },
            Action::Cpu(percent) => {
                // Told again what it knows: nothing changes, and it says what it saw.
                let mut seen = self.host.limit_cpu(&compose::cpu(self.actions()));
                seen.retain(|node, _| percent.contains_key(node));
                let (outcome, effect) = judge::throttled(&seen);
                (Some(outcome), effect)
            }
            Action::Clocks(clocks) => {
                let mut told = compose::clocks(self.actions());
                clocks.keys().for_each(|node| _ = told.entry(node.clone()).or_default());
                let mut seen = self.host.set_clocks(&told);
                seen.retain(|node, _| clocks.contains_key(node));
                (None, judge::offsets(&seen))
            }
            Action::Disks(disks) => {
                let mut total = active.disks_seen.clone();
                for (node, seen) in self.host.disks() {
                    if let (Ok(seen), true) = (seen, disks.contains_key(&node)) {
                        let before = total.entry(node).or_default();
                        *before = judge::together(before, &seen);
                    }
                }
                let (outcome, effect) = judge::disks(disks, &total);
                (Some(outcome), effect)
            }
            _ => (None, Effect::new()),
        })
    }

    /// Undoes `action`, which its fault holds no longer, as far as no other does.
    pub(super) fn release(&mut self, action: &Action, look: Look) -> (Effect, Vec<String>) {
        match action {
            Action::Nothing | Action::Transfer(_) | Action::Maintain(_) => {
                (Effect::new(), Vec::new())
            }
            Action::Grudge(_) => self.mend(look),
            Action::Shape(_) => {
                let union = compose::shaping(self.actions()).links().collect();
                let problem = self.host.shape(&union, false).err();
                (Effect::new(), problem.iter().map(ToString::to_string).collect())
            }
            Action::Kill(nodes) => self.restart(nodes),
            Action::Power(failure) => {
                let cut_links = compose::grudge(self.actions());
                let (mut effect, mut problems) = match self.host.partition(&cut_links) {
                    Ok(seen) if !seen.silent.is_empty() => {
                        let silent = judge::join(&seen.silent);
                        (Effect::new(), vec![format!("no packet passes on {silent}")])
                    }
                    Err(crate::host::HostError::Failed(reason)) => (Effect::new(), vec![reason]),
                    // Nothing can cut links here, so none was.
                    _ => (Effect::new(), Vec::new()),
                };
                let (started, failed) = self.restart(&failure.nodes);
                effect.extend(started);
                problems.extend(failed);
                (effect, problems)
            }
            Action::Corrupt(damage) => self.restart(&damage.nodes),
            Action::Pause(nodes) => self.resume(nodes),
            Action::Cpu(percent) => {
                let mut told = self.host.limit_cpu(&compose::cpu(self.actions()));
                told.retain(|node, _| percent.contains_key(node));
                (Effect::new(), judge::failures(&told))
            }
            Action::Clocks(clocks) => {
                let mut told = self.host.set_clocks(&compose::clocks(self.actions()));
                told.retain(|node, _| clocks.contains_key(node));
                (Effect::new(), judge::failures(&told))
            }
            Action::Disks(disks) => {
                let mut told = self.apply_disks(None);
                told.retain(|node, _| disks.contains_key(node));
                (Effect::new(), judge::failures(&told))
            }
            Action::Membership(members) => {
                let mut results = PerNode::new();
                for node in &members.nodes {
                    let restored = self.host.restore_membership(node, members.change);
                    results.insert(node.clone(), restored);
                }
                let effect = judge::slowest("members_restored", "restored_after", &results);
                (effect, judge::failures(&results))
            }
        }
    }

    fn mend(&mut self, look: Look) -> (Effect, Vec<String>) {
        let mut problems = Vec::new();
        let mut effect = Effect::new();
        match self.apply_grudges(look) {
            Ok(seen) => {
                effect.set("healed_after", judge::milliseconds(seen.took));
                if !seen.silent.is_empty() {
                    problems.push(format!("no packet passes on {}", judge::join(&seen.silent)));
                }
            }
            Err(error) => problems.push(error.to_string()),
        }
        (effect, problems)
    }

    fn restart(&mut self, nodes: &BTreeSet<String>) -> (Effect, Vec<String>) {
        let held = compose::held_down(self.actions());
        let free: BTreeSet<_> = nodes.difference(&held).cloned().collect();
        let down = free.iter().filter(|node| self.host.state(node) == NodeState::Stopped);
        let down = down.cloned().collect();
        let started = self.host.start(&down);
        let count = started.values().filter(|result| result.is_ok()).count();
        let effect = Effect::new().counting("nodes_started", count as u64);
        (effect, judge::failures(&started))
    }

    fn resume(&mut self, nodes: &BTreeSet<String>) -> (Effect, Vec<String>) {
        let held = compose::paused(self.actions());
        let free: BTreeSet<_> = nodes.difference(&held).cloned().collect();
        let alive = self.nodes_not(&free, NodeState::Stopped);
        let resumed = self.host.resume(&alive);
        let effect = judge::slowest("nodes_resumed", "running_after", &resumed);
        (effect, judge::failures(&resumed))
    }
}
