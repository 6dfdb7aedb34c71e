//! The cases that a checker gets wrong, by name.

use super::oracle::some_order_is_legal;
use super::problem::{believing, known, problem, swap, unknown};
use crate::search::by_value::{Op::*, TimedOp};
use crate::search::zones::decide;

/// Asserts that there is a legal order, and that it is so by trying.
#[track_caller]
fn assert_valid(steps: Vec<TimedOp>) {
    let problem = problem(steps);
    assert!(some_order_is_legal(&problem), "the case itself is wrong");
    assert_eq!(decide(&problem).expect("zones apply").contradiction, None);
}

/// Asserts that these places, by invocation, are the contradiction, and that they suffice.
#[track_caller]
fn assert_contradiction(steps: Vec<TimedOp>, places: &[usize]) {
    let problem = problem(steps);
    assert!(!some_order_is_legal(&problem), "the case itself is wrong");
    let contradiction = decide(&problem).expect("zones apply").contradiction;
    let contradiction = contradiction.expect("there is no legal order");
    assert_eq!(contradiction.0, places);
    assert!(!some_order_is_legal(&believing(&problem, places)), "{places:?} do not suffice");
}

#[track_caller]
fn assert_does_not_apply(steps: Vec<TimedOp>) {
    assert_eq!(decide(&problem(steps)), None);
}

#[test]
fn nothing_happened() {
    assert_valid(vec![]);
}

#[test]
fn the_initial_value_was_there_without_a_write() {
    assert_valid(vec![known(Read(0), 0, 1), known(Write(1), 2, 3), known(Read(1), 4, 5)]);
}

#[test]
fn a_value_that_is_written_twice_is_for_others() {
    assert_does_not_apply(vec![known(Write(1), 0, 1), known(swap(0, 1), 2, 3)]);
    assert_does_not_apply(vec![known(Write(1), 0, 1), unknown(Write(1), 2)]);
}

#[test]
fn the_initial_value_written_again_is_for_others() {
    assert_does_not_apply(vec![known(Write(0), 0, 1)]);
    assert_does_not_apply(vec![unknown(swap(1, 0), 0)]);
}

#[test]
fn having_seen_another_value_is_for_others() {
    assert_does_not_apply(vec![known(SawAnother(1), 0, 1)]);
}

#[test]
fn a_value_that_nobody_wrote() {
    assert_contradiction(vec![known(Read(0), 0, 1), known(Read(7), 2, 3)], &[1]);
}

#[test]
fn a_write_of_unknown_outcome_that_found_a_value_nobody_wrote() {
    assert_contradiction(vec![unknown(swap(7, 8), 0), known(Read(8), 2, 3)], &[0, 1]);
    assert_valid(vec![unknown(swap(7, 8), 0), known(Read(0), 2, 3)]);
}

#[test]
fn a_stale_read() {
    assert_contradiction(
        vec![
            known(Write(1), 0, 1),
            known(Write(2), 2, 3),
            known(Read(2), 4, 5),
            known(Read(1), 6, 7),
        ],
        &[0, 1, 2, 3],
    );
}

#[test]
fn a_stale_read_of_the_initial_value() {
    assert_contradiction(vec![known(Write(1), 0, 1), known(Read(0), 2, 3)], &[0, 1]);
}

#[test]
fn a_read_of_the_future() {
    assert_contradiction(vec![known(Read(1), 0, 1), known(Write(1), 2, 3)], &[0, 1]);
    assert_contradiction(vec![known(Read(1), 0, 1), unknown(Write(1), 2)], &[0, 1]);
}

#[test]
fn an_invocation_at_the_index_of_a_return_comes_first() {
    assert_valid(vec![known(Read(1), 0, 2), known(Write(1), 2, 3)]);
    assert_valid(vec![known(Write(1), 0, 2), known(Read(0), 2, 3)]);
}

#[test]
fn two_forward_zones_that_overlap() {
    assert_contradiction(
        vec![
            known(Write(1), 0, 1),
            known(Write(2), 2, 3),
            known(Read(1), 4, 5),
            known(Read(2), 6, 7),
        ],
        &[0, 1, 2, 3],
    );
}

#[test]
fn a_backward_zone_within_a_forward_one() {
    assert_contradiction(
        vec![known(Write(1), 0, 1), known(Write(2), 2, 3), known(Read(1), 4, 5)],
        &[0, 1, 2],
    );
}

#[test]
fn a_backward_zone_that_reaches_out_of_a_forward_one() {
    assert_valid(vec![known(Write(1), 0, 1), known(Write(2), 2, 6), known(Read(1), 4, 5)]);
    assert_valid(vec![known(Write(2), 0, 3), known(Write(1), 1, 2), known(Read(1), 4, 5)]);
}

#[test]
fn a_mutation_of_unknown_outcome_is_never_forced() {
    assert_valid(vec![unknown(Write(1), 0), known(Read(0), 1, 2)]);
    assert_valid(vec![unknown(swap(5, 6), 0), known(Read(0), 1, 2)]);
    assert_valid(vec![known(swap(0, 1), 0, 1), unknown(swap(0, 2), 2), known(Read(1), 3, 4)]);
}

