//! The counter workload: additions whose sum shows which of them took part.
//!
//! The additions to one counter are the powers of two, in an order that is drawn, so every read is
//! the exact set of additions it saw: a lost one and a doubled one never cancel out. In every
//! fourth counter some of them are subtracted; the sum shows as much.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde_json::json;

use crate::generator::{Context, Generator, Invocation, Next, operations};
use crate::rotation::Rotation;
use crate::{GeneratorOptions, Load, Workload, stream};

/// The workload that `--workload counter` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "counter",
    summary: "powers of two are added to counters, so that a sum shows which of them it holds",
    model: "counter",
    kinds: &["add", "read"],
    generator: |options| Box::new(Counter::new(options)),
    probe: |counter| [Invocation::mutation("add", counter, json!(1)), Invocation::read(counter)],
};

/// Additions to a counter. Their sum must stay within 2^53, beyond which many services and their
/// clients round numbers; this leaves it readable as well.
const ADDITIONS_PER_COUNTER: u32 = 40;

/// Operations before a counter is replaced.
const OPERATIONS_PER_COUNTER: u32 = 100;

/// Out of a hundred operations, how many read; the rest add as long as there is something to add.
const READS: u32 = 55;

/// One in so many counters goes down as well as up.
const ONE_BOTH_WAYS_IN: u64 = 4;

struct Counter {
    rng: ChaCha8Rng,
    /// Each with the additions still to be made; none before the first operation.
    counters: Rotation<Option<Vec<i64>>>,
}

impl Counter {
    fn new(options: &GeneratorOptions) -> Self {
        Counter {
            rng: stream(options.seed, "generator"),
            counters: Rotation::new("c", options.hot_keys, OPERATIONS_PER_COUNTER),
        }
    }

    fn draw(&mut self) -> Invocation {
        let rng = &mut self.rng;
        let counter = self.counters.draw(rng);
        let both_ways = counter.number % ONE_BOTH_WAYS_IN == ONE_BOTH_WAYS_IN - 1;
        let additions = counter.state.get_or_insert_with(|| additions(both_ways, rng));
        if rng.random_range(0..100) < READS {
            return Invocation::read(&counter.name);
        }
        match additions.pop() {
            Some(addition) => Invocation::mutation("add", &counter.name, json!(addition)),
            None => Invocation::read(&counter.name),
        }
    }
}

/// Everything that is added to one counter.
fn additions(both_ways: bool, rng: &mut ChaCha8Rng) -> Vec<i64> {
    let mut additions: Vec<i64> = (0..ADDITIONS_PER_COUNTER)
        .map(|bit| if both_ways && rng.random() { -(1 << bit) } else { 1 << bit })
        .collect();
    additions.shuffle(rng);
    additions
}

impl Generator for Counter {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }
}

impl Load for Counter {
    fn final_phase(&self) -> Box<dyn Generator> {
        operations(self.counters.names().map(Invocation::read)).boxed()
    }
}
