//! Situations that an exploration must have met, or its silence proves nothing.

use super::bounds::{Bounds, OperationKind};

/// Something that is meant to happen somewhere within the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Situation {
    /// A node was elected.
    LeaderElected,
    /// An entry was committed.
    EntryCommitted,
    /// Two nodes led at once, in different terms.
    TwoLeaders,
    /// A follower replaced entries that were in conflict with the leader's.
    ConflictTruncated,
    /// An entry of an earlier term was committed with one of the leader's own.
    EarlierTermCommitted,
    /// A crash lost records that were not durable.
    RecordsLost,
    /// A client was told that the leader that took its command leads no more.
    OutcomeUnknown,
    /// A client's command was in the log twice, and was answered the second time as the first.
    RetryRecognised,
    /// A read was answered by a leader of a later term than the first.
    ReadAfterChange,
    /// A leader was asked to hand over, and its successor was elected.
    Transferred,
}

impl Situation {
    /// Its bit in a set of situations.
    pub(crate) fn bit(self) -> u32 {
        1 << self as u32
    }

    /// True if it can happen within the bounds.
    pub(crate) fn is_possible(self, bounds: &Bounds) -> bool {
        let commands = bounds.operations.iter().any(|kind| kind.is_command());
        match self {
            Situation::LeaderElected => bounds.terms >= 1 && bounds.entries >= 1,
            Situation::EntryCommitted => bounds.terms >= 1 && bounds.entries >= 1,
            Situation::TwoLeaders => bounds.terms >= 2 && bounds.entries >= 1,
            Situation::ConflictTruncated => bounds.terms >= 2 && bounds.entries >= 1,
            Situation::EarlierTermCommitted => bounds.terms >= 2 && bounds.entries >= 2,
            Situation::RecordsLost => bounds.terms >= 1 && bounds.crashes >= 1,
            Situation::OutcomeUnknown => {
                commands && bounds.entries >= 2 && (bounds.terms >= 2 || bounds.step_downs >= 1)
            }
            Situation::RetryRecognised => commands && bounds.attempts >= 2 && bounds.entries >= 3,
            Situation::ReadAfterChange => {
                bounds.operations.contains(&OperationKind::Read)
                    && bounds.terms >= 2
                    && bounds.entries >= 1
            }
            Situation::Transferred => {
                bounds.transfers >= 1 && bounds.terms >= 2 && bounds.entries >= 2
            }
        }
    }
}
