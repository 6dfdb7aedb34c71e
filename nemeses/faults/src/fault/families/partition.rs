//! Partition: links between nodes drop packets silently, so that connections hang rather than
//! fail. Unless a shape says otherwise, the controller and its clients still reach every node.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::bounds::SHORTEST_STEP_MS;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith, Wanted,
};
use crate::fault::{Acting, Judgement, Probe, indeterminate, join, milliseconds};
use crate::fault::{Budget, RoleDraw, Step, on_and_off, throughout, weighted, whole_between};
pub use crate::grudge::Grudge;
use crate::grudge::{CLIENTS, Link};
use crate::host::{HostError, PartitionSeen};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "partition",
    letter: 'P',
    description: "links silently drop packets: halves, an isolated node or leader, bridges, rings \
                  of majorities, one direction only, cut off from the clients; steadily or flaky",
    engine: Engine::Links,
    cuts_links: true,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["shape", "cut_ms", "whole_ms"],
    lasts: (0.1, 8.0),
    draw: |wanted, random| Some(Fault::Partition(Partition::draw(wanted, random))),
    parts_leader: true,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Links,
    steps: Steps::Replace,
};

/// Links between nodes drop packets while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The links that it cuts.
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

    /// Returns true if its links come and go.
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

/// The links that a partition cuts. The two-way shapes are Jepsen's (`jepsen.nemesis`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Two halves drawn at random; of an odd number one half is a majority.
    RandomHalves,
    /// One node hears no other and is heard by none.
    IsolateOne,
    /// The leader hears no other and is heard by none.
    IsolateLeader,
    /// The leader keeps as many followers as a minority has room for, the others are a majority:
    /// what the leader goes on appending must never be committed.
    LeaderInMinority,
    /// Every node sees a majority, no two of them the same one.
    MajorityRing,
    /// Two halves that see each other only through one node between them.
    Bridge,
    /// One node hears no other, the others still hear it.
    IntoOne,
    /// One node is heard by no other, it still hears them.
    OutOfOne,
    /// The leader hears no other, the others still hear it: followers append entries whose leader
    /// never learns of it, and its clients' retries meet entries that exist already.
    IntoLeader,
    /// The leader is heard by no other, it still hears them: it is deposed and hears of it.
    OutOfLeader,
    /// No client reaches the leader, which leads on: no other is elected, and all clients wait.
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

    /// Returns true if the leader no longer hears a majority, while one without it can elect
    /// another.
    pub fn parts_leader(self) -> bool {
        matches!(self, Self::IsolateLeader | Self::LeaderInMinority | Self::IntoLeader)
    }

    /// Returns true if no node can talk with a majority of `nodes`, itself counted, while it lasts.
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

    /// Returns true if the leader no longer serves clients, though no other node can lead in its
    /// place.
    pub fn starves_clients(self) -> bool {
        matches!(self, Self::ClientsFromLeader | Self::AnswersOfLeader)
    }

    /// Returns true if it is about the links of the leader.
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

    /// Returns true if it is about the links of one node only.
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

/// The weight of each shape in a draw: what parts a leader from its followers finds the most.
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
    /// Draws one, leaders first. A single node can be cut off from the clients.
    fn draw(wanted: &Wanted, random: &mut ChaCha8Rng) -> Self {
        let Wanted { limits, lasts, parts_leader, .. } = *wanted;
        // A single node has no majority to be parted from, but clients.
        let parts_leader = parts_leader && limits.nodes >= 2;
        let flaky = random.random_bool(FLAKY_CHANCE) && lasts >= SHORTEST_FLAKY;
        let mut step = || whole_between(FLAKY_MS.0, FLAKY_MS.1, random) as u32;
        let (cut_ms, whole_ms) = (step(), step());
        let fits = |shape: Shape| {
            shape.smallest_cluster() <= limits.nodes
                && (shape.is_about_one() || limits.most >= limits.nodes)
                && (!parts_leader || shape.parts_leader())
        };
        let steady = Self::steady(weighted(&WEIGHTS, fits, random));
        let comes_and_goes = flaky && !parts_leader;
        if comes_and_goes { Self { cut_ms, whole_ms, ..steady } } else { steady }
    }
}

impl Spec for Partition {
    fn aim(&self) -> Option<Aim> {
        None
    }

    fn set_aim(&mut self, _: Aim) {}

    fn takes_majority(&self, nodes: usize) -> bool {
        self.shape.takes_majority(nodes)
    }

    fn disturbs(&self, _: usize) -> bool {
        true
    }

    fn starves_clients(&self) -> bool {
        self.shape.starves_clients()
    }

    fn hits(&self) -> Option<Aim> {
        let one = if self.shape.is_about_leader() { Aim::Leader } else { Aim::One };
        self.shape.is_about_one().then_some(one)
    }

    fn validate(&self, nodes: usize) -> Result<(), String> {
        let Self { shape, cut_ms, whole_ms } = *self;
        let least = shape.smallest_cluster();
        if nodes < least {
            return Err(format!("it takes {least} nodes, there are {nodes}"));
        }
        if (cut_ms == 0) != (whole_ms == 0) {
            return Err("flaky links need both cut_ms and whole_ms".to_owned());
        }
        if self.is_flaky() && cut_ms.min(whole_ms) < SHORTEST_STEP_MS {
            return Err(format!("cut_ms and whole_ms are at least {SHORTEST_STEP_MS}"));
        }
        Ok(())
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Partition(grudge(self.shape, roles))
    }

