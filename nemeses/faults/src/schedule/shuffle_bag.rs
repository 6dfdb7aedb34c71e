//! Values dealt like cards.

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// Values dealt like cards: every one once before any comes again.
pub(super) struct ShuffleBag<T> {
    pub all: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy + PartialEq> ShuffleBag<T> {
    pub fn new(all: impl Into<Vec<T>>) -> Self {
        Self { all: all.into(), left: Vec::new() }
    }

    pub fn draw(&mut self, random: &mut ChaCha8Rng) -> T {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
            self.left.shuffle(random);
        }
        self.left.pop().expect("a shuffle bag is made of at least one value")
    }

    /// Puts a value back that found no use, to the bottom.
    pub fn put_back(&mut self, value: T) {
        self.left.insert(0, value);
    }
}
