//! If two logs contain an entry with the same index and term, they are identical through that
//! index (paper, §5.3).
//!
//! By induction along the log: an entry of some index and term is the same wherever it stands, and
//! so is the term of the entry before it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Change, Invariant};
use crate::core::{Entry, Node, Record};

/// Every entry that was ever in a log.
#[derive(Debug)]
pub(super) struct LogMatching {
    /// By index and term: the entry, and the term of the one before it where that was first seen.
    entries: HashMap<(u64, u64), (Arc<Entry>, u64)>,
    /// The log of each node.
    logs: Vec<Terms>,
}

/// The terms along a log.
#[derive(Debug, Clone, Default)]
struct Terms {
    /// Index and term of the entry behind which it begins.
    base: (u64, u64),
    terms: Vec<u64>,
}

impl Terms {
    /// Index and term of the last entry.
    fn last(&self) -> (u64, u64) {
        let last = self.terms.last().copied().unwrap_or(self.base.1);
        (self.base.0 + self.terms.len() as u64, last)
    }
}

impl LogMatching {
    /// The logs of so many nodes are empty.
    pub(super) fn new(nodes: usize) -> LogMatching {
        LogMatching { entries: HashMap::new(), logs: vec![Terms::default(); nodes] }
    }

    fn append(&mut self, position: usize, node: &Node, entry: &Arc<Entry>) -> Result<(), String> {
        let log = &mut self.logs[position];
        let (last, before) = log.last();
        assert_eq!(last + 1, entry.index, "every change of a log is seen");
        log.terms.push(entry.term);
        let place = (entry.index, entry.term);
        let (first, first_before) =
            self.entries.entry(place).or_insert_with(|| (Arc::clone(entry), before));
        let id = &node.options().id;
        if !Arc::ptr_eq(first, entry) && first != entry {
            return Err(format!(
                "{id} has another entry {} of term {} than was seen before",
                entry.index, entry.term
            ));
        }
        if *first_before != before {
            return Err(format!(
                "entry {} of term {} stands behind one of term {before} in the log of {id}, and \
                 elsewhere behind one of term {first_before}",
                entry.index, entry.term
            ));
        }
        Ok(())
    }
}

impl Invariant for LogMatching {
    fn name(&self) -> (&'static str, &'static str) {
        ("log matching", "Raft paper, §5.3")
    }

    fn started(&mut self, position: usize, node: &Node) -> Result<(), String> {
        let base = node.log().base();
        let base = (base, node.log().term_at(base).expect("a log knows its base"));
        self.logs[position] = Terms { base, terms: Vec::new() };
        let mut first = Ok(());
        for entry in node.log().entries() {
            first = first.and(self.append(position, node, entry));
        }
        first
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        let mut first = Ok(());
        for record in change.records() {
            match record {
                Record::Entry(entry) => {
                    first = first.and(self.append(change.position, change.node, entry));
                }
                Record::Truncate { from } => {
                    let log = &mut self.logs[change.position];
                    log.terms.truncate((*from - 1 - log.base.0) as usize);
                }
                // What is dropped was looked at; a snapshot that takes the place of a log begins
                // another.
                Record::Base { index, term, .. } => {
                    let log = &mut self.logs[change.position];
                    if log.last() != (*index, *term) {
                        *log = Terms { base: (*index, *term), terms: Vec::new() };
                    }
                }
                Record::Vote { .. } => {}
            }
        }
        first
    }
}
