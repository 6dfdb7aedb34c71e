//! The changes of membership that an operator can ask for, and what each of them leads to.

use super::{Configuration, NodeId};

/// A change of the members of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MemberChange {
    /// A node becomes a member, or stays a learner and becomes a voter.
    Add {
        /// The node.
        node: NodeId,
        /// The `host:port` at which the others reach it; none if they know that.
        address: Option<String>,
        /// True if it is not to vote.
        learner: bool,
    },
    /// A node is a member no more.
    Remove {
        /// The node.
        node: NodeId,
    },
    /// A node takes the place of another.
    Replace {
        /// The one that leaves.
        node: NodeId,
        /// The one that takes its place: a voter if it was one, else a learner.
        by: NodeId,
        /// The `host:port` at which the others reach that one; none if they know that.
        address: Option<String>,
    },
    /// A voter becomes a learner: one whose disk is slow, so that no commit waits for it.
    Demote {
        /// The node.
        node: NodeId,
    },
    /// A learner becomes a voter.
    Promote {
        /// The node.
        node: NodeId,
    },
}

/// The reason for which a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadChange {
    /// It would leave no voter.
    #[error("{0} is the last voter")]
    LastVoter(NodeId),
    /// The node is none of the cluster's.
    #[error("{0} is not a member")]
    NotAMember(NodeId),
    /// The node is a member, and reached elsewhere.
    #[error("{0} is a member at another address; remove it first")]
    AnotherAddress(NodeId),
    /// The node would take its own place. It has to leave before it comes back: the others must agree
    /// on that without it.
    #[error("{0} cannot take its own place; remove it, then add it again")]
    OwnPlace(NodeId),
    /// The node votes.
    #[error("{0} is a voter; demote it to make it a learner")]
    IsVoter(NodeId),
}

impl MemberChange {
    /// The configuration that it leads to from `now`, which is not joint. The same if there is nothing
    /// to do.
    pub(crate) fn target(&self, now: &Configuration) -> Result<Configuration, BadChange> {
        assert!(!now.is_joint(), "one change at a time");
        let is_elsewhere = |node: &NodeId, address: &Option<String>| {
            now.is_member(node) && address.is_some() && now.address(node) != address.as_ref()
        };
        let target = match self {
            MemberChange::Add { node, address, .. } if is_elsewhere(node, address) => {
                return Err(BadChange::AnotherAddress(node.clone()));
            }
            MemberChange::Add { node, learner: true, .. } if now.is_voter(node) => {
                return Err(BadChange::IsVoter(node.clone()));
            }
            MemberChange::Add { node, address, learner: true } => {
                now.with_learner(node, address.as_ref())
            }
            MemberChange::Add { node, address, learner: false } => {
                now.with_voter(node, address.as_ref())
            }
            MemberChange::Remove { node } => now.without(node),
            MemberChange::Replace { node, by, .. } if node == by => {
                return Err(BadChange::OwnPlace(node.clone()));
            }
            MemberChange::Replace { node, by, .. } if !now.is_member(node) && now.is_member(by) => {
                now.clone()
            }
            MemberChange::Replace { node, .. } if !now.is_member(node) => {
                return Err(BadChange::NotAMember(node.clone()));
            }
            MemberChange::Replace { by, address, .. } if is_elsewhere(by, address) => {
                return Err(BadChange::AnotherAddress(by.clone()));
            }
            MemberChange::Replace { node, by, address } => {
                let without = now.without(node);
                match now.is_voter(node) || now.is_voter(by) {
                    true => without.with_voter(by, address.as_ref()),
                    false => without.with_learner(by, address.as_ref()),
                }
            }
            MemberChange::Demote { node } | MemberChange::Promote { node }
                if !now.is_member(node) =>
            {
                return Err(BadChange::NotAMember(node.clone()));
            }
            MemberChange::Demote { node } => now.with_learner(node, None),
            MemberChange::Promote { node } => now.with_voter(node, None),
        };
        match now.voters().first() {
            Some(last) if !target.is_known() => Err(BadChange::LastVoter(last.clone())),
            _ => Ok(target),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(node: &str, learner: bool) -> MemberChange {
        MemberChange::Add { node: node.into(), address: Some(format!("{node}:1")), learner }
    }

    fn replace(node: &str, by: &str) -> MemberChange {
        MemberChange::Replace { node: node.into(), by: by.into(), address: None }
    }

    /// Voters and learners after changes of a cluster of n1 and n2.
    fn after(changes: &[MemberChange]) -> Result<String, String> {
        let start = Configuration::of_voters(["n1".into(), "n2".into()]);
        let end = changes.iter().try_fold(start, |now, change| change.target(&now));
        let end = end.map_err(|error| error.to_string())?;
        let names = |set: &std::collections::BTreeSet<NodeId>| {
            set.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" ")
        };
        Ok(format!("{} | {}", names(end.voters()), names(end.learners())))
    }

    #[test]
    fn each_change_leads_to_a_configuration() {
        let demote = || MemberChange::Demote { node: "n2".into() };
        let promote = || MemberChange::Promote { node: "n2".into() };
        let remove = |node: &str| MemberChange::Remove { node: node.into() };
        for (changes, end) in [
            (&[add("n3", false)][..], "n1 n2 n3 | "),
            (&[add("n3", true)], "n1 n2 | n3"),
            (&[add("n3", true), add("n3", false)], "n1 n2 n3 | "),
            (&[demote()], "n1 | n2"),
            (&[demote(), demote()], "n1 | n2"),
            (&[demote(), promote()], "n1 n2 | "),
            (&[remove("n2")], "n1 | "),
            (&[remove("n2"), remove("n2")], "n1 | "),
            (&[replace("n2", "n3")], "n1 n3 | "),
            (&[replace("n2", "n3"), replace("n2", "n3")], "n1 n3 | "),
            (&[demote(), replace("n2", "n3")], "n1 | n3"),
            (&[add("n3", true), replace("n2", "n3")], "n1 n3 | "),
        ] {
            assert_eq!(after(changes).as_deref(), Ok(end), "{changes:?}");
        }
        for (changes, reason) in [
            (&[remove("n2"), remove("n1")][..], "n1 is the last voter"),
            (&[remove("n2"), promote()], "n2 is not a member"),
            (&[replace("n4", "n3")], "n4 is not a member"),
            (&[replace("n2", "n2")], "n2 cannot take its own place; remove it, then add it again"),
            (&[add("n2", false)], "n2 is a member at another address; remove it first"),
            (&[add("n3", false), add("n3", true)], "n3 is a voter; demote it to make it a learner"),
        ] {
            assert_eq!(after(changes), Err(reason.to_string()));
        }
    }
}
