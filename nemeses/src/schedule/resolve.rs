//! Roles become names when a fault fires.

use std::collections::BTreeSet;
use std::fmt;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::fault::{Aim, Fault, Shape};
use crate::grudge::Grudge;

/// How often a set of several nodes is drawn around the leader.
const LEADER_AMONG_SEVERAL: f64 = 0.7;

/// What is done to which nodes. In JSON `{"grudge":{"n1":["n2"]}}`, `{"kill":["n1"]}` or
/// `{"pause":["n1"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// These links drop packets.
    Grudge(Grudge),
    /// These nodes are killed.
    Kill(BTreeSet<String>),
    /// These nodes are stopped.
    Pause(BTreeSet<String>),
}

impl Action {
    /// Whether there is nobody to do it to.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Grudge(grudge) => grudge.is_empty(),
            Self::Kill(nodes) | Self::Pause(nodes) => nodes.is_empty(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |nodes: &BTreeSet<String>| nodes.iter().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Self::Grudge(grudge) => write!(out, "{grudge}"),
            Self::Kill(nodes) => write!(out, "kill {}", names(nodes)),
            Self::Pause(nodes) => write!(out, "pause {}", names(nodes)),
        }
    }
}

/// A fault of the schedule with its roles replaced by names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is done to which nodes.
    pub action: Action,
    /// The node that the fault is aimed at by role or by lot, where it is aimed at one.
    pub target: Option<String>,
    /// What a reader should know: that nobody was known to lead and a node was drawn instead.
    pub note: Option<String>,
}

impl Entry {
    /// Replaces roles by names. `leader` is who leads now, as far as anybody knows; a leader that
    /// is unknown or none of `nodes` is replaced by a node drawn from `pick`, and the note says so.
    /// Equal arguments give equal results.
    pub fn resolve(&self, nodes: &[String], leader: Option<&str>) -> Resolved {
        let mut draw = Draw::new(self.pick, nodes, leader);
        let action = match &self.fault {
            Fault::Partition(partition) => Action::Grudge(draw.grudge(partition.shape)),
            Fault::Kill(kill) => Action::Kill(draw.nodes(kill.aim)),
            Fault::Pause(pause) => Action::Pause(draw.nodes(pause.aim)),
        };
        Resolved { action, target: draw.target, note: draw.note }
    }
}

/// The nodes in the order of one draw, and what became of the roles.
struct Draw<'a> {
    shuffled: Vec<String>,
    leader: Option<&'a str>,
    /// For sets of nodes: whether the leader is among them.
    leader_included: bool,
    target: Option<String>,
    note: Option<String>,
}

impl<'a> Draw<'a> {
    fn new(pick: u32, nodes: &[String], leader: Option<&'a str>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(pick.into());
        let leader_included = random.random_bool(LEADER_AMONG_SEVERAL);
        let mut shuffled = nodes.to_vec();
        shuffled.shuffle(&mut random);
        let leader = leader.filter(|leader| nodes.iter().any(|node| node == leader));
        Self { shuffled, leader, leader_included, target: None, note: None }
    }

    /// Whoever leads, or a node by lot.
    fn leader(&mut self) -> Option<String> {
        if self.leader.is_none() {
            self.note = self
                .shuffled
                .first()
                .map(|node| format!("nobody was known to lead, {node} was drawn instead"));
        }
        self.target = self.leader.map(str::to_owned).or_else(|| self.shuffled.first().cloned());
        self.target.clone()
    }

    fn one(&mut self) -> Option<String> {
        self.target = self.shuffled.first().cloned();
        self.target.clone()
    }

    fn nodes(&mut self, aim: Aim) -> BTreeSet<String> {
        let count = aim.count(self.shuffled.len());
        match aim {
            Aim::One => self.one().into_iter().collect(),
            Aim::Leader => self.leader().into_iter().collect(),
            Aim::Minority | Aim::Majority | Aim::All => {
                if self.leader_included {
                    self.move_leader_to_front();
                }
                self.shuffled.iter().take(count).cloned().collect()
            }
        }
    }

    fn move_leader_to_front(&mut self) {
        let leader = self.leader;
        // Stable: the others keep the order of the draw.
        self.shuffled.sort_by_key(|node| Some(node.as_str()) != leader);
    }

