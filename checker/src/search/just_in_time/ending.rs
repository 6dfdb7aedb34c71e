//! The end of a search, and its place.

use crate::search::Decision;

/// The end of a search, and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The end.
    pub(crate) decision: Decision,
    /// If Invalid: the place of the step up to whose completion no order explains the history.
    pub(crate) ended_at: Option<usize>,
}
