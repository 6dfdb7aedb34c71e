//! The txn workload: transactions that read and write several keys of a group at once.
//!
//! A transaction is a list of micro-operations `["r", key, null]` and `["w", key, value]`; its
//! completion has the values that were read in place of the nulls. A group is what must be atomic
//! together, and what is checked together.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use crate::generator::{Context, Generator, Invocation, Next, operations};
use crate::rotation::Rotation;
use crate::{GeneratorOptions, Load, Workload, stream};

/// The workload that `--workload txn` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "txn",
    summary: "transactions read and write several keys of a group at once",
    model: "txn",
    kinds: &["txn"],
    generator: |options| Box::new(Txn::new(options)),
    probe: |group| {
        [
            transaction(group, vec![json!(["w", KEYS[0], 1])], true),
            transaction(group, vec![json!(["r", KEYS[0], null])], false),
        ]
    },
};

/// Operations before a group is replaced.
const OPERATIONS_PER_GROUP: u32 = 200;

/// The keys of every group: few, so that transactions meet.
const KEYS: [&str; 3] = ["x", "y", "z"];

/// The most micro-operations of a transaction.
const LONGEST: usize = 4;

/// Out of a hundred micro-operations, how many read.
const READS: u32 = 55;

struct Txn {
    rng: ChaCha8Rng,
    /// Each with the number of values written to it; every write takes the next number.
    groups: Rotation<u64>,
}

impl Txn {
    fn new(options: &GeneratorOptions) -> Self {
        Txn {
            rng: stream(options.seed, "generator"),
            groups: Rotation::new("g", options.hot_keys, OPERATIONS_PER_GROUP),
        }
    }

    fn draw(&mut self) -> Invocation {
        let rng = &mut self.rng;
        let group = self.groups.draw(rng);
        // Each key is read at most once and written at most once, in any order: a read must see
        // what the same transaction wrote before it.
        let mut to_read = KEYS;
        let mut to_write = KEYS;
        to_read.shuffle(rng);
        to_write.shuffle(rng);
        let (mut to_read, mut to_write) = (to_read.into_iter(), to_write.into_iter());
        let mut steps = Vec::new();
        let mut mutates = false;
        for _ in 0..rng.random_range(1..=LONGEST) {
            let read = rng.random_range(0..100) < READS;
            let step = match if read { to_read.next() } else { None } {
                Some(key) => json!(["r", key, null]),
                None => {
                    let Some(key) = to_write.next() else { break };
                    mutates = true;
                    group.state += 1;
                    json!(["w", key, group.state])
                }
            };
            steps.push(step);
        }
        transaction(&group.name, steps, mutates)
    }
}

fn transaction(group: &str, steps: Vec<Value>, mutates: bool) -> Invocation {
    Invocation { f: "txn", key: group.into(), value: Value::Array(steps), mutates }
}

impl Generator for Txn {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }
}

impl Load for Txn {
    fn final_phase(&self) -> Box<dyn Generator> {
        let read_all = |group: String| {
            transaction(&group, KEYS.map(|key| json!(["r", key, null])).into(), false)
        };
        operations(self.groups.names().map(read_all)).boxed()
    }
}
