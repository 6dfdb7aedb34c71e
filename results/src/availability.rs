//! The service to clients around each fault, and what had been promised of it.

use std::collections::BTreeMap;

use checker::verdict::Verdict;
use faults::coverage::Role;
use faults::fault::Family;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The availability of a run: figures always, a verdict where something was promised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Availability {
    /// The worst verdict of the promises that were put to the test, Unknown if none was; none where
    /// nothing was promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The verdict in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// Each promise with what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<PromiseResult>,
    /// Seconds of the load in which service was owed: a majority of nodes was untouched by faults,
    /// its nodes heard each other, and clients reached them.
    pub owed_seconds: f64,
    /// Those of them in which no operation succeeded for longer than is usual.
    pub unserved_seconds: f64,
    /// The operations that succeeded while the load lasted, a second.
    pub ok_per_second: f64,
    /// The service around each fault that was attempted during the load, by its beginning.
    pub faults: Vec<FaultService>,
}

/// The result of one promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromiseResult {
    /// The promise, as a flag has it.
    pub promise: String,
    /// Valid, Invalid, or Unknown on a starved machine; none if no fault put it to the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The figures that kept it or broke it.
    pub sentence: String,
}

/// The service to clients around one fault: from its beginning until the next one began, or the load
/// ended. Faults that overlap share what they did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultService {
    /// The number of the fault in the schedule.
    pub fault: u32,
    /// The fault in words.
    pub name: String,
    /// Its family.
    pub family: Family,
    /// Whom it hit.
    pub role: Role,
    /// True if service was owed as long as it was on: a majority was left untouched.
    pub owed: bool,
    /// Seconds from its beginning to the first error of an attempt, of errors that did not occur
    /// before the first fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_error_seconds: Option<f64>,
    /// The longest time without any success while service was owed, in seconds.
    pub unserved_seconds: f64,
    /// Seconds from when service was owed, at the fault's beginning or once a majority was back,
    /// until an operation succeeded again; 0 where none was missed. None if service was never owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<f64>,
    /// True if it took longer than that: the load ended, or another fault took the majority away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_short: bool,
    /// Operations that ended meanwhile.
    pub ended: u64,
    /// Those that failed, but for answers that their precondition did not hold.
    pub failed: u64,
    /// Those whose outcome is unknown.
    pub unknown: u64,
    /// Seconds from its beginning until a node led in a new term; none if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub election_seconds: Option<f64>,
}

impl FaultService {
    /// The time to recovery in seconds, if it is known exactly.
    pub fn recovered(&self) -> Option<f64> {
        self.recovery_seconds.filter(|_| !self.cut_short)
    }
}

/// The faults of one family that hit one role.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a> {
    /// The family.
    pub family: Family,
    /// Whom they hit.
    pub role: Role,
    /// The faults, by their beginning.
    pub faults: Vec<&'a FaultService>,
}

impl Group<'_> {
    /// Every time to recovery that is known exactly, sorted.
    pub fn recoveries(&self) -> Vec<f64> {
        self.sorted(FaultService::recovered)
    }

    /// The times to a new leader, sorted.
    pub fn elections(&self) -> Vec<f64> {
        self.sorted(|fault| fault.election_seconds)
    }

    /// The times to the first error, sorted.
    pub fn first_errors(&self) -> Vec<f64> {
        self.sorted(|fault| fault.first_error_seconds)
    }

    /// The longest time without service while it was owed.
    pub fn longest_unserved(&self) -> f64 {
        self.faults.iter().map(|fault| fault.unserved_seconds).fold(0.0, f64::max)
    }

    /// The sum of a count over its faults.
    pub fn sum(&self, count: impl Fn(&FaultService) -> u64) -> u64 {
        self.faults.iter().map(|fault| count(fault)).sum()
    }

    fn sorted(&self, of: impl Fn(&FaultService) -> Option<f64>) -> Vec<f64> {
        let mut values: Vec<f64> = self.faults.iter().filter_map(|fault| of(fault)).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

impl Availability {
    /// Its faults by family and role.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<(Family, Role), Vec<&FaultService>> = BTreeMap::new();
        for fault in &self.faults {
            groups.entry((fault.family, fault.role)).or_default().push(fault);
        }
        let group = |((family, role), faults)| Group { family, role, faults };
        groups.into_iter().map(group).collect()
    }
}

/// The smallest of the sorted values that at least `percent` of a hundred do not exceed; none of
/// none.
pub fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}
