//! Objects that keep what is put into them.

use crate::history::Datum;
use crate::oracle::audit::Kind;

/// What an operation does with the elements that its object keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling<'a> {
    /// It puts this element into an object of that kind.
    Puts(Kind, Datum<'a>),
    /// It takes an element out of a queue and answers it.
    Takes,
    /// It answers all elements that an object of that kind holds, of a list in order.
    Shows(Kind),
}
