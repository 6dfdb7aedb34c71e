//! Decides transactions, nearly always: of what they write, readers know or can nearly always
//! infer whose it was.

use std::collections::BTreeSet;

use crate::model::transactions::assumptions::find_by_assumptions;
use crate::model::transactions::doubts::Doubts;
use crate::model::transactions::legal_order::{Found, LegalOrder, SEEDS};
use crate::model::transactions::precedence::{
    CLOSURE_LIMIT, Cycle, FIRST_CLOSURE_LIMIT, Precedence,
};
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

/// If no value is written twice to an object, it is known who read from whom. Where values
/// repeat, real time leaves few versions of a content that a read can have seen, and what else is
/// known mostly one. What follows from that is a graph (Kingsbury & Alvaro, "Elle", PVLDB 14(3),
/// 2020; Adya, "Weak consistency", MIT 1999), in which more versions are excluded. A cycle in it is
/// a contradiction, and so is a read that no version is left for. Without one, an order that keeps
/// to it is searched for; it is rare that anything must be taken back. None if an element was
/// appended twice to a list, or when that search gives up.
fn decide(calls: &Calls<'_, Transactions>) -> Option<Direct> {
    decide_in_group(calls, FIRST_CLOSURE_LIMIT)
}

/// The same; of more than `closure_limit` transactions, less is derived before an order is searched
/// for at first.
pub(in crate::model) fn decide_in_group(
    calls: &Calls<'_, Transactions>,
    closure_limit: usize,
) -> Option<Direct> {
    let direct =
        |steps, contradiction| Direct { algorithm: NAME, steps, contradiction, since: None };
    let known = match Versions::of(calls) {
        Ok(known) => known,
        Err(Unclear::Ambiguous) => return None,
        Err(Unclear::Contradiction(places)) => {
            return Some(direct(calls.len() as u64, Some(places)));
        }
    };
    let nodes = known.nodes.len();
    let mut steps = 0;
    if find_by_assumptions(&known, closure_limit, &mut steps) {
        return Some(direct(steps, None));
    }
    let mut found = find(&known, Doubts::of(&known), closure_limit, &mut steps);
    if matches!(found, Ok(Found::Nothing | Found::Undecided))
        && (closure_limit + 1..=CLOSURE_LIMIT).contains(&nodes)
    {
        found = find(&known, Doubts::of(&known), CLOSURE_LIMIT, &mut steps);
    }
    let contradiction = match found {
        Ok(Found::Order) => None,
        Ok(Found::Nothing) => Some(places(&known, 0..nodes)),
        Ok(Found::Undecided) => return None,
        Err(Cycle { nodes, .. }) => Some(places(&known, nodes)),
    };
    Some(direct(steps, contradiction))
}

/// Looks for an order. All that follows from who comes before whom is derived first if there are no
/// more transactions than `closure_limit`.
fn find(
    known: &Versions,
    doubts: Doubts<'_>,
    closure_limit: usize,
    steps: &mut u64,
) -> Result<Found, Cycle> {
    let mut graph = Precedence::of(known, doubts);
    let order = graph.saturate(closure_limit).and_then(|()| graph.topological_order());
    *steps += graph.steps;
    let order = order?;
    Ok(search(known, &graph, &order, steps))
}

/// Searches for an order that keeps to the graph.
pub(super) fn search(
    known: &Versions,
    graph: &Precedence<'_>,
    order: &[usize],
    steps: &mut u64,
) -> Found {
    let mut found = Found::Undecided;
    for seed in SEEDS {
        let mut search = LegalOrder::new(known, graph, order, seed);
        found = search.search();
        *steps += search.steps;
        // Two fingerprints may be equal by chance.
        if found != Found::Nothing || !search.is_doubtful() {
            break;
        }
    }
    found
}

/// The places of nodes, and of those by which it is known that they happened.
fn places(known: &Versions, nodes: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let nodes = nodes.into_iter().map(|node| &known.nodes[node]);
    let places: BTreeSet<usize> =
        nodes.flat_map(|node| [Some(node.place), node.witness]).flatten().collect();
    places.into_iter().collect()
}
