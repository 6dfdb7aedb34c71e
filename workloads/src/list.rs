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

/// The workload for a service that has only some of its operations; none if there is nothing to
/// test without the others.
pub fn offered(workload: &Workload, offers: impl Fn(&str) -> bool) -> Option<Workload> {
    let with = |workload: &Workload| workload.kinds.iter().all(|f| offers(f)).then_some(*workload);
    let lesser = (workload.name == register::WORKLOAD.name).then_some(&register::WITHOUT_CAS);
    with(workload).or_else(|| lesser.and_then(with))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_is_tested_without_cas_and_nothing_else_is_tested_in_part() {
        let offered = |name, without: &str| {
            let workload = find(name).expect("there is one");
            offered(workload, |f| f != without).map(|workload| workload.kinds)
        };
        assert_eq!(offered("register", ""), Some(&["read", "write", "cas"][..]));
        assert_eq!(offered("register", "cas"), Some(&["read", "write"][..]));
        assert_eq!(offered("register", "write"), None);
        assert_eq!(offered("queue", "dequeue"), None);
    }
}
