//! The outcomes of elements, in a form that is saved, printed and drawn.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lattice::Verdict;
use crate::model::Collection;
use crate::oracle::kept::MAX_KEPT;

/// The outcome of an element. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ElementOutcome {
    /// It was there for certain, and later it was not. Of a queue: its enqueue was acknowledged, no
    /// dequeue answered it or may have removed it unseen, and the queue was found empty after that.
    Lost,
    /// A read of a set answered it more than once; or it was dequeued more often than somebody
    /// tried to enqueue it, each time too many counted.
    Duplicated,
    /// It was read or dequeued, although no operation tried to put it in.
    Unexpected,
    /// A read of a set lacked it after it was there for certain, and a later one found it.
    Stale,
    /// Its enqueue was acknowledged, and no dequeue answered it. It may still be in the queue, or a
    /// dequeue of unknown outcome removed it.
    NeverDequeued,
    /// Its addition was acknowledged, and no read began after that.
    NeverRead,
    /// It was not acknowledged and has not been seen: it may never have come in.
    InDoubt,
    /// It was dequeued, although its enqueue was not acknowledged.
    Recovered,
    /// It was dequeued, as often as it was enqueued.
    Dequeued,
    /// It was read, and every read found it that began after it was there for certain.
    Stable,
}

impl ElementOutcome {
    /// Returns whether no legal order explains it.
    pub fn is_wrong(self) -> bool {
        matches!(
            self,
            ElementOutcome::Lost
                | ElementOutcome::Duplicated
                | ElementOutcome::Unexpected
                | ElementOutcome::Stale
        )
    }

    /// `never dequeued`.
    pub fn name(self) -> &'static str {
        match self {
            ElementOutcome::Lost => "lost",
            ElementOutcome::Duplicated => "duplicated",
            ElementOutcome::Unexpected => "unexpected",
            ElementOutcome::Stale => "stale",
            ElementOutcome::NeverDequeued => "never dequeued",
            ElementOutcome::NeverRead => "never read",
            ElementOutcome::InDoubt => "in doubt",
            ElementOutcome::Recovered => "recovered",
            ElementOutcome::Dequeued => "dequeued",
            ElementOutcome::Stable => "stable",
        }
    }
}

/// An element that something wrong became of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ElementFinding {
    /// The set or queue; none when the history names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its outcome.
    pub fate: ElementOutcome,
    /// The proof in a sentence.
    pub sentence: String,
}

/// The outcomes of the elements of all sets or queues of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Accounting {
    /// True if they are sets or queues.
    pub kind: Collection,
    /// Elements that some operation tried to put in, surely failed attempts left out; of a queue,
    /// as often as some operation tried.
    pub attempted: u64,
    /// Those of them that were acknowledged.
    pub acknowledged: u64,
    /// The number of elements with each outcome. Those that no operation tried to put in are
    /// counted too.
    pub fates: BTreeMap<ElementOutcome, u64>,
    /// The time from when it was there for certain to a read that lacked an element which later
    /// ones found; the longest, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_staleness: Option<u64>,
    /// Some of what is wrong, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ElementFinding>,
}

impl Accounting {
    /// The number of elements with this outcome.
    pub fn count(&self, fate: ElementOutcome) -> u64 {
        self.fates.get(&fate).copied().unwrap_or(0)
    }

    /// The number of elements with an outcome that no legal order explains.
    pub fn wrong(&self) -> u64 {
        self.fates.iter().filter(|(fate, _)| fate.is_wrong()).map(|(_, count)| count).sum()
    }

    /// Invalid if something is wrong. Counts say nothing of the order of elements.
    pub fn verdict(&self) -> Verdict {
        if self.wrong() == 0 { Verdict::Valid } else { Verdict::Invalid }
    }

    pub(super) fn note(
        &mut self,
        key: Option<&str>,
        fate: ElementOutcome,
        count: u64,
        sentence: impl Fn() -> String,
    ) {
        if count == 0 {
            return;
        }
        let counted = self.fates.entry(fate).or_default();
        *counted += count;
        if fate.is_wrong() && self.findings.iter().filter(|it| it.fate == fate).count() < MAX_KEPT {
            self.findings.push(ElementFinding {
                key: key.map(str::to_string),
                fate,
                sentence: sentence(),
            });
        }
    }
}
