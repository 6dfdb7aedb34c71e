//! Limits and ends of searches.

/// The end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A legal order was found.
    Valid,
    /// There is none.
    Invalid,
    /// The search spent its steps.
    OutOfSteps,
    /// The search spent its memory.
    OutOfMemory,
}

/// The limits of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Operations tried.
    pub(crate) steps: u64,
    /// Bytes that the memo may take.
    pub(crate) memory: usize,
}

/// The end of a search, and its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The end.
    pub(crate) outcome: Outcome,
    /// Operations tried.
    pub(crate) steps: u64,
}
