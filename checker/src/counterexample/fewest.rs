//! As few operations as still contradict each other.

use std::collections::BTreeSet;

/// As few of some operations as still contradict each other, among them the one at `last`. Reads
/// are dropped first, since an acknowledged write says more than a read of its value, and the
/// oldest first, so that what remains is close to the end. The question is answered with none once
/// no more questions are answered.
pub(super) fn fewest(
    mut believed: BTreeSet<usize>,
    last: usize,
    is_read: impl Fn(usize) -> bool,
    mut is_contradiction: impl FnMut(&BTreeSet<usize>) -> Option<bool>,
) -> BTreeSet<usize> {
    let mut candidates: Vec<usize> =
        believed.iter().copied().filter(|place| *place != last).collect();
    candidates.sort_by_key(|place| (!is_read(*place), *place));
    let mut chunk = candidates.len().div_ceil(2).max(1);
    while !candidates.is_empty() {
        let mut kept = Vec::new();
        for dropped in candidates.chunks(chunk) {
            let dropped_places: BTreeSet<usize> = dropped.iter().copied().collect();
            let fewer: BTreeSet<usize> = believed.difference(&dropped_places).copied().collect();
            match is_contradiction(&fewer) {
                Some(true) => believed = fewer,
                Some(false) => kept.extend_from_slice(dropped),
                None => return believed,
            }
        }
        candidates = kept;
        if chunk == 1 {
            break;
        }
        chunk = chunk.div_ceil(2);
    }
    believed
}
