//! When service is owed: the stretches of time in which a majority of nodes is untouched by faults,
//! its nodes hear each other, and clients reach them.

use faults::fault::{Excuse, Family};
use faults::grudge::CLIENTS;

use super::FaultInterval;

/// Larger clusters have more majorities than are worth trying.
const MOST_NODES: usize = 9;

/// A stretch of time, in nanoseconds since the start of the run.
pub type Stretch = (u64, u64);

/// Every smallest majority of `nodes`; none of clusters that have too many.
pub fn majorities(nodes: &[String]) -> Vec<Vec<&str>> {
    let count = nodes.len();
    if !(1..=MOST_NODES).contains(&count) {
        return Vec::new();
    }
    let of_set = |set: u32| {
        let nodes = nodes.iter().zip(0..).filter(|(_, place)| set >> place & 1 == 1);
        nodes.map(|(node, _)| node.as_str()).collect()
    };
    let size = count as u32 / 2 + 1;
    (0..1u32 << count).filter(|set| set.count_ones() == size).map(of_set).collect()
}

/// The parts of a stretch in which no fault is on that `hinders` finds to matter.
pub fn free_of(
    stretch: Stretch,
    faults: &[FaultInterval],
    hinders: impl Fn(&FaultInterval) -> bool,
) -> Vec<Stretch> {
    let mut free = vec![stretch];
    for fault in faults.iter().filter(|fault| fault.was_attempted() && hinders(fault)) {
        // A node whose files were damaged may never come back.
        let for_ever = fault.family.excuse() == Excuse::Forever;
        let end = fault.end.filter(|_| !for_ever).unwrap_or(u64::MAX);
        let begin = fault.start;
        let parts = free.iter().flat_map(|(from, to)| {
            [(*from, (*to).min(begin)), ((*from).max(end), *to)].into_iter().filter(|(a, b)| a < b)
        });
        free = parts.collect();
    }
    free
}

/// True if the links that a partition cuts part `nodes` from each other, or any node from clients: a
/// leader that serves all others, but no client, is not deposed for that.
pub fn parts(fault: &FaultInterval, nodes: &[&str]) -> bool {
    fault.grudge.as_ref().is_none_or(|grudge| {
        let cuts_clients = grudge.links().any(|it| it.from == CLIENTS || it.to == CLIENTS);
        let cuts = |a: &str| nodes.iter().any(|b| grudge.drops(a, b));
        cuts_clients || nodes.iter().any(|node| cuts(node))
    })
}

/// The stretches of `load` in which some majority is whole, by time; they do not touch each other.
pub(super) fn owed_stretches(
    nodes: &[String],
    faults: &[FaultInterval],
    load: Stretch,
) -> Vec<Stretch> {
    let of_majority =
        |majority: &Vec<&str>| free_of(load, faults, |fault| takes_away(fault, majority));
    let mut all: Vec<Stretch> = majorities(nodes).iter().flat_map(of_majority).collect();
    all.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::new();
    for (from, to) in all {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// True if one of `nodes` is not whole, or they do not hear each other, while the fault is on.
fn takes_away(fault: &FaultInterval, nodes: &[&str]) -> bool {
    match fault.family {
        Family::Partition => !fault.steps.is_empty() || parts(fault, nodes),
        // The service goes on: no node is slower for it, and none is away.
        Family::Clock | Family::Leadership | Family::Maintenance => false,
        // Of one that changes while it lasts, the nodes that it hits are not known for each moment;
        // of links between all, no node is left out.
        _ => {
            let everywhere = !fault.steps.is_empty() || fault.nodes.is_empty();
            everywhere || fault.nodes.iter().any(|node| nodes.contains(&node.as_str()))
        }
    }
}
