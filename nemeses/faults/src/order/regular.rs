//! Messages that a clock sends, such as heartbeats: they come in whichever order, and say nothing
//! about it. They are known by their rhythm, and best while no client asks for anything: under load
//! some services send them for a reason, too.

use std::collections::{BTreeMap, BTreeSet};

use super::crossing::{Crossing, End, Word};
use super::order_log::OrderLog;

/// Fewer messages under load show no rhythm.
const FEWEST: usize = 20;

/// Fewer messages at rest are an accident.
const FEWEST_AT_REST: usize = 4;

/// Messages that come more often are sent for a reason, microseconds.
const SHORTEST: u64 = 10_000;

/// The words of messages that a clock sends: those at rest, and those that come at intervals which
/// hardly differ.
pub(super) fn regular(log: &OrderLog) -> BTreeSet<Word> {
    let has_rhythm = |gaps: &[u64]| {
        let at = |percent: usize| gaps[gaps.len() * percent / 100];
        gaps.len() >= FEWEST && at(20) >= SHORTEST && at(80) * 2 <= at(20) * 3
    };
    words_where(log, has_rhythm).union(&log.at_rest).copied().collect()
}

/// The words of messages that go on while no client asks for anything, where all in the log are of
/// such a time.
pub(super) fn at_rest(log: &OrderLog) -> BTreeSet<Word> {
    words_where(log, |gaps| gaps.len() >= FEWEST_AT_REST && gaps[gaps.len() / 2] >= SHORTEST)
}

/// The words for which `is_it` holds of the sorted times between two messages, on the link that has
/// most of them.
fn words_where(log: &OrderLog, is_it: impl Fn(&[u64]) -> bool) -> BTreeSet<Word> {
    let mut times: BTreeMap<(Word, End, End), Vec<u64>> = BTreeMap::new();
    for passed in log.passed() {
        if let Crossing::Message { from, to, what } = passed.gate {
            times.entry((what, from, to)).or_default().push(passed.at);
        }
    }
    let mut busiest: BTreeMap<Word, &Vec<u64>> = BTreeMap::new();
    for ((what, ..), times) in &times {
        let most = busiest.entry(*what).or_insert(times);
        if times.len() > most.len() {
            *most = times;
        }
    }
    let gaps = |times: &[u64]| {
        let mut gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        gaps
    };
    busiest.iter().filter(|(_, times)| is_it(&gaps(times))).map(|(what, _)| *what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_regular_and_what_clients_cause_is_not() {
        let mut log = OrderLog::new(vec!["n1".to_owned(), "n2".to_owned()]);
        let (beat, append) = (log.word("/heartbeat"), log.word("/append"));
        let mut all = Vec::new();
        for number in 0..60 {
            all.push((50_000 * number + number % 7 * 300, beat));
            all.push((40_000 * number + (number * number * 7 % 53) * 1_000, append));
        }
        all.sort_unstable();
        for (at, what) in all {
            log.note(at, Crossing::Message { from: 1, to: 2, what });
        }
        assert_eq!(regular(&log), [beat].into());
        let mut at_rest = log.emptied();
        let some = [0, 52_000, 97_000, 99_000, 150_000];
        some.iter()
            .for_each(|at| at_rest.note(*at, Crossing::Message { from: 1, to: 2, what: append }));
        at_rest.begin();
        assert_eq!((regular(&at_rest), at_rest.len()), ([append].into(), 0));
    }
}