    fn over_time(&self, whole: Action, lasts: Duration, _: &mut ChaCha8Rng) -> Vec<Step> {
        if !self.is_flaky() {
            return throughout(whole);
        }
        let cut = Duration::from_millis(self.cut_ms.into());
        on_and_off(whole, cut, cut + Duration::from_millis(self.whole_ms.into()), lasts)
    }
}

/// The links that a shape cuts.
fn grudge(shape: Shape, roles: &mut RoleDraw<'_>) -> Grudge {
    let target = match shape {
        _ if shape.is_about_leader() => roles.leader(),
        _ if shape.is_about_one() => roles.one(),
        _ => None,
    };
    let nodes = roles.shuffled();
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
            let mut nodes = nodes.to_vec();
            nodes.sort_by_key(|node| *node != leader);
            let (minority, others) = nodes.split_at(Aim::Minority.count(nodes.len()).max(1));
            Grudge::complete(&[minority, others])
        }
    }
}

/// Makes exactly the links drop packets that faults which are on cut.
pub(super) fn cut_links(acting: &mut Acting<'_>, probe: Probe) -> Result<PartitionSeen, HostError> {
    let union = union(acting.actions());
    match probe {
        Probe::Wait => acting.host.partition(&union),
        Probe::Skip => acting.host.partition_quickly(&union),
    }
}

/// The same, without the links of the fault itself.
pub(super) fn cut_links_of_others(acting: &mut Acting<'_>) -> Result<PartitionSeen, HostError> {
    let union = union(acting.actions_of_others());
    acting.host.partition_quickly(&union)
}

/// Every link that any of them cuts.
fn union<'a>(actions: impl Iterator<Item = &'a Action>) -> Grudge {
    let mut union = Grudge::none();
    actions.filter_map(Action::grudge).for_each(|grudge| union.merge(grudge));
    union
}

/// These links drop packets.
impl State for Grudge {
    fn nodes(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn retain(&mut self, _: &BTreeSet<String>) {}

    fn is_empty(&self) -> bool {
        Grudge::is_empty(self)
    }

    fn grudge(&self) -> Option<&Grudge> {
        Some(self)
    }

    fn prepare(&self, acting: &mut Acting<'_>) -> Result<(), HostError> {
        let dropped = acting.host.dropped()?;
        if let Some(own) = acting.own() {
            own.dropped_before = dropped;
        }
        Ok(())
    }

    fn inject(&self, acting: &mut Acting<'_>, probe: Probe) -> Judgement {
        match cut_links(acting, probe) {
            Ok(seen) => judge(self, &seen),
            Err(error) => error.into(),
        }
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        let now = match acting.host.dropped() {
            Ok(now) => now,
            Err(error) => return (Some(indeterminate(error.to_string())), Effect::new()),
        };
        let Some(own) = acting.own() else { return (None, Effect::new()) };
        let dropped = dropped_between(self, &own.dropped_before, &now);
        // What comes and goes may have been missed by the probes at its begin. When there was no
        // time to wait for them they were sent all the same.
        let all_drop = self.links().all(|link| {
            let count = |counts: &BTreeMap<Link, u64>| counts.get(&link).copied().unwrap_or(0);
            count(&now) > count(&own.dropped_before)
        });
        let seen = own.steps > 0 && dropped > 0 || all_drop;
        (seen.then_some(Outcome::Installed), Effect::new().counting("packets_dropped", dropped))
    }

    fn release(&self, acting: &mut Acting<'_>, probe: Probe) -> (Effect, Vec<String>) {
        let seen = match cut_links(acting, probe) {
            Ok(seen) => seen,
            Err(error) => return (Effect::new(), vec![error.to_string()]),
        };
        let silent = (!seen.silent.is_empty() && !seen.cut_short)
            .then(|| format!("no packet passes on {}", join(&seen.silent)));
        let effect = Effect::new().with("healed_after", milliseconds(seen.took));
        (effect, silent.into_iter().collect())
    }
}

/// Judges whether every link of `grudge` was seen to drop packets and no other to be dead. A cut
/// that no probe met may be seen over time, when it comes and goes.
fn judge(grudge: &Grudge, seen: &PartitionSeen) -> Judgement {
    let links: BTreeSet<_> = grudge.links().collect();
    let dropped = links.iter().filter_map(|link| seen.dropped.get(link)).sum();
    let effect = Effect::new()
        .counting("packets_dropped", dropped)
        .counting("links_cut", links.len() as u64)
        .with("cut_after", milliseconds(seen.took));
    let unproven: BTreeSet<_> = links.intersection(&seen.unproven).cloned().collect();
    if !seen.silent.is_empty() && !seen.cut_short {
        let reason = format!("no packet passes on {}, which is not cut", join(&seen.silent));
        Judgement::settled(indeterminate(reason), effect)
    } else if !unproven.is_empty() {
        let reason = format!("no packet was seen dropped on {}", join(&unproven));
        Judgement::open(indeterminate(reason), effect)
    } else {
        Judgement::settled(Outcome::Installed, effect)
    }
}

/// The number of packets that the links of `grudge` dropped between two readings.
fn dropped_between(
    grudge: &Grudge,
    before: &BTreeMap<Link, u64>,
    after: &BTreeMap<Link, u64>,
) -> u64 {
    let of = |counts: &BTreeMap<Link, u64>, link: &Link| counts.get(link).copied().unwrap_or(0);
    grudge.links().map(|link| of(after, &link).saturating_sub(of(before, &link))).sum()
}
