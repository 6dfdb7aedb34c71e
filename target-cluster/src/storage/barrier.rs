//! The records that need a barrier.

use crate::bugs::{Bug, Bugs};
use crate::core::Record;

/// True if nothing that rests on `record` may happen before a barrier: so it is with every record,
/// unless a planted bug takes what was written for durable.
pub(crate) fn needs_barrier(record: &Record, bugs: &Bugs) -> bool {
    match record {
        _ if bugs.contains(&Bug::AckBeforeFsync) => false,
        Record::Vote { .. } => !bugs.contains(&Bug::VoteNotDurable),
        Record::Entry(_) | Record::Truncate { .. } | Record::Base { .. } => true,
    }
}
