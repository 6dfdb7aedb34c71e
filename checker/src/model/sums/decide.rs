//! The order in which bounds and levels are looked at.

use std::collections::BTreeSet;

use crate::model::Direct;
use crate::model::sums::beam::{Beam, End};
use crate::model::sums::bounds::{
    above_an_earlier_read, below_an_earlier_read, out_of_bounds, reads_against_real_time,
};
use crate::model::sums::levels::Levels;
use crate::model::sums::terms::{Addition, Read};

/// The names in verdicts: of the whole, and of the bounds alone.
const NAME: &str = "sum-levels";
const BOUNDS_NAME: &str = "sum-bounds";

/// Decides a counter that only grows and held `initial` at first, within about so many steps.
/// Additions come in the order of invocation.
///
/// # Errors
/// The steps that did not suffice.
pub(in crate::model) fn decide(
    initial: i128,
    additions: &[Addition],
    mut reads: Vec<Read>,
    most_steps: u64,
) -> Result<Direct, u64> {
    reads.sort_unstable_by_key(|read| (read.sum, read.invoked));
    let steps = (additions.len() + reads.len()) as u64;
    let bounded = reads_against_real_time(&reads)
        .or_else(|| out_of_bounds(initial, additions, &reads))
        .or_else(|| by_earlier_reads(initial, additions, &reads));
    if let Some(contradiction) = bounded {
        return Ok(direct(steps, Some(contradiction)));
    }
    let levels = Levels::of(initial, additions, &reads);
    let mut beam = Beam::new(&levels, additions, &reads);
    let contradiction = match beam.run(most_steps) {
        End::Valid => None,
        End::Invalid(found) => Some(found.unwrap_or_else(|| everything(additions, &reads))),
        End::Undecided => return Err(steps + beam.steps),
    };
    Ok(direct(steps + beam.steps, contradiction))
}

/// Looks for a read that bounds contradict, also where additions may be negative. None if there is
/// none, which says nothing.
pub(in crate::model) fn out_of_reach(
    initial: i128,
    additions: &[Addition],
    reads: &[Read],
) -> Option<Direct> {
    let steps = (additions.len() + reads.len()) as u64;
    let contradiction = Some(by_earlier_reads(initial, additions, reads)?);
    Some(Direct { algorithm: BOUNDS_NAME, ..direct(steps, contradiction) })
}

fn by_earlier_reads(initial: i128, additions: &[Addition], reads: &[Read]) -> Option<Vec<usize>> {
    below_an_earlier_read(initial, additions, reads)
        .or_else(|| above_an_earlier_read(initial, additions, reads))
}

fn direct(steps: u64, contradiction: Option<Vec<usize>>) -> Direct {
    Direct { algorithm: NAME, steps, contradiction, since: None }
}

/// All operations that surely happened.
fn everything(additions: &[Addition], reads: &[Read]) -> Vec<usize> {
    let known = additions.iter().filter(|addition| addition.returned.is_some());
    let places = known.map(|addition| addition.place).chain(reads.iter().map(|it| it.place));
    let places: BTreeSet<usize> = places.collect();
    places.into_iter().collect()
}
