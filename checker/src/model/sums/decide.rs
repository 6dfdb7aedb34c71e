//! The order in which bounds and levels are looked at.

use std::collections::BTreeSet;

use crate::model::Direct;
use crate::model::sums::beam::{Beam, End};
use crate::model::sums::bounds::{
    above_an_earlier_read, below_an_earlier_read, out_of_bounds, reads_against_real_time,
};
use crate::model::sums::levels::Levels;
use crate::model::sums::terms::{Addition, Read};

/// The algorithm's name in verdicts.
const NAME: &str = "sum-levels";

/// Decides a counter that held `initial` at first. Additions come in the order of invocation. None
/// if that takes too long.
pub(in crate::model) fn decide(
    initial: i128,
    additions: &[Addition],
    mut reads: Vec<Read>,
) -> Option<Direct> {
    reads.sort_unstable_by_key(|read| (read.sum, read.invoked));
    let steps = (additions.len() + reads.len()) as u64;
    let direct =
        |steps, contradiction| Direct { algorithm: NAME, steps, contradiction, since: None };
    let bounded = reads_against_real_time(&reads)
        .or_else(|| out_of_bounds(initial, additions, &reads))
        .or_else(|| below_an_earlier_read(initial, additions, &reads))
        .or_else(|| above_an_earlier_read(initial, additions, &reads));
    if let Some(contradiction) = bounded {
        return Some(direct(steps, Some(contradiction)));
    }
    let levels = Levels::of(initial, additions, &reads);
    let mut beam = Beam::new(&levels, additions, &reads);
    let contradiction = match beam.run() {
        End::Valid => None,
        End::Invalid(found) => Some(found.unwrap_or_else(|| everything(additions, &reads))),
        End::Undecided => return None,
    };
    Some(direct(steps + beam.steps, contradiction))
}

/// All operations that surely happened.
fn everything(additions: &[Addition], reads: &[Read]) -> Vec<usize> {
    let known = additions.iter().filter(|addition| addition.returned.is_some());
    let places = known.map(|addition| addition.place).chain(reads.iter().map(|it| it.place));
    let places: BTreeSet<usize> = places.collect();
    places.into_iter().collect()
}
