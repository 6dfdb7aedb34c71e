//! The options that a schedule is drawn for.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Compositions, KnownFailure, Profile};
use crate::fault::{Budget, Family, TimerRange};
use crate::trigger::TriggerKind;

/// The options that a schedule is drawn for.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleOptions {
    /// The number of nodes in the cluster.
    pub nodes: usize,
    /// The families that take part.
    pub families: BTreeSet<Family>,
    /// Equal seeds give equal schedules.
    pub seed: u64,
    /// The time that the load lasts; every fault ends before it does.
    pub time_limit: Duration,
    /// Its roughness.
    pub profile: Profile,
    /// The number of nodes that may be down at once; none leaves it to the profile.
    pub budget: Option<Budget>,
    /// The compositions that it may have.
    pub compositions: Compositions,
    /// The failures whose triggers it does without.
    pub avoided: Vec<KnownFailure>,
    /// The kinds of triggers that it may have: others leave faults that begin at their times.
    pub triggers: BTreeSet<TriggerKind>,
    /// The range in which the service's own timers lie.
    pub timers: TimerRange,
}

impl ScheduleOptions {
    /// The most nodes that may be down at once.
    pub fn most_down(&self) -> usize {
        self.budget.unwrap_or(self.profile.budget()).limit(self.nodes)
    }
}
