//! Looks for a legal order among those that the precedence allows.

use std::collections::{BTreeSet, HashSet};

use crate::model::transactions::precedence::Precedence;
use crate::model::transactions::versions::{Node, Version, Versions};

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
const MORE_STEPS: u64 = 200_000;

/// The number of bytes of dead ends that are remembered at most.
const MEMORY: usize = 64 << 20;

/// Searches depth first. Of the transactions before which nothing else has to come, one that only
/// reads and finds what it saw comes next, if there is any; else one that changes only objects
/// whose present version no other transaction has still to read, the one that has to be over first
/// before the others. What is placed tells what every object holds, as far as anyone will look at
/// it, so sets that led nowhere need not be tried again.
pub(super) struct LegalOrder<'a> {
    known: &'a Versions,
    graph: &'a Precedence<'a>,
    /// For each vertex, the edges from vertices that are not placed.
    waits_for: Vec<usize>,
    /// For each object, the version that it holds.
    present: Vec<usize>,
    /// For each version, how many have still to read it.
    readers: Vec<usize>,
    /// Nodes that wait for nothing, with the index by which they have to be over.
    ready: BTreeSet<(u64, usize)>,
    over_by: Vec<u64>,
    /// Words of the set of nodes that are placed.
    placed: Box<[u64]>,
    dead_ends: HashSet<Box<[u64]>>,
    pub(super) steps: u64,
}

/// A node that was placed, and what is needed to take it back.
struct Frame {
    node: usize,
    /// The versions that it replaced.
    replaced: Vec<usize>,
    /// The alternatives in its place, the best last.
    alternatives: Vec<usize>,
}

impl<'a> LegalOrder<'a> {
    /// Expects a graph without cycles, and its vertices in a topological order.
    pub(super) fn new(
        known: &'a Versions,
        graph: &'a Precedence<'a>,
        topological: &[usize],
    ) -> LegalOrder<'a> {
        let waits_for = graph.incoming();
        let mut over_by = vec![u64::MAX; waits_for.len()];
        for &vertex in topological.iter().rev() {
            let own = known.nodes.get(vertex).map_or(u64::MAX, |node| node.returned);
            let next = graph.successors(vertex).map(|next| over_by[next]).min();
            over_by[vertex] = own.min(next.unwrap_or(u64::MAX));
        }
        let mut readers = vec![0; known.versions.len()];
        for version in known.nodes.iter().flat_map(|node| &node.reads) {
            readers[*version] += 1;
        }
        let mut result = LegalOrder {
            known,
            graph,
            present: (0..known.objects).collect(),
            readers,
            ready: BTreeSet::new(),
            over_by,
            placed: vec![0; known.nodes.len().div_ceil(64)].into(),
            dead_ends: HashSet::new(),
            steps: 0,
            waits_for,
        };
        for vertex in 0..result.waits_for.len() {
            // A moment that waits for nothing would be one before everything; there is none.
            if result.waits_for[vertex] == 0 {
                result.ready.insert((result.over_by[vertex], vertex));
            }
        }
        result
    }

    pub(super) fn search(&mut self) -> Found {
        let nodes = self.known.nodes.len();
        let limit = MORE_STEPS + STEPS_A_NODE * nodes as u64;
        let most_dead_ends = MEMORY / (8 * self.placed.len() + 48);
        let mut frames: Vec<Frame> = Vec::with_capacity(nodes);
        let mut candidates = self.candidates();
        while frames.len() < nodes {
            if self.steps > limit || self.dead_ends.len() > most_dead_ends {
                return Found::Undecided;
            }
            while let Some(node) = candidates.pop() {
                self.steps += 1;
                let replaced = self.place(node);
                if self.dead_ends.contains(&self.placed) {
                    self.take_back(node, &replaced);
                    continue;
                }
                frames.push(Frame { node, replaced, alternatives: candidates });
                candidates = self.candidates();
                if frames.len() == nodes {
                    return Found::Order;
                }
            }
            self.dead_ends.insert(self.placed.clone());
            let Some(frame) = frames.pop() else { return Found::Nothing };
            self.take_back(frame.node, &frame.replaced);
            candidates = frame.alternatives;
        }
        Found::Order
    }

    /// The candidates for the next place, the best last.
    fn candidates(&mut self) -> Vec<usize> {
        let mut candidates = Vec::new();
        for &(_, node) in &self.ready {
            self.steps += 1;
            let Node { reads, writes, .. } = &self.known.nodes[node];
            if !reads.iter().all(|version| self.is_present(*version)) {
                continue;
            }
            if writes.is_empty() {
                // Moved to the front of any legal order, it stays legal and changes nothing.
                return vec![node];
            }
            let nobody_else_reads = |version: &usize| {
                let present = self.present[self.known.versions[*version].object];
                let own = usize::from(reads.contains(&present));
                self.readers[present] == own
            };
            if writes.iter().all(nobody_else_reads) {
                candidates.push(node);
            }
        }
        candidates.reverse();
        candidates
    }

    fn is_present(&self, version: usize) -> bool {
        let Version { object, .. } = self.known.versions[version];
        self.present[object] == version
    }

    /// Puts a node next; answers the versions that it replaces.
    fn place(&mut self, node: usize) -> Vec<usize> {
        let Node { reads, writes, .. } = &self.known.nodes[node];
        for version in reads {
            self.readers[*version] -= 1;
        }
        let mut replaced = Vec::with_capacity(writes.len());
        for version in writes {
            let present = &mut self.present[self.known.versions[*version].object];
            replaced.push(std::mem::replace(present, *version));
        }
        self.placed[node / 64] ^= 1 << (node % 64);
        self.ready.remove(&(self.over_by[node], node));
        self.release(node);
        replaced
    }

    fn take_back(&mut self, node: usize, replaced: &[usize]) {
        self.hold(node);
        self.ready.insert((self.over_by[node], node));
        self.placed[node / 64] ^= 1 << (node % 64);
        for version in replaced {
            self.present[self.known.versions[*version].object] = *version;
        }
        for version in &self.known.nodes[node].reads {
            self.readers[*version] += 1;
        }
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
                    true => drop(self.ready.insert((self.over_by[next], next))),
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
                    true => drop(self.ready.remove(&(self.over_by[next], next))),
                    false => open.push(next),
                }
            }
        }
    }
}
