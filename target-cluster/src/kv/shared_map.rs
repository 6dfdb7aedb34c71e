//! An ordered map whose copies share what they have in common.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The most items of a part: a change of a map that has a copy costs a copy of one part, and once
/// that of a pointer a part.
const PART_MAX: usize = 64;

/// A map in the order of its keys. A copy costs nothing that grows with it, so that a snapshot of a
/// large state is taken in no time, and written out while the state goes on.
#[derive(Debug, Clone)]
pub(crate) struct SharedMap<K, V> {
    /// The items in order, in parts of which none is empty.
    parts: Arc<Vec<Arc<Part<K, V>>>>,
    /// The number of items.
    length: usize,
}

/// Some items in order.
type Part<K, V> = Vec<(K, V)>;

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> SharedMap<K, V> {
        SharedMap { parts: Arc::default(), length: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The value of a key.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (part, found) = self.place(key);
        found.ok().map(|at| &self.parts[part][at].1)
    }

    /// The value of a key, to be changed.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (part, found) = self.place(key);
        let at = found.ok()?;
        Some(&mut Arc::make_mut(&mut Arc::make_mut(&mut self.parts)[part])[at].1)
    }

    /// Puts a value under a key; returns the one that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        // Most come in order.
        if let Some(last) = self.parts.last()
            && last.last().is_some_and(|(known, _)| *known < key)
        {
            self.put(self.parts.len() - 1, last.len(), (key, value));
            return None;
        }
        let (part, found) = self.place(&key);
        match found {
            Ok(at) => {
                let part = &mut Arc::make_mut(&mut self.parts)[part];
                Some(std::mem::replace(&mut Arc::make_mut(part)[at].1, value))
            }
            Err(at) => {
                self.put(part, at, (key, value));
                None
            }
        }
    }

    /// Takes a key away; returns its value.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (part, found) = self.place(key);
        let at = found.ok()?;
        Some(self.take(part, at).1)
    }

    /// Takes the first item away.
    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        (self.length > 0).then(|| self.take(0, 0))
    }

    /// The items in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flat_map(|part| part.iter()).map(|(key, value)| (key, value))
    }

    /// The items behind a key, or all of them, in order.
    pub(crate) fn iter_after<'a, Q: Ord + ?Sized>(
        &'a self,
        after: Option<&Q>,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let (part, skipped) = match after.map(|key| self.place(key)) {
            None => (0, 0),
            Some((part, Ok(at))) => (part, at + 1),
            Some((part, Err(at))) => (part, at),
        };
        let parts = self.parts[part.min(self.parts.len())..].iter();
        parts.flat_map(|part| part.iter()).skip(skipped).map(|(key, value)| (key, value))
    }

    /// The part in which a key stands or would stand, and its place there.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> (usize, Result<usize, usize>)
    where
        K: Borrow<Q>,
    {
        let behind = self.parts.partition_point(|part| part[0].0.borrow() <= key);
        let part = behind.saturating_sub(1);
        let found = self
            .parts
            .get(part)
            .map(|part| part.binary_search_by(|(known, _)| known.borrow().cmp(key)));
        (part, found.unwrap_or(Err(0)))
    }

    fn put(&mut self, part: usize, at: usize, item: (K, V)) {
        self.length += 1;
        let parts = Arc::make_mut(&mut self.parts);
        let Some(items) = parts.get_mut(part).map(Arc::make_mut) else {
            return parts.push(Arc::new(vec![item]));
        };
        items.insert(at, item);
        if items.len() > PART_MAX {
            // What comes in order fills its parts.
            let is_last = part + 1 == parts.len() && at == PART_MAX;
            let items = Arc::make_mut(&mut parts[part]);
            let rest = items.split_off(if is_last { PART_MAX } else { PART_MAX / 2 });
            parts.insert(part + 1, Arc::new(rest));
        }
    }

    fn take(&mut self, part: usize, at: usize) -> (K, V) {
        self.length -= 1;
        let parts = Arc::make_mut(&mut self.parts);
        let items = Arc::make_mut(&mut parts[part]);
        let item = items.remove(at);
        if items.is_empty() {
            parts.remove(part);
        }
        item
    }
}

/// Equal are those with equal items, however they are parted.
impl<K: Ord + Clone, V: Clone + PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &SharedMap<K, V>) -> bool {
        self.length == other.length
            && (Arc::ptr_eq(&self.parts, &other.parts) || self.iter().eq(other.iter()))
    }
}

impl<K: Ord + Clone, V: Clone + Eq> Eq for SharedMap<K, V> {}

impl<K: Ord + Clone + Hash, V: Clone + Hash> Hash for SharedMap<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.length.hash(state);
        self.iter().for_each(|item| item.hash(state));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Bound;

    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn it_holds_what_an_ordered_map_holds_whatever_its_copies_do() {
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let (mut map, mut expected) = (SharedMap::default(), BTreeMap::new());
            let mut kept = Vec::new();
            let keys = random.random_range(1..2_000);
            let grows = random.random_range(0.3..0.9);
            for step in 0..3_000 {
                let key: u32 = random.random_range(0..keys);
                if random.random_bool(grows) {
                    assert_eq!(map.insert(key, step), expected.insert(key, step));
                } else if random.random_bool(0.1) {
                    assert_eq!(map.pop_first(), expected.pop_first());
                } else {
                    assert_eq!(map.remove(&key), expected.remove(&key));
                }
                assert_eq!(map.get(&key), expected.get(&key));
                if let Some(value) = map.get_mut(&key) {
                    *value += 1;
                    *expected.get_mut(&key).unwrap() += 1;
                }
                assert_eq!(map.len(), expected.len());
                if step % 300 == 0 {
                    kept.push((map.clone(), expected.clone()));
                    let behind = (Bound::Excluded(key), Bound::Unbounded);
                    assert!(map.iter_after(Some(&key)).eq(expected.range(behind)));
                }
            }
            kept.push((map, expected));
            for (copy, expected) in kept {
                assert!(copy.iter().eq(expected.iter()));
                assert!(copy.iter_after::<u32>(None).eq(expected.iter()));
            }
        }
    }

    #[test]
    fn a_copy_shares_all_but_the_parts_that_changed() {
        let mut map = SharedMap::default();
        for key in 0..1_000 {
            map.insert(key, "old");
        }
        assert_eq!(map.parts.len(), 1_000usize.div_ceil(PART_MAX), "what comes in order is dense");
        let copy = map.clone();
        map.insert(500, "new");
        let shared = map.parts.iter().zip(copy.parts.iter()).filter(|(a, b)| Arc::ptr_eq(a, b));
        assert_eq!(shared.count(), copy.parts.len() - 1);
        assert_eq!((map.get(&500), copy.get(&500)), (Some(&"new"), Some(&"old")));
    }
}
