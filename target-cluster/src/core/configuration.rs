//! The members of a cluster, and its quorums as functions of sets (paper, §6).
//!
//! While a cluster passes from one set of voters to another, both configurations are joint: all that
//! needs a majority needs one of each. So no two disjoint majorities can decide, whichever voters come
//! and go at once, and whichever nodes know of it. Learners get the log and count for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Incarnation, NodeId};

/// The members of a cluster. Without any it stands for one that is not known: a node that joins has
/// that until it gets the entry which makes it a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Configuration {
    /// The voters; of a joint configuration, those of the new one.
    voters: BTreeSet<NodeId>,
    /// Of a joint configuration, the voters of the old one; else none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    outgoing: BTreeSet<NodeId>,
    /// The members that get the log and do not vote; of a joint configuration, those of the new one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    learners: BTreeSet<NodeId>,
    /// The `host:port` at which the other nodes reach a member, of those that a change brought with one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    addresses: BTreeMap<NodeId, String>,
    /// The incarnations of the members, of those whose leader has heard of theirs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    incarnations: BTreeMap<NodeId, Incarnation>,
}

impl Configuration {
    /// A configuration of voters alone.
    pub fn of_voters(voters: impl IntoIterator<Item = NodeId>) -> Configuration {
        Configuration { voters: voters.into_iter().collect(), ..Configuration::default() }
    }

    /// The voters; of a joint configuration, those of the new one.
    pub fn voters(&self) -> &BTreeSet<NodeId> {
        &self.voters
    }

    /// Of a joint configuration, the voters of the old one; else none.
    pub fn outgoing(&self) -> &BTreeSet<NodeId> {
        &self.outgoing
    }

    /// The members that get the log and do not vote.
    pub fn learners(&self) -> &BTreeSet<NodeId> {
        &self.learners
    }

    /// The `host:port` at which the other nodes reach a member, if a change brought it with one.
    pub fn address(&self, id: &NodeId) -> Option<&String> {
        self.addresses.get(id)
    }

    /// The incarnation of a member, if it is noted.
    pub fn incarnation(&self, id: &NodeId) -> Option<Incarnation> {
        self.incarnations.get(id).copied()
    }

    /// The members whose incarnation is noted.
    pub fn noted(&self) -> impl Iterator<Item = &NodeId> {
        self.incarnations.keys()
    }

    /// Notes the incarnation of a member for which none is noted.
    pub(super) fn note_incarnation(&mut self, id: &NodeId, incarnation: Incarnation) {
        if self.is_member(id) {
            self.incarnations.entry(id.clone()).or_insert(incarnation);
        }
    }

    /// True if both have the same voters and learners.
    pub(crate) fn has_the_members_of(&self, other: &Configuration) -> bool {
        let Configuration { voters, outgoing, learners, .. } = other;
        (&self.voters, &self.outgoing, &self.learners) == (voters, outgoing, learners)
    }

    /// True if a majority of each of two sets of voters is needed.
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// True if it says who the members are.
    pub fn is_known(&self) -> bool {
        !self.voters.is_empty()
    }

    /// True if there can be such a configuration.
    pub(crate) fn is_well_formed(&self) -> bool {
        self.is_known() && self.voters.is_disjoint(&self.learners)
    }

    /// True if the node's vote counts, in the new configuration or in the old one.
    pub fn is_voter(&self, id: &NodeId) -> bool {
        self.voters.contains(id) || self.outgoing.contains(id)
    }

    /// All members, each once.
    pub fn members(&self) -> BTreeSet<&NodeId> {
        self.voters.iter().chain(&self.outgoing).chain(&self.learners).collect()
    }

    /// True if the node gets the log.
    pub fn is_member(&self, id: &NodeId) -> bool {
        self.is_voter(id) || self.learners.contains(id)
    }

    /// The same with a node as a voter, reached at that address if one is given.
    pub(super) fn with_voter(&self, id: &NodeId, address: Option<&String>) -> Configuration {
        let mut with = self.clone();
        with.learners.remove(id);
        with.voters.insert(id.clone());
        with.reached_at(id, address)
    }

    /// The same with a node as a learner, reached at that address if one is given.
    pub(super) fn with_learner(&self, id: &NodeId, address: Option<&String>) -> Configuration {
        let mut with = self.clone();
        with.voters.remove(id);
        with.learners.insert(id.clone());
        with.reached_at(id, address)
    }

    fn reached_at(mut self, id: &NodeId, address: Option<&String>) -> Configuration {
        self.addresses.extend(address.map(|address| (id.clone(), address.clone())));
        self
    }

    /// The same without a node.
    pub(super) fn without(&self, id: &NodeId) -> Configuration {
        let mut without = self.clone();
        without.voters.remove(id);
        without.learners.remove(id);
        without.addresses.remove(id);
        without.incarnations.remove(id);
        without
    }

    /// The joint configuration through which the cluster passes from this one to `target`.
    pub(super) fn joint_with(&self, target: &Configuration) -> Configuration {
        assert!(!self.is_joint() && !target.is_joint(), "one change at a time");
        let mut joint = Configuration { outgoing: self.voters.clone(), ..target.clone() };
        for (id, address) in &self.addresses {
            joint.addresses.entry(id.clone()).or_insert_with(|| address.clone());
        }
        for (id, incarnation) in &self.incarnations {
            joint.incarnations.entry(id.clone()).or_insert(*incarnation);
        }
        joint
    }

