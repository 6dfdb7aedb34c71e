//! The list of the workloads.

use crate::{Workload, append, counter, lock, mutex, queue, register, set, txn};

/// Every workload, by name.
pub const ALL: &[Workload] = &[
    append::WORKLOAD,
    counter::WORKLOAD,
    lock::WORKLOAD,
    mutex::WORKLOAD,
    queue::WORKLOAD,
    register::WORKLOAD,
    set::WORKLOAD,
    txn::WORKLOAD,
];

/// The workload of that name.
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}
