//! The effects that logs tell of, in little room: there is one on each node for every mutation.

/// An effect that a log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) index: u64,
    /// The place of the log.
    pub(super) log: usize,
}

/// The effects that logs tell of, by operation.
pub(super) struct SeenEffects {
    /// Effects at one index, each of which some logs tell once: nearly all operations have no others.
    first: Vec<AtOneIndex>,
    /// All others, with their operations.
    others: Vec<(usize, Seen)>,
}

/// Effects at one index.
#[derive(Debug, Clone, Copy, Default)]
struct AtOneIndex {
    index: u64,
    /// A bit for each log that tells of one; none before there is any.
    logs: u64,
}

impl SeenEffects {
    /// None so far of so many operations.
    pub(super) fn new(operations: usize) -> SeenEffects {
        SeenEffects { first: vec![AtOneIndex::default(); operations], others: Vec::new() }
    }

    /// Adds an effect of the operation at `place`.
    pub(super) fn push(&mut self, place: usize, seen: Seen) {
        let first = &mut self.first[place];
        let bit = u32::try_from(seen.log).ok().and_then(|log| 1_u64.checked_shl(log)).unwrap_or(0);
        let fits = first.logs == 0 || first.index == seen.index;
        if fits && bit & !first.logs != 0 {
            *first = AtOneIndex { index: seen.index, logs: first.logs | bit };
        } else {
            self.others.push((place, seen));
        }
    }

    /// Ends the adding: it comes before the first question.
    pub(super) fn sort(&mut self) {
        self.others.sort_unstable();
    }

    /// The effects of the operation at `place`, by index.
    pub(super) fn of(&self, place: usize) -> Vec<Seen> {
        let AtOneIndex { index, logs } = self.first.get(place).copied().unwrap_or_default();
        let bits = (0..u64::BITS as usize).filter(|log| logs >> log & 1 == 1);
        let begin = self.others.partition_point(|(of, _)| *of < place);
        let others = self.others[begin..].iter().take_while(|(of, _)| *of == place);
        let mut all: Vec<Seen> = bits.map(|log| Seen { index, log }).collect();
        all.extend(others.map(|(_, seen)| *seen));
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_effect_comes_back_in_order_whichever_way_it_is_kept() {
        let seen = |index, log| Seen { index, log };
        // Agreed on by three; twice in one log; at two indices; in a log beyond the bits.
        let effects = [
            (0, seen(7, 0)),
            (0, seen(7, 1)),
            (0, seen(7, 2)),
            (1, seen(8, 1)),
            (1, seen(8, 1)),
            (2, seen(12, 0)),
            (2, seen(9, 0)),
            (2, seen(9, 1)),
            (3, seen(10, 64)),
            (3, seen(10, 63)),
            (3, seen(0, 2)),
        ];
        let mut all = SeenEffects::new(5);
        effects.iter().for_each(|(place, seen)| all.push(*place, *seen));
        all.sort();
        for place in 0..5 {
            let of_place = effects.iter().filter(|(of, _)| *of == place);
            let mut expected: Vec<Seen> = of_place.map(|(_, seen)| *seen).collect();
            expected.sort();
            assert_eq!(all.of(place), expected, "of {place}");
        }
    }
}
