//! Looks for a legal order among those that the precedence allows.

use std::collections::BTreeSet;

use crate::model::transactions::precedence::Precedence;
use crate::model::transactions::versions::{Node, Version, Versions};
use crate::search::{Memo, Seed};

/// The end of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A legal order.
    Order,
    /// Every order was tried; none is legal.
    Nothing,
    /// Neither, within the steps.
    Undecided,
}

/// Steps that the search may take: some for each transaction, since most orders are found without
/// taking anything back, and some to try around in.
const STEPS_A_NODE: u64 = 64;
const MORE_STEPS: u64 = 5_000_000;

/// The number of bytes of dead ends that are remembered at most.
const MEMORY: usize = 64 << 20;

/// Two unrelated families of fingerprints.
pub(super) const SEEDS: [Seed; 2] = [Seed(0x7A4E_0000_0000_0005), Seed(0x7A4E_FFFF_0000_0006)];

/// Roles of the things that make a fingerprint.
const PLACED: u64 = 1;
const PRESENT: u64 = 2;

/// Searches depth first. Of the transactions before which nothing else has to come, one that only
/// reads and finds what it saw comes next, if there is any: moved to the front of any legal order,
/// it stays legal and changes nothing. Else one that changes only objects whose present version no
/// other transaction has still to read: first those that cost the least (see [`Cost`]), and of these
/// the one that has to be over first.
///
/// One of unknown outcome that need not have happened comes only when it is wanted: right before
/// one that reads what it left. If it changes several objects, one of which is changed again before
/// that, it can be needed earlier; this is tried when nothing else leads on.
///
/// The nodes that are placed, and the versions that are present and wanted, are all that matters
/// for the rest, so what led nowhere need not be tried again.
pub(super) struct LegalOrder<'a> {
    known: &'a Versions,
    graph: &'a Precedence<'a>,
    /// For each vertex, the edges from vertices that are not placed.
    waits_for: Vec<usize>,
    /// For each object, the version that it holds.
    present: Vec<usize>,
    /// For each version, how many have still to read it.
    readers: Vec<usize>,
    /// For each version, how many have still to read it or another of the same content.
    doubters: Vec<usize>,
    /// For each version, the doubts about it.
    doubts_about: Vec<Vec<usize>>,
    /// For each doubt, the number of versions that can still be read, and of those that certainly
    /// are or will be there.
    left: Vec<usize>,
    certain: Vec<usize>,
    /// Nodes that wait for nothing, with the index by which they have to be over; none that need
    /// not have happened.
    ready: BTreeSet<(u64, usize)>,
    /// Those that wait for nothing, need not have happened, and change several objects.
    optional: BTreeSet<usize>,
    over_by: Vec<u64>,
    is_placed: Vec<bool>,
    seed: Seed,
    fingerprint: u128,
    dead_ends: Memo,
    pub(super) steps: u64,
}

/// The cost of putting a node next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cost {
    /// None wants to read what it would overwrite.
    Nothing,
    /// One that may want to read it can read something else that certainly comes.
    AVersion,
    /// It need not have happened, and one wants it for which nothing else will come for certain.
    OneThatIsNeeded,
    /// It overwrites what then can only be had from one that need not have happened.
    ACertainVersion,
    /// It need not have happened, and what it leaves may come from another.
    OneThatIsWanted,
}

/// A node that was placed, and what is needed to take it back.
struct Frame {
    node: usize,
    /// The versions that it replaced.
    replaced: Vec<usize>,
    /// The alternatives in its place.
    alternatives: Alternatives,
}

/// The candidates for a place.
struct Alternatives {
    /// The best last.
    nodes: Vec<usize>,
    /// True if those are among them that are tried when nothing else leads on.
    all: bool,
}

