//! Values that compare-and-sets lead to one from the other, and the blocks they make (rules 4, 5).

use super::contradiction::Contradiction;
use super::origins::{Origins, Value, left_by, returned};
use super::places::MaybePlace;
use crate::search::by_value::{ByValue, Op};

/// The ends of a block that its order depends on.
pub(super) struct Blocks {
    /// The operation of the initial value's block that was invoked last.
    pub(super) last_of_initial: MaybePlace,
    /// For each operation that was the last of another block to be invoked, the one of the block
    /// that returned first.
    pub(super) first_by_last: Vec<MaybePlace>,
}

/// Makes the blocks.
///
/// # Errors
/// Operations of one block that no order of the block explains.
pub(super) fn walk(problem: &ByValue, origins: &Origins<'_>) -> Result<Blocks, Contradiction> {
    let reached = vec![false; origins.values.len()];
    let mut chains = Chains { problem, origins, reached };
    let last_of_initial = chains.follow(problem.initial)?.last_invoked;
    let mut first_by_last = vec![MaybePlace::NONE; problem.steps.len()];
    for (value, known) in (0..).zip(&origins.values) {
        if chains.is_written(known) {
            let block = chains.follow(value)?;
            let last = block.last_invoked.get().expect("the write is in the block");
            first_by_last[last] = block.first_returned;
        }
    }
    chains.none_bites_its_tail()?;
    Ok(Blocks { last_of_initial, first_by_last })
}

struct Chains<'a> {
    problem: &'a ByValue,
    origins: &'a Origins<'a>,
    /// For each value, whether a chain from the initial value or from a write leads there.
    reached: Vec<bool>,
}

impl Chains<'_> {
    /// Returns whether a write left the value and took effect.
    fn is_written(&self, known: &Value) -> bool {
        known.writer.get().is_some_and(|writer| {
            let step = &self.problem.steps[writer];
            let took_effect = step.returned().is_some() || !known.finder.is_none();
            matches!(step.op, Op::Write(_)) && took_effect
        })
    }

    /// The block of the chain that begins with a value.
    fn follow(&mut self, mut value: u32) -> Result<Block, Contradiction> {
        let mut block = Block::EMPTY;
        loop {
            self.reached[value as usize] = true;
            let known = self.origins.values[value as usize];
            self.append(&mut block, known.writer, known.writer)?;
            self.append(&mut block, known.first_read, known.last_read)?;
            let Some(successor) = known.successor.get() else { return Ok(block) };
            value = left_by(&self.problem.steps[successor]).expect("it leaves the next value");
        }
    }

    /// Puts operations that are in any order among themselves at the end of a block: the first of
    /// them to return and the last to be invoked stand for all.
    fn append(
        &self,
        block: &mut Block,
        first_returned: MaybePlace,
        last_invoked: MaybePlace,
    ) -> Result<(), Contradiction> {
        let (Some(first), Some(last)) = (first_returned.get(), last_invoked.get()) else {
            return Ok(());
        };
        let steps = &self.problem.steps;
        if let Some(earlier) = block.last_invoked.get()
            && returned(&steps[first]) < steps[earlier].invoked
        {
            return Err(self.origins.explain(&[first, earlier]));
        }
        let returns_first = |other: usize| returned(&steps[first]) < returned(&steps[other]);
        if block.first_returned.get().is_none_or(returns_first) {
            block.first_returned = first_returned;
        }
        let is_invoked_last = |other: usize| steps[last].invoked > steps[other].invoked;
        if block.last_invoked.get().is_none_or(is_invoked_last) {
            block.last_invoked = last_invoked;
        }
        Ok(())
    }

    /// Returns whether every compare-and-set that took effect is part of a chain that has a
    /// beginning. One that is not found a value which, followed back from one compare-and-set to
    /// the other, leads back to itself.
    fn none_bites_its_tail(&self) -> Result<(), Contradiction> {
        let successors = self.origins.values.iter().map(|known| known.successor.get());
        let unreached = successors
            .zip(&self.reached)
            .find_map(|(successor, reached)| successor.filter(|_| !reached));
        let Some(first) = unreached else { return Ok(()) };
        let next = |place: &usize| {
            let value = left_by(&self.problem.steps[*place])?;
            self.origins.values[value as usize].successor.get().filter(|next| *next != first)
        };
        let circle: Vec<usize> = std::iter::successors(Some(first), next).collect();
        Err(self.origins.explain(&circle))
    }
}

/// Operations that stand together in every legal order.
#[derive(Clone, Copy)]
struct Block {
    /// The one that returned first.
    first_returned: MaybePlace,
    /// The one that was invoked last.
    last_invoked: MaybePlace,
}

impl Block {
    const EMPTY: Block = Block { first_returned: MaybePlace::NONE, last_invoked: MaybePlace::NONE };
}
