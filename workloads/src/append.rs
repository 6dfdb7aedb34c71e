//! The append workload: elements are added to the ends of lists, and whole lists are read.
//!
//! A read shows the order of everything before it, so it contradicts a lost, doubled or reordered
//! append that a register would have forgotten with the next write.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::json;

use crate::generator::{Context, Generator, Invocation, Next, operations};
use crate::rotation::Rotation;
use crate::values::{self, ValueSizes};
use crate::{GeneratorOptions, Load, Workload, stream};

/// The workload that `--workload append` runs.
pub const WORKLOAD: Workload = Workload {
    name: "append",
    summary: "elements are appended to lists, which are read whole",
    model: "append-list",
    kinds: &["append", "read"],
    generator: |options| Box::new(Append::new(options)),
    probe: |list| [Invocation::mutation("append", list, json!(1)), Invocation::read(list)],
};

/// Operations before a list is replaced. A read answers the whole list, so its cost grows with it;
/// a hundred elements still fit into one packet or two.
const OPERATIONS_PER_LIST: u32 = 200;

/// Out of a hundred operations, how many read.
const READS: u32 = 50;

struct Append {
    rng: ChaCha8Rng,
    values: ValueSizes,
    /// Each with the number of elements appended to it; each element takes the next number.
    lists: Rotation<u64>,
}

impl Append {
    fn new(options: &GeneratorOptions) -> Self {
        Append {
            rng: stream(options.seed, "generator"),
            values: options.values,
            lists: Rotation::read_whole("l", options.hot_keys, OPERATIONS_PER_LIST),
        }
    }

    fn draw(&mut self) -> Invocation {
        let list = self.lists.draw(&mut self.rng);
        if self.rng.random_range(0..100) < READS {
            return Invocation::read(&list.name);
        }
        list.state += 1;
        let element = self.values.value(list.state, &mut self.rng);
        list.grow(values::size(&element));
        Invocation::mutation("append", &list.name, element)
    }
}

impl Generator for Append {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }
}

impl Load for Append {
    fn final_phase(&self) -> Box<dyn Generator> {
        operations(self.lists.names().map(Invocation::read)).boxed()
    }
}
