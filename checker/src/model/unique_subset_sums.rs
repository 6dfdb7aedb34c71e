//! Decides counters whose sums tell which additions they hold.
//!
//! Let each addition be greater in size than all smaller ones together, such as different powers of
//! two, some of them subtracted. Then no sum is that of two sets of additions: the greatest in size
//! is in it if all others cannot make it, and then they cannot make it without that one. So a read
//! of the sum is a read of a set, and a counter is a growing set whose elements are added once
//! each, which is decided exactly (see [`set`](crate::model::set)).

use crate::model::set::decide::{Operations, Read};
use crate::model::sums;
use crate::model::{Direct, ValueId};

/// The algorithm's name in verdicts.
const NAME: &str = "unique-subset-sums";

/// Decides a counter that held `initial` at first. Additions come in the order of invocation. None
/// if a sum may be that of several sets.
pub(super) fn decide(
    initial: i128,
    additions: &[sums::Addition],
    reads: &[sums::Read],
) -> Option<Direct> {
    let decoder = Decoder::of(additions)?;
    let mut steps = additions.len() as u64;
    let direct =
        |steps, contradiction| Direct { algorithm: NAME, steps, contradiction, since: None };
    let mut seen: Vec<Vec<ValueId>> = Vec::with_capacity(reads.len());
    for read in reads {
        steps += 1;
        match decoder.elements(read.sum - initial) {
            Some(elements) => seen.push(elements),
            None => return Some(direct(steps, Some(vec![read.place]))),
        }
    }
    let mut set = Operations::new(additions.len());
    for (addition, element) in additions.iter().zip(0..) {
        set.add(ValueId(element), addition.place, addition.invoked, addition.returned);
    }
    for (&sums::Read { place, invoked, returned, .. }, elements) in reads.iter().zip(&seen) {
        set.read(Read { place, invoked, returned, elements });
    }
    let contradiction = set.contradiction(&mut steps);
    Some(direct(steps, contradiction))
}

/// Additions as elements by their numbers, the greatest in size first, each with the sums of all
/// smaller ones that are negative and positive.
struct Decoder(Vec<(u32, i128, [i128; 2])>);

impl Decoder {
    fn of(additions: &[sums::Addition]) -> Option<Decoder> {
        let mut by_size: Vec<(u32, i128)> =
            (0..).zip(additions).map(|(number, addition)| (number, addition.amount)).collect();
        by_size.sort_unstable_by_key(|(_, amount)| amount.unsigned_abs());
        let [mut negative, mut positive] = [0, 0];
        let mut decoder = Vec::with_capacity(by_size.len());
        for (number, amount) in by_size {
            if amount.abs() <= positive - negative {
                return None;
            }
            decoder.push((number, amount, [negative, positive]));
            match amount < 0 {
                true => negative += amount,
                false => positive += amount,
            }
        }
        decoder.reverse();
        Some(Decoder(decoder))
    }

    /// The elements that make a sum, by number; none if there is no such set.
    fn elements(&self, sum: i128) -> Option<Vec<ValueId>> {
        let mut left = sum;
        let mut elements = Vec::new();
        for (number, amount, [least, most]) in &self.0 {
            if left < *least || *most < left {
                elements.push(ValueId(*number));
                left -= amount;
            }
        }
        elements.sort_unstable();
        (left == 0).then_some(elements)
    }
}
