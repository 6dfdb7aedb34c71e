//! The one journal of an image: changes of names, sizes and attributes, in order.
//!
//! File systems with a journal commit all earlier changes with the one that an fsync waits for, and
//! a power failure leaves a prefix of them. ext4 and XFS both do.

use std::ffi::OsString;

use super::InodeNumber;

/// The permissions of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// The permission bits, without the kind of file.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// One change that happens wholly or not at all.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Names get another meaning: a creation, an unlink, a rename.
    Names(Vec<Edit>),
    /// An inode gets other attributes.
    Attributes(InodeNumber, Attributes),
    /// The size of a file is set. The file's own log knows which and how.
    Resize,
}

/// The meaning of a name from now on.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The directory that has the name.
    pub directory: InodeNumber,
    /// The name.
    pub name: OsString,
    /// None: there is no such name.
    pub inode: Option<InodeNumber>,
}

/// Operations that are not durable yet.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The place of the first operation.
    first: u64,
    operations: Vec<Operation>,
}

impl Journal {
    /// The place that the next operation will have.
    pub fn next_place(&self) -> u64 {
        self.first + self.operations.len() as u64
    }

    /// Notes an operation.
    pub fn push(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// The number of operations that are not durable.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Takes all operations out. The places that they had are not used again.
    pub fn take(&mut self) -> Vec<Operation> {
        self.first = self.next_place();
        std::mem::take(&mut self.operations)
    }
}

/// The number of `operations` that survive a power failure that keeps each sector with `chance`:
/// all for 1, none for 0, and that share of them on average; every prefix is possible in between.
/// `uniform` is drawn from [0, 1).
///
/// Drawing for each operation until the first loss would nearly always lose all but a few.
pub fn surviving_prefix(operations: usize, chance: f64, uniform: f64) -> usize {
    if chance >= 1.0 {
        return operations;
    }
    if chance <= 0.0 {
        return 0;
    }
    // u^a has the mean 1 / (1 + a), which is `chance`.
    let share = uniform.powf((1.0 - chance) / chance);
    ((share * (operations + 1) as f64) as usize).min(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_possible_and_the_extremes_are_certain() {
        let drawn = |chance| {
            let uniform = (0..1000).map(|step| f64::from(step) / 1000.0);
            uniform.map(|uniform| surviving_prefix(9, chance, uniform)).collect::<Vec<_>>()
        };
        assert!(drawn(0.0).iter().all(|kept| *kept == 0));
        assert!(drawn(1.0).iter().all(|kept| *kept == 9));
        for chance in [0.3, 0.5, 0.9] {
            let drawn = drawn(chance);
            // With a high chance the shortest prefixes are too rare to be met here.
            let shortest = if chance > 0.5 { 5 } else { 0 };
            assert!((shortest..=9).all(|kept| drawn.contains(&kept)), "{chance}");
            let mean = drawn.iter().sum::<usize>() as f64 / 1000.0;
            assert!((mean - 9.0 * chance).abs() < 0.5, "{chance}: {mean}");
        }
    }

    #[test]
    fn places_are_not_used_twice() {
        let mut journal = Journal::default();
        journal.push(Operation::Resize);
        assert_eq!((journal.next_place(), journal.take().len()), (1, 1));
        assert_eq!((journal.next_place(), journal.len()), (1, 0));
    }
}
