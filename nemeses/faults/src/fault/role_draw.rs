//! Roles become names when a fault fires.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::Aim;
use crate::grudge::{CLIENTS, Grudge};

/// The chance that a set of several nodes is drawn around the leader.
const LEADER_AMONG_SEVERAL: f64 = 0.7;

/// The roles that may be unknown, in words.
const LEADER: &str = "leader";
const FORMER_LEADER: &str = "former leader";
const ADVANCED: &str = "commit index";

/// The roles of the nodes when a fault fires, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles<'a> {
    /// The leader; of two that claim to, the one with the higher term.
    pub leader: Option<&'a str>,
    /// The leader before that.
    pub former_leader: Option<&'a str>,
    /// The node with the highest commit index.
    pub most_advanced: Option<&'a str>,
    /// The node with the lowest commit index.
    pub least_advanced: Option<&'a str>,
    /// The nodes that the fault is to hit in place of its aim, since an earlier one hit them.
    pub hit: Option<&'a BTreeSet<String>>,
}

impl<'a> Roles<'a> {
    /// `leader` leads, and no node is known to have led before.
    pub fn led_by(leader: &'a str) -> Self {
        Self { leader: Some(leader), ..Self::default() }
    }
}

/// The nodes in the order of one draw, and what became of the roles.
pub(crate) struct RoleDraw<'a> {
    pick: u32,
    shuffled: Vec<String>,
    roles: Roles<'a>,
    /// For sets of nodes: whether the leader is among them.
    leader_included: bool,
    /// The node that the fault is aimed at by role or by lot, where it is aimed at one.
    pub target: Option<String>,
    /// A note for readers: that no node was known to lead and one was drawn instead.
    pub note: Option<String>,
    /// The role that no node was known to have, so that one was drawn instead.
    pub unknown_role: Option<&'static str>,
}

impl<'a> RoleDraw<'a> {
    pub fn new(pick: u32, nodes: &[String], roles: Roles<'a>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(pick.into());
        let leader_included = random.random_bool(LEADER_AMONG_SEVERAL);
        let mut shuffled = nodes.to_vec();
        shuffled.shuffle(&mut random);
        let known = |name: &&str| nodes.iter().any(|node| node == name);
        let roles = Roles {
            leader: roles.leader.filter(known),
            former_leader: roles.former_leader.filter(known),
            most_advanced: roles.most_advanced.filter(known),
            least_advanced: roles.least_advanced.filter(known),
            hit: roles.hit.filter(|hit| !hit.is_empty()),
        };
        Self {
            pick,
            shuffled,
            roles,
            leader_included,
            target: None,
            note: None,
            unknown_role: None,
        }
    }

    /// The nodes in the order of the draw.
    pub fn shuffled(&self) -> &[String] {
        &self.shuffled
    }

    /// The seed of what is drawn when the fault is done.
    pub fn seed(&self) -> u64 {
        self.pick.into()
    }

    /// The same condition for each node of an aim.
    pub fn each<T: Copy>(&mut self, aim: Aim, condition: T) -> BTreeMap<String, T> {
        self.nodes(aim).into_iter().map(|node| (node, condition)).collect()
    }

    /// Every link of the nodes in `off`, those with clients too.
    pub fn links_of(&self, off: &BTreeSet<String>) -> Grudge {
        let mut everybody = self.shuffled.clone();
        everybody.push(CLIENTS.to_owned());
        let mut links = Grudge::none();
        off.iter().for_each(|node| links.merge(&Grudge::isolate(&everybody, node)));
        links
    }

    /// The first of the nodes that an earlier fault hit, if it is to be those.
    fn hit(&mut self) -> Option<String> {
        self.target = Some(self.roles.hit?.first()?.clone());
        self.target.clone()
    }

    /// The holder of a role, or a node by lot.
    fn holder(&mut self, holder: Option<&str>, role: &'static str, nobody: &str) -> Option<String> {
        if let Some(hit) = self.hit() {
            return Some(hit);
        }
        if holder.is_none() {
            let drawn = self.shuffled.first();
            self.note = drawn.map(|node| format!("{nobody}, {node} was drawn instead"));
            self.unknown_role = Some(role);
        }
        self.target = holder.map(str::to_owned).or_else(|| self.shuffled.first().cloned());
        self.target.clone()
    }

    pub fn leader(&mut self) -> Option<String> {
        self.holder(self.roles.leader, LEADER, "no node was known to lead")
    }

    fn former_leader(&mut self) -> Option<String> {
        let nobody = "no node was known to have lost leadership";
        self.holder(self.roles.former_leader, FORMER_LEADER, nobody)
    }

    fn advanced(&mut self, node: Option<&str>) -> Option<String> {
        self.holder(node, ADVANCED, "no node's commit index was known")
    }

    pub fn one(&mut self) -> Option<String> {
        if let Some(hit) = self.hit() {
            return Some(hit);
        }
        self.target = self.shuffled.first().cloned();
        self.target.clone()
    }

    /// A node that does not lead. A single node has no follower.
    fn follower(&mut self) -> Option<String> {
        if self.shuffled.len() < 2 {
            return None;
        }
        let leads = self.roles.leader;
        let follower = self.shuffled.iter().find(|node| Some(node.as_str()) != leads).cloned();
        self.holder(leads.and(follower.as_deref()), LEADER, "no node was known to lead")
    }

    /// The node that the leader hands over to: the one that `aim` means, but never the leader
    /// itself.
    pub fn successor(&mut self, aim: Aim) -> Option<String> {
        let meant = match aim {
            Aim::FormerLeader => self.former_leader(),
            _ => self.follower(),
        };
        match meant {
            Some(node) if self.roles.leader == Some(&node) => self.follower(),
            meant => meant,
        }
    }

    pub fn nodes(&mut self, aim: Aim) -> BTreeSet<String> {
        if let Some(hit) = self.roles.hit {
            self.target = (hit.len() == 1).then(|| hit.first().cloned()).flatten();
            return hit.clone();
        }
        let count = aim.count(self.shuffled.len());
        match aim {
            Aim::One => self.one().into_iter().collect(),
            Aim::Leader => self.leader().into_iter().collect(),
            Aim::Follower => self.follower().into_iter().collect(),
            Aim::Followers => {
                let spared = self.leader();
                self.target = None;
                self.shuffled
                    .iter()
                    .filter(|node| Some(*node) != spared.as_ref())
                    .cloned()
                    .collect()
            }
            Aim::FormerLeader => self.former_leader().into_iter().collect(),
            Aim::MostAdvanced => self.advanced(self.roles.most_advanced).into_iter().collect(),
            Aim::LeastAdvanced => self.advanced(self.roles.least_advanced).into_iter().collect(),
            Aim::Minority | Aim::Majority | Aim::All => {
                if self.leader_included {
                    self.move_leader_to_front();
                }
                self.shuffled.iter().take(count).cloned().collect()
            }
        }
    }

    fn move_leader_to_front(&mut self) {
        let leader = self.roles.leader;
        // Stable: the others keep the order of the draw.
        self.shuffled.sort_by_key(|node| Some(node.as_str()) != leader);
    }
}
