//! The clients of collections that grow and are read whole, lists and sets alike.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::generator::{Context, Generator, Invocation, Next, operations};
use crate::rotation::Rotation;
use crate::values::{self, ValueSizes};
use crate::{GeneratorOptions, Load, stream};

/// Elements are added to collections, and whole collections are read.
pub(crate) struct Collecting {
    rng: ChaCha8Rng,
    values: ValueSizes,
    /// Each with the number of elements added to it; each element takes the next number.
    collections: Rotation<u64>,
    /// The name of the operation that adds an element.
    add: &'static str,
    /// Out of a hundred operations, how many read.
    reads: u32,
}

impl Collecting {
    /// Collections named by `prefix` and a number, each for `operations` operations, of which
    /// `reads` in a hundred read and the others are `add`.
    pub(crate) fn new(
        options: &GeneratorOptions,
        prefix: &'static str,
        operations: u32,
        add: &'static str,
        reads: u32,
    ) -> Self {
        Collecting {
            rng: stream(options.seed, "generator"),
            values: options.values,
            collections: Rotation::read_whole(prefix, options.hot_keys, operations),
            add,
            reads,
        }
    }

    fn draw(&mut self) -> Invocation {
        let collection = self.collections.draw(&mut self.rng);
        if self.rng.random_range(0..100) < self.reads {
            return Invocation::read(&collection.name);
        }
        collection.state += 1;
        let element = self.values.value(collection.state, &mut self.rng);
        collection.grow(values::size(&element));
        Invocation::mutation(self.add, &collection.name, element)
    }
}

impl Generator for Collecting {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }
}

impl Load for Collecting {
    fn final_phase(&self) -> Box<dyn Generator> {
        operations(self.collections.names().map(Invocation::read)).boxed()
    }
}
