//! The replicated state machine: a key-value store with client sessions.
//!
//! It is deterministic: the same commands in the same order give the same state and the same
//! answers on every node.

mod answer;
mod command;
mod contents;
mod encoded;
mod image;
mod item;
mod malformed;
mod request;
mod sequence;
mod sessions;
mod shared_map;
mod shared_value;
mod size;
mod store;
mod transaction;
mod values;
#[cfg(test)]
mod values_tests;

pub use answer::{Answer, OperationResult};
pub use command::{Command, Mutation, Operation, Query, Token};
pub use encoded::EncodedCommand;
pub use malformed::MalformedRequest;
pub use request::RequestBody;
pub use sessions::{MAX_SESSIONS, SESSION_BYTES_MAX};
pub use size::{ANSWER_BYTES_MAX, NESTING_MAX, TRANSACTION_MAX};
pub use transaction::Transaction;

pub(crate) use contents::ContentsPage;
pub(crate) use encoded::fnv1a;
pub(crate) use image::{ImageCursor, ImageReader, Unreadable, line as image_line};
pub(crate) use shared_map::SharedMap;
pub use shared_value::SharedValue;
pub(crate) use store::{Applied, Store};
pub(crate) use transaction::{MicroFunction, MicroOperation};
