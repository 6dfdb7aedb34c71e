//! Histories of a simulated register whose written values are all different, spoilt on demand.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::problem::{INITIAL, problem};
use crate::search::by_value::{ByValue, Op, TimedOp};

/// The recipe of a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    pub(super) seed: u64,
    pub(super) operations: usize,
    pub(super) clients: usize,
    /// The share of mutations whose outcome is not known.
    pub(super) unknown: f64,
    /// The share of compare-and-sets among mutations.
    pub(super) swaps: f64,
    /// The number of operations that say something else than what happened.
    pub(super) lies: usize,
}

/// An operation that somebody waits for.
struct Open {
    step: TimedOp,
    /// True if it found what it wanted; none until it has taken effect or failed to.
    succeeded: Option<bool>,
}

/// Makes a history. Without lies there is a legal order.
pub(super) fn history(recipe: Recipe) -> ByValue {
    let mut random = ChaCha8Rng::seed_from_u64(recipe.seed);
    let mut value = INITIAL;
    let mut last_written = INITIAL;
    let mut invocations = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut abandoned: Vec<Op> = Vec::new();
    let mut steps: Vec<TimedOp> = Vec::new();
    let mut index = 0;
    while invocations < recipe.operations || !open.is_empty() {
        let may_invoke = open.len() < recipe.clients && invocations < recipe.operations;
        if may_invoke && (open.is_empty() || random.random_bool(0.5)) {
            let op = ask(recipe, &mut random, value, &mut last_written);
            let step = TimedOp::new(op, index, None);
            if !matches!(op, Op::Read(_)) && random.random_bool(recipe.unknown) {
                steps.push(step);
                abandoned.push(op);
            } else {
                open.push(Open { step, succeeded: None });
            }
            index += 1;
            invocations += 1;
        } else if !abandoned.is_empty() && random.random_bool(0.1) {
            // Some of these take effect, at once or late, and some never.
            let place = random.random_range(0..abandoned.len());
            serve(&mut abandoned.swap_remove(place), &mut value);
        } else if !open.is_empty() {
            let place = random.random_range(0..open.len());
            let operation = &mut open[place];
            let Some(succeeded) = operation.succeeded else {
                operation.succeeded = Some(serve(&mut operation.step.op, &mut value));
                continue;
            };
            let step = open.swap_remove(place).step.returning(Some(index));
            index += 1;
            if succeeded {
                steps.push(step);
            }
        }
    }
    lie(&mut steps, last_written, recipe.lies, &mut random);
    problem(steps)
}

/// The request of a client.
fn ask(recipe: Recipe, random: &mut ChaCha8Rng, value: u32, last_written: &mut u32) -> Op {
    if random.random_bool(0.4) {
        return Op::Read(INITIAL);
    }
    let from = match random.random_bool(0.9) {
        true => value,
        false => random.random_range(0..=*last_written),
    };
    *last_written += 1;
    match random.random_bool(recipe.swaps) {
        true => Op::CompareAndSet { from, to: *last_written },
        false => Op::Write(*last_written),
    }
}

/// Takes an operation to its effect; a read notes what it saw. Whether it found what it wanted.
fn serve(op: &mut Op, value: &mut u32) -> bool {
    match op {
        Op::Read(seen) => *seen = *value,
        Op::Write(written) => *value = *written,
        Op::CompareAndSet { from, to } if *from == *value => *value = *to,
        Op::CompareAndSet { .. } => return false,
        Op::SawAnother(_) => unreachable!("nobody asks for it"),
    }
    true
}

/// Makes operations say something else: that they found another value, that they returned at
/// another time, that it is known how a mutation of unknown outcome ended.
fn lie(steps: &mut [TimedOp], last_written: u32, lies: usize, random: &mut ChaCha8Rng) {
    if steps.is_empty() {
        return;
    }
    for _ in 0..lies {
        let place = random.random_range(0..steps.len());
        let end = 2 * steps.len() as u64;
        let step = &mut steps[place];
        let claimed = random.random_range(0..=last_written);
        match &mut step.op {
            Op::Read(seen) if random.random_bool(0.8) => *seen = claimed,
            Op::CompareAndSet { from, to } if random.random_bool(0.5) && claimed != *to => {
                *from = claimed;
            }
            _ => {
                let index = random.random_range(step.invoked + 1..=step.invoked + end);
                *step = step.returning(Some(index));
            }
        }
    }
}
