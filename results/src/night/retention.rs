//! The parts of runs that are dropped so that a limit on disk is kept.

use super::form::Kept;

/// A run of some night, as far as it takes room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The night, by its place among all of them, from the oldest.
    pub night: usize,
    /// The number of the run.
    pub run: u64,
    /// True if it says something that only it says: it did not pass.
    pub matters: bool,
    /// The part of it that is kept.
    pub kept: Kept,
    /// The bytes that it would take if no more were kept: as a summary, with its page, with everything.
    pub bytes: [u64; 3],
}

impl Holding {
    /// The bytes that it takes when this much of it is kept.
    pub fn at(&self, kept: Kept) -> u64 {
        match kept {
            Kept::Nothing => 0,
            Kept::Summary => self.bytes[0],
            Kept::Page => self.bytes[1],
            Kept::Everything => self.bytes[2],
        }
    }
}

/// A part of a run that is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// The place of the run in the list.
    pub at: usize,
    /// The part of it that stays.
    pub to: Kept,
}

/// The parts to drop so that all together take at most `limit` bytes, the least missed first: of runs
/// that passed everything but the page, then the page, then the summary, the oldest first; and only
/// then of those that did not pass, in the same order. If all of that is not enough, all of it.
pub fn removals(holdings: &[Holding], limit: u64) -> Vec<Removal> {
    let mut kept: Vec<Kept> = holdings.iter().map(|holding| holding.kept).collect();
    let mut taken: u64 = holdings.iter().map(|holding| holding.at(holding.kept)).sum();
    let mut by_age: Vec<usize> = (0..holdings.len()).collect();
    by_age.sort_by_key(|at| (holdings[*at].night, holdings[*at].run));
    for matters in [false, true] {
        for to in [Kept::Page, Kept::Summary, Kept::Nothing] {
            for at in by_age.iter().copied().filter(|at| holdings[*at].matters == matters) {
                if taken <= limit {
                    break;
                }
                let holding = &holdings[at];
                if kept[at] > to {
                    taken -= holding.at(kept[at]).saturating_sub(holding.at(to)).min(taken);
                    kept[at] = to;
                }
            }
        }
    }
    let changed = kept.iter().enumerate().filter(|(at, kept)| **kept != holdings[*at].kept);
    changed.map(|(at, to)| Removal { at, to: *to }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(night: usize, run: u64, matters: bool, kept: Kept) -> Holding {
        Holding { night, run, matters, kept, bytes: [1, 10, 100] }
    }

    fn dropped(holdings: &[Holding], limit: u64) -> Vec<(usize, Kept)> {
        removals(holdings, limit).into_iter().map(|drop| (drop.at, drop.to)).collect()
    }

    #[test]
    fn passes_go_before_failures_and_the_oldest_before_the_newest() {
        let all = [
            holding(1, 0, false, Kept::Page),
            holding(1, 1, true, Kept::Everything),
            holding(0, 0, false, Kept::Everything),
            holding(0, 1, true, Kept::Everything),
        ];
        assert_eq!(dropped(&all, 310), []);
        // The oldest pass keeps its page.
        assert_eq!(dropped(&all, 309), [(2, Kept::Page)]);
        assert_eq!(dropped(&all, 220), [(2, Kept::Page)]);
        assert_eq!(dropped(&all, 219), [(2, Kept::Summary)]);
        assert_eq!(dropped(&all, 202), [(0, Kept::Summary), (2, Kept::Summary)]);
        assert_eq!(dropped(&all, 200), [(0, Kept::Nothing), (2, Kept::Nothing)]);
        let page = [(0, Kept::Nothing), (2, Kept::Nothing), (3, Kept::Page)];
        assert_eq!(dropped(&all, 199), page);
        assert_eq!(dropped(&all, 0).len(), 4);
        assert!(dropped(&all, 0).iter().all(|(_, kept)| *kept == Kept::Nothing));
    }

    #[test]
    fn what_is_left_never_takes_more_than_the_limit_and_nothing_is_dropped_in_vain() {
        let kinds = [Kept::Summary, Kept::Page, Kept::Everything];
        let all: Vec<Holding> = (0..60_u64)
            .map(|run| Holding {
                night: (run % 3) as usize,
                run,
                matters: run % 7 == 0,
                kept: kinds[(run % 3) as usize],
                bytes: [3 + run, 100 + run * 3 % 17, 900 + run * 37 % 211],
            })
            .collect();
        let total: u64 = all.iter().map(|holding| holding.at(holding.kept)).sum();
        for limit in (0..total + 500).step_by(97) {
            let removals = removals(&all, limit);
            let left = |without: Option<usize>| -> u64 {
                let kept = all.iter().enumerate().map(|(at, holding)| {
                    let drop = removals.iter().find(|drop| drop.at == at && without != Some(at));
                    holding.at(drop.map_or(holding.kept, |drop| drop.to))
                });
                kept.sum()
            };
            assert!(left(None) <= limit, "{limit}");
            let worst = removals.iter().map(|drop| all[drop.at].matters).max();
            if worst == Some(true) {
                let passes = all.iter().enumerate().filter(|(_, holding)| !holding.matters);
                for (at, _) in passes {
                    assert!(removals.iter().any(|it| it.at == at && it.to == Kept::Nothing));
                }
            }
            if total <= limit {
                assert_eq!(removals, []);
            }
        }
    }
}
