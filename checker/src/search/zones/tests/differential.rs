//! The same verdict as two other deciders, and contradictions that are enough.

use super::oracle::{some_order_is_legal, the_search_finds_an_order};
use super::problem::believing;
use super::random::{Recipe, history};
use crate::search::by_value::ByValue;
use crate::search::zones::decide;

/// The number of invalid histories, and of all.
#[derive(Default)]
struct Tally {
    invalid: u64,
    all: u64,
}

impl Tally {
    /// Too few of one kind, and the comparison says little.
    fn assert_is_mixed(&self) {
        let Tally { invalid, all } = *self;
        assert!(invalid > all / 5 && invalid < all / 2, "{invalid} of {all} are invalid");
    }
}

/// Compares the verdict on a history, and that on what a contradiction leaves of it.
fn compare(problem: &ByValue, oracle: impl Fn(&ByValue) -> bool, tally: &mut Tally) {
    let zones = decide(problem).expect("every value is written once");
    let is_valid = oracle(problem);
    assert_eq!(zones.contradiction.is_none(), is_valid, "{problem:#?}");
    tally.all += 1;
    if let Some(contradiction) = zones.contradiction {
        tally.invalid += 1;
        let rest = believing(problem, &contradiction.0);
        assert!(!oracle(&rest), "{contradiction:?} does not suffice: {problem:#?}");
    }
}

fn recipe(seed: u64, operations: usize) -> Recipe {
    Recipe {
        seed,
        operations,
        clients: 2 + (seed % 4) as usize,
        unknown: [0.0, 0.1, 0.2, 0.4][(seed / 4 % 4) as usize],
        swaps: [0.3, 0.6, 0.9][(seed / 16 % 3) as usize],
        lies: (seed / 48 % 4) as usize,
    }
}

#[test]
fn tiny_histories_are_judged_as_by_trying_every_order() {
    let mut tally = Tally::default();
    for seed in 0..60_000 {
        let problem = history(recipe(seed, 3 + (seed % 5) as usize));
        compare(&problem, some_order_is_legal, &mut tally);
    }
    tally.assert_is_mixed();
}

#[test]
fn small_histories_are_judged_as_by_the_search() {
    let mut tally = Tally::default();
    for seed in 0..20_000 {
        let problem = history(recipe(seed, 8 + (seed % 30) as usize));
        compare(&problem, the_search_finds_an_order, &mut tally);
    }
    tally.assert_is_mixed();
}

#[test]
fn longer_histories_are_judged_as_by_the_search() {
    let mut tally = Tally::default();
    for seed in 0..300 {
        let clients = 5 + (seed % 20) as usize;
        let recipe = Recipe { clients, lies: (seed % 2) as usize, ..recipe(seed, 300) };
        compare(&history(recipe), the_search_finds_an_order, &mut tally);
    }
    tally.assert_is_mixed();
}

#[test]
fn without_lies_there_is_a_legal_order() {
    for seed in 0..200 {
        let recipe = Recipe { clients: 20, lies: 0, ..recipe(seed, 1_000) };
        let zones = decide(&history(recipe)).expect("every value is written once");
        assert_eq!(zones.contradiction, None, "{recipe:?}");
        assert!(zones.steps > 0);
    }
}
