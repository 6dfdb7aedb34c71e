//! Operations on a state that is one value, in as few bytes as their deciders need.

/// What an operation did to the value. Values are numbered from 0 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    /// Saw this value.
    Read(u32),
    /// Left this value, whatever was there before. It is no observer even if that value was there.
    Write(u32),
    /// Found the first value and left the second; the two differ (otherwise it is a read).
    CompareAndSet {
        /// What it found.
        from: u32,
        /// What it left.
        to: u32,
    },
    /// Saw that the value was another one than this: a compare-and-set that failed.
    SawAnother(u32),
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it did; of an unknown outcome, what it does if it has any effect.
    pub(crate) deed: Deed,
    /// Index of the invocation in the history.
    pub(crate) invoked: u64,
    /// Index of the completion; none for a mutation of unknown outcome, which takes effect at any
    /// time after its invocation, once or never. At equal indices invocations come first.
    pub(crate) returned: Option<u64>,
}

/// The operations of one partition, by invocation. Observers of unknown outcome are not among
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByValue {
    /// The value before all of them.
    pub(crate) initial: u32,
    /// How many values there are; every number is below.
    pub(crate) values: u32,
    /// The operations.
    pub(crate) steps: Vec<Step>,
}
