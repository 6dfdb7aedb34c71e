//! What a fault does to which nodes and links, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::{ClockCondition, Damage, DiskCondition, MembershipChange, PowerCut, Upkeep};
use crate::grudge::Grudge;
use crate::shaping::Shaping;

/// A state that a fault holds the world in, until its next step or its end.
///
/// In JSON an object with one field, such as `{"grudge":{"n1":["n2"]}}`, `{"kill":["n1"]}` or
/// `{"clocks":{"n1":{"wall_shift_ms":-5000,"rate":1.0}}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing, as between two beats of a fault that comes and goes.
    Nothing,
    /// These links drop packets.
    Grudge(Grudge),
    /// These links trouble their packets.
    Shape(Shaping),
    /// These nodes are killed, and stay down.
    Kill(BTreeSet<String>),
    /// These nodes are stopped.
    Pause(BTreeSet<String>),
    /// Each of these nodes may use so many percent of one processor.
    Cpu(BTreeMap<String, f64>),
    /// The clocks of these nodes go wrong.
    Clocks(BTreeMap<String, ClockCondition>),
    /// The disks of these nodes are troubled.
    Disks(BTreeMap<String, DiskCondition>),
    /// These nodes lose power, and stay off.
    Power(PowerFailure),
    /// These nodes are killed and their files damaged; they stay down.
    Corrupt(FileDamage),
    /// The leader hands over to this node.
    Transfer(String),
    /// The membership of these nodes changes.
    Membership(MembersChanged),
    /// These nodes tend their stores.
    Maintain(StoresTended),
}

/// Which nodes lose power, and what of their disks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerFailure {
    /// Whose power fails.
    pub nodes: BTreeSet<String>,
    /// What becomes of unsynced writes.
    #[serde(flatten)]
    pub cut: PowerCut,
    /// What it is drawn from which of them survive.
    pub seed: u64,
    /// Every link of these nodes, those with the clients too: a node without power says nothing,
    /// so they are cut before anything else happens.
    pub links: Grudge,
}

/// Which nodes' files are damaged, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileDamage {
    /// Whose files.
    pub nodes: BTreeSet<String>,
    /// What is done to them.
    #[serde(flatten)]
    pub damage: Damage,
    /// What the place is drawn from.
    pub seed: u64,
}

/// Whose membership changes, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersChanged {
    /// Whose.
    pub nodes: BTreeSet<String>,
    /// What becomes of it.
    pub change: MembershipChange,
}

/// Which nodes tend their stores, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoresTended {
    /// Whose.
    pub nodes: BTreeSet<String>,
    /// What they do.
    pub work: Upkeep,
}

impl Action {
    /// Whether there is nobody to do it to.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Grudge(grudge) => grudge.is_empty(),
            Self::Shape(shaping) => shaping.is_empty(),
            _ => self.nodes().is_empty(),
        }
    }

    /// The nodes that it is done to; of links none.
    pub fn nodes(&self) -> BTreeSet<String> {
        match self {
            Self::Nothing | Self::Grudge(_) | Self::Shape(_) => BTreeSet::new(),
            Self::Kill(nodes) | Self::Pause(nodes) => nodes.clone(),
            Self::Cpu(percent) => percent.keys().cloned().collect(),
            Self::Clocks(clocks) => clocks.keys().cloned().collect(),
            Self::Disks(disks) => disks.keys().cloned().collect(),
            Self::Power(failure) => failure.nodes.clone(),
            Self::Corrupt(damage) => damage.nodes.clone(),
            Self::Transfer(node) => [node.clone()].into(),
            Self::Membership(members) => members.nodes.clone(),
            Self::Maintain(stores) => stores.nodes.clone(),
        }
    }

    /// The links that it cuts, where it cuts any.
    pub fn grudge(&self) -> Option<&Grudge> {
        match self {
            Self::Grudge(grudge) => Some(grudge),
            Self::Power(failure) => Some(&failure.links),
            _ => None,
        }
    }

    /// The nodes whose processes it ends and keeps from starting.
    pub fn holds_down(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Kill(nodes) => Some(nodes),
            Self::Power(failure) => Some(&failure.nodes),
            Self::Corrupt(damage) => Some(&damage.nodes),
            Self::Membership(members) if members.change == MembershipChange::Remove => {
                Some(&members.nodes)
            }
            _ => None,
        }
    }

    /// The nodes that do not serve meanwhile, as [`Fault::nodes_down`] counts them.
    ///
    /// [`Fault::nodes_down`]: crate::fault::Fault::nodes_down
    pub fn takes_down(&self) -> BTreeSet<String> {
        match self {
            Self::Kill(_) | Self::Pause(_) | Self::Power(_) | Self::Corrupt(_) => self.nodes(),
            Self::Disks(disks) => {
                let down = disks.iter().filter(|(_, condition)| condition.takes_down());
                down.map(|(node, _)| node.clone()).collect()
            }
            Self::Membership(_) => self.nodes(),
            _ => BTreeSet::new(),
        }
    }

    /// The same, done to these nodes only. Of links all stay.
    pub fn only(mut self, kept: &BTreeSet<String>) -> Self {
        match &mut self {
            Self::Kill(nodes) | Self::Pause(nodes) => nodes.retain(|node| kept.contains(node)),
            Self::Cpu(percent) => percent.retain(|node, _| kept.contains(node)),
            Self::Clocks(clocks) => clocks.retain(|node, _| kept.contains(node)),
            Self::Disks(disks) => disks.retain(|node, _| kept.contains(node)),
            Self::Power(failure) => {
                failure.nodes.retain(|node| kept.contains(node));
                let of_kept = |node: &str| failure.nodes.contains(node);
                let mut links = Grudge::none();
                for link in failure.links.links() {
                    if of_kept(&link.from) || of_kept(&link.to) {
                        links.drop_link(&link.from, &link.to);
                    }
                }
                failure.links = links;
            }
            Self::Corrupt(damage) => damage.nodes.retain(|node| kept.contains(node)),
            Self::Membership(members) => members.nodes.retain(|node| kept.contains(node)),
            Self::Maintain(stores) => stores.nodes.retain(|node| kept.contains(node)),
            Self::Nothing | Self::Grudge(_) | Self::Shape(_) | Self::Transfer(_) => {}
        }
        self
    }

    /// Whether a process of `node` may end by itself because of it, while it lasts or when it comes
    /// back: one that is refused a write, or finds its files damaged, has nothing better to do. That
    /// is a finding about the target, no failure of the harness.
    pub fn may_end(&self, node: &str) -> bool {
        match self {
            Self::Disks(disks) => disks.get(node).is_some_and(DiskCondition::may_end_process),
            Self::Corrupt(damage) => damage.nodes.contains(node),
            // Its disk is off a moment before it is.
            Self::Power(failure) => failure.nodes.contains(node),
            // One that is no member any more may say so and stop.
            Self::Membership(members) => members.nodes.contains(node),
            _ => false,
        }
    }
}

