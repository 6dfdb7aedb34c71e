//! The highest of a row of numbers whose first ones grow.

/// A row of numbers, and the highest of them.
pub(super) struct Highest {
    /// A binary tree: the number at a leaf, or the highest one below, without what was added to
    /// nodes above; and its place.
    best: Vec<Option<(i128, usize)>>,
    added: Vec<i128>,
    leaves: usize,
    len: usize,
}

impl Highest {
    /// An empty row, with room for so many numbers.
    pub(super) fn new(most: usize) -> Highest {
        let leaves = most.next_power_of_two();
        Highest { best: vec![None; 2 * leaves], added: vec![0; 2 * leaves], leaves, len: 0 }
    }

    /// Adds a number at the end.
    pub(super) fn push(&mut self, number: i128) {
        let mut node = self.leaves + self.len;
        self.best[node] = Some((number, self.len));
        self.len += 1;
        while node > 1 {
            node /= 2;
            self.renew(node);
        }
    }

    /// Adds to the first `count` numbers.
    pub(super) fn add_to_first(&mut self, count: usize, amount: i128) {
        let (mut node, mut from, mut size) = (1, 0, self.leaves);
        // On the way to the first number that is left as it is, all to the left of it.
        while from < count {
            if from + size <= count {
                self.add(node, amount);
                break;
            }
            size /= 2;
            node *= 2;
            if from + size <= count {
                self.add(node, amount);
                from += size;
                node += 1;
            }
        }
        while node > 1 {
            node /= 2;
            self.renew(node);
        }
    }

    fn add(&mut self, node: usize, amount: i128) {
        self.added[node] += amount;
        if let Some((number, _)) = &mut self.best[node] {
            *number += amount;
        }
    }

    /// The highest number, and its place.
    pub(super) fn highest(&self) -> Option<(i128, usize)> {
        self.best[1]
    }

    fn renew(&mut self, node: usize) {
        let higher = self.best[2 * node].max(self.best[2 * node + 1]);
        self.best[node] = higher.map(|(number, place)| (number + self.added[node], place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_is_the_highest() {
        let mut row: Vec<i128> = Vec::new();
        let mut highest = Highest::new(100);
        for step in 0..400_usize {
            let amount = (step * 7919 % 23) as i128 - 5;
            if step % 4 == 0 {
                row.push(amount);
                highest.push(amount);
            } else {
                let count = step * 31 % (row.len() + 1);
                row[..count].iter_mut().for_each(|number| *number += amount);
                highest.add_to_first(count, amount);
            }
            let expected = row.iter().zip(0..).map(|(number, place)| (*number, place)).max();
            assert_eq!(highest.highest(), expected, "after step {step}");
        }
    }
}
