//! Which faults are on, and what to do when one begins or ends.
//!
//! Faults overlap. Partitions compose: the links that drop packets are the union of all grudges
//! that are on. A node stays down until the last fault that killed it ends, and stays paused until
//! the last that paused it ends. A pause ends with its process: a node that is killed while it is
//! paused comes back running.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::grudge::{Grudge, Link};
use crate::outcome::{Effect, Measurement, Outcome, Recovery, Report};
use crate::schedule::{Action, Entry, Resolved};
use crate::world::{Host, HostError, NodeState, PartitionSeen, PerNode};

/// Injects faults through a [`Host`] and undoes them.
///
/// A fault counts as active from before it is attempted until it is wholly undone, so that one
/// which failed half-way is undone like any other. Nothing of these families outlives the lab, so
/// there is no journal on disk.
#[derive(Debug)]
pub struct Nemesis<H> {
    host: H,
    active: BTreeMap<u32, Active>,
}

/// A fault that is on.
#[derive(Debug)]
struct Active {
    action: Action,
    /// For a partition: what each link had dropped before.
    dropped_before: BTreeMap<Link, u64>,
}

impl<H: Host> Nemesis<H> {
    /// No fault is on yet.
    pub fn new(host: H) -> Self {
        Self { host, active: BTreeMap::new() }
    }

    /// The world it acts on.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The world it acts on, to do to it what is no fault, such as to start the cluster.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// The faults that are on, by id.
    pub fn active(&self) -> impl Iterator<Item = (u32, &Action)> {
        self.active.iter().map(|(id, active)| (*id, &active.action))
    }

    /// Does what `resolved` says and measures what it did. It stays until [`Nemesis::undo`] with
    /// the entry's id. Injecting an entry that is on already is skipped.
    pub fn inject(&mut self, entry: &Entry, resolved: Resolved) -> Report {
        let Resolved { action, note, .. } = resolved;
        let (outcome, effect) = self.attempt(entry.id, &action);
        Report { id: entry.id, action, outcome, effect, note }
    }

    fn attempt(&mut self, id: u32, action: &Action) -> (Outcome, Effect) {
        if self.active.contains_key(&id) {
            return skipped("this fault is on already");
        }
        if action.is_empty() {
            return skipped("there is no node or link to do it to");
        }
        let dropped_before = match action {
            Action::Grudge(_) => match self.host.dropped() {
                Ok(dropped) => dropped,
                Err(error) => return without_effect(error),
            },
            _ => BTreeMap::new(),
        };
        // Before the attempt, so that whatever it leaves behind is undone.
        self.active.insert(id, Active { action: action.clone(), dropped_before });
        let (outcome, effect) = match action {
            Action::Grudge(grudge) => self.cut(grudge),
            Action::Kill(nodes) => self.kill(nodes),
            Action::Pause(nodes) => self.pause(nodes),
        };
        if matches!(outcome, Outcome::Skipped { .. }) {
            self.active.remove(&id);
        }
        (outcome, effect)
    }

    fn cut(&mut self, grudge: &Grudge) -> (Outcome, Effect) {
        match self.host.partition(&self.union_of_grudges()) {
            Ok(seen) => judge_cut(grudge, &seen),
            Err(error) => without_effect(error),
        }
    }

    fn union_of_grudges(&self) -> Grudge {
        let mut union = Grudge::none();
        for active in self.active.values() {
            if let Action::Grudge(grudge) = &active.action {
                union.merge(grudge);
            }
        }
        union
    }

    /// Nodes that are down already are held down.
    fn kill(&mut self, nodes: &BTreeSet<String>) -> (Outcome, Effect) {
        let running = self.nodes_not(nodes, NodeState::Stopped);
        let mut effect = Effect::new();
        if running.len() < nodes.len() {
            let down: Vec<_> = nodes.difference(&running).cloned().collect();
            effect.insert("already_down".to_owned(), Measurement::Text(down.join(", ")));
        }
        if running.is_empty() {
            let reason = "every one of these nodes is down already".to_owned();
            // Not skipped: it holds them down.
            return (Outcome::Indeterminate { reason }, effect);
        }
        let killed = self.host.kill(&running);
        let outcome = judge_nodes(&killed);
        effect.extend(slowest("nodes_killed", "dead_after_ms", &killed));
        (outcome, effect)
    }

