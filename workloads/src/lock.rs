//! The lock workload: locks whose every acquisition answers a fencing token.
//!
//! The tokens of a lock must rise with each acquisition; by them a storage knows that a holder from
//! before must no longer be listened to (Kleppmann, "How to do distributed locking", 2016).

use crate::Workload;
use crate::locking::{self, Locking};

/// The workload that `--workload lock` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "lock",
    summary: "locks whose acquisitions answer fencing tokens that only rise",
    model: "fenced-lock",
    kinds: &["acquire", "release"],
    generator: |options| Box::new(Locking::new("f", options)),
    probe: locking::probe,
};
