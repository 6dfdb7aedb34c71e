//! The mutex workload: a lock that has at most one holder at a time.

use crate::Workload;
use crate::locking::{self, Locking};

/// The workload that `--workload mutex` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "mutex",
    summary: "locks are acquired and released; at most one process holds a lock",
    model: "mutex",
    kinds: &["acquire", "release"],
    generator: |options| Box::new(Locking::new("m", options)),
    probe: locking::probe,
};
