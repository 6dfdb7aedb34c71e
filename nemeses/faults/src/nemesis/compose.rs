//! What several faults at once add up to. Pure: from the actions that are on to the states that a
//! [`Host`](crate::host::Host) is asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::{ClockCondition, DiskCondition};
use crate::grudge::Grudge;
use crate::schedule::Action;
use crate::shaping::Shaping;

/// Every link that any of them cuts.
pub(super) fn grudge<'a>(actions: impl Iterator<Item = &'a Action>) -> Grudge {
    let mut union = Grudge::none();
    actions.filter_map(Action::grudge).for_each(|grudge| union.merge(grudge));
    union
}

/// Every troubled link, with all that troubles it.
pub(super) fn shaping<'a>(actions: impl Iterator<Item = &'a Action>) -> Shaping {
    let mut union = Shaping::none();
    for action in actions {
        if let Action::Shape(shaping) = action {
            union.merge(shaping);
        }
    }
    union
}

/// The smallest share that any of them leaves each node.
pub(super) fn cpu<'a>(actions: impl Iterator<Item = &'a Action>) -> BTreeMap<String, f64> {
    let maps = actions.filter_map(|action| match action {
        Action::Cpu(percent) => Some(percent),
        _ => None,
    });
    by_node(maps, |left, right| left.min(*right))
}

/// Every shift and every rate of each node's clocks.
pub(super) fn clocks<'a>(
    actions: impl Iterator<Item = &'a Action>,
) -> BTreeMap<String, ClockCondition> {
    let maps = actions.filter_map(|action| match action {
        Action::Clocks(clocks) => Some(clocks),
        _ => None,
    });
    by_node(maps, ClockCondition::and)
}

/// Every trouble of each node's disk.
pub(super) fn disks<'a>(
    actions: impl Iterator<Item = &'a Action>,
) -> BTreeMap<String, DiskCondition> {
    let maps = actions.filter_map(|action| match action {
        Action::Disks(disks) => Some(disks),
        _ => None,
    });
    by_node(maps, DiskCondition::and)
}

/// The nodes that any of them keeps down.
pub(super) fn held_down<'a>(actions: impl Iterator<Item = &'a Action>) -> BTreeSet<String> {
    actions.filter_map(Action::holds_down).flatten().cloned().collect()
}

/// The nodes that any of them keeps paused.
pub(super) fn paused<'a>(actions: impl Iterator<Item = &'a Action>) -> BTreeSet<String> {
    let paused = actions.filter_map(|action| match action {
        Action::Pause(nodes) => Some(nodes),
        _ => None,
    });
    paused.flatten().cloned().collect()
}

fn by_node<'a, T: Copy + 'a>(
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

/// What of `old` ends and what of `new` begins when a fault steps from one to the other. States
/// that compose replace each other as a whole; of sets of nodes those in both are left alone.
pub(super) fn difference(old: &Action, new: &Action) -> (Action, Action) {
    let without = |left: &BTreeSet<String>, right: &BTreeSet<String>| {
        left.difference(right).cloned().collect::<BTreeSet<_>>()
    };
    match (old, new) {
        (Action::Kill(old), Action::Kill(new)) => {
            (Action::Kill(without(old, new)), Action::Kill(without(new, old)))
        }
        (Action::Pause(old), Action::Pause(new)) => {
            (Action::Pause(without(old, new)), Action::Pause(without(new, old)))
        }
        (Action::Grudge(_), Action::Grudge(_))
        | (Action::Shape(_), Action::Shape(_))
        | (Action::Cpu(_), Action::Cpu(_))
        | (Action::Clocks(_), Action::Clocks(_))
        | (Action::Disks(_), Action::Disks(_)) => (Action::Nothing, new.clone()),
        _ => (old.clone(), new.clone()),
    }
}
