//! The replicated log of one node, in memory: durable entries and those still being written.

use std::sync::Arc;

use super::Entry;

/// Entries from index 1 on, without gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Log {
    entries: Vec<Arc<Entry>>,
}

impl Log {
    /// The index of the last entry; 0 when there is none.
    pub fn last_index(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The term of the last entry; 0 when there is none.
    pub fn last_term(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.term)
    }

    /// The entry at `index`, if there is one.
    pub fn get(&self, index: u64) -> Option<&Arc<Entry>> {
        self.entries.get(usize::try_from(index.checked_sub(1)?).ok()?)
    }

    /// The term of the entry at `index`; 0 for index 0, which every log is thought to share.
    pub fn term_at(&self, index: u64) -> Option<u64> {
        if index == 0 { Some(0) } else { self.get(index).map(|entry| entry.term) }
    }

    /// All entries in order.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Up to `entries_max` entries from `index` on: as many as take about `bytes_max` bytes, but at
    /// least one.
    pub(crate) fn batch(
        &self,
        index: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Vec<Arc<Entry>> {
        assert!(index > 0, "the first entry has index 1");
        let mut bytes = 0;
        let fits = |entry: &&Arc<Entry>| {
            let first = bytes == 0;
            bytes += entry.bytes();
            first || bytes <= bytes_max
        };
        let missing = self.entries.iter().skip(index as usize - 1).take(entries_max);
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
        assert!((1..=self.last_index()).contains(&index), "there is something to remove");
        self.entries.truncate(index as usize - 1);
    }

    /// The first index of the run of entries with the same term that ends at `index`.
    pub(crate) fn start_of_term(&self, index: u64) -> u64 {
        let term = self.term_at(index);
        let below = &self.entries[..index as usize];
        below.partition_point(|entry| Some(entry.term) < term) as u64 + 1
    }

    /// The last index of an entry of `term`, if there is any.
    pub(crate) fn end_of_term(&self, term: u64) -> Option<u64> {
        let end = self.entries.partition_point(|entry| entry.term <= term);
        let last = self.entries[..end].last()?;
        (last.term == term).then_some(last.index)
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
    fn a_batch_ends_before_it_grows_too_large_but_is_never_empty() {
        let mut log = Log::default();
        for (index, bytes) in [(1, 1), (2, 900), (3, 5_000), (4, 1)] {
            let mutation = Mutation::Write { key: "k".into(), value: "x".repeat(bytes).into() };
            let payload = Payload::Command(EncodedCommand::new(&Command { mutation, token: None }));
            log.append(Arc::new(Entry { index, term: 1, payload }));
        }
        let batch = |index, entries_max| {
            let entries = log.batch(index, entries_max, 2_000);
            entries.iter().map(|entry| entry.index).collect::<Vec<_>>()
        };
        assert_eq!(batch(1, 9), [1, 2]);
        assert_eq!(batch(1, 1), [1]);
        assert_eq!(batch(3, 9), [3], "one that is too large goes alone");
        assert_eq!(batch(4, 9), [4]);
        assert!(batch(5, 9).is_empty());
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
