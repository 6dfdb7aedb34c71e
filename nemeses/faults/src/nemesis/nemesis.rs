//! The nemesis: it injects faults through a host, lets them step, and undoes them.

use std::collections::BTreeSet;

use crate::effect::{Effect, Measurement};
use crate::fault::{Acting, Action, Active, FaultsOn, Judgement, Probe, Steps};
use crate::host::Host;
use crate::outcome::Outcome;
use crate::record::{Injected, Stepped, Undone};
use crate::schedule::{Entry, Resolved};

/// Injects faults through a [`Host`] and undoes them.
///
/// A fault counts as active from before it is attempted until it is wholly undone, so that one
/// which failed half-way is undone like any other.
#[derive(Debug)]
pub struct Nemesis<H> {
    host: H,
    /// The number of nodes that may be down at once.
    most_down: usize,
    /// Nodes whose processes run and do not serve yet.
    unready: BTreeSet<String>,
    on: FaultsOn,
}

impl<H: Host> Nemesis<H> {
    /// No fault is on yet, and there is no budget.
    pub fn new(host: H) -> Self {
        let unready = BTreeSet::new();
        Self { host, most_down: usize::MAX, unready, on: FaultsOn::default() }
    }

    /// Never takes more than so many nodes down at once: what would is done to fewer nodes or
    /// skipped. See [`Budget::limit`](crate::schedule::Budget::limit).
    pub fn within(self, most_down: usize) -> Self {
        Self { most_down, ..self }
    }

    /// The host it acts on.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The host it acts on, to do to it what is no fault, such as to start the cluster.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// The faults that are on, by id, each with what it does now.
    pub fn active(&self) -> impl Iterator<Item = (u32, &Action)> {
        self.on.active.iter().map(|(id, active)| (*id, &active.action))
    }

    /// Returns true if a process of `node` may have ended by itself because of a fault that is on,
    /// or because its files were damaged earlier, see [`Action::may_end`].
    pub fn may_end(&self, node: &str) -> bool {
        self.on.damaged.contains(node) || self.active().any(|(_, action)| action.may_end(node))
    }

