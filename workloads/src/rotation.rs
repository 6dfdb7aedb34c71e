//! Objects in use: a few at a time, each for a bounded number of operations.
//!
//! Each object is checked by itself, so the checker meets many short histories instead of a few
//! endless ones.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// The bytes written to an object before it is replaced: enough for a few large values or for many
/// small ones.
const BYTES: usize = 512 << 10;

/// The same for an object that is read whole, again and again: a large value is its last one.
const BYTES_READ_WHOLE: usize = 8 << 10;

/// The objects that operations are drawn for, each with what its workload knows about it.
pub(crate) struct Rotation<S> {
    prefix: &'static str,
    /// Operations before an object is replaced.
    operations: u32,
    /// Bytes written to an object before it is replaced.
    bytes: usize,
    hot: Vec<HotObject<S>>,
    /// The number of objects opened so far; the next one's number.
    opened: u64,
}

/// An object in use.
pub(crate) struct HotObject<S> {
    /// Its key in histories.
    pub name: String,
    /// Its number; the first is 0.
    pub number: u64,
    /// Operations it may still serve.
    left: u32,
    /// Bytes that may still be written to it.
    bytes_left: usize,
    /// The knowledge of its workload about it.
    pub state: S,
}

impl<S> HotObject<S> {
    /// Counts bytes written. The object is replaced when they become too many.
    pub fn grow(&mut self, bytes: usize) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }

    /// Has the object replaced when it would next be drawn.
    pub fn retire(&mut self) {
        self.left = 0;
    }
}

impl<S: Default> Rotation<S> {
    /// `hot` objects at a time, named by `prefix` and a number, each for `operations` operations.
    pub fn new(prefix: &'static str, hot: usize, operations: u32) -> Self {
        Rotation::with_bytes(prefix, hot, operations, BYTES)
    }

    /// The same for objects that are read whole.
    pub fn read_whole(prefix: &'static str, hot: usize, operations: u32) -> Self {
        Rotation::with_bytes(prefix, hot, operations, BYTES_READ_WHOLE)
    }

    fn with_bytes(prefix: &'static str, hot: usize, operations: u32, bytes: usize) -> Self {
        assert!(hot > 0, "a workload needs an object");
        let mut rotation = Rotation { prefix, operations, bytes, hot: Vec::new(), opened: 0 };
        for position in 0..hot {
            let mut object = rotation.open();
            // The first ones end at different times, so that they are not all replaced at once.
            let share = (position as u64 + 1) * u64::from(operations) / hot as u64;
            object.left = share.max(1) as u32;
            rotation.hot.push(object);
        }
        rotation
    }

    /// Draws the object for an operation, a fresh one if the drawn one has served its time.
    pub fn draw(&mut self, rng: &mut ChaCha8Rng) -> &mut HotObject<S> {
        let position = rng.random_range(0..self.hot.len());
        if self.hot[position].left == 0 || self.hot[position].bytes_left == 0 {
            self.hot[position] = self.open();
        }
        let object = &mut self.hot[position];
        object.left -= 1;
        object
    }

    /// The object of that name, as long as it is in use.
    pub fn find(&mut self, name: &str) -> Option<&mut HotObject<S>> {
        self.hot.iter_mut().find(|object| object.name == name)
    }

    /// Every object that was ever in use.
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.opened).map(|number| format!("{}{number}", self.prefix))
    }

    fn open(&mut self) -> HotObject<S> {
        let number = self.opened;
        self.opened += 1;
        HotObject {
            name: format!("{}{number}", self.prefix),
            number,
            left: self.operations,
            bytes_left: self.bytes,
            state: S::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::stream;

    #[test]
    fn an_object_serves_its_operations_and_is_replaced_alone() {
        let mut rng = stream(1, "test");
        let mut rotation: Rotation<()> = Rotation::new("k", 5, 100);
        let mut served: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            let before = rotation.opened;
            *served.entry(rotation.draw(&mut rng).name.clone()).or_default() += 1;
            assert!(rotation.opened - before <= 1);
        }
        assert!(served.len() > 90, "{} objects", served.len());
        assert!(served.values().all(|count| *count <= 100));
        assert!(rotation.names().all(|name| name.starts_with('k')));
    }

    #[test]
    fn an_object_that_has_grown_or_retired_is_replaced_early() {
        let mut rng = stream(1, "test");
        let mut rotation: Rotation<()> = Rotation::new("k", 1, 100);
        rotation.draw(&mut rng).grow(BYTES);
        rotation.draw(&mut rng).retire();
        assert_eq!(rotation.draw(&mut rng).name, "k2");
        assert!(rotation.find("k1").is_none() && rotation.find("k2").is_some());
    }
}