impl<'a> LegalOrder<'a> {
    /// Expects a graph without cycles, and its vertices in a topological order.
    pub(super) fn new(
        known: &'a Versions,
        graph: &'a Precedence<'a>,
        topological: &[usize],
        seed: Seed,
    ) -> LegalOrder<'a> {
        let waits_for = graph.incoming();
        let mut over_by = vec![u64::MAX; waits_for.len()];
        for &vertex in topological.iter().rev() {
            let own = known.nodes.get(vertex).map_or(u64::MAX, |node| node.returned);
            let next = graph.successors(vertex).map(|next| over_by[next]).min();
            over_by[vertex] = own.min(next.unwrap_or(u64::MAX));
        }
        let none = vec![0; known.versions.len()];
        let (mut readers, mut doubters) = (none.clone(), none);
        let mut doubts_about = vec![Vec::new(); known.versions.len()];
        for node in 0..known.nodes.len() {
            for sight in graph.doubts.seen_by(node) {
                readers[sight.version] += 1;
            }
            for doubt in graph.doubts.of_reader(node) {
                for version in graph.doubts.among(*doubt) {
                    doubters[*version] += 1;
                    doubts_about[*version].push(*doubt);
                }
            }
        }
        let left: Vec<&[usize]> =
            (0..known.doubts.len()).map(|doubt| graph.doubts.among(doubt)).collect();
        let is_certain = |version: &&usize| graph.is_certain(**version);
        let certain = left.iter().map(|among| among.iter().filter(is_certain).count()).collect();
        let mut result = LegalOrder {
            known,
            graph,
            present: (0..known.objects).collect(),
            readers,
            doubters,
            doubts_about,
            left: left.into_iter().map(<[usize]>::len).collect(),
            certain,
            ready: BTreeSet::new(),
            optional: BTreeSet::new(),
            over_by,
            is_placed: vec![false; known.nodes.len()],
            seed,
            fingerprint: 0,
            dead_ends: Memo::default(),
            steps: 0,
            waits_for,
        };
        for vertex in 0..known.nodes.len() {
            // A moment that waits for nothing would be one before everything; there is none.
            if result.waits_for[vertex] == 0 {
                result.make_ready(vertex);
            }
        }
        result
    }

    /// Returns whether something was taken for a dead end because of its fingerprint.
    pub(super) fn is_doubtful(&self) -> bool {
        self.dead_ends.was_hit()
    }

    pub(super) fn search(&mut self) -> Found {
        let nodes = self.known.nodes.len();
        let must_be_placed = (0..nodes).filter(|node| self.graph.doubts.happened(*node)).count();
        let mut left = must_be_placed;
        let limit = MORE_STEPS + STEPS_A_NODE * nodes as u64;
        let mut frames: Vec<Frame> = Vec::with_capacity(nodes);
        let mut candidates = self.candidates();
        while left > 0 {
            if self.steps > limit || self.dead_ends.next_size() > MEMORY {
                return Found::Undecided;
            }
            let Some(node) = candidates.nodes.pop() else {
                if !candidates.all {
                    candidates = self.more_candidates();
                    continue;
                }
                self.dead_ends.insert(self.fingerprint);
                let Some(frame) = frames.pop() else { return Found::Nothing };
                self.take_back(frame.node, &frame.replaced);
                left += usize::from(self.graph.doubts.happened(frame.node));
                candidates = frame.alternatives;
                continue;
            };
            self.steps += 1;
            let replaced = self.place(node);
            if self.dead_ends.knows(self.fingerprint) {
                self.take_back(node, &replaced);
                continue;
            }
            left -= usize::from(self.graph.doubts.happened(node));
            frames.push(Frame { node, replaced, alternatives: candidates });
            candidates = self.candidates();
        }
        Found::Order
    }

    /// The candidates for the next place.
    fn candidates(&mut self) -> Alternatives {
        let mut found: Vec<(Cost, usize)> = Vec::new();
        let mut wanted: Vec<(Cost, usize)> = Vec::new();
        for &(_, node) in &self.ready {
            self.steps += 1;
            if !self.finds_what_it_saw(node, &mut wanted) {
                continue;
            }
            if self.known.nodes[node].writes.is_empty() {
                return Alternatives { nodes: vec![node], all: true };
            }
            found.extend(self.cost_of_overwriting(node).map(|cost| (cost, node)));
        }
        wanted.sort_unstable_by_key(|(cost, node)| (*node, *cost));
        wanted.dedup_by_key(|(_, node)| *node);
        found.extend(
            wanted
                .into_iter()
                .filter_map(|(cost, node)| Some((cost.max(self.cost_of_overwriting(node)?), node))),
        );
        found.sort_by_key(|(cost, _)| *cost);
        let nodes = found.into_iter().rev().map(|(_, node)| node).collect();
        Alternatives { nodes, all: self.optional.is_empty() }
    }

    /// Those that need not have happened, change several objects, and may be wanted later.
    fn more_candidates(&mut self) -> Alternatives {
        self.steps += self.optional.len() as u64;
        let is_wanted = |node: &usize| {
            self.known.nodes[*node].writes.iter().any(|version| self.doubters[*version] > 0)
                && self.cost_of_overwriting(*node).is_some()
        };
        let nodes = self.optional.iter().copied().filter(is_wanted).collect();
        Alternatives { nodes, all: true }
    }

    /// Returns whether a node would see now what it saw. If not, nodes that would help are added to
    /// `wanted`.
    fn finds_what_it_saw(&self, node: usize, wanted: &mut Vec<(Cost, usize)>) -> bool {
        let doubts = &self.graph.doubts;
        let mut finds = doubts.seen_by(node).iter().all(|sight| self.is_present(sight.version));
        for doubt in doubts.of_reader(node) {
            let among = doubts.among(*doubt);
            if among.iter().any(|version| self.is_present(*version)) {
                continue;
            }
            finds = false;
            let cost = match self.certain[*doubt] {
                0 => Cost::OneThatIsNeeded,
                _ => Cost::OneThatIsWanted,
            };
            let writers = among.iter().filter_map(|version| self.known.versions[*version].writer);
            let writers = writers.filter(|writer| {
                !doubts.happened(*writer)
                    && !self.is_placed[*writer]
                    && self.waits_for[*writer] == 0
            });
            wanted.extend(writers.map(|writer| (cost, writer)));
        }
        finds
    }

    /// The cost of overwriting what a node would; none if another has still to read it.
    fn cost_of_overwriting(&self, node: usize) -> Option<Cost> {
        let doubts = &self.graph.doubts;
        let mut cost = Cost::Nothing;
        for version in &self.known.nodes[node].writes {
            let present = self.present[self.known.versions[*version].object];
            let own = doubts.seen_by(node).iter().any(|sight| sight.version == present);
            if self.readers[present] > usize::from(own) {
                return None;
            }
            if self.doubters[present] == 0 {
                continue;
            }
            let is_certain = usize::from(self.graph.is_certain(present));
            for doubt in &self.doubts_about[present] {
                let reader = self.known.doubts[*doubt].reader;
                if reader == node || self.is_placed[reader] {
                    continue;
                }
                if self.left[*doubt] == 1 {
                    return None;
                }
                cost = cost.max(match self.certain[*doubt] == is_certain {
                    true => Cost::ACertainVersion,
                    false => Cost::AVersion,
                });
            }
        }
        Some(cost)
    }

    fn is_present(&self, version: usize) -> bool {
        let Version { object, .. } = self.known.versions[version];
        self.present[object] == version
    }

    /// Adds a version to the fingerprint if it matters that it is present, or removes it.
    fn toggle(&mut self, version: usize) {
        if self.is_present(version) && self.readers[version] + self.doubters[version] > 0 {
            self.fingerprint ^= self.seed.of(PRESENT, &version);
        }
    }

    /// Puts a node next; answers the versions that it replaces.
    fn place(&mut self, node: usize) -> Vec<usize> {
        self.count_reads(node, |count| *count -= 1);
        let known = self.known;
        let Node { writes, .. } = &known.nodes[node];
        let mut replaced = Vec::with_capacity(writes.len());
        for version in writes {
            let object = known.versions[*version].object;
            let present = self.present[object];
            self.replace(present, *version);
            let is_certain = usize::from(self.graph.is_certain(present));
            for doubt in &self.doubts_about[present] {
                self.left[*doubt] -= 1;
                self.certain[*doubt] -= is_certain;
            }
            replaced.push(present);
        }
        self.fingerprint ^= self.seed.of(PLACED, &node);
        self.is_placed[node] = true;
        self.ready.remove(&(self.over_by[node], node));
        self.optional.remove(&node);
        self.release(node);
        replaced
    }

    fn take_back(&mut self, node: usize, replaced: &[usize]) {
        self.hold(node);
        self.make_ready(node);
        self.is_placed[node] = false;
        self.fingerprint ^= self.seed.of(PLACED, &node);
        let known = self.known;
        for (version, before) in known.nodes[node].writes.iter().zip(replaced) {
            self.replace(*version, *before);
            let is_certain = usize::from(self.graph.is_certain(*before));
            for doubt in &self.doubts_about[*before] {
                self.left[*doubt] += 1;
                self.certain[*doubt] += is_certain;
            }
        }
        self.count_reads(node, |count| *count += 1);
    }

    /// Lets an object hold another version.
    fn replace(&mut self, present: usize, next: usize) {
        self.toggle(present);
        self.present[self.known.versions[present].object] = next;
        self.toggle(next);
    }

    /// Counts the reads of a node as done, or as not done.
    fn count_reads(&mut self, node: usize, count: impl Fn(&mut usize)) {
        let graph = self.graph;
        for sight in graph.doubts.seen_by(node) {
            self.toggle(sight.version);
            count(&mut self.readers[sight.version]);
            self.toggle(sight.version);
        }
        for doubt in graph.doubts.of_reader(node) {
            for version in graph.doubts.among(*doubt) {
                self.toggle(*version);
                count(&mut self.doubters[*version]);
                self.toggle(*version);
            }
        }
    }

    fn make_ready(&mut self, node: usize) {
        if self.graph.doubts.happened(node) {
            self.ready.insert((self.over_by[node], node));
        } else if self.known.nodes[node].writes.len() > 1 {
            self.optional.insert(node);
        }
    }

    fn make_wait(&mut self, node: usize) {
        self.ready.remove(&(self.over_by[node], node));
        self.optional.remove(&node);
    }

    /// Lets what is behind a vertex no longer wait for it.
    fn release(&mut self, vertex: usize) {
        let mut open = vec![vertex];
        while let Some(vertex) = open.pop() {
            for next in self.graph.successors(vertex) {
                self.waits_for[next] -= 1;
                if self.waits_for[next] > 0 {
                    continue;
                }
                match next < self.known.nodes.len() {
                    true => self.make_ready(next),
                    false => open.push(next),
                }
            }
        }
    }

    /// Lets it wait again.
    fn hold(&mut self, vertex: usize) {
        let mut open = vec![vertex];
        while let Some(vertex) = open.pop() {
            for next in self.graph.successors(vertex) {
                self.waits_for[next] += 1;
                if self.waits_for[next] > 1 {
                    continue;
                }
                match next < self.known.nodes.len() {
                    true => self.make_wait(next),
                    false => open.push(next),
                }
            }
        }
    }
}