    /// The nodes whose files were damaged: they may never serve again.
    pub fn damaged(&self) -> &BTreeSet<String> {
        &self.on.damaged
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
            Injected { action, outcome, effect, note, facts: None, trigger: None }
        };
        let (whole, note) = (resolved.action().clone(), resolved.note.clone());
        if self.on.active.contains_key(&id) {
            return report(whole, Judgement::skipped("this fault is on already"), note);
        }
        let in_reach = resolved.clone().without(&self.no_members(&resolved));
        let within = in_reach.and_then(|reached| {
            let again = reached.damaging_again(&self.on.damaged);
            let limited = reached.within(&self.down(), self.room());
            limited.or_else(|reason| again.ok_or(reason))
        });
        let resolved = match within {
            Ok(resolved) => resolved,
            Err(reason) => return report(whole, Judgement::skipped(&reason), note),
        };
        let action = resolved.action().clone();
        if action.is_empty() {
            let reason = "there is no node or link to do it to";
            return report(action, Judgement::skipped(reason), resolved.note);
        }
        // Before the attempt, so that what it leaves behind is undone.
        self.on
            .active
            .insert(id, Active::new(action.clone(), resolved.most_down(), resolved.takes_down()));
        let judgement = self.attempt(id, &action);
        if judgement.is_skipped() {
            self.on.active.remove(&id);
        } else if let Some(active) = self.on.active.get_mut(&id) {
            active.judgement = judgement.clone();
        }
        report(action, judgement, resolved.note)
    }

    /// The nodes that do not serve now.
    fn down(&self) -> BTreeSet<String> {
        let down = self.on.active.values().flat_map(|active| active.action.takes_down());
        let others = self.on.damaged.iter().chain(&self.unready).cloned();
        let no_voters = self.host.former_members().into_iter().chain(self.host.learners());
        down.chain(others).chain(no_voters).collect()
    }

    /// The nodes of a fault that no fault can be done to, since they are out of their cluster.
    fn no_members(&self, resolved: &Resolved) -> BTreeSet<String> {
        &resolved.nodes() & &self.host.former_members()
    }

    /// Says which nodes run and do not serve yet: they count as down.
    pub fn set_unready(&mut self, unready: BTreeSet<String>) {
        self.unready = unready;
    }

    /// Returns true if a fault can end now: neither it nor its end waits for an answer of the
    /// service, which is asked for what the end needs.
    pub fn is_ready_to_end(&mut self, id: u32) -> bool {
        let Some(first) = self.on.active.get(&id).map(|active| active.first.clone()) else {
            return true;
        };
        first.state().is_none_or(|state| {
            let mut acting = self.acting(id);
            !state.is_pending(&mut acting) && !state.begin_release(&mut acting)
        })
    }

    /// Goes on with what the service has answered meanwhile: a node that was removed is killed, one that
    /// no fault keeps down any more is added and started, and one that no fault keeps from voting is
    /// promoted. Returns true while an answer is waited for.
    pub fn proceed(&mut self) -> bool {
        let faults: Vec<_> =
            self.on.active.iter().map(|(id, active)| (*id, active.first.clone())).collect();
        let mut waits = false;
        for (id, first) in faults {
            waits |= first.state().is_some_and(|state| state.is_pending(&mut self.acting(id)));
        }
        let held = |action: &Action| {
            let sets = action.holds_down().into_iter().chain(action.keeps_from_voting());
            sets.flatten().cloned().collect::<Vec<_>>()
        };
        let held: BTreeSet<String> = self.on.actions().flat_map(held).collect();
        // The error of one that cannot start is told by the fault that ends last, or in the end.
        self.restore_members(&held) || waits
    }

    /// Has every node but those in `held` vote that does not because of faults; returns true until they
    /// all do.
    pub fn restore_members(&mut self, held: &BTreeSet<String>) -> bool {
        let no_voters = &self.host.former_members() | &self.host.learners();
        self.host.bring_back(&(&no_voters - held))
    }

    /// The number of nodes that may be down, with places kept for what the faults that are on will
    /// yet take down: a crash loop between two crashes holds no node down.
    fn room(&self) -> usize {
        let reserved = self
            .on
            .active
            .values()
            .map(|active| active.most_down.saturating_sub(active.action.takes_down().len()));
        self.most_down.saturating_sub(reserved.sum())
    }

    /// Lets a fault go on to its next step; none when it is not on. Nothing is probed, so that
    /// steps can follow each other within milliseconds. Nodes that the budget spared when the fault
    /// was injected stay spared.
    pub fn step(&mut self, id: u32, action: Action) -> Option<Stepped> {
        let active = self.on.active.get_mut(&id)?;
        let within = action.takes_down().is_subset(&active.may_take_down);
        let action = if within { action } else { action.only(&active.may_take_down) };
        active.steps += 1;
        let old = std::mem::replace(&mut active.action, action.clone());
        let (gone, fresh) = difference(&old, &action);
        let (mut effect, mut problems) = self.release(id, &gone, Probe::Skip);
        if let Some(state) = fresh.state() {
            let judgement = state.inject(&mut self.acting(id), Probe::Skip);
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

    /// Undoes one fault and returns what was measured while it was on; none when it is not on, as
    /// when it was undone before or skipped. A fault that could not be undone wholly stays on.
    pub fn undo(&mut self, id: u32) -> Option<Undone> {
        let first = self.on.active.get(&id)?.first.clone();
        let (seen, mut effect) = match first.state() {
            Some(state) => state.over_life(&mut self.acting(id)),
            None => (None, Effect::new()),
        };
        let active = self.on.active.remove(&id)?;
        let (released, problems) = self.release(id, &active.action, Probe::Wait);
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
            self.on.active.insert(id, active);
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
        let rank = |active: &Active| active.first.family().map(|family| family.about().undone);
        let mut order: Vec<_> =
            self.on.active.iter().map(|(id, active)| (rank(active), *id)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, id)| id).collect()
    }

    fn acting(&mut self, id: u32) -> Acting<'_> {
        Acting { id, host: &mut self.host, on: &mut self.on }
    }

    /// Notes what counters say, then acts.
    fn attempt(&mut self, id: u32, action: &Action) -> Judgement {
        let mut acting = self.acting(id);
        match action.state() {
            Some(state) => match state.prepare(&mut acting) {
                Ok(()) => state.inject(&mut acting, Probe::Wait),
                Err(error) => error.into(),
            },
            None => Judgement::settled(Outcome::Installed, Effect::new()),
        }
    }

    /// Undoes `action`, which its fault holds no longer, as far as no other does.
    fn release(&mut self, id: u32, action: &Action, probe: Probe) -> (Effect, Vec<String>) {
        let state = action.state();
        state.map(|state| state.release(&mut self.acting(id), probe)).unwrap_or_default()
    }
}

/// The part of `old` that ends and the part of `new` that begins when a fault steps from one to the
/// other.
fn difference(old: &Action, new: &Action) -> (Action, Action) {
    let steps = old.family().filter(|family| new.family() == Some(*family));
    match steps.map(|family| family.about().steps) {
        Some(Steps::Replace) => (Action::Nothing, new.clone()),
        Some(Steps::ByNode) => {
            let (before, after) = (old.nodes(), new.nodes());
            let gone: BTreeSet<String> = before.difference(&after).cloned().collect();
            let fresh: BTreeSet<String> = after.difference(&before).cloned().collect();
            (old.clone().only(&gone), new.clone().only(&fresh))
        }
        Some(Steps::InTurn) | None => (old.clone(), new.clone()),
    }
}
