//! Roles become names when a fault fires.

use std::collections::BTreeSet;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::action::{FileDamage, MembersChanged, PowerFailure, StoresTended};
use super::steps::{each, over_time};
use super::{Action, Entry, Step};
use crate::fault::{Aim, Corruption, Direction, Fault, Maintenance, Membership, Packet, Shape};
use crate::grudge::{CLIENTS, Grudge};
use crate::shaping::Shaping;

/// How often a set of several nodes is drawn around the leader.
const LEADER_AMONG_SEVERAL: f64 = 0.7;

/// Who has which role when a fault fires, as far as anybody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles<'a> {
    /// Who leads; of two that claim to, the one with the higher term.
    pub leader: Option<&'a str>,
    /// Who led last before that.
    pub former_leader: Option<&'a str>,
}

impl<'a> Roles<'a> {
    /// `leader` leads, and nobody is known to have led before.
    pub fn led_by(leader: &'a str) -> Self {
        Self { leader: Some(leader), former_leader: None }
    }
}

/// A fault of the schedule with its roles replaced by names.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// What is done to which nodes, from which time of the fault's life on. The first is at its
    /// begin, times ascend, and there is always one.
    pub steps: Vec<Step>,
    /// The node that the fault is aimed at by role or by lot, where it is aimed at one.
    pub target: Option<String>,
    /// What a reader should know: that nobody was known to lead and a node was drawn instead.
    pub note: Option<String>,
}

impl Resolved {
    /// What is done first.
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
    /// Replaces roles by names. A role that nobody is known to have, or somebody who is none of
    /// `nodes`, is given to a node drawn from `pick`, and the note says so. Equal arguments give
    /// equal results.
    pub fn resolve(&self, nodes: &[String], roles: Roles<'_>) -> Resolved {
        let mut draw = Draw::new(self.pick, nodes, roles);
        let seed = self.pick.into();
        let whole = match &self.fault {
            Fault::Partition(partition) => Action::Grudge(draw.grudge(partition.shape)),
            Fault::Packet(packet) => Action::Shape(draw.shaping(packet)),
            Fault::Kill(kill) => Action::Kill(draw.nodes(kill.aim)),
            Fault::Pause(pause) => Action::Pause(draw.nodes(pause.aim)),
            Fault::Cpu(cpu) => Action::Cpu(each(draw.nodes(cpu.aim), cpu.percent)),
            Fault::Clock(clock) => {
                Action::Clocks(each(draw.nodes(clock.aim), clock.error.condition()))
            }
            Fault::Disk(disk) => {
                Action::Disks(each(draw.nodes(disk.aim), disk.trouble.condition()))
            }
            Fault::Power(power) => {
                let off = draw.nodes(power.aim);
                let links = links_of(&off, nodes);
                Action::Power(PowerFailure { nodes: off, cut: power.cut, seed, links })
            }
            Fault::Corruption(Corruption { aim, damage }) => {
                let (nodes, damage) = (draw.nodes(*aim), damage.clone());
                Action::Corrupt(FileDamage { nodes, damage, seed })
            }
            Fault::Leadership(leadership) => match draw.successor(leadership.to) {
                Some(to) => Action::Transfer(to),
                None => Action::Nothing,
            },
            Fault::Membership(Membership { aim, change }) => {
                Action::Membership(MembersChanged { nodes: draw.nodes(*aim), change: *change })
            }
            Fault::Maintenance(Maintenance { aim, work }) => {
                Action::Maintain(StoresTended { nodes: draw.nodes(*aim), work: *work })
            }
        };
        let steps = over_time(&self.fault, whole, self.lasts, self.pick);
        Resolved { steps, target: draw.target, note: draw.note }
    }
}

/// Every link of the nodes in `off`, those with clients too.
fn links_of(off: &BTreeSet<String>, nodes: &[String]) -> Grudge {
    let mut everybody = nodes.to_vec();
    everybody.push(CLIENTS.to_owned());
    let mut links = Grudge::none();
    off.iter().for_each(|node| links.merge(&Grudge::isolate(&everybody, node)));
    links
}

/// The nodes in the order of one draw, and what became of the roles.
struct Draw<'a> {
    shuffled: Vec<String>,
    roles: Roles<'a>,
    /// For sets of nodes: whether the leader is among them.
    leader_included: bool,
    target: Option<String>,
    note: Option<String>,
}

