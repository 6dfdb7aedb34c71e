//! Processes that end because a fault left them nothing better to do, such as one whose disk fails.
//! That is a finding about the target, with its log, and no broken promise: a supervisor would
//! start it again, and so does the run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A process may still stumble over the last error of a fault a moment after it was undone: its
/// log has to be flushed and its threads to be joined.
const GRACE: Duration = Duration::from_secs(3);

/// Which nodes may end by themselves at the moment, and because of what.
#[derive(Debug, Default)]
pub struct Excuses {
    /// By node and number of the fault.
    given: Mutex<BTreeMap<(String, u32), Excuse>>,
}

#[derive(Debug)]
struct Excuse {
    reason: String,
    /// When it ends, on the run's clock; none while the fault is on.
    ends: Option<Duration>,
}

impl Excuses {
    /// `node` may end while fault `fault` is on; `reason` names the fault.
    pub fn give(&self, node: &str, fault: u32, reason: &str) {
        let excuse = Excuse { reason: reason.into(), ends: None };
        self.lock().insert((node.into(), fault), excuse);
    }

    /// That fault was undone at `now`, on the run's clock.
    pub fn withdraw(&self, fault: u32, now: Duration) {
        for ((_, of), excuse) in self.lock().iter_mut() {
            if *of == fault {
                excuse.ends = excuse.ends.or(Some(now + GRACE));
            }
        }
    }

    /// Why `node` may have ended at `now`: rather because of a fault that is on than of one that
    /// was undone, and rather because of the later one.
    pub fn reason(&self, node: &str, now: Duration) -> Option<String> {
        let given = self.lock();
        let valid = given
            .iter()
            .filter(|((of, _), excuse)| of == node && excuse.ends.is_none_or(|ends| now <= ends));
        let likeliest = valid.max_by_key(|((_, fault), excuse)| {
            (excuse.ends.is_none(), excuse.ends.unwrap_or_default(), *fault)
        });
        likeliest.map(|(_, excuse)| excuse.reason.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, u32), Excuse>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_excused_while_its_fault_is_on_and_a_moment_longer() {
        let excuses = Excuses::default();
        let at = Duration::from_secs;
        excuses.give("n2", 7, "disk full (n2)");
        assert_eq!(excuses.reason("n2", at(100)).as_deref(), Some("disk full (n2)"));
        assert_eq!(excuses.reason("n1", at(100)), None);
        excuses.withdraw(6, at(101));
        excuses.withdraw(7, at(102));
        assert!(excuses.reason("n2", at(102) + GRACE).is_some());
        assert!(excuses.reason("n2", at(103) + GRACE).is_none());
        excuses.give("n2", 8, "disk read-only (n2)");
        assert!(excuses.reason("n2", at(500)).is_some());
    }

    #[test]
    fn the_fault_that_is_on_excuses_rather_than_one_that_was_undone() {
        let excuses = Excuses::default();
        let at = Duration::from_secs;
        excuses.give("n2", 7, "failing");
        excuses.withdraw(7, at(100));
        excuses.give("n2", 8, "full");
        assert_eq!(excuses.reason("n2", at(101)).as_deref(), Some("full"));
        excuses.withdraw(8, at(102));
        assert_eq!(excuses.reason("n2", at(102)).as_deref(), Some("full"));
    }
}
