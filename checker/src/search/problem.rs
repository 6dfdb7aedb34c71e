//! The operations to be ordered, after everything that cannot matter is dropped.

/// An operation that surely took effect.
#[derive(Debug, Clone)]
pub(crate) struct Certain {
    /// Index of the invocation.
    pub(crate) invoked: u64,
    /// Index of the completion.
    pub(crate) returned: u64,
    pub(crate) observer: bool,
    /// Operations of one class ask and answer the same.
    pub(crate) class: usize,
}

/// Mutations of unknown outcome that ask for the same. They are interchangeable: an order that
/// uses `n` of them can as well use the `n` that were invoked first, in the order of invocation.
#[derive(Debug, Clone)]
pub(crate) struct MaybeApplied {
    /// Indices of the invocations, rising.
    pub(crate) invoked: Vec<u64>,
}

/// The operations on an object, ready to be searched.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) certain: Vec<Certain>,
    /// The number of certain operations of each class.
    pub(crate) class_sizes: Vec<usize>,
    pub(crate) maybe_applied: Vec<MaybeApplied>,
    /// For each certain operation, those that make its answer possible again once the state has
    /// grown past it; none when that is not known. Empty when it is not known for any.
    pub(crate) revivals: Vec<Option<Vec<usize>>>,
}
