//! Judges a history while it is being recorded.
//!
//! A [`Watch`] is told of every event. It says of a prefix of the history what the offline checker
//! says of it, where operations that are open at the end of the prefix are of unknown outcome; and
//! it says so a while after the prefix ended. An Invalid is final: what comes later cannot
//! change it.
//!
//! Every key has a log (`log.rs`), which the offline checker judges whenever it has grown by a
//! certain share. That is a small constant factor more work than to judge it once, and the
//! algorithms that decide the models of the workloads are linear. A log is dropped when its key has
//! not been used for a while, so what is kept is bounded by the operations on the keys in use.
//!
//! A key that is used without end outgrows its log. It is given up then, and left to the offline
//! checker.

mod log;
mod watch;

pub use watch::{OnlineVerdict, Watch};
