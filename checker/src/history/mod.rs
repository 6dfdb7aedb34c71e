//! Histories: what an event is, how files of several formats become events, and how events pair
//! into operations.

mod datum;
mod edn;
mod edn_forms;
mod error;
mod event;
mod jepsen_edn;
mod jepsen_log;
mod json_lines;
mod lines;
mod operation;
mod operations;
mod pairing;
mod reading;

pub use datum::{Datum, Elements, OwnedDatum};
pub use error::{HistoryError, ReadError};
pub use event::{Attempt, Event, EventType, History, Process};
pub use operation::Operation;
pub use operations::{OperationRef, Operations, Place};
pub use pairing::Pairing;
pub use reading::{Format, Reading, read};