    /// The same with learners in the place of as many of the last voters, for a planted bug.
    pub(super) fn with_learners_for_voters(&self) -> Configuration {
        let kept = self.voters.len().saturating_sub(self.learners.len()).max(1);
        let kept = self.voters.iter().take(kept).chain(&self.learners);
        Configuration { voters: kept.cloned().collect(), ..self.clone() }
    }

    /// The configuration behind this joint one: the new one alone.
    pub(super) fn alone(&self) -> Configuration {
        let mut new = Configuration { outgoing: BTreeSet::new(), ..self.clone() };
        let stays = |id: &NodeId| new.voters.contains(id) || new.learners.contains(id);
        new.addresses.retain(|id, _| stays(id));
        new.incarnations.retain(|id, _| stays(id));
        new
    }

    /// True if those of whom `test` is true are a quorum: a majority of the voters, and of the old ones
    /// while there are some. No voters have no quorum.
    pub fn has_quorum(&self, test: impl Fn(&NodeId) -> bool) -> bool {
        let has_majority =
            |set: &BTreeSet<NodeId>| 2 * set.iter().filter(|id| test(id)).count() > set.len();
        has_majority(&self.voters) && (self.outgoing.is_empty() || has_majority(&self.outgoing))
    }

    /// The highest index that a quorum holds, where `held` is the one that a voter holds.
    pub fn held_by_quorum(&self, held: impl Fn(&NodeId) -> u64) -> u64 {
        let by_majority = |set: &BTreeSet<NodeId>| {
            let mut indices: Vec<u64> = set.iter().map(&held).collect();
            indices.sort_unstable_by(|a, b| b.cmp(a));
            indices.get(set.len() / 2).copied()
        };
        let new = by_majority(&self.voters).unwrap_or(0);
        by_majority(&self.outgoing).map_or(new, |old| old.min(new))
    }
}

impl fmt::Display for Configuration {
    /// As `n1 n4, joint with n1 n2, learner n5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |set: &BTreeSet<NodeId>| set.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" ");
        if !self.is_known() {
            return f.write_str("not known");
        }
        f.write_str(&names(&self.voters))?;
        if self.is_joint() {
            write!(f, ", joint with {}", names(&self.outgoing))?;
        }
        match self.learners.len() {
            0 => Ok(()),
            1 => write!(f, ", learner {}", names(&self.learners)),
            _ => write!(f, ", learners {}", names(&self.learners)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];

    /// The nodes whose bits are set.
    fn set(bits: u32) -> BTreeSet<NodeId> {
        (0..5).filter(|at| bits & 1 << at != 0).map(|at| NodeId::from(NAMES[at])).collect()
    }

    fn joint(voters: u32, outgoing: u32) -> Configuration {
        let (voters, outgoing) = (set(voters), set(outgoing));
        Configuration { voters, outgoing, ..Configuration::default() }
    }

    fn is_quorum(configuration: &Configuration, bits: u32) -> bool {
        let nodes = set(bits);
        configuration.has_quorum(|id| nodes.contains(id))
    }

    #[test]
    fn quorums_of_a_joint_configuration_meet_those_of_the_one_before_and_the_one_behind() {
        for (old, new) in (1..32).flat_map(|old| (1..32).map(move |new| (old, new))) {
            let both = joint(new, old);
            for quorum in (0..32).filter(|bits| is_quorum(&both, *bits)) {
                for other in [joint(old, 0), joint(new, 0), both.clone()] {
                    let apart = !quorum & 31;
                    assert!(!is_quorum(&other, apart), "{old:b} {new:b}: {quorum:b}, {apart:b}");
                }
            }
        }
    }

    #[test]
    fn what_a_quorum_holds_is_the_highest_index_that_one_has() {
        for (voters, outgoing) in [(0b111, 0), (0b1111, 0), (0b11111, 0b00011), (0b11100, 0b00111)]
        {
            let configuration = joint(voters, outgoing);
            for number in 0..3_u64.pow(5) {
                let held = |id: &NodeId| {
                    let at = NAMES.iter().position(|name| *name == id.as_str()).unwrap();
                    number / 3_u64.pow(at as u32) % 3
                };
                let highest =
                    (0..3).rev().find(|at| configuration.has_quorum(|id| held(id) >= *at));
                assert_eq!(Some(configuration.held_by_quorum(held)), highest, "{number}");
            }
        }
    }

    #[test]
    fn neither_learners_nor_the_absence_of_voters_make_a_quorum() {
        let learners = Configuration { learners: set(0b111), ..Configuration::default() };
        assert!(!learners.has_quorum(|_| true) && learners.held_by_quorum(|_| 7) == 0);
        let configuration = Configuration { learners: set(0b110), ..joint(0b1, 0) };
        assert!(configuration.has_quorum(|id| id.as_str() == "n1"));
        assert_eq!(configuration.members().len(), 3);
        assert!(!configuration.is_voter(&"n2".into()) && joint(0b1, 0b10).is_voter(&"n2".into()));
    }
}
