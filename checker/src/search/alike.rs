//! Mutations of unknown outcome that do the same.
//!
//! They are interchangeable: an order that uses `n` of them can as well use the `n` that were
//! invoked first, in the order of invocation. So each search groups them, and counts how many it
//! used.

use std::collections::HashMap;
use std::hash::Hash;

/// Groups what is alike, in the order of the first of each group; within a group by time.
pub(crate) fn grouped<K: Eq + Hash + Copy, T: Ord>(
    items: impl IntoIterator<Item = (K, T)>,
) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    // Only looked up, never iterated.
    let mut group_of = HashMap::new();
    for (kind, time) in items {
        let group = *group_of.entry(kind).or_insert_with(|| {
            groups.push((kind, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(time);
    }
    for (_, times) in &mut groups {
        times.sort_unstable();
    }
    groups
}
