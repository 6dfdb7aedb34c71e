//! Made-up runs that look like real ones: the same options always make the same run.

pub mod elections;
mod faults;
mod nodes;
mod objects;
mod promises;
mod run;
mod stale_read;

pub use faults::storm;
pub use objects::{judged, models};
pub use promises::with_promises;
pub use run::*;
