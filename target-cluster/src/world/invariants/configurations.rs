//! A leader passes from one configuration to the next only when the one before is committed, and an
//! entry of its own term; and each quorum of the one meets each of the other (paper, §6; Ongaro, raft-dev
//! 2015). A snapshot tells of the members as of its last entry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Invariant};
use crate::core::{Configuration, Node, NodeId, Payload, Record};

/// The configurations that were committed, by index; the founders' by 0.
#[derive(Debug, Default)]
pub(super) struct Configurations {
    committed: BTreeMap<u64, Configuration>,
}

/// True if each quorum of the one has a node in each quorum of the other.
fn meet(one: &Configuration, other: &Configuration) -> bool {
    let members: BTreeSet<&NodeId> = one.members().union(&other.members()).copied().collect();
    let members: Vec<&NodeId> = members.into_iter().collect();
    (0..1_u32 << members.len()).all(|bits| {
        let is_in = |id: &NodeId| {
            let at = members.iter().position(|member| *member == id);
            at.is_some_and(|at| bits & 1 << at != 0)
        };
        !(one.has_quorum(is_in) && other.has_quorum(|id| !is_in(id)))
    })
}

impl Invariant for Configurations {
    fn name(&self) -> (&'static str, &'static str) {
        ("configuration safety", "Raft paper, §6")
    }

    fn started(&mut self, _position: usize, node: &Node) -> Result<(), String> {
        let founders = &node.options().voters;
        if !founders.is_empty() {
            let founders = Configuration::of_voters(founders.iter().cloned());
            self.committed.entry(0).or_insert(founders);
        }
        Ok(())
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        for entry in change.committed() {
            if let Payload::Configuration(configuration) = &entry.payload {
                self.committed.entry(entry.index).or_insert_with(|| configuration.clone());
            }
        }
        let (node, id) = (change.node, change.id());
        for record in change.records() {
            let Record::Entry(entry) = record else { continue };
            let Payload::Configuration(next) = &entry.payload else { continue };
            if change.leads != Some(entry.term) {
                continue;
            }
            let (at, before) = node.configuration_before(entry.index);
            if node.commit() < at || node.log().term_at(node.commit()) != Some(entry.term) {
                return Err(format!(
                    "{id} appended [{next}] behind [{before}] of entry {at}, and has committed through \
                     {} only",
                    node.commit()
                ));
            }
            if !meet(before, next) {
                return Err(format!(
                    "{id} passed from [{before}] to [{next}], whose quorums may miss each other"
                ));
            }
        }
        for snapshot in change.snapshots() {
            let told = snapshot.configuration();
            let as_of_then = self.committed.range(..=snapshot.index()).next_back();
            if let Some((at, committed)) = as_of_then
                && committed != told
            {
                return Err(format!(
                    "the snapshot of {id} through {} tells of [{told}], and the members were \
                     [{committed}] from {at} on",
                    snapshot.index()
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majorities_of_sets_that_differ_by_two_may_miss_each_other() {
        let of = |names: &[&str]| Configuration::of_voters(names.iter().copied().map(Into::into));
        let (three, four) = (of(&["a", "b", "c"]), of(&["a", "b", "c", "d"]));
        assert!(meet(&three, &three) && meet(&three, &four));
        assert!(!meet(&three, &of(&["a", "b", "c", "d", "e"])));
        assert!(!meet(&of(&["a"]), &of(&["b"])));
    }
}
