//! The abilities of this machine: each engine is tried for real, in a throwaway place, with a time
//! limit.
//!
//! The trials run in helper processes: one as the user is, one inside the namespaces of a lab, so
//! that they find what a run would find, need no root, and leave nothing even if they hang.

mod examine;
mod probe;
mod trials;

pub use examine::{examine, try_namespace_lab};
pub(crate) use examine::{probe_lab, probe_plain};
pub use probe::Probe;
