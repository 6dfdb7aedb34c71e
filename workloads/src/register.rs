//! The register workload: reads, writes and compare-and-sets of many keys, a few hot at a time.
//!
//! All values written to a key differ, which shows the checker who wrote what. A cas expects the
//! value last seen at its key, so a good share of them succeeds.

use checker::history::{Event, EventType};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use crate::generator::{Context, Generator, Invocation, Next, operations};
use crate::rotation::Rotation;
use crate::values::{self, ValueSizes};
use crate::{GeneratorOptions, Load, Workload, stream};

/// The workload that `--workload register` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "register",
    summary: "reads, writes and compare-and-sets of many keys, few hot at a time",
    model: "register",
    kinds: &["read", "write", "cas"],
    generator: |options| Box::new(Register::new(options)),
    probe: |key| [Invocation::mutation("write", key, json!(1)), Invocation::read(key)],
};

/// The same for services that have no cas.
pub(crate) const WITHOUT_CAS: Workload = Workload {
    kinds: &["read", "write"],
    generator: |options| Box::new(Register { has_cas: false, ..Register::new(options) }),
    ..WORKLOAD
};

/// Operations before a key is replaced. Long enough for a fault to begin and end while a key is
/// hot (five keys at 1,000 operations a second turn over every 1.5 s on average), short enough
/// that a key's history stays easy to check and to read.
const OPERATIONS_PER_KEY: u32 = 300;

/// Out of a hundred operations, how many read and how many write; the rest are cas. Reads are what
/// shows a broken promise, and a client whose leader has lost its majority waits long for anything
/// else.
const READS: u32 = 50;
const WRITES: u32 = 25;

struct Register {
    rng: ChaCha8Rng,
    values: ValueSizes,
    keys: Rotation<Key>,
    has_cas: bool,
}

/// The knowledge about a key in use.
#[derive(Default)]
struct Key {
    /// The number of values written; every write takes the next number.
    written: u64,
    /// The value it was last seen to hold.
    seen: Option<Value>,
}

impl Register {
    fn new(options: &GeneratorOptions) -> Self {
        Register {
            rng: stream(options.seed, "generator"),
            values: options.values,
            keys: Rotation::new("k", options.hot_keys, OPERATIONS_PER_KEY),
            has_cas: true,
        }
    }

    fn draw(&mut self) -> Invocation {
        let key = self.keys.draw(&mut self.rng);
        let kind = self.rng.random_range(0..100);
        if kind < READS {
            return Invocation::read(&key.name);
        }
        key.state.written += 1;
        let new = self.values.value(key.state.written, &mut self.rng);
        key.grow(values::size(&new));
        match &key.state.seen {
            Some(seen) if self.has_cas && kind >= READS + WRITES => {
                Invocation::mutation("cas", &key.name, json!([seen, new]))
            }
            _ => Invocation::mutation("write", &key.name, new),
        }
    }
}

impl Generator for Register {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }

    fn update(&mut self, _context: &Context, event: &Event) {
        let Some(key) = event.key.as_ref().and_then(|name| self.keys.find(name)) else { return };
        let seen = match (event.kind, event.f.as_str()) {
            (EventType::Ok, "read" | "write") => event.value.clone(),
            (EventType::Ok, "cas") => event.value[1].clone(),
            _ => return,
        };
        key.state.seen = (!seen.is_null()).then_some(seen);
    }
}

impl Load for Register {
    fn final_phase(&self) -> Box<dyn Generator> {
        operations(self.keys.names().map(Invocation::read)).boxed()
    }
}
