//! Histories: what an event is, how files of several formats become events, and how events pair
//! into operations.

mod edn;
mod error;
mod event;
mod jepsen_edn;
mod jepsen_log;
mod json_lines;
mod pairing;
mod reading;

pub use error::{HistoryError, ReadError};
pub use event::{Attempt, Event, EventType, History, Process};
pub use pairing::{Paired, operations, pair};
pub use reading::{Format, Reading, read};
