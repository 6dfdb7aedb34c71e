//! Ways to make a sum of given amounts.

/// Ways to make a sum.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fills {
    /// The number of each amount, for each way.
    pub(super) found: Vec<Vec<u32>>,
    /// True if there may be others.
    pub(super) was_cut: bool,
    /// The amounts that were tried.
    pub(super) steps: u64,
}

/// Steps to look for each way.
const STEPS_A_FILL: u64 = 64;

/// Makes `sum` of amounts, the greatest first, of each at most as many as are available. Those ways
/// come first that take the greatest amounts: what they leave can be put together to what others
/// leave, more often than the reverse.
pub(super) fn fill(sum: i128, available: &[(i128, u32)], most: usize) -> Fills {
    let mut rest: Vec<i128> = vec![0; available.len() + 1];
    for (place, (amount, count)) in available.iter().enumerate().rev() {
        rest[place] = rest[place + 1] + amount * i128::from(*count);
    }
    let mut search =
        Search { available, rest, most, counts: vec![0; available.len()], fills: Fills::default() };
    search.go_on(0, sum);
    search.fills
}

struct Search<'a> {
    available: &'a [(i128, u32)],
    /// The sum of all that is available from each place on.
    rest: Vec<i128>,
    most: usize,
    counts: Vec<u32>,
    fills: Fills,
}

impl Search<'_> {
    fn go_on(&mut self, place: usize, missing: i128) {
        if self.fills.was_cut || missing > self.rest[place] {
            return;
        }
        let out_of_steps = self.fills.steps > STEPS_A_FILL * self.most as u64;
        if out_of_steps || missing == 0 && self.fills.found.len() == self.most {
            self.fills.was_cut = true;
            return;
        }
        self.fills.steps += 1;
        if missing == 0 {
            self.fills.found.push(self.counts.clone());
            return;
        }
        let Some((amount, count)) = self.available.get(place) else { return };
        let fit = (missing / amount).min(i128::from(*count)) as u32;
        for count in (0..=fit).rev() {
            self.counts[place] = count;
            self.go_on(place + 1, missing - amount * i128::from(count));
        }
        self.counts[place] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_found_and_the_greatest_amounts_come_first() {
        let fills = fill(6, &[(5, 1), (3, 2), (2, 2), (1, 2)], 100);
        let expected = [[1, 0, 0, 1], [0, 2, 0, 0], [0, 1, 1, 1], [0, 0, 2, 2]];
        assert_eq!(fills.found, expected);
        assert!(!fills.was_cut);
    }

    #[test]
    fn what_cannot_be_made_is_not_made() {
        assert_eq!(fill(5, &[(4, 3), (2, 1)], 100).found, [[0; 0]; 0]);
        assert!(fill(3, &[(2, 2), (1, 1)], 0).was_cut);
    }
}
