//! The replicated state machine: a key-value store with client sessions.
//!
//! It is deterministic: the same commands in the same order give the same state and the same
//! answers on every node.

mod command;
mod sessions;
mod store;

pub use command::{Command, Mutation, Operation, Query, RequestBody, Token};
pub use sessions::MAX_SESSIONS;
pub use store::{Answer, Applied, Outcome, Store};