    fn pause(&mut self, nodes: &BTreeSet<String>) -> (Outcome, Effect) {
        let alive = self.nodes_not(nodes, NodeState::Stopped);
        if alive.is_empty() {
            return skipped("every one of these nodes is down");
        }
        let paused = self.host.pause(&alive);
        let mut effect = slowest("nodes_paused", "stopped_after_ms", &paused);
        if alive.len() < nodes.len() {
            let down: Vec<_> = nodes.difference(&alive).cloned().collect();
            effect.insert("already_down".to_owned(), Measurement::Text(down.join(", ")));
        }
        (judge_nodes(&paused), effect)
    }

    fn nodes_not(&self, nodes: &BTreeSet<String>, state: NodeState) -> BTreeSet<String> {
        nodes.iter().filter(|node| self.host.state(node) != state).cloned().collect()
    }

    /// Undoes one fault and tells what was measured while it was on; none when it is not on, as
    /// when it was undone before or skipped. A fault that could not be undone wholly stays on.
    pub fn undo(&mut self, id: u32) -> Option<Recovery> {
        let active = self.active.remove(&id)?;
        let (effect, problems) = match &active.action {
            Action::Grudge(grudge) => self.mend(grudge, &active.dropped_before),
            Action::Kill(nodes) => self.restart(nodes),
            Action::Pause(nodes) => self.resume(nodes),
        };
        let action = active.action.clone();
        if !problems.is_empty() {
            self.active.insert(id, active);
        }
        Some(Recovery { id, action, effect, problems })
    }

    /// Undoes every fault that is on, in the order of [`undo_order`](Nemesis::undo_order).
    pub fn undo_all(&mut self) -> Vec<Recovery> {
        self.undo_order().into_iter().filter_map(|id| self.undo(id)).collect()
    }

    /// The faults that are on, in the order in which to undo them all: links first, so that nodes
    /// which start meet their peers.
    pub fn undo_order(&self) -> Vec<u32> {
        let is_cut = |active: &Active| matches!(active.action, Action::Grudge(_));
        let (cuts, others): (Vec<_>, Vec<_>) =
            self.active.iter().map(|(id, active)| (is_cut(active), *id)).partition(|(cut, _)| *cut);
        cuts.into_iter().chain(others).map(|(_, id)| id).collect()
    }

    fn mend(
        &mut self,
        grudge: &Grudge,
        dropped_before: &BTreeMap<Link, u64>,
    ) -> (Effect, Vec<String>) {
        let mut problems = Vec::new();
        let mut effect = Effect::new();
        match self.host.partition(&self.union_of_grudges()) {
            Ok(seen) => {
                effect.insert("healed_after_ms".to_owned(), milliseconds(seen.took));
                if !seen.silent.is_empty() {
                    problems.push(format!("no packet passes on {}", join(&seen.silent)));
                }
            }
            Err(error) => problems.push(error.to_string()),
        }
        match self.host.dropped() {
            Ok(dropped) => {
                let total = grudge.links().map(|link| {
                    let now = dropped.get(&link).copied().unwrap_or(0);
                    now - dropped_before.get(&link).copied().unwrap_or(0).min(now)
                });
                let total = Measurement::Count(total.sum());
                effect.insert("packets_dropped".to_owned(), total);
            }
            Err(error) => problems.push(error.to_string()),
        }
        (effect, problems)
    }

    fn restart(&mut self, nodes: &BTreeSet<String>) -> (Effect, Vec<String>) {
        let held = self.nodes_held_by(|action| match action {
            Action::Kill(nodes) => Some(nodes),
            _ => None,
        });
        let free: BTreeSet<_> = nodes.difference(&held).cloned().collect();
        let down = free.iter().filter(|node| self.host.state(node) == NodeState::Stopped);
        let down = down.cloned().collect();
        let started = self.host.start(&down);
        let count = started.values().filter(|result| result.is_ok()).count();
        let effect = Effect::from([("nodes_started".to_owned(), count_of(count))]);
        (effect, failures(&started))
    }

