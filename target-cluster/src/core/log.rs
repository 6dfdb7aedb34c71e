//! The replicated log of one node, in memory: durable entries and those still being written, behind
//! the last one that was dropped because a snapshot holds what it did.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Entry;

/// Entries without gaps, behind a base.
///
/// All places in it are said by the index of an entry; no one else knows where that stands in memory.
/// The base is the last entry that is not there any more: index and term 0 where none was dropped.
/// What is at or below it was committed, so every log that has an entry there has the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Log {
    base: u64,
    base_term: u64,
    entries: Vec<Arc<Entry>>,
}

impl Log {
    /// A log without entries, whose next one follows that of `base_term` at `base`.
    pub fn behind(base: u64, base_term: u64) -> Log {
        assert_eq!(base == 0, base_term == 0, "an entry has an index and a term");
        Log { base, base_term, entries: Vec::new() }
    }

    /// The index of the last entry that was dropped; 0 when none was.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The index of the last entry; 0 when there never was one.
    pub fn last_index(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// The term of the last entry; 0 when there never was one.
    pub fn last_term(&self) -> u64 {
        self.entries.last().map_or(self.base_term, |entry| entry.term)
    }

    /// The entry at `index`, if it is there.
    pub fn get(&self, index: u64) -> Option<&Arc<Entry>> {
        let behind = index.checked_sub(self.base)?.checked_sub(1)?;
        self.entries.get(usize::try_from(behind).ok()?)
    }

    /// The term of the entry at `index`, if it is there or the base; 0 for index 0, which every log is
    /// thought to share.
    pub fn term_at(&self, index: u64) -> Option<u64> {
        match index {
            0 => Some(0),
            _ if index == self.base => Some(self.base_term),
            _ => self.get(index).map(|entry| entry.term),
        }
    }

    /// True if an entry of that term stands at `index`, or stood there before it was dropped: of what
    /// a log dropped, every log that gets so far has the same.
    pub(crate) fn agrees_at(&self, index: u64, term: u64) -> bool {
        index < self.base || self.term_at(index) == Some(term)
    }

    /// All entries that are there, in order.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The entries that are there behind `index`, in order.
    pub fn after(&self, index: u64) -> &[Arc<Entry>] {
        self.between(index, self.last_index())
    }

    /// The entries that are there up to `index`, in order.
    pub fn through(&self, index: u64) -> &[Arc<Entry>] {
        self.between(self.base, index)
    }

    /// The entries that are there behind `after` and up to `through`, in order.
    pub fn between(&self, after: u64, through: u64) -> &[Arc<Entry>] {
        let within = |index: u64| self.position(index.clamp(self.base, self.last_index()));
        let (start, end) = (within(after), within(through));
        &self.entries[start.min(end)..end]
    }

    /// The number of entries that are there up to `index`, which is the base or behind it.
    fn position(&self, index: u64) -> usize {
        assert!((self.base..=self.last_index()).contains(&index), "it is within the log");
        (index - self.base) as usize
    }

    /// Up to `entries_max` of these entries, the first ones: as many as take about `bytes_max` bytes,
    /// but at least one.
    pub(crate) fn batch(
        &self,
        wanted: RangeInclusive<u64>,
        entries_max: usize,
        bytes_max: usize,
    ) -> Vec<Arc<Entry>> {
        assert!(*wanted.start() > self.base, "what is asked for was not dropped");
        let mut bytes = 0;
        let fits = |entry: &&Arc<Entry>| {
            let first = bytes == 0;
            bytes += entry.bytes();
            first || bytes <= bytes_max
        };
        let missing = self.between(wanted.start() - 1, *wanted.end()).iter().take(entries_max);
        missing.take_while(fits).cloned().collect()
    }

    /// Adds the next entry.
    pub(crate) fn append(&mut self, entry: Arc<Entry>) {
        assert_eq!(entry.index, self.last_index() + 1, "a log has no gap");
        assert!(entry.term >= self.last_term(), "terms never fall along a log");
        self.entries.push(entry);
    }

    /// Removes the entries from `index` on.
    pub(crate) fn truncate(&mut self, index: u64) {
        assert!(index > self.base && index <= self.last_index(), "there is something to remove");
        self.entries.truncate(self.position(index - 1));
    }

    /// Drops the entries up to `index`, which a snapshot makes superfluous, and hands them out: to free
    /// very many takes a while.
    pub(crate) fn drop_through(&mut self, index: u64) -> Vec<Arc<Entry>> {
        if index <= self.base {
            return Vec::new();
        }
        let term = self.term_at(index).expect("what is dropped is there");
        let dropped = self.entries.drain(..self.position(index)).collect();
        (self.base, self.base_term) = (index, term);
        dropped
    }

    /// The first index of the run of entries with the same term that ends at `index`, as far as they
    /// are there.
    pub(crate) fn start_of_term(&self, index: u64) -> u64 {
        let term = self.term_at(index);
        let below = self.through(index);
        self.base + below.partition_point(|entry| Some(entry.term) < term) as u64 + 1
    }

    /// The last index of an entry of `term`, if there is any; it may be the base.
    pub(crate) fn end_of_term(&self, term: u64) -> Option<u64> {
        let end = self.entries.partition_point(|entry| entry.term <= term);
        let (last, last_term) = match self.entries[..end].last() {
            Some(entry) => (entry.index, entry.term),
            None => (self.base, self.base_term),
        };
        (last_term == term && last > 0).then_some(last)
    }

    /// True if a log that ends with an entry of `last_term` at `last_index` is at least as
    /// complete as this one (paper, §5.4.1).
    pub(crate) fn is_covered_by(&self, last_term: u64, last_index: u64) -> bool {
        (last_term, last_index) >= (self.last_term(), self.last_index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Payload;
    use crate::kv::{Command, EncodedCommand, Mutation};

    fn log(terms: &[u64]) -> Log {
        let mut log = Log::default();
        for (position, &term) in terms.iter().enumerate() {
            let index = position as u64 + 1;
            log.append(Arc::new(Entry { index, term, payload: Payload::Noop }));
        }
        log
    }

    #[test]
    fn the_run_of_a_term_is_found_from_either_end() {
        let log = log(&[1, 1, 3, 3, 3, 4]);
        assert_eq!(log.start_of_term(5), 3);
        assert_eq!(log.start_of_term(3), 3);
        assert_eq!(log.start_of_term(2), 1);
        assert_eq!(log.end_of_term(3), Some(5));
        assert_eq!(log.end_of_term(4), Some(6));
        assert_eq!(log.end_of_term(2), None);
        assert_eq!(log.end_of_term(9), None);
    }

    #[test]
    fn what_was_dropped_is_the_same_everywhere_and_indices_stay_what_they_were() {
        let mut log = Log::behind(2, 1);
        assert_eq!((log.last_index(), log.last_term()), (2, 1));
        for (index, term) in [(3, 1), (4, 3), (5, 3)] {
            log.append(Arc::new(Entry { index, term, payload: Payload::Noop }));
        }
        let terms: Vec<_> = (0..=6).map(|index| log.term_at(index)).collect();
        assert_eq!(terms, [Some(0), None, Some(1), Some(1), Some(3), Some(3), None]);
        assert!(log.get(2).is_none() && log.get(3).is_some_and(|entry| entry.index == 3));
        assert!(log.agrees_at(1, 7) && log.agrees_at(2, 1) && !log.agrees_at(2, 7));
        let indices =
            |entries: &[Arc<Entry>]| entries.iter().map(|it| it.index).collect::<Vec<_>>();
        assert_eq!(indices(log.after(0)), [3, 4, 5]);
        assert_eq!(indices(log.after(4)), [5]);
        assert_eq!(indices(log.through(3)), [3]);
        assert!(log.through(1).is_empty() && log.after(9).is_empty());
        assert_eq!((log.start_of_term(3), log.start_of_term(5)), (3, 4));
        assert_eq!(log.end_of_term(1), Some(3));
        log.truncate(3);
        assert_eq!((log.last_index(), log.end_of_term(1), log.end_of_term(3)), (2, Some(2), None));
        assert_eq!(Log::default().end_of_term(0), None);
    }

    #[test]
    fn a_batch_ends_before_it_grows_too_large_but_is_never_empty() {
        let mut log = Log::default();
        for (index, bytes) in [(1, 1), (2, 900), (3, 5_000), (4, 1)] {
            let mutation = Mutation::Write { key: "k".into(), value: "x".repeat(bytes).into() };
            let payload = Payload::Command(EncodedCommand::new(&Command { mutation, token: None }));
            log.append(Arc::new(Entry { index, term: 1, payload }));
        }
        let batch = |index, entries_max| {
            let entries = log.batch(index..=5, entries_max, 2_000);
            entries.iter().map(|entry| entry.index).collect::<Vec<_>>()
        };
        assert_eq!(batch(1, 9), [1, 2]);
        assert_eq!(batch(1, 1), [1]);
        assert_eq!(batch(3, 9), [3], "one that is too large goes alone");
        assert_eq!(batch(4, 9), [4]);
        assert!(batch(5, 9).is_empty());
        let through_one: Vec<_> = log.batch(1..=1, 9, 2_000).iter().map(|it| it.index).collect();
        assert_eq!(through_one, [1]);
    }

    #[test]
    fn a_later_term_covers_a_longer_log() {
        let log = log(&[1, 1, 1]);
        assert!(log.is_covered_by(2, 1));
        assert!(log.is_covered_by(1, 3));
        assert!(!log.is_covered_by(1, 2));
        assert!(!log.is_covered_by(0, 9));
    }

    #[test]
    #[should_panic(expected = "no gap")]
    fn an_entry_out_of_order_is_a_bug() {
        log(&[1]).append(Arc::new(Entry { index: 3, term: 1, payload: Payload::Noop }));
    }
}
