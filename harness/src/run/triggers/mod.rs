//! Faults that wait for a moment: what is waited for, what was seen, and what is held meanwhile.

mod log_tail;
mod places;
#[expect(clippy::module_inception, reason = "the triggers of a run, beside what they are made of")]
mod triggers;
mod waiting;
mod waiting_faults;

pub use log_tail::LogTail;
use places::Places;
pub use triggers::{Sighted, Signal, Triggers};
pub use waiting_faults::WaitingFaults;
