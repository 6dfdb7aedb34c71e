//! Slow processors: node processes get only a small share of one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Measurement};
use crate::fault::bounds::percent;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, by_node, failures, indeterminate, of, outcome_of};
use crate::fault::{Budget, RoleDraw, whole_between};
use crate::host::{CpuSeen, PerNode};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "cpu",
    letter: 'U',
    description: "nodes get a small share of one processor",
    engine: Engine::Processors,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["aim", "percent"],
    lasts: (0.5, 8.0),
    draw: |wanted, random| {
        let percent = whole_between(PERCENT.0, PERCENT.1, random);
        Some(Fault::Cpu(Cpu { aim: wanted.limits.aim(&WEIGHTS, random), percent }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Processors,
    steps: Steps::Replace,
};

/// Processes run on a small share of a processor while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// The nodes whose processes are slow.
    pub aim: Aim,
    /// The share of one processor that each may use, in percent.
    pub percent: f64,
}

/// The weight of each aim in a draw: a slow leader holds up all others.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 4), (Aim::Follower, 2), (Aim::One, 1), (Aim::Minority, 2), (Aim::All, 1)];

/// Below 2 % not even a refusal gets out, above 30 % nothing is noticed.
const PERCENT: (f64, f64) = (2.0, 30.0);

impl fmt::Display for Cpu {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} % of a processor for {}", self.percent, self.aim)
    }
}

impl Spec for Cpu {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn validate(&self, _: usize) -> Result<(), String> {
        percent("percent", self.percent)?;
        if self.percent > 0.0 { Ok(()) } else { Err("percent must be above 0".to_owned()) }
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Cpu(CpuShares(roles.each(self.aim, self.percent)))
    }
}

/// Each of these nodes may use so many percent of one processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CpuShares(pub BTreeMap<String, f64>);

impl fmt::Display for CpuShares {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "slow the processor of {}", list(&self.nodes()))
    }
}

impl CpuShares {
    /// Asks for what all faults together leave each node, and returns what was seen of its own.
    fn apply(&self, acting: &mut Acting<'_>) -> PerNode<CpuSeen> {
        let shares = acting.states::<Self>().map(|shares| &shares.0);
        let shares = by_node(shares, |left, right| left.min(*right));
        of(&self.0, acting.host.limit_cpu(&shares))
    }
}

impl State for CpuShares {
    fn nodes(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.0.retain(|node, _| kept.contains(node));
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let (outcome, mut effect) = throttled(&self.apply(acting));
        let least = self.0.values().copied().reduce(f64::min).unwrap_or(0.0);
        effect.set("limit", Measurement::Percent(least));
        Judgement::open(outcome, effect)
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        // Told again what it knows: nothing changes, and it says what it saw.
        let (outcome, effect) = throttled(&self.apply(acting));
        (Some(outcome), effect)
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        (Effect::new(), failures(&self.apply(acting)))
    }
}

/// Judges whether the kernel held processes back.
fn throttled(results: &PerNode<CpuSeen>) -> (Outcome, Effect) {
    let seen: Vec<_> = results.values().filter_map(|result| result.as_ref().ok()).collect();
    let times = seen.iter().map(|seen| seen.throttled).sum();
    let held_back = seen.iter().map(|seen| seen.throttled_ms).sum();
    let effect = Effect::new()
        .with("throttled", Measurement::Milliseconds(held_back))
        .counting("throttled", times);
    let outcome = match outcome_of(results) {
        Outcome::Installed if times == 0 => indeterminate("no process wanted more than its share"),
        outcome => outcome,
    };
    (outcome, effect)
}
