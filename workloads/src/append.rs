//! The append workload: elements are added to the ends of lists, and whole lists are read.
//!
//! A read shows the order of everything before it, so it contradicts a lost, doubled or reordered
//! append that a register would have forgotten with the next write.

use serde_json::json;

use crate::Workload;
use crate::collecting::Collecting;
use crate::generator::Invocation;

/// The workload that `--workload append` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "append",
    summary: "elements are appended to lists, which are read whole",
    model: "append-list",
    kinds: &["append", "read"],
    generator: |options| {
        Box::new(Collecting::new(options, "l", OPERATIONS_PER_LIST, "append", READS))
    },
    probe: |list| [Invocation::mutation("append", list, json!(1)), Invocation::read(list)],
};

/// Operations before a list is replaced. A read answers the whole list, so its cost grows with it;
/// a hundred elements still fit into one packet or two.
const OPERATIONS_PER_LIST: u32 = 200;

/// Out of a hundred operations, how many read.
const READS: u32 = 50;
