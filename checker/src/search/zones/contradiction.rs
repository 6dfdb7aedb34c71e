//! A contradiction between zones.

/// Places in [`ByValue::steps`](crate::search::ByValue::steps), rising, of operations for which
/// there is no legal order, what became of all others: each other mutation may have taken effect at
/// any time since it was invoked, or never; other reads may have seen anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction(pub(crate) Vec<usize>);
