//! Finds a legal order by assumptions.
//!
//! Transactions of unknown outcome add up: after a while, each value may have been left by one of
//! them, so that hardly anything is certain about who saw what. But most of them were not seen, and
//! of those that were it mostly shows. So it is assumed that reads saw none of them if they can have
//! seen something else; what follows from that may be a contradiction, and then the assumptions that
//! it rests on are given up. An order that is found keeps to the assumptions that are left, and is
//! legal without them. A contradiction says nothing but that some were wrong.

use std::collections::BTreeSet;

use crate::model::transactions::decide::search;
use crate::model::transactions::doubts::Doubts;
use crate::model::transactions::legal_order::Found;
use crate::model::transactions::precedence::{Cycle, Precedence};
use crate::model::transactions::reasons::Reasons;
use crate::model::transactions::versions::Versions;

/// The number of times that assumptions are given up, and of transactions that are looked at for it.
const MOST_ROUNDS: usize = 24;
const MOST_TRANSACTIONS: usize = 400_000;

/// Returns whether there is a legal order by some assumptions. If not, that says nothing.
pub(super) fn find_by_assumptions(known: &Versions, closure_limit: usize, steps: &mut u64) -> bool {
    let mut given_up: BTreeSet<usize> = BTreeSet::new();
    let rounds = MOST_TRANSACTIONS / known.nodes.len().max(1);
    for _ in 0..rounds.min(MOST_ROUNDS) {
        let doubts = Doubts::assuming(known, &|doubt| !given_up.contains(&doubt));
        if (0..known.doubts.len()).all(|doubt| !doubts.is_assumed(doubt)) {
            return false;
        }
        let mut graph = Precedence::of(known, doubts);
        let order = graph.saturate(closure_limit).and_then(|()| graph.topological_order());
        *steps += graph.steps;
        let wrong: BTreeSet<usize> = match order {
            Ok(order) => return search(known, &graph, &order, steps) == Found::Order,
            Err(cycle) => {
                let others = cycles(&graph).into_iter().flat_map(|cycle| cycle.assumptions);
                cycle.assumptions.into_iter().chain(others).collect()
            }
        };
        if wrong.is_empty() {
            return false;
        }
        given_up.extend(wrong);
    }
    false
}

/// A cycle of each group of vertices that come before each other.
fn cycles(graph: &Precedence<'_>) -> Vec<Cycle> {
    let nodes = graph.known.nodes.len();
    let mut among = vec![false; graph.outgoing.len()];
    let cycle = |group: Vec<usize>| {
        group.iter().for_each(|vertex| among[*vertex] = true);
        let start = group.iter().copied().find(|vertex| *vertex < nodes);
        let way = start.and_then(|start| graph.way(start, start, u32::MAX, Some(&among)));
        group.iter().for_each(|vertex| among[*vertex] = false);
        way.map(|way| Reasons::of_way(graph, way))
    };
    groups(graph).into_iter().filter_map(cycle).collect()
}

/// The groups of several vertices that come before each other (Tarjan, "Depth-first search and
/// linear graph algorithms", SIAM J. Comput. 1(2), 1972).
fn groups(graph: &Precedence<'_>) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;

    let count = graph.outgoing.len();
    let (mut number, mut lowest) = (vec![UNSEEN; count], vec![UNSEEN; count]);
    let mut is_open = vec![false; count];
    let (mut open, mut path) = (Vec::new(), Vec::new());
    let mut groups = Vec::new();
    let mut next_number = 0;
    for start in 0..count {
        if number[start] != UNSEEN {
            continue;
        }
        path.push((start, 0));
        while let Some((vertex, edge)) = path.last_mut() {
            let vertex = *vertex;
            if *edge == 0 {
                (number[vertex], lowest[vertex]) = (next_number, next_number);
                next_number += 1;
                open.push(vertex);
                is_open[vertex] = true;
            }
            if let Some(edge_number) = graph.outgoing[vertex].get(*edge) {
                *edge += 1;
                let to = graph.edges[*edge_number].to;
                if number[to] == UNSEEN {
                    path.push((to, 0));
                } else if is_open[to] {
                    lowest[vertex] = lowest[vertex].min(number[to]);
                }
                continue;
            }
            path.pop();
            if let Some((before, _)) = path.last() {
                lowest[*before] = lowest[*before].min(lowest[vertex]);
            }
            if lowest[vertex] == number[vertex] {
                let first = open.iter().rposition(|it| *it == vertex).expect("it is open");
                let group = open.split_off(first);
                group.iter().for_each(|it| is_open[*it] = false);
                if group.len() > 1 {
                    groups.push(group);
                }
            }
        }
    }
    groups
}
