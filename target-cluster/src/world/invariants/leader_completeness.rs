//! An entry committed in a term is in the log of every leader of a later term (paper, §5.4).
//!
//! The log of a leader is what it had when it was elected and what it appended since, so it is
//! enough to keep the terms along it at its election. What it had dropped by then was in a snapshot,
//! hence committed; the entry behind which its log began must be the one that was.

use super::{Change, Invariant};
use crate::core::{Node, NodeId, RoleName};

/// Every entry ever committed, and every leader ever elected.
#[derive(Debug, Default)]
pub(super) struct LeaderCompleteness {
    /// From index 1 on: the term of the entry, and the term in which it was first seen committed.
    committed: Vec<(u64, u64)>,
    elected: Vec<Elected>,
}

/// A leader when it was elected.
#[derive(Debug)]
struct Elected {
    id: NodeId,
    term: u64,
    /// The index behind which its log began.
    base: u64,
    /// The term of each run of entries of its log, with the index of the last one.
    runs: Vec<(u64, u64)>,
}

impl Elected {
    fn of(node: &Node, term: u64) -> Elected {
        let base = node.log().base();
        let base_term = node.log().term_at(base).expect("a log knows its base");
        let mut runs: Vec<(u64, u64)> = Vec::from([(base_term, base)]);
        // What it appended in its own term came after the election.
        for entry in node.log().entries().iter().take_while(|entry| entry.term < term) {
            match runs.last_mut() {
                Some((run, last)) if *run == entry.term => *last = entry.index,
                _ => runs.push((entry.term, entry.index)),
            }
        }
        Elected { id: node.options().id.clone(), term, base, runs }
    }

    /// Has the entry of that index and term, which was committed in an earlier term than its own.
    fn has(&self, index: u64, (term, committed_in): (u64, u64)) -> Result<(), String> {
        if index < self.base {
            return Ok(());
        }
        let run = self.runs.iter().find(|(_, last)| *last >= index);
        if committed_in >= self.term || run.is_some_and(|(run, _)| *run == term) {
            return Ok(());
        }
        Err(format!(
            "{} led term {} without entry {index} of term {term}, committed in term {committed_in}",
            self.id, self.term
        ))
    }
}

impl Invariant for LeaderCompleteness {
    fn name(&self) -> (&'static str, &'static str) {
        ("leader completeness", "Raft paper, §5.4")
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        let term = change.node.term();
        for entry in change.committed() {
            if entry.index as usize == self.committed.len() + 1 {
                let committed = (entry.term, term);
                self.committed.push(committed);
                for leader in &self.elected {
                    leader.has(entry.index, committed)?;
                }
            }
        }
        for role in change.roles().filter(|role| role.role == RoleName::Leader) {
            // One that was deposed in the same turn may have lost entries since.
            if change.leads == Some(role.term) && change.led != change.leads {
                let leader = Elected::of(change.node, role.term);
                for (index, committed) in (1..).zip(&self.committed) {
                    leader.has(index, *committed)?;
                }
                self.elected.push(leader);
            }
        }
        Ok(())
    }
}
