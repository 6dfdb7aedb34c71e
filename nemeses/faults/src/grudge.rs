//! The links that drop packets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// The reserved name for the clients of the cluster, and with them for the controller, as an end of
/// a [`Link`]. No node may be called so.
pub const CLIENTS: &str = "clients";

/// The links that drop packets: each node with the set of nodes whose packets it does not get.
///
/// The word and the meaning are Jepsen's (`jepsen.nemesis/complete-grudge`). Nodes without a
/// grudge do not appear, so that equal partitions are equal values. In JSON:
/// `{"n1":["n2","n3"]}`: n1 hears neither n2 nor n3.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grudge {
    drops: BTreeMap<String, BTreeSet<String>>,
}

/// A directed link: packets from `from` to `to`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The sender.
    pub from: String,
    /// The node that would receive.
    pub to: String,
}

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} → {}", self.from, self.to)
    }
}

impl Grudge {
    /// No node drops anything.
    pub fn none() -> Self {
        Self::default()
    }

    /// Makes `to` drop every packet from `from`. A node never drops its own.
    pub fn drop_link(&mut self, from: &str, to: &str) {
        if from != to {
            self.drops.entry(to.to_owned()).or_default().insert(from.to_owned());
        }
    }

    /// Returns true if packets from `from` to `to` are dropped.
    pub fn drops(&self, from: &str, to: &str) -> bool {
        self.drops.get(to).is_some_and(|sources| sources.contains(from))
    }

    /// The nodes whose packets `to` drops.
    pub fn sources(&self, to: &str) -> impl Iterator<Item = &str> {
        self.drops.get(to).into_iter().flatten().map(String::as_str)
    }

    /// Returns true if no node drops anything.
    pub fn is_empty(&self) -> bool {
        self.drops.is_empty()
    }

    /// Every cut link, ordered by receiver and then by sender.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.drops.iter().flat_map(|(to, sources)| {
            sources.iter().map(|from| Link { from: from.clone(), to: to.clone() })
        })
    }

    /// Adds every link that `other` cuts, as when two partitions overlap.
    pub fn merge(&mut self, other: &Self) {
        for (to, sources) in &other.drops {
            self.drops.entry(to.clone()).or_default().extend(sources.iter().cloned());
        }
    }

    /// Every group is cut off from every other, in both directions.
    pub fn complete(groups: &[&[String]]) -> Self {
        let mut grudge = Self::none();
        for (index, group) in groups.iter().enumerate() {
            let others = groups[..index].iter().chain(&groups[index + 1..]).copied().flatten();
            for from in others {
                for to in *group {
                    grudge.drop_link(from, to);
                }
            }
        }
        grudge
    }

    /// The first half of `nodes` and the rest; of an odd number the rest is the majority.
    pub fn halves(nodes: &[String]) -> Self {
        let (left, right) = nodes.split_at(nodes.len() / 2);
        Self::complete(&[left, right])
    }

    /// `node` hears no other node, and no other node hears it.
    pub fn isolate(nodes: &[String], node: &str) -> Self {
        let mut grudge = Self::into_node(nodes, node);
        grudge.merge(&Self::out_of_node(nodes, node));
        grudge
    }

    /// `node` hears no other node; the others still hear it.
    pub fn into_node(nodes: &[String], node: &str) -> Self {
        let mut grudge = Self::none();
        nodes.iter().for_each(|other| grudge.drop_link(other, node));
        grudge
    }

    /// No other node hears `node`; it still hears the others.
    pub fn out_of_node(nodes: &[String], node: &str) -> Self {
        let mut grudge = Self::none();
        nodes.iter().for_each(|other| grudge.drop_link(node, other));
        grudge
    }

    /// The first of `nodes` lies between two halves of the others, which see each other only
    /// through it.
    pub fn bridge(nodes: &[String]) -> Self {
        match nodes {
            [_, others @ ..] => Self::halves(others),
            [] => Self::none(),
        }
    }

    /// In the order of `nodes` on a ring, every node hears a majority (itself counted), no two of
    /// them the same one. It takes three nodes; fewer cannot differ.
    ///
    /// Each node hears its nearest neighbours on both sides, equally many, so that links are cut in
    /// both directions. Of three nodes that would be everybody: there each node is deaf to the one
    /// after it, as in Jepsen's `majorities-ring-perfect`, which cuts every link in one direction.
    pub fn majority_ring(nodes: &[String]) -> Self {
        let count = nodes.len();
        let mut grudge = Self::none();
        if count == 3 {
            for index in 0..count {
                grudge.drop_link(&nodes[(index + 1) % count], &nodes[index]);
            }
            return grudge;
        }
        // The smallest reach with which 2 * reach + 1 nodes are a majority.
        let reach = (count / 2).div_ceil(2);
        for (index, to) in nodes.iter().enumerate() {
            for (position, from) in nodes.iter().enumerate() {
                let apart = index.abs_diff(position);
                if apart.min(count - apart) > reach {
                    grudge.drop_link(from, to);
                }
            }
        }
        grudge
    }
}