#[test]
fn a_mutation_of_unknown_outcome_takes_effect_late() {
    assert_valid(vec![
        unknown(Write(1), 0),
        known(Write(2), 1, 2),
        known(Read(2), 3, 4),
        known(Read(1), 5, 6),
    ]);
}

#[test]
fn a_mutation_of_unknown_outcome_takes_effect_only_once() {
    assert_contradiction(
        vec![
            unknown(Write(1), 0),
            known(Read(1), 1, 2),
            known(Write(2), 3, 4),
            known(Read(1), 5, 6),
        ],
        &[0, 1, 2, 3],
    );
}

#[test]
fn what_was_seen_through_another_unknown_outcome_took_effect() {
    // The reader of 3 saw that 2 was found by then, and so that 1 was.
    let chain = vec![
        unknown(Write(1), 0),
        unknown(swap(1, 2), 1),
        unknown(swap(2, 3), 2),
        known(Read(3), 3, 4),
    ];
    assert_valid(chain.clone());
    let mut spoilt = chain;
    spoilt.push(known(Read(1), 5, 6));
    assert_contradiction(spoilt, &[0, 2, 3, 4]);
}

#[test]
fn an_unknown_outcome_that_only_an_unseen_one_found_did_not_happen() {
    assert_valid(vec![
        unknown(Write(1), 0),
        unknown(swap(1, 2), 1),
        known(Read(0), 3, 4),
        known(Write(3), 5, 6),
        known(Read(3), 7, 8),
    ]);
}

#[test]
fn two_swaps_that_found_the_same_value() {
    assert_contradiction(
        vec![known(Write(1), 0, 9), known(swap(1, 2), 1, 9), known(swap(1, 3), 2, 9)],
        &[0, 1, 2],
    );
    assert_contradiction(vec![known(swap(0, 1), 0, 9), known(swap(0, 2), 1, 9)], &[0, 1]);
}

#[test]
fn two_swaps_that_found_the_same_value_one_of_them_seen_later() {
    assert_contradiction(
        vec![known(swap(0, 1), 0, 9), unknown(swap(0, 2), 1), known(Read(2), 2, 9)],
        &[0, 1, 2],
    );
}

#[test]
fn a_circle_of_swaps() {
    assert_contradiction(vec![known(swap(1, 2), 0, 9), known(swap(2, 1), 1, 9)], &[0, 1]);
    assert_contradiction(
        vec![unknown(swap(1, 2), 0), unknown(swap(2, 1), 1), known(Read(1), 2, 9)],
        &[0, 1, 2],
    );
    assert_valid(vec![unknown(swap(1, 2), 0), unknown(swap(2, 1), 1), known(Read(0), 2, 9)]);
}

#[test]
fn a_chain_of_swaps_is_one_block() {
    assert_contradiction(
        vec![
            known(Write(1), 0, 1),
            known(Write(4), 2, 3),
            known(swap(1, 2), 4, 5),
            known(swap(2, 3), 6, 7),
            known(Read(3), 8, 9),
        ],
        &[0, 1, 3, 4],
    );
    assert_valid(vec![
        known(Write(1), 0, 1),
        known(Write(4), 2, 9),
        known(swap(1, 2), 4, 5),
        known(swap(2, 3), 6, 7),
        known(Read(3), 8, 9),
    ]);
}

#[test]
fn a_read_of_a_value_after_the_swap_that_ended_it() {
    assert_contradiction(
        vec![known(Write(1), 0, 1), known(swap(1, 2), 2, 3), known(Read(1), 4, 5)],
        &[0, 1, 2],
    );
}

#[test]
fn a_swap_before_what_it_found() {
    assert_contradiction(
        vec![known(swap(1, 2), 0, 1), known(Write(1), 2, 3), known(Read(2), 4, 5)],
        &[0, 1],
    );
}

#[test]
fn a_chain_from_the_initial_value_comes_before_everything() {
    assert_contradiction(vec![known(Write(2), 0, 1), known(swap(0, 1), 2, 3)], &[0, 1]);
    assert_contradiction(
        vec![known(Write(2), 0, 1), unknown(swap(0, 1), 2), known(Read(1), 3, 4)],
        &[0, 1, 2],
    );
    assert_valid(vec![known(Write(2), 0, 9), known(swap(0, 1), 2, 3), known(Read(2), 4, 5)]);
}

#[test]
fn the_last_of_a_block_is_of_unknown_outcome() {
    // 1 → 2 was invoked after the read of 3, and the read of 2 shows that it took effect.
    assert_contradiction(
        vec![
            known(Write(1), 0, 1),
            known(Write(3), 2, 3),
            known(Read(2), 4, 9),
            unknown(swap(1, 2), 5),
        ],
        &[0, 1, 2, 3],
    );
}