    fn grudge(&mut self, shape: Shape) -> Grudge {
        let target = match shape {
            Shape::IsolateLeader
            | Shape::LeaderInMinority
            | Shape::IntoLeader
            | Shape::OutOfLeader => self.leader(),
            Shape::IsolateOne | Shape::IntoOne | Shape::OutOfOne => self.one(),
            Shape::RandomHalves | Shape::MajorityRing | Shape::Bridge => None,
        };
        let nodes = &self.shuffled;
        match (shape, target) {
            (Shape::RandomHalves, _) => Grudge::halves(nodes),
            (Shape::MajorityRing, _) => Grudge::majority_ring(nodes),
            (Shape::Bridge, _) => Grudge::bridge(nodes),
            (_, None) => Grudge::none(),
            (Shape::IsolateLeader | Shape::IsolateOne, Some(node)) => Grudge::isolate(nodes, &node),
            (Shape::IntoLeader | Shape::IntoOne, Some(node)) => Grudge::into_node(nodes, &node),
            (Shape::OutOfLeader | Shape::OutOfOne, Some(node)) => Grudge::out_of_node(nodes, &node),
            (Shape::LeaderInMinority, Some(leader)) => {
                let mut nodes = nodes.clone();
                nodes.sort_by_key(|node| *node != leader);
                let (minority, others) = nodes.split_at(Aim::Minority.count(nodes.len()).max(1));
                Grudge::complete(&[minority, others])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::{Kill, Partition, Pause};

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|index| format!("n{index}")).collect()
    }

    fn entry(fault: Fault, pick: u32) -> Entry {
        Entry { id: 1, at: Duration::ZERO, lasts: Duration::from_secs(1), pick, fault }
    }

    fn resolve(fault: Fault, pick: u32, nodes: usize, leader: Option<&str>) -> Resolved {
        entry(fault, pick).resolve(&names(nodes), leader)
    }

    #[test]
    fn a_fault_aimed_at_the_leader_takes_whoever_leads() {
        for pick in 0..20 {
            let kill = resolve(Fault::Kill(Kill { aim: Aim::Leader }), pick, 5, Some("n4"));
            assert_eq!(kill.action, Action::Kill(["n4".to_owned()].into()));
            assert_eq!((kill.target.as_deref(), kill.note), (Some("n4"), None));
            let isolate = Fault::Partition(Partition { shape: Shape::IsolateLeader });
            let expected = Action::Grudge(Grudge::isolate(&names(5), "n4"));
            assert_eq!(resolve(isolate, pick, 5, Some("n4")).action, expected);
        }
    }

    #[test]
    fn an_unknown_leader_is_replaced_by_a_drawn_node_and_the_note_says_so() {
        for leader in [None, Some("elsewhere")] {
            let fault = Fault::Pause(Pause { aim: Aim::Leader });
            let drawn: BTreeSet<_> = (0..100)
                .map(|pick| {
                    let resolved = resolve(fault, pick, 5, leader);
                    let target = resolved.target.unwrap();
                    assert!(resolved.note.unwrap().contains(&target));
                    target
                })
                .collect();
            assert_eq!(drawn.len(), 5, "every node is drawn now and then");
        }
    }

    #[test]
    fn each_aim_takes_as_many_nodes_as_it_says() {
        for nodes in 1..=7 {
            for aim in [Aim::One, Aim::Minority, Aim::Majority, Aim::Leader, Aim::All] {
                for pick in 0..20 {
                    let fault = Fault::Kill(Kill { aim });
                    let Action::Kill(killed) = resolve(fault, pick, nodes, Some("n1")).action
                    else {
                        panic!("a kill resolves to a kill")
                    };
                    assert_eq!(killed.len(), aim.count(nodes), "{aim} of {nodes}");
                }
            }
        }
    }

    #[test]
    fn every_shape_cuts_something_from_its_smallest_cluster_on() {
        for shape in Shape::ALL {
            for nodes in shape.smallest_cluster()..=7 {
                for pick in 0..20 {
                    let fault = Fault::Partition(Partition { shape });
                    let resolved = resolve(fault, pick, nodes, Some("n1"));
                    assert!(!resolved.action.is_empty(), "{shape}, {nodes} nodes");
                }
            }
        }
    }

    /// Whether some node talks with a majority in both directions, itself counted.
    fn somebody_has_a_majority(grudge: &Grudge, nodes: &[String]) -> bool {
        nodes.iter().any(|one| {
            let talks = |other: &&String| !grudge.drops(one, other) && !grudge.drops(other, one);
            nodes.iter().filter(talks).count() > nodes.len() / 2
        })
    }

    #[test]
    fn a_shape_takes_the_majority_exactly_when_it_says_so() {
        for shape in Shape::ALL {
            for nodes in shape.smallest_cluster()..=7 {
                let fault = Fault::Partition(Partition { shape });
                let resolved = resolve(fault, 3, nodes, Some("n1"));
                let Action::Grudge(grudge) = resolved.action else { panic!("{shape}") };
                let left = somebody_has_a_majority(&grudge, &names(nodes));
                assert_eq!(left, !shape.takes_majority(nodes), "{shape}, {nodes} nodes");
            }
        }
    }

    #[test]
    fn a_leader_in_a_minority_keeps_followers_but_no_majority() {
        let fault = Fault::Partition(Partition { shape: Shape::LeaderInMinority });
        let Action::Grudge(grudge) = resolve(fault, 9, 5, Some("n3")).action else {
            panic!("a partition resolves to a grudge")
        };
        let heard = names(5).iter().filter(|node| !grudge.drops("n3", node)).count();
        assert_eq!(heard, 2, "the leader itself and one follower");
    }

    #[test]
    fn without_nodes_there_is_nobody_to_act_on() {
        for shape in Shape::ALL {
            let fault = Fault::Partition(Partition { shape });
            assert!(resolve(fault, 1, 0, None).action.is_empty());
        }
    }
}