impl fmt::Display for Grudge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return out.write_str("nobody drops anything");
        }
        for (index, (to, sources)) in self.drops.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let sources = sources.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(out, "{separator}{to} hears nothing from {sources}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|index| format!("n{index}")).collect()
    }

    /// Whom `to` hears, itself included.
    fn heard(grudge: &Grudge, nodes: &[String], to: &str) -> BTreeSet<String> {
        nodes.iter().filter(|from| !grudge.drops(from, to)).cloned().collect()
    }

    fn check_every_pair(count: usize, grudge: &Grudge, cut: impl Fn(usize, usize) -> bool) {
        let nodes = names(count);
        for from in 0..count {
            for to in 0..count {
                let expected = from != to && cut(from, to);
                assert_eq!(
                    grudge.drops(&nodes[from], &nodes[to]),
                    expected,
                    "{count} nodes, {} → {}: {grudge}",
                    nodes[from],
                    nodes[to]
                );
            }
        }
        assert!(grudge.links().all(|link| grudge.drops(&link.from, &link.to)));
    }

    #[test]
    fn halves_hear_themselves_and_nobody_else() {
        for count in 1..=7 {
            let half = count / 2;
            let cut = |from, to| (from < half) != (to < half);
            check_every_pair(count, &Grudge::halves(&names(count)), cut);
        }
    }

    #[test]
    fn an_isolated_node_neither_hears_nor_is_heard() {
        for count in 1..=7 {
            for node in 0..count {
                let nodes = names(count);
                let grudge = Grudge::isolate(&nodes, &nodes[node]);
                check_every_pair(count, &grudge, |from, to| from == node || to == node);
            }
        }
    }

    #[test]
    fn a_one_way_cut_leaves_the_other_direction_alone() {
        for count in 1..=7 {
            for node in 0..count {
                let nodes = names(count);
                let into = Grudge::into_node(&nodes, &nodes[node]);
                check_every_pair(count, &into, |_, to| to == node);
                let out_of = Grudge::out_of_node(&nodes, &nodes[node]);
                check_every_pair(count, &out_of, |from, _| from == node);
            }
        }
    }

    #[test]
    fn a_bridge_hears_everybody_and_its_two_sides_only_it_and_themselves() {
        for count in 1..=7 {
            let half = (count - 1) / 2;
            let cut = |from, to| from != 0 && to != 0 && (from <= half) != (to <= half);
            check_every_pair(count, &Grudge::bridge(&names(count)), cut);
        }
        assert!(Grudge::bridge(&[]).is_empty());
    }

    #[test]
    fn on_a_ring_every_node_hears_a_majority_and_no_two_the_same() {
        for count in 3..=9 {
            let nodes = names(count);
            let grudge = Grudge::majority_ring(&nodes);
            let majorities: BTreeSet<_> =
                nodes.iter().map(|node| heard(&grudge, &nodes, node)).collect();
            assert_eq!(majorities.len(), count, "{grudge}");
            for majority in majorities {
                assert!(majority.len() > count / 2, "{count} nodes: {majority:?}");
                assert!(majority.len() < count, "{count} nodes: nothing is cut");
            }
        }
        assert!(Grudge::majority_ring(&names(1)).is_empty());
        assert!(Grudge::majority_ring(&names(2)).is_empty());
    }

    #[test]
    fn a_ring_of_more_than_three_cuts_both_directions() {
        for count in 4..=9 {
            let grudge = Grudge::majority_ring(&names(count));
            for link in grudge.links() {
                assert!(grudge.drops(&link.to, &link.from), "{count} nodes: {link}");
            }
        }
    }

    #[test]
    fn merged_grudges_cut_what_either_cuts() {
        let nodes = names(5);
        let mut both = Grudge::halves(&nodes);
        both.merge(&Grudge::into_node(&nodes, "n5"));
        check_every_pair(5, &both, |from, to| (from < 2) != (to < 2) || to == 4);
    }

    #[test]
    fn a_grudge_reads_and_writes_as_a_plain_map() {
        let nodes = names(3);
        let grudge = Grudge::into_node(&nodes, "n1");
        let text = serde_json::to_string(&grudge).unwrap();
        assert_eq!(text, r#"{"n1":["n2","n3"]}"#);
        assert_eq!(serde_json::from_str::<Grudge>(&text).unwrap(), grudge);
        assert_eq!(grudge.to_string(), "n1 hears nothing from n2, n3");
    }
}
