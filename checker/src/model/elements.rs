//! Objects that keep what is put into them.

use serde::{Deserialize, Serialize};

use crate::history::Datum;

/// The way in which an object keeps the elements put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// Each element at its position, as often as it was appended.
    List,
    /// Each element as often as it was put in; taking it out is part of the contents.
    Queue,
    /// Each element once.
    Set,
}

/// The effect of an operation on the elements that its object keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementEffect<'a> {
    /// It puts this element into the collection.
    Insert(Datum<'a>),
    /// It takes an element out of the collection and answers it.
    Remove,
    /// It answers all elements that the collection holds, of a list in order.
    Observe,
}
