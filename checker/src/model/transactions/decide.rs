//! Decides transactions whose values are unique, nearly always.

use std::collections::BTreeSet;

use crate::model::transactions::legal_order::{Found, LegalOrder};
use crate::model::transactions::precedence::{CLOSURE_LIMIT, Cycle, Precedence};
use crate::model::transactions::versions::{Unclear, Versions};
use crate::model::transactions::{State, Transactions};
use crate::model::{Call, Calls, Direct, Interval, Solver};

/// The algorithm's name in verdicts.
const NAME: &str = "precedence-graph";

impl Solver<Transactions> for Transactions {
    fn decide(&self, calls: &Calls<'_, Transactions>) -> Option<Direct> {
        match *calls.initial() == State::default() {
            true => decide(calls),
            false => decide_after_a_first_one(calls),
        }
    }
}

/// Decides transactions on objects that hold something at first: as if a transaction before all
/// others had written that.
fn decide_after_a_first_one(calls: &Calls<'_, Transactions>) -> Option<Direct> {
    /// The indices of the first transaction's events, which push all others back.
    const TAKEN: u64 = 2;
    let nothing = State::default();
    let first = Call::Known(calls.initial().as_writes(), Box::default());
    let all: Vec<_> = std::iter::once(first).chain(calls.calls.iter().cloned()).collect();
    let pushed_back = |it: &Interval| {
        Interval::new(it.invoked + TAKEN, it.returned().map(|returned| returned + TAKEN))
    };
    let intervals: Vec<_> = std::iter::once(Interval::new(0, Some(1)))
        .chain(calls.intervals.iter().map(pushed_back))
        .collect();
    let direct = decide(&Calls { initial: &nothing, calls: &all, intervals: &intervals })?;
    let without_first =
        |places: Vec<usize>| places.into_iter().filter_map(|place| place.checked_sub(1)).collect();
    Some(Direct { contradiction: direct.contradiction.map(without_first), ..direct })
}

/// It is known who read from whom when no value is written to an object twice. What follows from
/// that and from real time is a graph (Kingsbury & Alvaro, "Elle", PVLDB 14(3), 2020; Adya, "Weak
/// consistency", MIT 1999). A cycle in it is a contradiction. Without one, an order that keeps to
/// it is searched for; it is rare that anything must be taken back. None if something was written
/// twice, or when that search gives up.
fn decide(calls: &Calls<'_, Transactions>) -> Option<Direct> {
    decide_in_group(calls, CLOSURE_LIMIT)
}

/// The same; of more than `closure_limit` transactions, less is derived before an order is searched
/// for.
pub(in crate::model) fn decide_in_group(
    calls: &Calls<'_, Transactions>,
    closure_limit: usize,
) -> Option<Direct> {
    let known = match Versions::of(calls) {
        Ok(known) => known,
        Err(Unclear::Ambiguous) => return None,
        Err(Unclear::Contradiction(places)) => {
            let steps = calls.len() as u64;
            return Some(Direct {
                algorithm: NAME,
                steps,
                contradiction: Some(places),
                since: None,
            });
        }
    };
    let mut graph = Precedence::of(&known);
    let order = graph.saturate(closure_limit).and_then(|()| graph.topological_order());
    let mut steps = graph.steps;
    let contradiction = match order {
        Err(Cycle(nodes)) => Some(places(&known, nodes)),
        Ok(order) => {
            let mut search = LegalOrder::new(&known, &graph, &order);
            let found = search.search();
            steps += search.steps;
            match found {
                Found::Order => None,
                Found::Nothing => Some(places(&known, 0..known.nodes.len())),
                Found::Undecided => return None,
            }
        }
    };
    Some(Direct { algorithm: NAME, steps, contradiction, since: None })
}

/// The places of nodes, and of those by which it is known that they happened.
fn places(known: &Versions, nodes: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let nodes = nodes.into_iter().map(|node| &known.nodes[node]);
    let places: BTreeSet<usize> =
        nodes.flat_map(|node| [Some(node.place), node.witness]).flatten().collect();
    places.into_iter().collect()
}
