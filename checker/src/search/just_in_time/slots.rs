//! Sets of the operations that are open at a time.
//!
//! While an operation is open it owns a slot; the slot is given to another one afterwards. A set
//! of open operations is then a few machine words, however long the history is.

use std::fmt::Debug;
use std::hash::Hash;

/// A set of slots. As large as the most operations that are ever open at a time.
pub(super) trait SlotSet: Clone + Eq + Hash + Debug {
    /// The empty set with room for this many slots.
    fn empty(slots: usize) -> Self;

    /// The members as bits.
    fn words(&self) -> &[u64];

    /// The members as bits, to be changed.
    fn words_mut(&mut self) -> &mut [u64];

    fn contains(&self, slot: usize) -> bool {
        self.words()[slot / 64] >> (slot % 64) & 1 == 1
    }

    fn insert(&mut self, slot: usize) {
        self.words_mut()[slot / 64] |= 1 << (slot % 64);
    }

    fn remove(&mut self, slot: usize) {
        self.words_mut()[slot / 64] &= !(1 << (slot % 64));
    }

    /// Adds all members of another set; tells whether any of them was new.
    fn unite(&mut self, other: &Self) -> bool {
        let mut grew = false;
        for (word, more) in self.words_mut().iter_mut().zip(other.words()) {
            grew |= more & !*word != 0;
            *word |= more;
        }
        grew
    }

    /// The members, rising, that `other` lacks.
    fn without(&self, other: &Self) -> impl Iterator<Item = usize> {
        let words = self.words().iter().zip(other.words());
        words.enumerate().flat_map(|(place, (word, lacking))| {
            let mut left = word & !lacking;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(place * 64 + bit)
            })
        })
    }

    /// The number of members that the two sets have in common.
    fn shared(&self, other: &Self) -> u32 {
        let words = self.words().iter().zip(other.words());
        words.map(|(word, mask)| (word & mask).count_ones()).sum()
    }

    /// Returns whether the two sets have the same members among those of `mask`.
    fn agrees(&self, other: &Self, mask: &Self) -> bool {
        let words = self.words().iter().zip(other.words()).zip(mask.words());
        words.fold(0, |apart, ((one, two), mask)| apart | (one ^ two) & mask) == 0
    }

    /// Returns whether every member that is in `mask` is in `other` too.
    fn within(&self, other: &Self, mask: &Self) -> bool {
        let words = self.words().iter().zip(other.words()).zip(mask.words());
        words.fold(0, |apart, ((one, two), mask)| apart | one & !two & mask) == 0
    }
}

impl<const WORDS: usize> SlotSet for [u64; WORDS] {
    fn empty(slots: usize) -> [u64; WORDS] {
        assert!(slots <= WORDS * 64, "{slots} slots do not fit into {WORDS} words");
        [0; WORDS]
    }

    fn words(&self) -> &[u64] {
        self
    }

    fn words_mut(&mut self) -> &mut [u64] {
        self
    }
}

impl SlotSet for Box<[u64]> {
    fn empty(slots: usize) -> Box<[u64]> {
        vec![0; slots.div_ceil(64)].into_boxed_slice()
    }

    fn words(&self) -> &[u64] {
        self
    }

    fn words_mut(&mut self) -> &mut [u64] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<S: SlotSet>(members: &[usize]) -> S {
        let mut set = S::empty(200);
        for member in members {
            set.insert(*member);
        }
        set
    }

    fn sets_are_sets<S: SlotSet>() {
        let (one, two): (S, S) = (set(&[0, 63, 64, 130]), set(&[63, 130, 131]));
        assert!(one.contains(64) && !two.contains(64));
        assert_eq!(one.without(&two).collect::<Vec<_>>(), [0, 64]);
        assert_eq!(two.without(&one).collect::<Vec<_>>(), [131]);
        assert_eq!(one.shared(&two), 2);
        assert!(one.agrees(&two, &set(&[63, 130, 199])));
        assert!(!one.agrees(&two, &set(&[131])));
        assert!(one.within(&two, &set(&[63, 131])));
        assert!(!one.within(&two, &set(&[0])));
        let mut both = one.clone();
        assert!(both.unite(&two));
        assert!(!both.unite(&two));
        both.remove(63);
        assert_eq!(both, set(&[0, 64, 130, 131]));
    }

    #[test]
    fn of_a_fixed_size() {
        sets_are_sets::<[u64; 4]>();
    }

    #[test]
    fn of_any_size() {
        sets_are_sets::<Box<[u64]>>();
    }
}
