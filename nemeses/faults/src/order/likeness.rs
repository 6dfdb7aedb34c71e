//! The nodes of one run matched with those of another by what they do.

use std::collections::BTreeMap;

use super::crossing::{CLIENTS, Crossing, End};
use super::order_log::Passed;

/// The nodes of a recorded run, each with the node of this run that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// By number of the recorded node, from 1 on.
    of_recorded: Vec<End>,
}

/// With more nodes, pairs are exchanged for as long as that makes them more alike.
const MOST_TRIED: usize = 6;

impl Names {
    /// Every node stands for itself.
    pub fn same(nodes: usize) -> Self {
        Self { of_recorded: (0..=nodes as End).collect() }
    }

    /// The node that stands for a recorded one.
    pub fn of(&self, recorded: End) -> End {
        self.of_recorded.get(usize::from(recorded)).copied().unwrap_or(recorded)
    }

    /// The recorded node that a node stands for.
    pub fn recorded(&self, node: End) -> End {
        let place = self.of_recorded.iter().position(|end| *end == node);
        place.map_or(node, |place| place as End)
    }

    /// A recorded gate as it is in this run.
    pub fn gate(&self, recorded: Crossing) -> Crossing {
        recorded.renamed(|end| self.of(end))
    }

    /// Has `node` stand for `recorded`; the two that they were matched with are matched instead.
    pub fn bind(&mut self, recorded: End, node: End) {
        let before = self.of(recorded);
        let other = self.recorded(node);
        if let (Some(_), Some(_)) =
            (self.of_recorded.get(usize::from(recorded)), self.of_recorded.get(usize::from(other)))
        {
            self.of_recorded[usize::from(other)] = before;
            self.of_recorded[usize::from(recorded)] = node;
        }
    }

    /// The names under which `recorded` is most like `now`, by who sends how much of what to whom,
    /// and syncs how often; of names that are as good, those nearest to the names themselves.
    pub fn most_alike<'a>(
        nodes: usize,
        recorded: impl Iterator<Item = &'a Passed>,
        now: impl Iterator<Item = &'a Passed>,
    ) -> Self {
        let (recorded, now) = (counts(recorded), counts(now));
        let likeness = |names: &Names| -> u64 {
            let shared = recorded.iter().map(|(gate, count)| {
                now.get(&names.gate(*gate)).map_or(0, |its| (*its).min(*count))
            });
            let unmoved = (1..=nodes as End).filter(|end| names.of(*end) == *end).count();
            // The names count only where nothing else does.
            shared.sum::<u64>() * (nodes as u64 + 1) + unmoved as u64
        };
        let mut best = Self::same(nodes);
        if nodes <= MOST_TRIED {
            let mut tried = Self::same(nodes);
            let mut most = likeness(&best);
            each_order(&mut tried.of_recorded, 1, &mut |order| {
                let names = Names { of_recorded: order.to_vec() };
                let its = likeness(&names);
                if its > most {
                    (best, most) = (names, its);
                }
            });
            return best;
        }
        let mut most = likeness(&best);
        loop {
            let before = most;
            for one in 1..=nodes {
                for other in one + 1..=nodes {
                    let mut names = best.clone();
                    names.of_recorded.swap(one, other);
                    let its = likeness(&names);
                    if its > most {
                        (best, most) = (names, its);
                    }
                }
            }
            if most == before {
                return best;
            }
        }
    }
}

fn counts<'a>(passed: impl Iterator<Item = &'a Passed>) -> BTreeMap<Crossing, u64> {
    let mut counts = BTreeMap::new();
    for passed in passed {
        let gate = match passed.gate {
            Crossing::Fault { .. } | Crossing::Answered { .. } | Crossing::Refused { .. } => {
                continue;
            }
            // Any client may call.
            Crossing::Call { node, .. } => Crossing::Call { client: 0, node, what: 0 },
            Crossing::Message { from: CLIENTS, .. } => continue,
            other => other,
        };
        *counts.entry(gate).or_default() += 1;
    }
    counts
}

/// Shows every order of the ends from `first` on.
fn each_order(ends: &mut [End], first: usize, show: &mut impl FnMut(&[End])) {
    if first >= ends.len() {
        return show(ends);
    }
    for other in first..ends.len() {
        ends.swap(first, other);
        each_order(ends, first + 1, show);
        ends.swap(first, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(all: &[(End, End)]) -> Vec<Passed> {
        let message = |(from, to): &(End, End)| Crossing::Message { from: *from, to: *to, what: 0 };
        all.iter().map(|link| Passed { at: 0, gate: message(link) }).collect()
    }

    #[track_caller]
    fn check(nodes: usize, recorded: &[(End, End)], now: &[(End, End)], expect: &[End]) {
        let names = Names::most_alike(nodes, sent(recorded).iter(), sent(now).iter());
        let all: Vec<End> = (1..=nodes as End).map(|end| names.of(end)).collect();
        assert_eq!(all, expect);
        for end in 1..=nodes as End {
            assert_eq!(names.recorded(names.of(end)), end);
        }
    }

    #[test]
    fn whoever_sends_to_all_stands_for_whoever_did() {
        check(3, &[(1, 2), (1, 3)], &[(3, 1), (3, 2)], &[3, 2, 1]);
        check(3, &[(1, 2), (1, 3)], &[(1, 2), (1, 3)], &[1, 2, 3]);
        check(3, &[], &[(2, 1)], &[1, 2, 3]);
        let chain = |first: End| -> Vec<(End, End)> {
            (0..7).map(|step| ((first + step) % 7 + 1, (first + step + 1) % 7 + 1)).collect()
        };
        check(7, &chain(0), &chain(3), &[1, 2, 3, 4, 5, 6, 7]);
        check(7, &[(1, 2), (1, 3), (1, 4)], &[(5, 2), (5, 3), (5, 4)], &[5, 2, 3, 4, 1, 6, 7]);
    }

    #[test]
    fn two_nodes_are_exchanged_when_one_is_bound() {
        let mut names = Names::same(3);
        names.bind(1, 3);
        assert_eq!([1, 2, 3].map(|end| names.of(end)), [3, 2, 1]);
        names.bind(2, 3);
        assert_eq!([1, 2, 3].map(|end| names.of(end)), [2, 3, 1]);
        names.bind(9, 1);
        assert_eq!([1, 2, 3].map(|end| names.of(end)), [2, 3, 1]);
    }
}
