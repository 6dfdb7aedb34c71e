//! The set workload: elements are added, and whole sets are read.
//!
//! An element that was acknowledged and is missing from a later read was lost. Nothing hides it
//! again, so a set finds losses that come long after the write.

use serde_json::json;

use crate::Workload;
use crate::collecting::Collecting;
use crate::generator::Invocation;

/// The workload that `--workload set` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "set",
    summary: "elements are added to sets, which are read whole",
    model: "set",
    kinds: &["add", "read"],
    generator: |options| Box::new(Collecting::new(options, "s", OPERATIONS_PER_SET, "add", READS)),
    probe: |set| [Invocation::mutation("add", set, json!(1)), Invocation::read(set)],
};

/// Operations before a set is replaced. A read answers the whole set, so its cost grows with it.
const OPERATIONS_PER_SET: u32 = 200;

/// Out of a hundred operations, how many read.
const READS: u32 = 40;
