//! Which resets began a new era, and which era an answer belongs to.

use super::sequence::{Point, Sequence};
use super::version::Reset;

/// The era of an answer when each of `boundaries`, which are in order, began a new one. None if it
/// ran during one of them: it may have happened before or after.
pub(super) fn era(boundaries: &[Reset<'_>], answer: &Point) -> Option<usize> {
    let era = boundaries.partition_point(|reset| reset.ended < answer.invoked);
    boundaries.get(era).is_none_or(|next| answer.completed < next.began).then_some(era)
}

/// The resets, in order, that began a new era of the versions of `sequence`.
///
/// A reset did when versions fall across it. No fall that a reset explains is missed: the one that
/// ended last before the lower of two answers could have happened has both of them on its sides.
pub(super) fn boundaries<'r>(sequence: &Sequence<'_, '_>, resets: &[Reset<'r>]) -> Vec<Reset<'r>> {
    let mut boundaries: Vec<Reset<'r>> = Vec::new();
    for (place, reset) in resets.iter().enumerate() {
        let since = boundaries.last().map(|before| before.ended);
        let next = resets.get(place + 1).map(|next| next.began);
        let this_era = |point: &Point| since.is_none_or(|since| point.invoked > since);
        let before_the_next = |point: &Point| next.is_none_or(|next| point.completed < next);

        let old = |point: &Point| this_era(point) && point.invoked < reset.ended;
        let new = |point: &Point| {
            this_era(point) && before_the_next(point) && point.completed > reset.began
        };
        let across = sequence.falls(old, new);
        let Some(first) = across.first() else { continue };

        // Had the versions stayed as high as before until this fall, the fall would contradict
        // those answers too, and the reset would be no excuse.
        let floor = sequence.answers[first.earlier].version;
        let went_on = |point: &Point| point.invoked > reset.ended && point.version >= floor;
        if sequence.falls(went_on, |point| point.place == first.later).is_empty() {
            boundaries.push(*reset);
        }
    }
    boundaries
}
