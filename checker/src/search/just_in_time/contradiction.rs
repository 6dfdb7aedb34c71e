//! Proofs that rest on the last few events alone.
//!
//! Most contradictions are local. An excerpt of the events before a dead end, freed from everything
//! that was before it (see [`Timeline::excerpt`]), is searched without cutting anything away. If it
//! has no legal order, neither has the history, however long that is and however many orders lead
//! to the excerpt.

use crate::search::just_in_time::frontier::{Breadth, Frontier};
use crate::search::just_in_time::meter::{Meter, Spent};
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{EventIndex, Timeline};

/// The reach back of the first excerpt, in events.
const FIRST_REACH: EventIndex = 64;

/// The growth of the reach from excerpt to excerpt.
const FURTHER: EventIndex = 4;

/// The number of configurations that an excerpt may have at a time. One that has more is as hard as
/// the history.
const WIDTH: usize = 4096;

/// Returns whether the events up to a return contradict each other no matter what was before them.
/// False also if that cannot be told in `allowance` steps.
pub(super) fn ends_at<S: SlotSet>(
    timeline: &Timeline,
    place: EventIndex,
    allowance: u64,
    meter: &mut Meter,
) -> Result<bool, Spent> {
    let mut part = meter.part(allowance);
    let result = some_excerpt_contradicts_itself::<S>(timeline, place, &mut part);
    meter.take(&part)?;
    Ok(result.unwrap_or(false))
}

fn some_excerpt_contradicts_itself<S: SlotSet>(
    timeline: &Timeline,
    place: EventIndex,
    meter: &mut Meter,
) -> Result<bool, Spent> {
    let mut reach = FIRST_REACH;
    while reach < place {
        let excerpt = timeline.excerpt(place - reach, place);
        let mut frontier = Frontier::<S>::new(&excerpt);
        while !frontier.at_end() && !frontier.was_cut {
            if !frontier.advance(Breadth::of(WIDTH), meter)? {
                return Ok(true);
            }
        }
        if frontier.was_cut {
            return Ok(false);
        }
        reach = reach.saturating_mul(FURTHER);
    }
    Ok(false)
}
