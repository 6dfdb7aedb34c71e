//! The runs of a catalogue that a shard makes.

use std::ops::Range;

use results::night::Shard;

/// The seeds with which a shard makes the runs of the case at this place. Every shard has some of
/// each case, and as many in all as the others.
pub(crate) fn runs_of(case: usize, seeds: &Range<u64>, shard: Shard) -> Vec<u64> {
    let is_ours = |seed: &u64| {
        let number = seed - seeds.start;
        (number + case as u64) % shard.of == shard.index - 1
    };
    seeds.clone().filter(is_ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_make_every_run_once_and_share_out_each_case() {
        let (seeds, of) = (1..11, 3);
        let shards = (1..=of).map(|index| Shard { index, of });
        let mut totals = Vec::new();
        for shard in shards.clone() {
            let each: Vec<usize> = (0..24).map(|case| runs_of(case, &seeds, shard).len()).collect();
            assert!(each.iter().all(|runs| (3..=4).contains(runs)), "{each:?}");
            totals.push(each.iter().sum::<usize>());
        }
        assert_eq!(totals, [80, 80, 80]);
        for case in 0..24 {
            let mut all: Vec<u64> =
                shards.clone().flat_map(|shard| runs_of(case, &seeds, shard)).collect();
            all.sort_unstable();
            assert_eq!(all, seeds.clone().collect::<Vec<_>>());
        }
        assert_eq!(runs_of(5, &seeds, Shard { index: 1, of: 1 }).len(), 10);
    }
}
