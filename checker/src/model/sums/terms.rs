//! Operations on a sum.

/// An addition. Those of unknown outcome may never have happened.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Addition {
    /// Its place in the partition.
    pub(in crate::model) place: usize,
    pub(in crate::model) invoked: u64,
    /// None for an unknown outcome.
    pub(in crate::model) returned: Option<u64>,
    pub(in crate::model) amount: i128,
}

/// A read of the sum.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Read {
    /// Its place in the partition.
    pub(in crate::model) place: usize,
    pub(in crate::model) invoked: u64,
    pub(in crate::model) returned: u64,
    pub(in crate::model) sum: i128,
}
