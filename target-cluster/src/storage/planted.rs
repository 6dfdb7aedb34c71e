//! The mistakes of planted bugs in the recovery of a log. Nothing here happens without them.

use crate::bugs::{Bug, Bugs};

/// True if the note beside the log is not looked at.
pub(super) fn ignores_watermark(log: &[u8], bugs: &Bugs) -> bool {
    let has = |bug| bugs.contains(&bug);
    has(Bug::AppendAfterTornTail)
        || has(Bug::CorruptMiddleCutOff)
        || has(Bug::CorruptLogDiscarded)
        || has(Bug::LostLogStillVotes)
        || (has(Bug::WipedLogRejoins) && log.is_empty())
        || has(Bug::NamesNotSynced)
}

/// True if what stands behind a bad record is not looked at: the first one is the end of the log.
pub(super) fn ignores_records_behind(bugs: &Bugs) -> bool {
    bugs.contains(&Bug::AppendAfterTornTail) || bugs.contains(&Bug::CorruptMiddleCutOff)
}
