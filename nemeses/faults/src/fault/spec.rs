//! The questions that a fault of any family answers.

use std::fmt;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;

use super::{Action, Aim, Fault, RoleDraw, Step, throughout};

/// The parameters of one family's faults, as a plan has them.
pub(crate) trait Spec: fmt::Display {
    /// The role or the number of the nodes that it is aimed at; none for a partition, whose shape
    /// says it.
    fn aim(&self) -> Option<Aim>;

    /// Aims it at other nodes, where it has an aim.
    fn set_aim(&mut self, aim: Aim);

    /// The number of nodes, of so many, that do not serve at some moment of it: killed, paused,
    /// without power, with a disk that takes no writes, or no members. A partition takes no node
    /// down, nor does what is only slow.
    fn nodes_down(&self, nodes: usize) -> usize {
        let _ = nodes;
        0
    }

    /// Returns true if no node can talk with a majority of `nodes`, itself counted, while it lasts.
    fn takes_majority(&self, nodes: usize) -> bool {
        nodes - self.nodes_down(nodes) < nodes / 2 + 1
    }

    /// Returns true if it should last as long as something that waits for it: from a heartbeat of the
    /// service to several of its election timeouts.
    fn lasts_like_a_timer(&self) -> bool {
        false
    }

    /// The seconds that it must last to show what it does: a delay, that something was late twice.
    fn least_seconds(&self) -> f64 {
        0.0
    }

    /// Returns true if clients get little done while it is on together with another such fault.
    fn disturbs(&self, nodes: usize) -> bool {
        self.nodes_down(nodes) > 0
    }

    /// Returns true if clients reach no leader although no other node can lead.
    fn starves_clients(&self) -> bool {
        false
    }

    /// The aim by which the roles of those whom it hits are known; none where it is about several
    /// nodes or the links between them.
    fn hits(&self) -> Option<Aim> {
        self.aim()
    }

    /// Says why it cannot be meant for a cluster of `nodes`.
    ///
    /// # Errors
    /// The reason, as half a sentence.
    fn validate(&self, nodes: usize) -> Result<(), String> {
        let _ = nodes;
        Ok(())
    }

    /// Replaces its roles by names.
    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action;

    /// The steps that it does, each at which time of its life, when `whole` is what it does to
    /// which nodes.
    fn over_time(&self, whole: Action, lasts: Duration, random: &mut ChaCha8Rng) -> Vec<Step> {
        let _ = (lasts, random);
        throughout(whole)
    }
}

impl Fault {
    /// The role or the number of the nodes that it is aimed at; none for a partition, whose
    /// [`Shape`](super::Shape) says it.
    pub fn aim(&self) -> Option<Aim> {
        self.spec().aim()
    }

    /// The same fault aimed at other nodes; a partition stays as it is.
    #[must_use]
    pub fn aimed_at(mut self, at: Aim) -> Self {
        self.spec_mut().set_aim(at);
        self
    }

    /// The fault in words where no node is known to have the role that it is aimed at: a node is
    /// drawn instead of `the leader`. None if it is aimed at no role.
    pub fn without_roles(&self) -> Option<String> {
        let roles = [
            ("the leader's", "a node's"),
            ("the former leader", "a node"),
            ("the leader", "a node"),
            ("a follower", "a node"),
            ("the most advanced node", "a node"),
            ("the least advanced node", "a node"),
            ("all followers", "all nodes but one"),
        ];
        let told = self.to_string();
        let words =
            roles.iter().fold(told.clone(), |words, (role, node)| words.replace(role, node));
        (words != told).then_some(words)
    }

    /// The number of `nodes` that do not serve at some moment of it.
    pub fn nodes_down(&self, nodes: usize) -> usize {
        self.spec().nodes_down(nodes)
    }

    /// Returns true if no node can talk with a majority of `nodes`, itself counted, while it lasts.
    pub fn takes_majority(&self, nodes: usize) -> bool {
        self.spec().takes_majority(nodes)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec().fmt(out)
    }
}
