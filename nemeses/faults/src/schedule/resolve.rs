//! Faults of the schedule with names in place of roles, and within the budget.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::Entry;
use crate::fault::{Action, FileDamage, RoleDraw, Roles, Step};

/// A fault of the schedule with its roles replaced by names.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The actions with their nodes, from which time of the fault's life on. The first is at its
    /// begin, times ascend, and there is always one.
    pub steps: Vec<Step>,
    /// The node that the fault is aimed at by role or by lot, where it is aimed at one.
    pub target: Option<String>,
    /// A note for readers: that no node was known to lead and a node was drawn instead.
    pub note: Option<String>,
    /// The role that the fault is aimed at, if no node was known to have it: `leader`.
    pub unknown_role: Option<&'static str>,
}

impl Resolved {
    /// The first action.
    pub fn action(&self) -> &Action {
        &self.steps[0].action
    }

    /// Every node that it is done to at some time; of links the node that they are cut from, where
    /// it is one.
    pub fn nodes(&self) -> BTreeSet<String> {
        let nodes = self.steps.iter().flat_map(|step| step.action.nodes());
        nodes.chain(self.target.clone()).collect()
    }
}

impl Entry {
    /// Replaces roles by names. A role that no node is known to have, or that a node has which is
    /// none of `nodes`, is given to a node drawn from `pick`, and the note says so. Equal arguments
    /// give equal results.
    pub fn resolve(&self, nodes: &[String], roles: Roles<'_>) -> Resolved {
        let mut draw = RoleDraw::new(self.pick, nodes, roles);
        let whole = self.fault.spec().resolve(&mut draw);
        let mut random = ChaCha8Rng::seed_from_u64(self.pick.into());
        random.set_stream(1);
        let steps = self.fault.spec().over_time(whole, self.lasts, &mut random);
        let RoleDraw { target, note, unknown_role, .. } = draw;
        let note = match (&self.on, roles.hit) {
            (Some(name), Some(hit)) => {
                let nodes: Vec<_> = hit.iter().map(String::as_str).collect();
                Some(format!("{} was named {name}", nodes.join(", ")))
            }
            (Some(name), None) => {
                let note = note.map(|note| format!("; {note}")).unwrap_or_default();
                Some(format!("no node was named {name}{note}"))
            }
            (None, _) => note.map(|note| format!("planned: {}; {note}", self.fault)),
        };
        Resolved { steps, target, note, unknown_role }
    }
}

impl Resolved {
    /// The most nodes that are down at once because of it.
    pub fn most_down(&self) -> usize {
        self.steps.iter().map(|step| step.action.takes_down().len()).max().unwrap_or(0)
    }

    /// Every node that is down at some time because of it.
    pub fn takes_down(&self) -> BTreeSet<String> {
        self.steps.iter().flat_map(|step| step.action.takes_down()).collect()
    }

    /// Leaves out the nodes in `out`, which are no members of their cluster at the moment, and says
    /// so in its note. Of links all stay.
    ///
    /// # Errors
    /// When no node is left: the reason for which it is skipped.
    pub fn without(mut self, out: &BTreeSet<String>) -> Result<Self, String> {
        if out.is_empty() {
            return Ok(self);
        }
        let list: Vec<_> = out.iter().map(String::as_str).collect();
        let why = format!("no member at the moment: {}", list.join(", "));
        let kept = &self.nodes() - out;
        if self.steps.iter().all(|step| step.action.nodes().is_subset(out)) {
            return Err(why);
        }
        self.note = Some(self.note.map_or(why.clone(), |note| format!("{note}; {why}")));
        self.target = self.target.filter(|target| kept.contains(target));
        for step in &mut self.steps {
            step.action = std::mem::replace(&mut step.action, Action::Nothing).only(&kept);
        }
        Ok(self)
    }

    /// The same damage done to a node that is damaged already, for when there is no room for
    /// another; none of what damages nothing.
    pub(crate) fn damaging_again(&self, damaged: &BTreeSet<String>) -> Option<Self> {
        let Action::Corruption(damage) = self.action() else { return None };
        let again = damaged.first()?;
        let mut same = self.clone();
        let damage = FileDamage { nodes: [again.clone()].into(), ..damage.clone() };
        same.steps = vec![Step { after: Duration::ZERO, action: Action::Corruption(damage) }];
        same.target = Some(again.clone());
        let why = format!("{again} is damaged again, since no other may be down");
        same.note = Some(same.note.map_or(why.clone(), |note| format!("{note}; {why}")));
        Some(same)
    }

    /// Limits it to what may be done when the nodes `down` are down already and no more than
    /// `limit` may be at once: a fault of several nodes is done to as many of them as there is room
    /// for, and the note says so.
    ///
    /// # Errors
    /// When there is room for none: the reason for which it is skipped.
    pub fn within(mut self, down: &BTreeSet<String>, limit: usize) -> Result<Self, String> {
        let takes_down = self.takes_down();
        let room = limit.saturating_sub(down.len());
        let fits = |step: &Step| step.action.takes_down().difference(down).count() <= room;
        if self.steps.iter().all(fits) {
            return Ok(self);
        }
        let more = takes_down.difference(down).take(room);
        let kept: BTreeSet<_> = takes_down.intersection(down).chain(more).cloned().collect();
        if room == 0 || kept.is_empty() {
            let down: Vec<_> = down.iter().map(String::as_str).collect();
            return Err(format!(
                "budget: of at most {limit} nodes {} are down already ({})",
                down.len(),
                down.join(", ")
            ));
        }
        let left_out: Vec<_> = takes_down.difference(&kept).map(String::as_str).collect();
        let spared = format!("spared for the budget of {limit}: {}", left_out.join(", "));
        self.note = Some(self.note.map_or(spared.clone(), |note| format!("{note}; {spared}")));
        self.target = self.target.filter(|target| kept.contains(target));
        let all = std::mem::take(&mut self.steps);
        self.steps =
            all.into_iter().map(|step| Step { action: step.action.only(&kept), ..step }).collect();
        Ok(self)
    }
}
