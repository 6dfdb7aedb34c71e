//! The transactions that a contradiction rests on.

use std::collections::BTreeSet;

use crate::model::transactions::doubts::Exclusion;
use crate::model::transactions::precedence::{Cycle, Edge, Precedence, Why};
use crate::model::transactions::versions::Doubt;

/// The nodes, edges and doubts that a contradiction rests on.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    nodes: BTreeSet<usize>,
    edges: BTreeSet<usize>,
    doubts: BTreeSet<usize>,
}

/// A part of it.
#[derive(Debug, Clone, Copy)]
enum Fact {
    /// That a vertex is there, and happened if it is a node.
    Vertex(usize),
    /// That an edge holds.
    Edge(usize),
    /// That no version was seen but those that are left.
    Settled(usize),
}

impl Reasons {
    /// A cycle of edges, with all that its edges rest on.
    pub(super) fn of_way(graph: &Precedence<'_>, edges: Vec<usize>) -> Cycle {
        let mut reasons = Reasons::default();
        reasons.rest_on(graph, edges.into_iter().map(Fact::Edge).collect());
        reasons.into_cycle(graph)
    }

    /// The reasons for which a reader can have seen none of the versions.
    pub(super) fn of_doubt(graph: &Precedence<'_>, doubt: usize) -> Cycle {
        let mut reasons = Reasons::default();
        reasons.rest_on(graph, vec![Fact::Settled(doubt)]);
        reasons.into_cycle(graph)
    }

    fn into_cycle(self, graph: &Precedence<'_>) -> Cycle {
        let assumptions = self.doubts.into_iter().filter(|it| graph.doubts.is_assumed(*it));
        Cycle { nodes: self.nodes, assumptions: assumptions.collect() }
    }

    fn rest_on(&mut self, graph: &Precedence<'_>, mut open: Vec<Fact>) {
        while let Some(fact) = open.pop() {
            match fact {
                Fact::Vertex(vertex) => {
                    if vertex < graph.known.nodes.len() && self.nodes.insert(vertex) {
                        open.extend(graph.doubts.shown_by(vertex).map(Fact::Settled));
                    }
                }
                Fact::Edge(edge) => {
                    if self.edges.insert(edge) {
                        self.rest_on_edge(graph, graph.edges[edge], &mut open);
                    }
                }
                Fact::Settled(doubt) => {
                    if self.doubts.insert(doubt) {
                        rest_on_doubt(graph, doubt, &mut open);
                    }
                }
            }
        }
    }

    fn rest_on_edge(&self, graph: &Precedence<'_>, edge: Edge, open: &mut Vec<Fact>) {
        let Edge { from, to, why, doubt, round } = edge;
        open.extend([Fact::Vertex(from), Fact::Vertex(to)]);
        open.extend(doubt.map(Fact::Settled));
        match why {
            Why::RealTime | Why::Seen | Why::Overwrites { writer: None } => {}
            Why::Listed { reader } => open.push(Fact::Vertex(reader)),
            Why::Overwrites { writer: Some(writer) } => {
                open.push(Fact::Vertex(writer));
                add_way(graph, writer, to, round, open);
            }
            Why::Precedes { reader } => {
                open.push(Fact::Vertex(reader));
                add_way(graph, from, reader, round, open);
            }
        }
    }
}

/// Adds the edges that lead from one node to another, of earlier rounds.
fn add_way(graph: &Precedence<'_>, from: usize, to: usize, round: u32, open: &mut Vec<Fact>) {
    let way = graph.way(from, to, round, None).into_iter().flatten();
    open.extend(way.map(Fact::Edge));
}

/// Adds what excludes all versions but those that are left.
fn rest_on_doubt(graph: &Precedence<'_>, number: usize, open: &mut Vec<Fact>) {
    let Doubt { reader, content, .. } = graph.known.doubts[number];
    open.push(Fact::Vertex(reader));
    for &version in &graph.known.alike[content] {
        let writer = graph.known.versions[version].writer;
        if graph.doubts.among(number).contains(&version) || writer == Some(reader) {
            continue;
        }
        match graph.doubts.exclusion(number, version) {
            None => rest_on_real_time(graph, reader, version, open),
            Some(Exclusion { overwritten_by: None, round, .. }) => {
                let writer = writer.expect("what was there at first comes after nothing");
                add_way(graph, reader, writer, round, open);
            }
            Some(Exclusion { overwritten_by: Some(between), round, .. }) => {
                open.push(Fact::Vertex(between));
                if let Some(writer) = writer {
                    open.push(Fact::Vertex(writer));
                    add_way(graph, writer, between, round, open);
                }
                add_way(graph, between, reader, round, open);
            }
        }
    }
}

/// Adds what excludes a version by real time alone: it came too late, or was overwritten too early.
fn rest_on_real_time(graph: &Precedence<'_>, reader: usize, version: usize, open: &mut Vec<Fact>) {
    let nodes = &graph.known.nodes;
    let version = graph.known.versions[version];
    let over = version.writer.map_or(0, |writer| nodes[writer].returned);
    if version.writer.is_some_and(|writer| nodes[writer].invoked > nodes[reader].returned) {
        return;
    }
    let between = graph.writers[version.object].iter().find(|node| {
        nodes[**node].returned < nodes[reader].invoked
            && (version.writer.is_none() || nodes[**node].invoked > over)
    });
    open.extend(version.writer.map(Fact::Vertex));
    open.extend(between.map(|node| Fact::Vertex(*node)));
}
