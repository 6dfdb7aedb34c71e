//! The size of reports.

/// The number of violations kept in a report; all of them are counted. Ten are enough to see a
/// pattern, and a broken service makes one with nearly every operation.
pub(crate) const MAX_KEPT: usize = 10;
