//! The part of an operation that is held to be true.

/// The part of an operation that is held to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All that the history says.
    AsRecorded,
    /// Only that it was invoked: a read says nothing then, a mutation may have taken effect at any
    /// time since, or never.
    Invoked,
}
