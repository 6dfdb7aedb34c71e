//! Histories: what an event is, how files of several formats become events, and how events pair
//! into operations.

mod chunks;
mod datum;
mod drains;
mod edn;
mod edn_forms;
mod error;
mod event;
mod event_line;
mod foreign;
mod jepsen_edn;
mod jepsen_log;
mod json;
mod json_lines;
mod json_objects;
mod lines;
mod number;
mod operation;
mod operations;
mod pairing;
mod reading;
mod setting;
mod transaction;

pub use datum::{Datum, Elements, Members, OwnedDatum};
pub use error::{HistoryError, ReadError};
pub use event::{Attempt, Event, EventType, History, Process};
pub use operation::Operation;
pub use operations::{OperationRef, Operations, Place, REFUTED};
pub use pairing::Pairing;
pub use reading::{Format, Reading, read, read_with_threads};
pub use setting::Setting;
pub(crate) use transaction::{StepKind, StepParts, step as transaction_step};
