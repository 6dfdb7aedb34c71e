//! Which faults are on, and what to do when one begins, changes or ends.
//!
//! Faults overlap. The links that drop packets are the union of all grudges that are on; the
//! conditions of a link, a disk or a clock add up; a processor gets the smallest share that any
//! fault leaves it. A node stays down until the last fault that killed it or cut its power ends, and
//! stays paused until the last that paused it ends. A pause ends with its process: a node that is
//! killed while it is paused comes back running.

mod compose;
mod inject;
mod judge;
mod release;

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::{Effect, Measurement};
use crate::fault::DiskCondition;
use crate::grudge::Link;
use crate::host::{DiskSeen, Host, LinkCounts, NodeState};
use crate::outcome::Outcome;
use crate::record::{Injected, Stepped, Undone};
use crate::schedule::{Action, Entry, Resolved};

use judge::Judgement;

/// Injects faults through a [`Host`] and undoes them.
///
/// A fault counts as active from before it is attempted until it is wholly undone, so that one
/// which failed half-way is undone like any other.
#[derive(Debug)]
pub struct Nemesis<H> {
    host: H,
    /// How many nodes may be down at once.
    most_down: usize,
    active: BTreeMap<u32, Active>,
    /// What the disks were last told.
    disks: BTreeMap<String, DiskCondition>,
    /// Nodes whose files were damaged: they may never serve again.
    damaged: BTreeSet<String>,
}

/// A fault that is on.
#[derive(Debug)]
struct Active {
    /// What it does now.
    action: Action,
    /// What it did first, by which it is judged: later steps only vary it.
    first: Action,
    /// The most nodes that any of its steps takes down.
    most_down: usize,
    /// The nodes that it takes down at any time, as far as the budget allowed.
    may_take_down: BTreeSet<String>,
    /// What became of it when it was injected, and whether that may yet change.
    judgement: Judgement,
    /// How many steps it has taken.
    steps: u64,
    /// What each link had dropped before.
    dropped_before: BTreeMap<Link, u64>,
    /// What each link had done to packets before.
    shaped_before: BTreeMap<Link, LinkCounts>,
    /// What its disks did while it was on, until their condition was last changed.
    disks_seen: BTreeMap<String, DiskSeen>,
}

impl Active {
    fn new(resolved: &Resolved) -> Self {
        let first = resolved.action().clone();
        Self {
            action: first.clone(),
            first,
            most_down: resolved.most_down(),
            may_take_down: resolved.takes_down(),
            judgement: Judgement::settled((judge::indeterminate("not attempted"), Effect::new())),
            steps: 0,
            dropped_before: BTreeMap::new(),
            shaped_before: BTreeMap::new(),
            disks_seen: BTreeMap::new(),
        }
    }
}

impl<H: Host> Nemesis<H> {
    /// No fault is on yet, and there is no budget.
    pub fn new(host: H) -> Self {
        Self {
            host,
            most_down: usize::MAX,
            active: BTreeMap::new(),
            disks: BTreeMap::new(),
            damaged: BTreeSet::new(),
        }
    }

    /// Never takes more than so many nodes down at once: what would is done to fewer nodes or
    /// skipped. See [`Budget::limit`](crate::schedule::Budget::limit).
    pub fn within(self, most_down: usize) -> Self {
        Self { most_down, ..self }
    }

    /// The world it acts on.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The world it acts on, to do to it what is no fault, such as to start the cluster.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// The faults that are on, by id, each with what it does now.
    pub fn active(&self) -> impl Iterator<Item = (u32, &Action)> {
        self.active.iter().map(|(id, active)| (*id, &active.action))
    }

    /// Whether a process of `node` may have ended by itself because of a fault that is on, or
    /// because its files were damaged earlier, see [`Action::may_end`].
    pub fn may_end(&self, node: &str) -> bool {
        self.damaged.contains(node) || self.active().any(|(_, action)| action.may_end(node))
    }

    /// The nodes whose files were damaged: they may never serve again.
    pub fn damaged(&self) -> &BTreeSet<String> {
        &self.damaged
    }

    /// Does the first step of `resolved` and measures what it did. It stays until
    /// [`Nemesis::step`] or [`Nemesis::undo`] with the entry's id. Injecting an entry that is on
    /// already, or for which the budget has no room, is skipped.
    pub fn inject(&mut self, entry: &Entry, resolved: Resolved) -> Injected {
        let id = entry.id;
        let report = |action, judgement: Judgement, note: Option<String>| {
            let notes: Vec<_> = note.into_iter().chain(judgement.note).collect();
            let note = (!notes.is_empty()).then(|| notes.join("; "));
            let Judgement { outcome, effect, .. } = judgement;
            Injected { action, outcome, effect, note, facts: None }
        };
        let (whole, note) = (resolved.action().clone(), resolved.note.clone());
        if self.active.contains_key(&id) {
            return report(whole, judge::skipped("this fault is on already"), note);
        }
        let resolved = match resolved.within(&self.down(), self.room()) {
            Ok(resolved) => resolved,
            Err(reason) => return report(whole, judge::skipped(&reason), note),
        };
        let action = resolved.action().clone();
        if action.is_empty() {
            let reason = "there is no node or link to do it to";
            return report(action, judge::skipped(reason), resolved.note);
        }
        // Before the attempt, so that whatever it leaves behind is undone.
        self.active.insert(id, Active::new(&resolved));
        let judgement = self.attempt(id, &action);
        if matches!(judgement.outcome, Outcome::Skipped { .. }) {
            self.active.remove(&id);
        } else if let Some(active) = self.active.get_mut(&id) {
            active.judgement = judgement.clone();
        }
        report(action, judgement, resolved.note)
    }

