//! The simulated service: objects by key, one answer a token, and lies on demand.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;

use super::Lie;
use crate::Object;
use crate::generator::Invocation;

/// The number of states of a key that a stale read may go back.
const REMEMBERED: usize = 64;

/// The time between the replacement of a state and a read that may wrongly answer from it: by then
/// the mutation that replaced it has been acknowledged, unless its answer was lost.
const STALE_BY: Duration = Duration::from_millis(50);

/// The objects under each key, and the answers to each token.
pub(super) struct Service {
    fresh: Object,
    keys: BTreeMap<String, Versions>,
    /// By number of the operation.
    answers: BTreeMap<usize, Option<Value>>,
    lies: Option<(Lie, f64)>,
    rng: ChaCha8Rng,
    /// The number of lies.
    pub lies_told: u64,
}

struct Versions {
    now: Object,
    /// States that were replaced, with when they were, oldest first.
    past: VecDeque<(Duration, Object)>,
}

impl Service {
    pub fn new(fresh: Object, lies: Option<(Lie, f64)>, rng: ChaCha8Rng) -> Self {
        Service { fresh, keys: BTreeMap::new(), answers: BTreeMap::new(), lies, rng, lies_told: 0 }
    }

    /// A request of operation number `operation`, which began at `invoked`, arrives at `now`.
    /// One that was answered before gets the same answer again.
    pub fn serve(
        &mut self,
        operation: usize,
        invocation: &Invocation,
        invoked: Duration,
        now: Duration,
    ) -> Option<Value> {
        if let Some(answer) = self.answers.get(&operation) {
            return answer.clone();
        }
        let Invocation { f, key, value, mutates } = invocation;
        let fresh = || Versions { now: self.fresh.clone(), past: VecDeque::new() };
        let versions = self.keys.entry(key.clone()).or_insert_with(fresh);
        let lie = self.lies.filter(|(_, share)| self.rng.random_bool(*share));
        let before = versions.now.clone();
        let answer = versions.now.serve(f, value);
        let answer = match lie.map(|(lie, _)| lie) {
            Some(Lie::StaleRead) if !mutates => {
                let stale = versions.past.front_mut();
                match stale.filter(|(replaced, _)| *replaced + STALE_BY < invoked) {
                    Some((_, state)) => {
                        self.lies_told += 1;
                        state.serve(f, value)
                    }
                    None => answer,
                }
            }
            Some(Lie::Forgotten) if versions.now != before => {
                self.lies_told += 1;
                versions.now = before.clone();
                answer
            }
            Some(Lie::Repeated) if versions.now != before => {
                let once = versions.now.clone();
                versions.now.serve(f, value);
                self.lies_told += u64::from(versions.now != once);
                answer
            }
            _ => answer,
        };
        if versions.now != before {
            versions.past.push_back((now, before));
            if versions.past.len() > REMEMBERED {
                versions.past.pop_front();
            }
        }
        if *mutates {
            self.answers.insert(operation, answer.clone());
        }
        answer
    }
}
