//! The two searches, for as many slots as a history needs.

use crate::search::by_value::ByValue;
use crate::search::just_in_time::ending::Ending;
use crate::search::just_in_time::timeline::Timeline;
use crate::search::{Decision, Limits, Outcome};

/// The name of the depth-first search in verdicts.
pub(crate) const NAME: &str = "just-in-time";

/// The name of the beam in verdicts.
pub(crate) const BEAM_NAME: &str = "just-in-time-beam";

/// Searches depth first.
pub(crate) fn depth_first(problem: &ByValue, limits: Limits) -> Ending {
    match prepare(problem) {
        Ok(timeline) => search_depth_first(&timeline, limits),
        Err(ending) => ending,
    }
}

/// Searches depth first from any value on, no matter what the initial one is. The mutations at the
/// `retractable` places need not have taken effect; if they did, then while they were under way.
pub(crate) fn depth_first_in_window(
    problem: &ByValue,
    retractable: &[bool],
    limits: Limits,
) -> Decision {
    search_depth_first(&Timeline::of_window(problem, retractable), limits).decision
}

fn search_depth_first(timeline: &Timeline, limits: Limits) -> Ending {
    match timeline.slots.div_ceil(64) {
        0 | 1 => super::depth_first::decide::<[u64; 1]>(timeline, limits),
        2 => super::depth_first::decide::<[u64; 2]>(timeline, limits),
        _ => super::depth_first::decide::<Box<[u64]>>(timeline, limits),
    }
}

/// Searches breadth first with at most `width` configurations at a time, more where it came up
/// empty. Invalid only if that was shown without cutting anything away.
pub(crate) fn beam(problem: &ByValue, width: usize, limits: Limits) -> Ending {
    let timeline = match prepare(problem) {
        Ok(timeline) => timeline,
        Err(ending) => return ending,
    };
    match timeline.slots.div_ceil(64) {
        0 | 1 => super::beam::decide::<[u64; 1]>(&timeline, width, limits),
        2 => super::beam::decide::<[u64; 2]>(&timeline, width, limits),
        _ => super::beam::decide::<Box<[u64]>>(&timeline, width, limits),
    }
}

/// The events of a partition, or the verdict if a step saw what nothing leaves.
fn prepare(problem: &ByValue) -> Result<Timeline, Ending> {
    let timeline = Timeline::new(problem);
    match timeline.unwritten_read {
        None => Ok(timeline),
        Some(step) => Err(Ending {
            decision: Decision { outcome: Outcome::Invalid, steps: 0 },
            ended_at: Some(step),
        }),
    }
}
