//! When a record counts as durable.

use crate::bugs::{Bug, Bugs};
use crate::core::Record;

/// Whether nothing that rests on `record` may happen before a barrier: true of every record, unless
/// a planted bug takes what was written for durable.
pub fn needs_barrier(record: &Record, bugs: &Bugs) -> bool {
    match record {
        _ if bugs.contains(&Bug::AckBeforeFsync) => false,
        Record::Vote { .. } => !bugs.contains(&Bug::VoteNotDurable),
        Record::Entry(_) | Record::Truncate { .. } => true,
    }
}
