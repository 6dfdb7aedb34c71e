//! Numbers that stand for values: states are compared and remembered by them.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The same number for equal values, and another, as good as always, for others.
pub(crate) fn fingerprint(value: &impl Hash) -> u64 {
    // Its keys are fixed, so that one state has one number in every thread and every run.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
