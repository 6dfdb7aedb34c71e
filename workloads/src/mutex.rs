//! The mutex workload: a lock that nobody can take while somebody holds it.

use crate::Workload;
use crate::locking::{self, Locking};

/// What `--workload mutex` runs.
pub const WORKLOAD: Workload = Workload {
    name: "mutex",
    summary: "locks are acquired and released; at most one process holds a lock",
    model: "mutex",
    kinds: &["acquire", "release"],
    generator: |options| Box::new(Locking::new("m", options)),
    probe: locking::probe,
};
