//! The states of an object while a search puts its operations in an order.

use std::cell::Cell;

use crate::model::{Hints, Model};
use crate::search::{Chosen, Machine, Seed};

/// A [`Machine`] of some model.
pub(super) struct States<'a, M: Model> {
    model: &'a M,
    hints: &'a dyn Hints<M>,
    /// The operations that took effect, with their answers.
    pub(super) certain: Vec<(&'a M::Input, &'a M::Output)>,
    /// Mutations of unknown outcome, one for each group that asks for the same.
    pub(super) maybe_applied: Vec<&'a M::Input>,
    present: M::State,
    /// The states before the present one, the first of all first.
    before: Vec<M::State>,
    /// The state after the operation that was tried last.
    tried: Option<M::State>,
    /// The number of words of the state whose fingerprint was asked for last.
    words: Cell<u64>,
}

/// States of so many words cost twice as much to copy as those of one.
const WORDS_A_STEP: u64 = 16;

impl<'a, M: Model> States<'a, M> {
    pub(super) fn new(model: &'a M, initial: M::State) -> States<'a, M> {
        States {
            model,
            hints: model.hints(),
            certain: Vec::new(),
            maybe_applied: Vec::new(),
            present: initial,
            before: Vec::new(),
            tried: None,
            words: Cell::new(0),
        }
    }

    fn after(&self, state: &M::State, operation: Chosen) -> Option<M::State> {
        let (input, output) = match operation {
            Chosen::Certain(place) => {
                let (input, output) = self.certain[place];
                (input, Some(output))
            }
            Chosen::MaybeApplied(group) => (self.maybe_applied[group], None),
        };
        self.model.step(state, input, output)
    }
}

impl<M: Model> Machine for States<'_, M> {
    fn try_next(&mut self, operation: Chosen) -> bool {
        self.tried = self.after(&self.present, operation);
        self.tried.is_some()
    }

    fn changes_nothing(&self) -> bool {
        self.tried.as_ref() == Some(&self.present)
    }

    fn can_do_without(&self, last: usize, next: Chosen, may_swap: bool) -> bool {
        let before = self.before.last().expect("something came before");
        self.after(before, next).is_some_and(|without| {
            self.tried.as_ref() == Some(&without)
                || may_swap && self.after(&without, Chosen::MaybeApplied(last)) == self.tried
        })
    }

    fn outgrows(&self, observer: usize) -> bool {
        let (input, output) = self.certain[observer];
        self.tried.as_ref().is_some_and(|state| self.hints.outgrew(state, input, output))
    }

    fn advance(&mut self) {
        let next = self.tried.take().expect("what comes next was tried");
        self.before.push(std::mem::replace(&mut self.present, next));
    }

    fn go_back(&mut self) {
        self.present = self.before.pop().expect("what was put next is taken back");
    }

    fn cost(&self) -> u64 {
        1 + self.words.get() / WORDS_A_STEP
    }

    fn fingerprint(&self, seed: Seed, salt: u64) -> u128 {
        let (fingerprint, words) = seed.with_size(salt, &self.present);
        self.words.set(words);
        fingerprint
    }

    fn fingerprint_before(&self, seed: Seed, salt: u64, group: usize) -> u128 {
        seed.of(salt, &(group, self.before.last().expect("something came before")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Queue, ValueId};

    #[test]
    fn trying_an_operation_costs_more_in_a_large_state() {
        let cost = |elements: u32| {
            let states = States::new(&Queue, (0..elements).map(ValueId).collect());
            states.fingerprint(Seed::default(), 0);
            states.cost()
        };
        assert_eq!(cost(2), 1);
        assert_eq!(cost(1600), 101);
    }
}
