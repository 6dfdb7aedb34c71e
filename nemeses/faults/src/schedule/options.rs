//! The options that a schedule is drawn for.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Composition, Compositions, KnownFailure, Profile};
use crate::fault::{Abilities, Budget, ClusterLimits, Family, TimerRange};
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
    /// The names of those that it has alone, and no single faults; none for all of them.
    pub only: Vec<String>,
    /// The failures whose triggers it does without.
    pub avoided: Vec<KnownFailure>,
    /// The kinds of triggers that it may have: others leave faults that begin at their times.
    pub triggers: BTreeSet<TriggerKind>,
    /// The range in which the service's own timers lie.
    pub timers: TimerRange,
    /// The requests that the service understands.
    pub abilities: Abilities,
}

impl ScheduleOptions {
    /// The most nodes that may be down at once.
    pub fn most_down(&self) -> usize {
        self.budget.unwrap_or(self.profile.budget()).limit(self.nodes)
    }

    /// The limits within which its faults are drawn.
    pub(super) fn limits(&self) -> ClusterLimits {
        let most = self.profile.parameters().most.limit(self.nodes);
        let Self { nodes, timers, abilities, .. } = *self;
        ClusterLimits { nodes, most, most_down: self.most_down(), timers, abilities }
    }

    /// The compositions that it can have: those that fit the cluster and the budget, of the families
    /// that it is for.
    pub fn possible_compositions(&self) -> impl Iterator<Item = &Composition> {
        let limits = self.limits();
        let composed = self.profile == Profile::Composed;
        // Where several families are asked for together, one alone is not what is looked for.
        let together = composed && self.families.len() > 1 && self.only.is_empty();
        self.compositions.iter().filter(move |composition| {
            let families = composition.families();
            let wanted = match &self.only[..] {
                [] => composition.weight() > 0,
                only => only.iter().any(|name| name == composition.name()),
            };
            wanted
                && composition.fits(&limits)
                // Elsewhere it stays what it is without the families that were not asked for.
                && (!composed || families.is_subset(&self.families))
                && (families.len() > 1 || !together)
        })
    }
}