impl<'a> Draw<'a> {
    fn new(pick: u32, nodes: &[String], roles: Roles<'a>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(pick.into());
        let leader_included = random.random_bool(LEADER_AMONG_SEVERAL);
        let mut shuffled = nodes.to_vec();
        shuffled.shuffle(&mut random);
        let known = |name: &&str| nodes.iter().any(|node| node == name);
        let roles = Roles {
            leader: roles.leader.filter(known),
            former_leader: roles.former_leader.filter(known),
        };
        Self { shuffled, roles, leader_included, target: None, note: None }
    }

    /// Whoever has a role, or a node by lot.
    fn holder(&mut self, holder: Option<&str>, nobody: &str) -> Option<String> {
        if holder.is_none() {
            let drawn = self.shuffled.first();
            self.note = drawn.map(|node| format!("{nobody}, {node} was drawn instead"));
        }
        self.target = holder.map(str::to_owned).or_else(|| self.shuffled.first().cloned());
        self.target.clone()
    }

    fn leader(&mut self) -> Option<String> {
        self.holder(self.roles.leader, "nobody was known to lead")
    }

    fn former_leader(&mut self) -> Option<String> {
        self.holder(self.roles.former_leader, "nobody was known to have lost leadership")
    }

    fn one(&mut self) -> Option<String> {
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
        self.holder(leads.and(follower.as_deref()), "nobody was known to lead")
    }

    /// Whom the leader hands over to: whoever `aim` means, but never the leader itself.
    fn successor(&mut self, aim: Aim) -> Option<String> {
        let meant = match aim {
            Aim::FormerLeader => self.former_leader(),
            _ => self.follower(),
        };
        match meant {
            Some(node) if self.roles.leader == Some(&node) => self.follower(),
            meant => meant,
        }
    }

    fn nodes(&mut self, aim: Aim) -> BTreeSet<String> {
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

    fn shaping(&mut self, packet: &Packet) -> Shaping {
        let targets = self.nodes(packet.aim);
        let clients = packet.clients.then(|| CLIENTS.to_owned());
        let everybody: Vec<_> = self.shuffled.iter().cloned().chain(clients).collect();
        let mut links = BTreeSet::new();
        for node in &targets {
            for other in everybody.iter().filter(|other| *other != node) {
                if packet.direction != Direction::OutOf {
                    links.insert((other, node));
                }
                if packet.direction != Direction::Into {
                    links.insert((node, other));
                }
            }
        }
        let mut shaping = Shaping::none();
        links.iter().for_each(|(from, to)| shaping.trouble(from, to, &packet.condition));
        shaping
    }

    fn grudge(&mut self, shape: Shape) -> Grudge {
        let target = match shape {
            Shape::IsolateLeader
            | Shape::LeaderInMinority
            | Shape::IntoLeader
            | Shape::OutOfLeader
            | Shape::ClientsFromLeader
            | Shape::AnswersOfLeader => self.leader(),
            Shape::IsolateOne | Shape::IntoOne | Shape::OutOfOne | Shape::ClientsFromOne => {
                self.one()
            }
            Shape::RandomHalves | Shape::MajorityRing | Shape::Bridge => None,
        };
        let nodes = &self.shuffled;
        let clients = [CLIENTS.to_owned()];
        match (shape, target) {
            (Shape::RandomHalves, _) => Grudge::halves(nodes),
            (Shape::MajorityRing, _) => Grudge::majority_ring(nodes),
            (Shape::Bridge, _) => Grudge::bridge(nodes),
            (_, None) => Grudge::none(),
            (Shape::IsolateLeader | Shape::IsolateOne, Some(node)) => Grudge::isolate(nodes, &node),
            (Shape::IntoLeader | Shape::IntoOne, Some(node)) => Grudge::into_node(nodes, &node),
            (Shape::OutOfLeader | Shape::OutOfOne, Some(node)) => Grudge::out_of_node(nodes, &node),
            (Shape::ClientsFromLeader | Shape::ClientsFromOne, Some(node)) => {
                Grudge::isolate(&clients, &node)
            }
            (Shape::AnswersOfLeader, Some(node)) => Grudge::out_of_node(&clients, &node),
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
#[path = "resolve_tests.rs"]
mod tests;
