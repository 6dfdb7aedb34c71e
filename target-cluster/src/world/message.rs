//! A message between nodes.

use crate::core::{Request, Response, Time};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// A question, with the time at which it was sent by the clock of the one that asks.
    Request(Time, Request),
    /// The answer to one, with the time at which that was sent.
    Response(Time, Response),
}
