//! Partition: links between nodes drop packets silently, so that connections hang rather than
//! fail. The controller and its clients still reach every node.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::schedule::weighted;

/// Links between nodes drop packets while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Which links.
    pub shape: Shape,
}

/// Which links a partition cuts. The two-way shapes are Jepsen's (`jepsen.nemesis`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Two halves drawn at random; of an odd number one half is a majority.
    RandomHalves,
    /// One node hears nobody and is heard by nobody.
    IsolateOne,
    /// The leader hears nobody and is heard by nobody.
    IsolateLeader,
    /// The leader keeps as many followers as a minority has room for, the others are a majority:
    /// what the leader goes on appending must never be committed.
    LeaderInMinority,
    /// Every node sees a majority, no two of them the same one.
    MajorityRing,
    /// Two halves that see each other only through one node between them.
    Bridge,
    /// One node hears nobody, the others still hear it.
    IntoOne,
    /// One node is heard by nobody, it still hears the others.
    OutOfOne,
    /// The leader hears nobody, the others still hear it: followers append entries whose leader
    /// never learns of it, and its clients' retries meet entries that exist already.
    IntoLeader,
    /// The leader is heard by nobody, it still hears the others: it is deposed and hears of it.
    OutOfLeader,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 10] = [
        Self::RandomHalves,
        Self::IsolateOne,
        Self::IsolateLeader,
        Self::LeaderInMinority,
        Self::MajorityRing,
        Self::Bridge,
        Self::IntoOne,
        Self::OutOfOne,
        Self::IntoLeader,
        Self::OutOfLeader,
    ];

    /// The smallest cluster in which this shape cuts what it says it cuts.
    pub fn smallest_cluster(self) -> usize {
        match self {
            Self::MajorityRing | Self::Bridge => 3,
            // Below five nodes it is the same as isolating the leader.
            Self::LeaderInMinority => 5,
            _ => 2,
        }
    }

    /// Whether, while it lasts, no node can talk with a majority of `nodes`, itself counted.
    pub fn takes_majority(self, nodes: usize) -> bool {
        match self {
            // Of three nodes every link is cut in one direction.
            Self::MajorityRing => nodes <= 3,
            Self::RandomHalves => nodes.is_multiple_of(2),
            // Of two nodes, one alone is no majority.
            _ => nodes == 2,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::RandomHalves => "random halves",
            Self::IsolateOne => "isolate one node",
            Self::IsolateLeader => "isolate the leader",
            Self::LeaderInMinority => "leave the leader a minority",
            Self::MajorityRing => "a ring of majorities",
            Self::Bridge => "two halves and a bridge",
            Self::IntoOne => "cut every link into one node",
            Self::OutOfOne => "cut every link out of one node",
            Self::IntoLeader => "cut every link into the leader",
            Self::OutOfLeader => "cut every link out of the leader",
        })
    }
}

/// How often each shape is drawn: what parts a leader from its followers finds the most.
const WEIGHTS: [(Shape, u32); 10] = [
    (Shape::IsolateLeader, 4),
    (Shape::IntoLeader, 3),
    (Shape::LeaderInMinority, 2),
    (Shape::OutOfLeader, 2),
    (Shape::RandomHalves, 2),
    (Shape::Bridge, 2),
    (Shape::MajorityRing, 2),
    (Shape::IsolateOne, 1),
    (Shape::IntoOne, 1),
    (Shape::OutOfOne, 1),
];

impl Partition {
    /// Draws one for a cluster of `nodes`, leaders first; none for a single node, which has no
    /// links.
    pub(crate) fn draw(nodes: usize, random: &mut impl Rng) -> Option<Self> {
        let fits = |shape: Shape| shape.smallest_cluster() <= nodes;
        (nodes >= 2).then(|| Self { shape: weighted(&WEIGHTS, fits, random) })
    }
}