    /// The nodes that do not serve now.
    fn down(&self) -> BTreeSet<String> {
        let down = self.active.values().flat_map(|active| active.action.takes_down());
        down.chain(self.damaged.iter().cloned()).collect()
    }

    /// How many nodes may be down, with places kept for what the faults that are on will yet take
    /// down: a crash loop between two crashes holds nobody.
    fn room(&self) -> usize {
        let reserved = self
            .active
            .values()
            .map(|active| active.most_down.saturating_sub(active.action.takes_down().len()));
        self.most_down.saturating_sub(reserved.sum())
    }

    /// Lets a fault go on to its next step; none when it is not on. Nothing is probed, so that
    /// steps can follow each other within milliseconds. Nodes that the budget spared when the fault
    /// was injected stay spared.
    pub fn step(&mut self, id: u32, action: Action) -> Option<Stepped> {
        let active = self.active.get_mut(&id)?;
        let within = action.takes_down().is_subset(&active.may_take_down);
        let action = if within { action } else { action.only(&active.may_take_down) };
        active.steps += 1;
        let old = std::mem::replace(&mut active.action, action.clone());
        let (gone, fresh) = compose::difference(&old, &action);
        let (mut effect, mut problems) = self.release(&gone, Look::Away);
        if fresh != Action::Nothing {
            let judgement = self.seize(id, &fresh, Look::Away);
            effect.extend(judgement.effect);
            match judgement.outcome {
                Outcome::Installed => {}
                // Nothing was probed, so nothing was shown: only what failed is worth telling.
                Outcome::Indeterminate { .. } if judgement.open => {}
                Outcome::Indeterminate { reason } | Outcome::Skipped { reason } => {
                    problems.push(reason);
                }
            }
        }
        Some(Stepped { action, effect, problems })
    }

    /// Undoes one fault and tells what was measured while it was on; none when it is not on, as
    /// when it was undone before or skipped. A fault that could not be undone wholly stays on.
    pub fn undo(&mut self, id: u32) -> Option<Undone> {
        let (seen, mut effect) = self.over_life(id)?;
        let active = self.active.remove(&id)?;
        let (released, problems) = self.release(&active.action, Look::Closely);
        effect.extend(released);
        if active.steps > 0 {
            effect.set("steps", Measurement::Count(active.steps));
        }
        let outcome = match (&active.judgement, seen) {
            (Judgement { open: true, outcome, .. }, Some(seen)) => match seen {
                Outcome::Skipped { .. } => outcome.clone(),
                seen => seen,
            },
            (judgement, _) => judgement.outcome.clone(),
        };
        let action = active.first.clone();
        if !problems.is_empty() {
            self.active.insert(id, active);
        }
        Some(Undone { action, outcome, effect, problems })
    }

    /// Undoes every fault that is on, in the order of [`undo_order`](Nemesis::undo_order).
    pub fn undo_all(&mut self) -> Vec<(u32, Undone)> {
        let order = self.undo_order().into_iter();
        order.filter_map(|id| self.undo(id).map(|undone| (id, undone))).collect()
    }

    /// The faults that are on, in the order in which to undo them all: links, disks, clocks and
    /// processors first, then pauses, so that nodes which start meet their peers and a whole
    /// machine; what asks something of the cluster comes last, when there is one.
    pub fn undo_order(&self) -> Vec<u32> {
        let rank = |action: &Action| match action {
            Action::Grudge(_) | Action::Shape(_) => 0,
            Action::Disks(_) => 1,
            Action::Clocks(_) => 2,
            Action::Cpu(_) => 3,
            Action::Pause(_) => 4,
            Action::Nothing | Action::Kill(_) | Action::Power(_) | Action::Corrupt(_) => 5,
            Action::Transfer(_) | Action::Membership(_) | Action::Maintain(_) => 6,
        };
        let mut order: Vec<_> =
            self.active.iter().map(|(id, active)| (rank(&active.first), *id)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, id)| id).collect()
    }

    fn actions(&self) -> impl Iterator<Item = &Action> {
        self.active.values().map(|active| &active.action)
    }

    fn actions_but(&self, id: u32) -> impl Iterator<Item = &Action> {
        let others = self.active.iter().filter(move |(other, _)| **other != id);
        others.map(|(_, active)| &active.action)
    }

    fn nodes_not(&self, nodes: &BTreeSet<String>, state: NodeState) -> BTreeSet<String> {
        nodes.iter().filter(|node| self.host.state(node) != state).cloned().collect()
    }
}

/// Whether to look at what an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Probe until its effect is seen, or was not in time.
    Closely,
    /// Do not lose time with it.
    Away,
}

#[cfg(test)]
#[path = "nemesis/overlap_tests.rs"]
mod overlap_tests;
#[cfg(test)]
mod pretended;
#[cfg(test)]
#[path = "nemesis_tests.rs"]
mod tests;
