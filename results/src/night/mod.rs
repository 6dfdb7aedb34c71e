//! A night: many runs of one plan of plans, what each came to, and the folder that holds them.
//!
//! ```text
//! results/nights/latest -> 20261129T190000Z-bundled
//! results/nights/20261129T190000Z-bundled/
//!   night.toml             the plan of the night, as it was written
//!   past.json              what was known of earlier nights when it began
//!   ledger.jsonl           everything that became known, a line each, in the order of time
//!   night.json             the same for readers, replaced as a whole after every run
//!   runs/17/               run 17: its plan, what it printed, its run directory
//!   repeats/17/0/          a repeat of it, if it was the first that failed in its cell
//!   shrinks/17/            its plan, shrunk
//! ```
//!
//! The ledger is what counts: a night that was killed goes on from it. `night.json` follows from it.

mod directory;
mod figures;
mod form;
mod ledger;
mod retention;

pub use directory::{NightDirectory, bytes_below, nights_in};
pub use figures::{Compared, Comparison, Figure, RecoveryOfNight, RunFigures, recoveries};
pub use form::{
    Cell, FollowUp, Kept, Night, NightRun, Pair, Reached, Remark, SCHEMA, Shard, Shrunk, State,
};
pub use ledger::{Entry, Ledger};
pub use retention::{Holding, Removal, removals};
