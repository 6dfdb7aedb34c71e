//! The register workload: reads, writes and compare-and-sets of many keys, a few hot at a time.
//!
//! Each key serves a bounded number of operations and is then replaced by a fresh one, so that
//! the checker meets many short histories instead of a few endless ones. All values written to a
//! key differ, which tells the checker who wrote what. A cas expects the value last seen at its
//! key, so a good share of them succeeds.

use checker::history::{Event, EventType};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use crate::generator::{Generator, Invocation};
use crate::{GeneratorOptions, Workload, stream};

/// What `--workload register` runs.
pub const WORKLOAD: Workload = Workload {
    name: "register",
    summary: "reads, writes and compare-and-sets of many keys, few hot at a time",
    model: "register",
    kinds: &["read", "write", "cas"],
    generator: |options| Box::new(Register::new(options)),
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
    hot: Vec<Key>,
    /// How many keys have been opened so far; the next key's number.
    opened: u64,
}

/// A key in use.
struct Key {
    name: String,
    /// Operations it may still serve.
    left: u32,
    /// The value written last; every write takes the next number.
    written: u64,
    /// The value it was last seen to hold.
    seen: Option<Value>,
}

impl Register {
    fn new(options: &GeneratorOptions) -> Self {
        assert!(options.hot_keys > 0, "a register workload needs a key");
        let mut register =
            Register { rng: stream(options.seed, "generator"), hot: Vec::new(), opened: 0 };
        for position in 0..options.hot_keys {
            let mut key = register.open();
            // The first keys end at different times, so that they are not all replaced at once.
            let share = (position as u32 + 1) * OPERATIONS_PER_KEY / options.hot_keys as u32;
            key.left = share.max(1);
            register.hot.push(key);
        }
        register
    }

    fn open(&mut self) -> Key {
        let name = format!("k{}", self.opened);
        self.opened += 1;
        Key { name, left: OPERATIONS_PER_KEY, written: 0, seen: None }
    }
}

impl Generator for Register {
    fn next(&mut self) -> Invocation {
        let position = self.rng.random_range(0..self.hot.len());
        if self.hot[position].left == 0 {
            self.hot[position] = self.open();
        }
        let kind = self.rng.random_range(0..100);
        let key = &mut self.hot[position];
        key.left -= 1;
        let name = key.name.clone();
        if kind < READS {
            return Invocation { f: "read", key: name, value: Value::Null };
        }
        key.written += 1;
        let new = json!(key.written);
        match &key.seen {
            Some(seen) if kind >= READS + WRITES => {
                Invocation { f: "cas", key: name, value: json!([seen, new]) }
            }
            _ => Invocation { f: "write", key: name, value: new },
        }
    }

    fn update(&mut self, completion: &Event) {
        let Some(name) = &completion.key else { return };
        let Some(key) = self.hot.iter_mut().find(|key| key.name == *name) else { return };
        let seen = match (completion.kind, completion.f.as_str()) {
            (EventType::Ok, "read" | "write") => completion.value.clone(),
            (EventType::Ok, "cas") => completion.value[1].clone(),
            _ => return,
        };
        key.seen = (!seen.is_null()).then_some(seen);
    }

    fn final_reads(&self) -> Vec<Invocation> {
        (0..self.opened)
            .map(|key| Invocation { f: "read", key: format!("k{key}"), value: Value::Null })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use checker::history::Process;

    use super::*;

    fn completed(invocation: &Invocation, kind: EventType, value: Value) -> Event {
        let mut event = Event::new(Process::Client(0), kind, invocation.f, value);
        event.key = Some(invocation.key.clone());
        event
    }

    /// Runs `count` operations against a perfect map; returns them with whether each succeeded.
    fn run(seed: u64, count: usize) -> Vec<(Invocation, bool)> {
        let mut register = Register::new(&GeneratorOptions { seed, hot_keys: 5 });
        let mut map: BTreeMap<String, Value> = BTreeMap::new();
        (0..count)
            .map(|_| {
                let op = register.next();
                let held = map.get(&op.key).cloned().unwrap_or(Value::Null);
                let (kind, value) = match op.f {
                    "read" => (EventType::Ok, held),
                    "write" => {
                        map.insert(op.key.clone(), op.value.clone());
                        (EventType::Ok, op.value.clone())
                    }
                    _ if op.value[0] == held => {
                        map.insert(op.key.clone(), op.value[1].clone());
                        (EventType::Ok, op.value.clone())
                    }
                    _ => (EventType::Fail, op.value.clone()),
                };
                register.update(&completed(&op, kind, value));
                (op, kind == EventType::Ok)
            })
            .collect()
    }

    #[test]
    fn every_value_written_to_a_key_is_written_once() {
        let mut written = BTreeSet::new();
        for (op, _) in run(7, 20_000) {
            let value = match op.f {
                "write" => op.value.clone(),
                "cas" => op.value[1].clone(),
                _ => continue,
            };
            assert!(written.insert((op.key.clone(), value.as_u64())), "written twice: {op:?}");
        }
    }

    #[test]
    fn all_kinds_appear_and_a_cas_of_the_value_last_seen_succeeds() {
        let ops = run(7, 5_000);
        let share = |f: &str| ops.iter().filter(|(op, _)| op.f == f).count();
        assert!(share("read") > 1_500 && share("write") > 1_000 && share("cas") > 1_000);
        assert!(ops.iter().filter(|(op, _)| op.f == "cas").all(|(_, ok)| *ok));
    }

    #[test]
    fn keys_are_replaced_one_at_a_time_and_all_are_read_in_the_end() {
        let mut register = Register::new(&GeneratorOptions { seed: 1, hot_keys: 5 });
        let mut served: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            *served.entry(register.next().key).or_default() += 1;
        }
        assert!(served.len() > 30, "{} keys", served.len());
        assert!(served.values().all(|&count| count <= OPERATIONS_PER_KEY));
        let finals: BTreeSet<String> =
            register.final_reads().into_iter().map(|read| read.key).collect();
        assert!(served.keys().all(|key| finals.contains(key)));
    }

    #[test]
    fn the_seed_decides_the_operations() {
        assert_eq!(run(3, 500), run(3, 500));
        assert_ne!(run(3, 500), run(4, 500));
    }
}
