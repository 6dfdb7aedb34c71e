//! The configurations along a log. The last one there is in force, committed or not (paper, §6), so
//! what is appended, truncated or replaced by a snapshot decides who votes.

use std::ops::Deref;

use super::{Configuration, Log, Payload};

/// The configurations along a log; as a pointer, the one in force.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Configurations {
    /// The last one that cannot be undone any more, or none was needed for, with the index of its
    /// entry, or of a snapshot that tells of it; 0 if no entry does.
    first: (u64, Configuration),
    /// Those behind it, with the indices of their entries.
    later: Vec<(u64, Configuration)>,
}

impl Configurations {
    /// Those of a log, behind one that a snapshot through that index tells of, or the founders.
    pub(super) fn of(log: &Log, index: u64, first: Configuration) -> Configurations {
        let mut all = Configurations { first: (index, first), later: Vec::new() };
        for entry in log.after(index) {
            if let Payload::Configuration(configuration) = &entry.payload {
                all.append(entry.index, configuration.clone());
            }
        }
        all
    }

    /// The index of the one in force.
    pub(super) fn index(&self) -> u64 {
        self.last().0
    }

    /// All that may be in force again when those behind the entry at `index` are undone, and that one.
    pub(super) fn from(&self, index: u64) -> impl Iterator<Item = &Configuration> {
        let later = self.later.iter().filter(move |(at, _)| *at > index);
        [self.at(index)].into_iter().chain(later.map(|(_, configuration)| configuration))
    }

    /// The one before that of the entry at `index`, with the index of its own.
    pub(super) fn before(&self, index: u64) -> (u64, &Configuration) {
        let before = self.later.iter().rfind(|(at, _)| *at < index).unwrap_or(&self.first);
        (before.0, &before.1)
    }

    /// The one that was in force when the log ended with the entry at `index`, which is not dropped.
    pub(super) fn at(&self, index: u64) -> &Configuration {
        let of_then = self.later.iter().rfind(|(at, _)| *at <= index);
        &of_then.unwrap_or(&self.first).1
    }

    /// The next one comes into force.
    pub(super) fn append(&mut self, index: u64, configuration: Configuration) {
        assert!(index > self.index(), "configurations follow each other");
        self.later.push((index, configuration));
    }

    /// Those of entries from that index on are undone.
    pub(super) fn truncate(&mut self, from: u64) {
        self.later.retain(|(index, _)| *index < from);
    }

    /// Entries through that index are dropped, and never undone.
    pub(super) fn drop_through(&mut self, index: u64) {
        let dropped = self.later.iter().take_while(|(at, _)| *at <= index).count();
        if let Some(last) = self.later.drain(..dropped).next_back() {
            self.first = last;
        }
    }

    fn last(&self) -> &(u64, Configuration) {
        self.later.last().unwrap_or(&self.first)
    }
}

impl Deref for Configurations {
    type Target = Configuration;

    fn deref(&self) -> &Configuration {
        &self.last().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_in_the_log_is_in_force_and_undone_with_its_entry() {
        let of = |name: &str| Configuration::of_voters([name.into()]);
        let mut all = Configurations::of(&Log::default(), 0, of("n1"));
        all.append(3, of("n2"));
        all.append(5, of("n3"));
        assert_eq!((&*all, all.index()), (&of("n3"), 5));
        let then: Vec<_> = (2..=5).map(|index| all.at(index).clone()).collect();
        assert_eq!(then, [of("n1"), of("n2"), of("n2"), of("n3")]);
        all.truncate(5);
        assert_eq!((&*all, all.index()), (&of("n2"), 3));
        all.drop_through(4);
        assert_eq!((&*all, all.index()), (&of("n2"), 3));
        all.truncate(1);
        assert_eq!(*all, of("n2"), "what is dropped is never undone");
    }
}