    fn resume(&mut self, nodes: &BTreeSet<String>) -> (Effect, Vec<String>) {
        let held = self.nodes_held_by(|action| match action {
            Action::Pause(nodes) => Some(nodes),
            _ => None,
        });
        let free: BTreeSet<_> = nodes.difference(&held).cloned().collect();
        let alive = self.nodes_not(&free, NodeState::Stopped);
        let resumed = self.host.resume(&alive);
        (slowest("nodes_resumed", "running_after_ms", &resumed), failures(&resumed))
    }

    /// The nodes that active faults of one family hold.
    fn nodes_held_by<'a>(
        &'a self,
        of_family: impl Fn(&'a Action) -> Option<&'a BTreeSet<String>>,
    ) -> BTreeSet<String> {
        let actions = self.active.values().map(|active| &active.action);
        actions.filter_map(of_family).flatten().cloned().collect()
    }
}

fn skipped(reason: &str) -> (Outcome, Effect) {
    (Outcome::Skipped { reason: reason.to_owned() }, Effect::new())
}

fn without_effect(error: HostError) -> (Outcome, Effect) {
    let outcome = match error {
        HostError::Unavailable(reason) => Outcome::Skipped { reason },
        HostError::Failed(reason) => Outcome::Indeterminate { reason },
    };
    (outcome, Effect::new())
}

/// Whether every link of `grudge` was seen to drop packets and no other to be dead.
fn judge_cut(grudge: &Grudge, seen: &PartitionSeen) -> (Outcome, Effect) {
    let links: BTreeSet<_> = grudge.links().collect();
    let unproven: BTreeSet<_> = links.intersection(&seen.unproven).cloned().collect();
    let outcome = if !unproven.is_empty() {
        let reason = format!("no packet was seen dropped on {}", join(&unproven));
        Outcome::Indeterminate { reason }
    } else if !seen.silent.is_empty() {
        let reason = format!("no packet passes on {}, which is not cut", join(&seen.silent));
        Outcome::Indeterminate { reason }
    } else {
        Outcome::Installed
    };
    let dropped = links.iter().filter_map(|link| seen.dropped.get(link)).sum();
    let effect = Effect::from([
        ("links_cut".to_owned(), count_of(links.len())),
        ("packets_dropped".to_owned(), Measurement::Count(dropped)),
        ("cut_after_ms".to_owned(), milliseconds(seen.took)),
    ]);
    (outcome, effect)
}

/// Installed when it was seen at every node; skipped when this host cannot do it at any.
fn judge_nodes<T>(results: &PerNode<T>) -> Outcome {
    let unavailable =
        |result: &Result<T, HostError>| matches!(result, Err(HostError::Unavailable(_)));
    let reason = failures(results).join("; ");
    if reason.is_empty() {
        Outcome::Installed
    } else if results.values().all(unavailable) {
        Outcome::Skipped { reason }
    } else {
        Outcome::Indeterminate { reason }
    }
}

fn failures<T>(results: &PerNode<T>) -> Vec<String> {
    let failed = results.iter().filter_map(|(node, result)| {
        let error = result.as_ref().err()?;
        Some(format!("{node}: {error}"))
    });
    failed.collect()
}

/// How many nodes it was done to, and how long it took at the slowest.
fn slowest(count: &str, time: &str, results: &PerNode<Duration>) -> Effect {
    let times: Vec<_> = results.values().filter_map(|result| result.as_ref().ok()).collect();
    let mut effect = Effect::from([(count.to_owned(), count_of(times.len()))]);
    if let Some(slowest) = times.into_iter().max() {
        effect.insert(time.to_owned(), milliseconds(*slowest));
    }
    effect
}

fn count_of(count: usize) -> Measurement {
    Measurement::Count(count as u64)
}

/// To the microsecond.
fn milliseconds(time: Duration) -> Measurement {
    Measurement::Number(time.as_micros() as f64 / 1e3)
}

fn join(links: &BTreeSet<Link>) -> String {
    links.iter().map(Link::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "nemesis_tests.rs"]
mod tests;
