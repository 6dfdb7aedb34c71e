//! Processes that may end because a fault left them nothing better to do, such as one whose disk fails.
//! That is a finding about the target, with its log, and no broken promise: a supervisor would
//! start it again, and so does the run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A process may still stumble over the last error of a fault a moment after it was undone: its
/// log has to be flushed and its threads to be joined.
const GRACE: Duration = Duration::from_secs(3);

/// The nodes that may end by themselves at the moment, each with the fault that gives it reason to.
#[derive(Debug, Default)]
pub struct ExpectedExits {
    /// By node and number of the fault.
    allowed: Mutex<BTreeMap<(String, u32), Allowance>>,
}

#[derive(Debug)]
struct Allowance {
    reason: String,
    /// When it ends, on the run's clock; none while the fault is on.
    ends: Option<Duration>,
}

impl ExpectedExits {
    /// `node` may end while fault `fault` is on; `reason` names the fault.
    pub fn allow(&self, node: &str, fault: u32, reason: &str) {
        let allowance = Allowance { reason: reason.into(), ends: None };
        self.lock().insert((node.into(), fault), allowance);
    }

    /// That fault was undone at `now`, on the run's clock.
    pub fn revoke(&self, fault: u32, now: Duration) {
        for ((_, of), allowance) in self.lock().iter_mut() {
            if *of == fault {
                allowance.ends = allowance.ends.or(Some(now + GRACE));
            }
        }
    }

    /// The reason for which `node` may have ended at `now`: rather because of a fault that is on than of one that
    /// was undone, and rather because of the later one.
    pub fn reason(&self, node: &str, now: Duration) -> Option<String> {
        let allowed = self.lock();
        let valid = allowed.iter().filter(|((of, _), allowance)| {
            of == node && allowance.ends.is_none_or(|ends| now <= ends)
        });
        let likeliest = valid.max_by_key(|((_, fault), allowance)| {
            (allowance.ends.is_none(), allowance.ends.unwrap_or_default(), *fault)
        });
        likeliest.map(|(_, allowance)| allowance.reason.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, u32), Allowance>> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_may_end_while_its_fault_is_on_and_a_moment_longer() {
        let exits = ExpectedExits::default();
        let at = Duration::from_secs;
        exits.allow("n2", 7, "disk full (n2)");
        assert_eq!(exits.reason("n2", at(100)).as_deref(), Some("disk full (n2)"));
        assert_eq!(exits.reason("n1", at(100)), None);
        exits.revoke(6, at(101));
        exits.revoke(7, at(102));
        assert!(exits.reason("n2", at(102) + GRACE).is_some());
        assert!(exits.reason("n2", at(103) + GRACE).is_none());
        exits.allow("n2", 8, "disk read-only (n2)");
        assert!(exits.reason("n2", at(500)).is_some());
    }

    #[test]
    fn the_fault_that_is_on_counts_rather_than_one_that_was_undone() {
        let exits = ExpectedExits::default();
        let at = Duration::from_secs;
        exits.allow("n2", 7, "failing");
        exits.revoke(7, at(100));
        exits.allow("n2", 8, "full");
        assert_eq!(exits.reason("n2", at(101)).as_deref(), Some("full"));
        exits.revoke(8, at(102));
        assert_eq!(exits.reason("n2", at(102)).as_deref(), Some("full"));
    }
}
