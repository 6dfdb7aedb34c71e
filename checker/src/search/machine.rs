//! The states that a search goes through.

use crate::search::fingerprint::Seed;

/// An operation that was put next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// An operation that took effect.
    Certain(usize),
    /// The first unused one of a group of mutations of unknown outcome.
    MaybeApplied(usize),
}

/// The states of an object while operations are put in an order and taken back. The search sees
/// numbers of operations only, so that it is the same for every model.
pub(crate) trait Machine {
    /// Tries an operation in the present state; returns whether it can come next.
    fn try_next(&mut self, operation: Chosen) -> bool;

    /// Returns whether the operation that was tried last leaves the present state as it is.
    fn changes_nothing(&self) -> bool;

    /// Returns whether `next`, which was tried last, leads to the same state without the mutation
    /// of group `last` that came right before; or, if they may swap, with that one after it.
    fn can_do_without(&self, last: usize, next: Chosen, may_swap: bool) -> bool;

    /// Returns whether the state after the operation that was tried last has grown past what an
    /// observer answered.
    fn outgrows(&self, observer: usize) -> bool;

    /// Puts the operation that was tried last next.
    fn advance(&mut self);

    /// Takes back the operation that was put next last.
    fn go_back(&mut self);

    /// The steps that trying an operation costs: one, and more if states are large. It goes by the
    /// state whose fingerprint was asked for last.
    fn cost(&self) -> u64;

    /// A fingerprint of the present state in the role `salt`.
    fn fingerprint(&self, seed: Seed, salt: u64) -> u128;

    /// A fingerprint of the state before the present one, and of a group.
    fn fingerprint_before(&self, seed: Seed, salt: u64, group: usize) -> u128;
}
