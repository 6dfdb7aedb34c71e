//! A contradiction among the last operations before it shows, whatever was there before.
//!
//! Where few values are written again and again, a read is wrong only because of all the writes of
//! its value that are over. Believing each of them makes a contradiction of thousands of
//! operations. Mostly the last few operations contradict each other by themselves, whatever value
//! they found: those are worth looking at.
//!
//! Take a moment, and of all operations those that were invoked since. They come after everything
//! that had returned by then, in any legal order of the whole. So they have a legal order from
//! *some* state on, together with mutations that were under way at that moment or later, each of
//! which may also be taken never to have happened. If they have none from any state on, the whole
//! has none.

use std::collections::BTreeSet;

use crate::counterexample::questions::{Effort, Questions};
use crate::model::Model;
use crate::partition::{Claim, Partition};

/// How many of the last operations are looked at, one after the other until they suffice.
const SIZES: [usize; 5] = [16, 64, 256, 1024, 4096];

/// When the shortest window begins in which the operations up to the completion of the one at
/// `last` contradict each other. None if none is found.
pub(super) fn find<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    last: usize,
    effort: &mut Effort,
) -> Option<u64> {
    let end = partition.returned(last)?;
    let places = 0..partition.operations.len();
    let invoked: Vec<u64> = places.map(|place| partition.operation(place).invoked()).collect();
    let until = invoked.partition_point(|index| *index <= end);
    let begins = |size: usize| invoked[until.saturating_sub(size)];
    let mut suffices = |size: usize| {
        let since = Some(begins(size));
        let (window, _) = partition.weakened(model, |place| claim(partition, place, since, end));
        let believed: BTreeSet<usize> =
            (0..window.calls.len()).filter(|place| window.returned(*place).is_some()).collect();
        let mut questions = Questions { model, partition: &window, since, effort };
        questions.is_contradiction(&believed, end)
    };
    let most = SIZES.iter().position(|size| suffices(*size))?;
    // Whatever contains a contradiction is one, so the sizes can be halved.
    let mut too_short = most.checked_sub(1).map_or(0, |less| SIZES[less]);
    let mut long_enough = SIZES[most];
    while too_short + 1 < long_enough {
        let middle = (too_short + long_enough) / 2;
        match suffices(middle) {
            true => long_enough = middle,
            false => too_short = middle,
        }
    }
    effort.all_answered = true;
    Some(begins(long_enough))
}

/// What is held of an operation in the window that begins at `since` and ends at `end`.
pub(super) fn claim<M: Model>(
    partition: &Partition<'_, M>,
    place: usize,
    since: Option<u64>,
    end: u64,
) -> Option<Claim> {
    let invoked = partition.operation(place).invoked();
    let returned = partition.returned(place);
    if invoked > end || returned.is_some_and(|at| Some(at) < since) {
        None
    } else if Some(invoked) >= since && returned.is_some_and(|at| at <= end) {
        Some(Claim::AsRecorded)
    } else {
        Some(Claim::Invoked)
    }
}
