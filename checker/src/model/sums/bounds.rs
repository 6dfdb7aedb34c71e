//! Contradictions that bounds of the sums show.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::model::sums::highest::Highest;
use crate::model::sums::terms::{Addition, Read};

/// Two reads of which the later one saw less.
pub(super) fn reads_against_real_time(reads: &[Read]) -> Option<Vec<usize>> {
    let mut first_return: Option<&Read> = None;
    for read in reads.iter().rev() {
        if let Some(higher) = first_return.filter(|higher| higher.returned < read.invoked) {
            return Some(vec![higher.place, read.place]);
        }
        if first_return.is_none_or(|first| read.returned < first.returned) {
            first_return = Some(read);
        }
    }
    None
}

/// A read that saw more than was ever begun, or less than was done.
pub(super) fn out_of_bounds(
    initial: i128,
    additions: &[Addition],
    reads: &[Read],
) -> Option<Vec<usize>> {
    let mut begun: Vec<(u64, i128)> =
        additions.iter().map(|addition| (addition.invoked, addition.amount)).collect();
    let mut done: Vec<(u64, i128)> = additions
        .iter()
        .filter_map(|addition| Some((addition.returned?, addition.amount)))
        .collect();
    let sums = |changes: &mut Vec<(u64, i128)>| {
        changes.sort_unstable();
        let mut sum = initial;
        for (_, amount) in changes {
            sum += *amount;
            *amount = sum;
        }
    };
    sums(&mut begun);
    sums(&mut done);
    let before = |sums: &[(u64, i128)], index: u64| {
        let passed = sums.partition_point(|(at, _)| *at < index);
        passed.checked_sub(1).map_or(initial, |last| sums[last].1)
    };
    for read in reads {
        if read.sum > before(&begun, read.returned) || read.sum < initial {
            return Some(vec![read.place]);
        }
        if read.sum < before(&done, read.invoked) {
            let is_done = |it: &&Addition| it.returned.is_some_and(|at| at < read.invoked);
            let mut missing: Vec<&Addition> = additions.iter().filter(is_done).collect();
            missing.sort_by_key(|addition| Reverse(addition.amount));
            // The greatest ones suffice to exceed what was read.
            let mut sum = initial;
            let enough = missing.iter().take_while(|addition| {
                let needed = sum <= read.sum;
                sum += addition.amount;
                needed
            });
            let mut contradiction: Vec<usize> = enough.map(|addition| addition.place).collect();
            contradiction.push(read.place);
            return Some(contradiction);
        }
    }
    None
}

/// A read that saw less than an earlier one and what surely was added in between. Additions may be
/// negative.
///
/// Between reads `a` and `b`, of which `a` returned before `b` was invoked, come surely the
/// additions that were invoked after `a` had returned and returned before `b` was invoked, and
/// perhaps those that neither returned before `a` was invoked nor were invoked after `b` had
/// returned. So `b` saw at least what `a` did, the former that are positive, and the latter that
/// are negative. The last is a difference of what had been begun by one time and was over by
/// another. The state before all operations counts as a read.
pub(super) fn below_an_earlier_read(
    initial: i128,
    additions: &[Addition],
    reads: &[Read],
) -> Option<Vec<usize>> {
    /// An end of an operation, by the index of the event.
    #[derive(Clone, Copy)]
    enum End {
        AddInvoked(usize),
        AddReturned(usize),
        ReadInvoked(usize),
        ReadReturned(usize),
    }
    let mut ends = Vec::with_capacity(2 * (additions.len() + reads.len()));
    for (number, addition) in additions.iter().enumerate() {
        ends.push((addition.invoked, End::AddInvoked(number)));
        ends.extend(addition.returned.map(|at| (at, End::AddReturned(number))));
    }
    for (number, read) in reads.iter().enumerate() {
        ends.push((read.invoked, End::ReadInvoked(number)));
        ends.push((read.returned, End::ReadReturned(number)));
    }
    ends.sort_unstable_by_key(|(index, _)| *index);

    // Negative additions begun, and over.
    let (mut begun, mut over) = (0, 0);
    // For each read: the negative ones that were over when it was invoked, and the highest earlier
    // read by then.
    let mut over_before = vec![0; reads.len()];
    let mut earlier = vec![None; reads.len()];
    // The reads that returned, in this order, with what surely was added since.
    let mut highest = Highest::new(reads.len() + 1);
    let mut returned: Vec<(u64, Option<usize>)> = Vec::with_capacity(reads.len() + 1);
    highest.push(initial);
    returned.push((0, None));
    for (index, end) in ends {
        match end {
            End::AddInvoked(number) => begun += additions[number].amount.min(0),
            End::AddReturned(number) => {
                let Addition { invoked, amount, .. } = additions[number];
                over += amount.min(0);
                if amount > 0 {
                    // An initial state is before what was invoked at 0 too.
                    let before =
                        returned.partition_point(|(at, read)| *at < invoked || read.is_none());
                    highest.add_to_first(before, amount);
                }
            }
            End::ReadInvoked(number) => {
                over_before[number] = over;
                earlier[number] = highest.highest();
            }
            End::ReadReturned(number) => {
                let (height, place) = earlier[number].expect("the initial state is there");
                if reads[number].sum < height + begun {
                    let first = returned[place].1.map(|first| &reads[first]);
                    return Some(between(first, &reads[number], additions));
                }
                highest.push(reads[number].sum - over_before[number]);
                returned.push((index, Some(number)));
            }
        }
    }
    None
}

/// A read above an earlier one and what may have been added in between: the mirror image.
pub(super) fn above_an_earlier_read(
    initial: i128,
    additions: &[Addition],
    reads: &[Read],
) -> Option<Vec<usize>> {
    let additions: Vec<Addition> =
        additions.iter().map(|it| Addition { amount: -it.amount, ..*it }).collect();
    let reads: Vec<Read> = reads.iter().map(|it| Read { sum: -it.sum, ..*it }).collect();
    below_an_earlier_read(-initial, &additions, &reads)
}

/// Two reads, the positive additions that surely come between them, and the negative ones that
/// surely do not.
fn between(first: Option<&Read>, second: &Read, additions: &[Addition]) -> Vec<usize> {
    let matters = |addition: &&Addition| {
        let Some(returned) = addition.returned else { return false };
        if addition.amount > 0 {
            let after = first.is_none_or(|first| first.returned < addition.invoked);
            after && returned < second.invoked
        } else {
            first.is_some_and(|first| returned < first.invoked)
        }
    };
    let places: BTreeSet<usize> = additions
        .iter()
        .filter(matters)
        .map(|addition| addition.place)
        .chain([second.place])
        .chain(first.map(|first| first.place))
        .collect();
    places.into_iter().collect()
}
