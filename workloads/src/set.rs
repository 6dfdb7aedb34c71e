//! The set workload: elements are added, and whole sets are read.
//!
//! An element that was acknowledged and is missing from a later read was lost. Nothing hides it
//! again, so a set finds losses that come long after the write.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::json;

use crate::generator::{Context, Generator, Invocation, Next, operations};
use crate::rotation::Rotation;
use crate::values::{self, ValueSizes};
use crate::{GeneratorOptions, Load, Workload, stream};

/// The workload that `--workload set` runs.
pub const WORKLOAD: Workload = Workload {
    name: "set",
    summary: "elements are added to sets, which are read whole",
    model: "set",
    kinds: &["add", "read"],
    generator: |options| Box::new(Set::new(options)),
    probe: |set| [Invocation::mutation("add", set, json!(1)), Invocation::read(set)],
};

/// Operations before a set is replaced. A read answers the whole set, so its cost grows with it.
const OPERATIONS_PER_SET: u32 = 200;

/// Out of a hundred operations, how many read.
const READS: u32 = 40;

struct Set {
    rng: ChaCha8Rng,
    values: ValueSizes,
    /// Each with the number of elements added to it; each element takes the next number.
    sets: Rotation<u64>,
}

impl Set {
    fn new(options: &GeneratorOptions) -> Self {
        Set {
            rng: stream(options.seed, "generator"),
            values: options.values,
            sets: Rotation::read_whole("s", options.hot_keys, OPERATIONS_PER_SET),
        }
    }

    fn draw(&mut self) -> Invocation {
        let set = self.sets.draw(&mut self.rng);
        if self.rng.random_range(0..100) < READS {
            return Invocation::read(&set.name);
        }
        set.state += 1;
        let element = self.values.value(set.state, &mut self.rng);
        set.grow(values::size(&element));
        Invocation::mutation("add", &set.name, element)
    }
}

impl Generator for Set {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }
}

impl Load for Set {
    fn final_phase(&self) -> Box<dyn Generator> {
        operations(self.sets.names().map(Invocation::read)).boxed()
    }
}