fn list(nodes: &BTreeSet<String>) -> String {
    nodes.iter().cloned().collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = list(&self.nodes());
        match self {
            Self::Nothing => out.write_str("nothing"),
            Self::Grudge(grudge) => grudge.fmt(out),
            Self::Shape(shaping) => shaping.fmt(out),
            Self::Kill(_) => write!(out, "kill {nodes}"),
            Self::Pause(_) => write!(out, "pause {nodes}"),
            Self::Cpu(_) => write!(out, "slow the processor of {nodes}"),
            Self::Clocks(_) => write!(out, "change the clocks of {nodes}"),
            Self::Disks(_) => write!(out, "trouble the disks of {nodes}"),
            Self::Power(failure) => write!(out, "power failure of {nodes}, {}", failure.cut),
            Self::Corrupt(damage) => write!(out, "{} at {nodes}", damage.damage),
            Self::Transfer(to) => write!(out, "hand leadership to {to}"),
            Self::Membership(members) => write!(out, "{} {nodes}", members.change),
            Self::Maintain(stores) => write!(out, "{} the store of {nodes}", stores.work),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Trouble;

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|index| format!("n{index}")).collect()
    }

    #[test]
    fn of_a_power_failure_the_links_of_the_nodes_that_stay_are_left_alone() {
        let nodes = names(3);
        let mut links = Grudge::isolate(&nodes, "n1");
        links.merge(&Grudge::isolate(&nodes, "n2"));
        let failure = PowerFailure {
            nodes: ["n1".to_owned(), "n2".to_owned()].into(),
            cut: PowerCut { keep_percent: 0.0, sector: 512 },
            seed: 1,
            links,
        };
        let Action::Power(less) = Action::Power(failure).only(&["n1".to_owned()].into()) else {
            panic!("it stays a power failure")
        };
        assert_eq!(less.links, Grudge::isolate(&nodes, "n1"));
        assert_eq!(less.nodes, ["n1".to_owned()].into());
    }

    #[test]
    fn a_node_may_end_of_a_disk_that_refuses_and_not_of_one_that_is_slow() {
        let disks = |trouble: Trouble| {
            Action::Disks([("n1".to_owned(), trouble.condition())].into_iter().collect())
        };
        assert!(disks(Trouble::ReadOnly).may_end("n1"));
        assert!(disks(Trouble::Failing { percent: 1.0 }).may_end("n1"));
        assert!(!disks(Trouble::ReadOnly).may_end("n2"));
        assert!(!disks(Trouble::StalledFsync).may_end("n1"));
        assert!(!Action::Kill(["n1".to_owned()].into()).may_end("n1"), "that is our doing");
        assert_eq!(disks(Trouble::StalledFsync).takes_down().len(), 1);
    }
}
