//! The result of the search for a small contradiction.

use std::collections::BTreeSet;

use crate::counterexample::sources::Sources;
use crate::object::Object;

/// A contradiction.
#[derive(Debug)]
pub(crate) struct Core {
    /// The operations that contradict each other, and those that left the values they saw, as
    /// places in the object.
    pub(crate) shown: BTreeSet<usize>,
    /// The one that completed last; as a rule, there was a legal order before its completion.
    pub(super) last: usize,
    /// True if it is certain that without any one of them there is a legal order.
    pub(super) minimal: bool,
    /// If they contradict each other no matter what had returned by the time the first of them was
    /// invoked: the index of that invocation. Otherwise their past is believed as well, as far as
    /// it is shown.
    pub(super) since: Option<u64>,
}

impl Core {
    /// Operations that contradict each other no matter what was there before, with those that left
    /// the values they saw.
    pub(super) fn of_window(
        object: &dyn Object,
        operations: &BTreeSet<usize>,
        last: usize,
        minimal: bool,
    ) -> Core {
        let since = operations.iter().map(|place| object.intervals()[*place].invoked).min();
        Core { shown: Sources::new(object).add_to(operations), last, minimal, since }
    }
}
