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
    /// The terms of the entries of each node.
    terms: Vec<Vec<u64>>,
}

impl LogMatching {
    /// The logs of so many nodes are empty.
    pub(super) fn new(nodes: usize) -> LogMatching {
        LogMatching { entries: HashMap::new(), terms: vec![Vec::new(); nodes] }
    }

    fn append(&mut self, position: usize, node: &Node, entry: &Arc<Entry>) -> Result<(), String> {
        let terms = &mut self.terms[position];
        assert_eq!(terms.len() as u64 + 1, entry.index, "every change of a log is seen");
        let before = terms.last().copied().unwrap_or(0);
        terms.push(entry.term);
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
        self.terms[position].clear();
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
                    self.terms[change.position].truncate(*from as usize - 1)
                }
                Record::Vote { .. } => {}
            }
        }
        first
    }
}
