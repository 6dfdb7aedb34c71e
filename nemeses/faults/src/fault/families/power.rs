//! Power failure: nodes lose what they did not fsync, and stay off while the fault lasts.

use std::collections::BTreeSet;
use std::fmt;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::partition::{cut_links, cut_links_of_others};
use crate::effect::Effect;
use crate::fault::bounds::percent;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, indeterminate, join, outcome_of};
use crate::fault::{Budget, RoleDraw, weighted};
use crate::grudge::Grudge;
use crate::host::{HostError, PerNode, PowerSeen};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "power",
    letter: 'W',
    description: "nodes lose power, and with it what they had not synced, whole or in torn writes",
    engine: Engine::Disks,
    cuts_links: true,
    within_fault_model: true,
    processes: Processes::Down,
    excuse: Excuse::AtInjection,
    fields: &["aim", "keep_percent", "sector"],
    lasts: (0.2, 4.0),
    draw: |wanted, random| {
        let aim = wanted.limits.aim_down(&WEIGHTS, random);
        Some(Fault::Power(Power { aim, cut: PowerCut::draw(random) }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Starts,
    steps: Steps::InTurn,
};

/// Nodes lose power; they stay off while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// The nodes whose power fails.
    pub aim: Aim,
    /// The fate of writes that were not synced.
    #[serde(flatten)]
    pub cut: PowerCut,
}

/// The fate of writes that were not synced when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerCut {
    /// Each unsynced sector survives with this chance, in percent. 0 loses all of them; anything
    /// between tears and reorders writes.
    #[serde(default)]
    pub keep_percent: f64,
    /// Bytes that a disk writes as a whole: 512 or 4096.
    #[serde(default = "sector_of_a_new_disk")]
    pub sector: u32,
}

fn sector_of_a_new_disk() -> u32 {
    4096
}

impl PowerCut {
    /// The sizes of a sector that disks have.
    pub const SECTORS: [u32; 2] = [512, 4096];
}

impl fmt::Display for PowerCut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keep_percent {
            0.0 => out.write_str("losing what was not synced"),
            percent => {
                let sector = self.sector;
                write!(out, "keeping {percent} % of the unsynced sectors of {sector} bytes")
            }
        }
    }
}

/// The weight of each aim in a draw. When a majority loses its power at once, what was acknowledged
/// must have been on its disks.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 3),
    (Aim::Follower, 1),
    (Aim::One, 1),
    (Aim::Minority, 3),
    (Aim::Majority, 3),
    (Aim::All, 3),
];

/// The weight of each share of unsynced sectors, in percent, that survive: mostly none, which loses
/// the most; otherwise some, which tears writes.
const KEPT: [(u32, u32); 4] = [(0, 4), (10, 1), (50, 2), (90, 1)];

impl PowerCut {
    /// Draws what survives.
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let keep_percent = f64::from(weighted(&KEPT, |_| true, random));
        let sector = Self::SECTORS[random.random_range(0..Self::SECTORS.len())];
        Self { keep_percent, sector }
    }
}

impl fmt::Display for Power {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "power failure of {}, {}", self.aim, self.cut)
    }
}

impl Spec for Power {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        self.aim.count(nodes)
    }

    fn validate(&self, _: usize) -> Result<(), String> {
        let PowerCut { keep_percent, sector } = self.cut;
        percent("keep_percent", keep_percent)?;
        if PowerCut::SECTORS.contains(&sector) {
            return Ok(());
        }
        Err(format!("sector is 512 or 4096 bytes, not {sector}"))
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        let nodes = roles.nodes(self.aim);
        let links = roles.links_of(&nodes);
        Action::Power(PowerFailure { nodes, cut: self.cut, seed: roles.seed(), links })
    }
}

/// These nodes lose power, and stay off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerFailure {
    /// The nodes whose power fails.
    pub nodes: BTreeSet<String>,
    /// The fate of unsynced writes.
    #[serde(flatten)]
    pub cut: PowerCut,
    /// The seed from which it is drawn which of them survive.
    pub seed: u64,
    /// Every link of these nodes, those with the clients too: a node without power says nothing,
    /// so they are cut before anything else happens.
    pub links: Grudge,
}

impl fmt::Display for PowerFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "power failure of {}, {}", list(&self.nodes), self.cut)
    }
}

impl State for PowerFailure {
    fn nodes(&self) -> BTreeSet<String> {
        self.nodes.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.nodes.retain(|node| kept.contains(node));
        let of_kept = |node: &str| self.nodes.contains(node);
        let mut links = Grudge::none();
        for link in self.links.links() {
            if of_kept(&link.from) || of_kept(&link.to) {
                links.drop_link(&link.from, &link.to);
            }
        }
        self.links = links;
    }

    fn grudge(&self) -> Option<&Grudge> {
        Some(&self.links)
    }

    fn holds_down(&self) -> Option<&BTreeSet<String>> {
        Some(&self.nodes)
    }

    fn takes_down(&self) -> BTreeSet<String> {
        self.nodes()
    }

    /// Its disk is off a moment before it is.
    fn may_end(&self, node: &str) -> bool {
        self.nodes.contains(node)
    }

    /// Links first: a node without power says nothing.
    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let links = cut_links(acting, Probe::Skip);
        let results = acting.host.cut_power(&self.nodes, &self.cut, self.seed);
        let (outcome, effect) = judge(&results);
        let judgement = Judgement::settled(outcome, effect);
        if judgement.is_skipped() && links.is_ok() {
            // It was not done after all, so the links must not stay cut for it.
            if let Err(error) = cut_links_of_others(acting) {
                let reason = format!("{}; and links stay cut: {error}", judgement.outcome);
                return Judgement::settled(indeterminate(reason), Effect::new());
            }
        }
        let note = links.err().map(|error| format!("links stayed up: {error}"));
        Judgement { note, ..judgement }
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        let mut problems = match cut_links(acting, Probe::Wait) {
            Ok(seen) if !seen.silent.is_empty() && !seen.cut_short => {
                vec![format!("no packet passes on {}", join(&seen.silent))]
            }
            Err(HostError::Failed(reason)) => vec![reason],
            // Nothing can cut links here, so none was.
            _ => Vec::new(),
        };
        let (effect, failed) = acting.restart(&self.nodes);
        problems.extend(failed);
        (effect, problems)
    }
}

/// Judges a power failure. Its effect is that nodes went dark: a service that syncs before it
/// acknowledges has nothing to lose most of the time, so its losses are figures beside it.
fn judge(results: &PerNode<PowerSeen>) -> (Outcome, Effect) {
    let seen = || results.values().filter_map(|result| result.as_ref().ok());
    let total = |count: fn(&PowerSeen) -> u64| seen().map(count).sum::<u64>();
    let effect = Effect::new()
        .counting("sectors_lost", total(|seen| seen.sectors_lost))
        .counting("names_lost", total(|seen| seen.names_lost))
        .counting("sectors_kept", total(|seen| seen.sectors_kept))
        .counting("names_kept", total(|seen| seen.names_kept))
        .counting("nodes_off", seen().count() as u64);
    (outcome_of(results), effect)
}
