//! Corruption: what a node had synced changes on its disk. That is outside of Raft's fault model,
//! so it happens only when asked for by name; what is expected then is: noticed, refused, no wrong
//! answer served.

use std::collections::BTreeSet;
use std::fmt;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::kill::kill;
use crate::effect::{Effect, Measurement};
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, indeterminate, outcome_of};
use crate::fault::{Budget, RoleDraw};
use crate::host::{NodeState, PerNode};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "corruption",
    letter: 'X',
    description: "synced data changes: flipped bits, cut-off files; outside Raft's fault model, so \
                  only by name",
    engine: Engine::Disks,
    cuts_links: false,
    within_fault_model: false,
    processes: Processes::Down,
    excuse: Excuse::Forever,
    fields: &["aim", "damage", "file"],
    lasts: (0.2, 2.0),
    draw: |wanted, random| {
        let damage = if random.random_bool(BIT_FLIP_CHANCE) {
            Damage::BitFlip { file: None }
        } else {
            Damage::Truncate { file: None }
        };
        let aim = wanted.limits.aim_down(&WEIGHTS, random);
        Some(Fault::Corruption(Corruption { aim, damage }))
    },
    parts_leader: false,
    // A node with damaged files is down for good: of a cluster without a majority nothing more is
    // to be learnt.
    budget_alone: Budget::Minority,
    // What is damaged must have been noticed before more is.
    gap_alone: (2.0, 6.0),
    comes_on_top: true,
    undone: UndoneWith::Starts,
    steps: Steps::InTurn,
};

/// Files of some nodes are damaged while the nodes are down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corruption {
    /// The nodes whose files are damaged.
    pub aim: Aim,
    /// The damage.
    #[serde(flatten)]
    pub damage: Damage,
}

/// Damage to files. In TOML `damage = "bit-flip"`, optionally with `file = "wal"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "damage", rename_all = "kebab-case")]
pub enum Damage {
    /// One bit is flipped.
    BitFlip {
        /// Part of the path of the files that are meant, below the node's data directory; the
        /// largest of them is damaged. Without it, one of a kind that is drawn: each kind of file
        /// is as likely as any other, however small its files are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
    /// The file loses its last part.
    Truncate {
        /// As for a bit flip.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
}

impl Damage {
    /// Which files are meant.
    pub fn file(&self) -> Option<&str> {
        let (Self::BitFlip { file } | Self::Truncate { file }) = self;
        file.as_deref()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::BitFlip { .. } => "flip a bit of",
            Self::Truncate { .. } => "cut off the end of",
        };
        match self.file() {
            Some(file) => write!(out, "{what} a file {file}"),
            None => write!(out, "{what} a file of some kind"),
        }
    }
}

/// The weight of each aim in a draw: one node at a time, since it may never come back.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Follower, 2), (Aim::Leader, 2), (Aim::One, 1)];

/// So often a bit is flipped; else a file is cut off.
const BIT_FLIP_CHANCE: f64 = 0.7;

impl fmt::Display for Corruption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}", self.damage, self.aim)
    }
}

impl Spec for Corruption {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        self.aim.count(nodes)
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        let (nodes, damage) = (roles.nodes(self.aim), self.damage.clone());
        Action::Corruption(FileDamage { nodes, damage, seed: roles.seed() })
    }
}

/// These nodes are killed and their files damaged; they stay down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileDamage {
    /// The nodes whose files are damaged.
    pub nodes: BTreeSet<String>,
    /// The damage.
    #[serde(flatten)]
    pub damage: Damage,
    /// The seed from which the place is drawn.
    pub seed: u64,
}

impl fmt::Display for FileDamage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}", self.damage, list(&self.nodes))
    }
}

impl State for FileDamage {
    fn nodes(&self) -> BTreeSet<String> {
        self.nodes.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.nodes.retain(|node| kept.contains(node));
    }

    fn holds_down(&self) -> Option<&BTreeSet<String>> {
        Some(&self.nodes)
    }

    fn takes_down(&self) -> BTreeSet<String> {
        self.nodes()
    }

    fn may_end(&self, node: &str) -> bool {
        self.nodes.contains(node)
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let mut judgement = kill(&self.nodes, acting);
        if judgement.is_skipped() {
            return judgement;
        }
        let mut results = PerNode::new();
        for node in &self.nodes {
            if acting.host.state(node) == NodeState::Stopped {
                let damaged = acting.host.damage(node, &self.damage, self.seed);
                results.insert(node.clone(), damaged);
            }
        }
        let done = results.iter().filter_map(|(node, result)| {
            let file = result.as_ref().ok()?;
            Some((node.clone(), format!("{node}: {file}")))
        });
        let (damaged, places): (Vec<_>, Vec<_>) = done.unzip();
        acting.on.damaged.extend(damaged);
        if !places.is_empty() {
            let mut effect = Effect::new().with("damaged", Measurement::Text(places.join("; ")));
            effect.extend(judgement.effect);
            judgement.effect = effect;
        }
        judgement.outcome = match outcome_of(&results) {
            Outcome::Installed if results.len() < self.nodes.len() => {
                indeterminate("a node that did not die was not damaged")
            }
            // Not skipped: the nodes were killed.
            Outcome::Skipped { reason } => Outcome::Indeterminate { reason },
            outcome => outcome,
        };
        judgement
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        acting.restart(&self.nodes)
    }
}
