//! Partition: links between nodes drop packets silently, so that connections hang rather than
//! fail. Unless a shape says otherwise, the controller and its clients still reach every node.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::schedule::{Room, weighted, whole_between};

/// Links between nodes drop packets while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Which links.
    pub shape: Shape,
    /// For flaky links: cut for so many milliseconds, then whole for
    /// [`whole_ms`](Self::whole_ms), again and again. 0 cuts them throughout.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_ms: u32,
    /// For flaky links: whole for so many milliseconds between two cuts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub whole_ms: u32,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Partition {
    /// Cut throughout.
    pub fn steady(shape: Shape) -> Self {
        Self { shape, cut_ms: 0, whole_ms: 0 }
    }

    /// Whether its links come and go.
    pub fn is_flaky(&self) -> bool {
        self.cut_ms > 0 && self.whole_ms > 0
    }
}

/// `partition, isolate the leader`
impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, cut_ms, whole_ms } = self;
        if self.is_flaky() {
            write!(out, "flaky links, {shape}, {cut_ms} ms cut and {whole_ms} ms whole")
        } else {
            write!(out, "partition, {shape}")
        }
    }
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
    /// No client reaches the leader, which leads on: nobody is elected, and everybody waits.
    ClientsFromLeader,
    /// No client reaches one node.
    ClientsFromOne,
    /// Clients reach the leader but never hear of it again: what they asked for happens, and they
    /// ask for it again elsewhere.
    AnswersOfLeader,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 13] = [
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
        Self::ClientsFromLeader,
        Self::ClientsFromOne,
        Self::AnswersOfLeader,
    ];

    /// The smallest cluster in which this shape cuts what it says it cuts.
    pub fn smallest_cluster(self) -> usize {
        match self {
            Self::MajorityRing | Self::Bridge => 3,
            // Below five nodes it is the same as isolating the leader.
            Self::LeaderInMinority => 5,
            Self::ClientsFromLeader | Self::ClientsFromOne | Self::AnswersOfLeader => 1,
            _ => 2,
        }
    }

    /// Whether the leader no longer hears a majority, while one without it can elect another.
    pub fn parts_leader(self) -> bool {
        matches!(self, Self::IsolateLeader | Self::LeaderInMinority | Self::IntoLeader)
    }

    /// Whether, while it lasts, no node can talk with a majority of `nodes`, itself counted.
    pub fn takes_majority(self, nodes: usize) -> bool {
        match self {
            // Of three nodes every link is cut in one direction.
            Self::MajorityRing => nodes <= 3,
            Self::RandomHalves => nodes.is_multiple_of(2),
            Self::ClientsFromLeader | Self::ClientsFromOne | Self::AnswersOfLeader => false,
            // Of two nodes, one alone is no majority.
            _ => nodes == 2,
        }
    }

    /// Whether the leader no longer serves clients, though nobody else can lead in its place.
    pub fn starves_clients(self) -> bool {
        matches!(self, Self::ClientsFromLeader | Self::AnswersOfLeader)
    }

    /// Whether it is about the links of whoever leads.
    pub fn is_about_leader(self) -> bool {
        matches!(
            self,
            Self::IsolateLeader
                | Self::LeaderInMinority
                | Self::IntoLeader
                | Self::OutOfLeader
                | Self::ClientsFromLeader
                | Self::AnswersOfLeader
        )
    }

    /// Whether it is about the links of one node only.
    pub fn is_about_one(self) -> bool {
        !matches!(
            self,
            Self::RandomHalves | Self::LeaderInMinority | Self::MajorityRing | Self::Bridge
        )
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
            Self::ClientsFromLeader => "cut clients off from the leader",
            Self::ClientsFromOne => "cut clients off from one node",
            Self::AnswersOfLeader => "cut the leader's answers to clients",
        })
    }
}

/// How often each shape is drawn: what parts a leader from its followers finds the most.
const WEIGHTS: [(Shape, u32); 13] = [
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
    (Shape::ClientsFromLeader, 1),
    (Shape::ClientsFromOne, 1),
    (Shape::AnswersOfLeader, 2),
];

/// So often links are flaky, if the fault lasts long enough for several cuts.
const FLAKY_CHANCE: f64 = 0.2;
/// In seconds.
const SHORTEST_FLAKY: f64 = 1.0;
/// For how many milliseconds flaky links are cut, and whole: below and about an election time-out.
const FLAKY_MS: (f64, f64) = (30.0, 400.0);

impl Partition {
    /// Draws one that lasts for so many seconds, leaders first; none where no shape fits.
    /// `parts_leader` asks for a steady shape that parts the leader from its majority.
    pub(crate) fn draw(
        room: &Room,
        lasts: f64,
        parts_leader: bool,
        random: &mut impl Rng,
    ) -> Option<Self> {
        let flaky = random.random_bool(FLAKY_CHANCE) && lasts >= SHORTEST_FLAKY;
        let mut beat = || whole_between(FLAKY_MS.0, FLAKY_MS.1, random) as u32;
        let (cut_ms, whole_ms) = (beat(), beat());
        let fits = |shape: Shape| {
            shape.smallest_cluster() <= room.nodes
                && (shape.is_about_one() || room.most >= room.nodes)
                && (!parts_leader || shape.parts_leader())
        };
        if room.nodes < 2 {
            return None;
        }
        let steady = Self::steady(weighted(&WEIGHTS, fits, random));
        let comes_and_goes = flaky && !parts_leader;
        Some(if comes_and_goes { Self { cut_ms, whole_ms, ..steady } } else { steady })
    }
}
