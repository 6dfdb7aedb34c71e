//! Maintenance: what operators have a service do to its own store in daily operation. It needs a
//! target that can.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe};
use crate::fault::{Budget, MOMENT, RoleDraw, weighted};
use crate::host::{PerNode, Request};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "maintenance",
    letter: 'T',
    description: "nodes compact or defragment their stores or take snapshots, for targets that can",
    engine: Engine::Target,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["aim", "work"],
    lasts: (MOMENT, MOMENT),
    draw: |wanted, random| {
        let work = weighted(&WORK, |it| wanted.limits.abilities.work.contains(&it), random);
        Some(Fault::Maintenance(Maintenance { aim: wanted.limits.aim(&WEIGHTS, random), work }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.2, 4.0),
    comes_on_top: true,
    undone: UndoneWith::Requests,
    steps: Steps::InTurn,
};

/// Nodes work on their stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// The nodes that are asked to.
    pub aim: Aim,
    /// The work that they do.
    pub work: StoreWork,
}

/// A piece of work that a node does to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreWork {
    /// It forgets old versions. A service may do it on all nodes, whichever is asked to.
    Compact,
    /// It gives back the room of what it has forgotten, and may serve no client meanwhile.
    Defragment,
    /// It writes its state down and drops the log before that.
    Snapshot,
}

impl fmt::Display for StoreWork {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Compact => "compact",
            Self::Defragment => "defragment",
            Self::Snapshot => "snapshot",
        })
    }
}

/// The weight of each aim in a draw: a leader that stands still is the hard case.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Leader, 2), (Aim::Follower, 1), (Aim::One, 1)];

/// The weight of each kind of work in a draw.
const WORK: [(StoreWork, u32); 3] =
    [(StoreWork::Compact, 1), (StoreWork::Defragment, 1), (StoreWork::Snapshot, 1)];

impl fmt::Display for Maintenance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} the store of {}", self.work, self.aim)
    }
}

impl Spec for Maintenance {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        let nodes = roles.nodes(self.aim);
        Action::Maintenance(StoresMaintained { nodes, work: self.work })
    }
}

/// These nodes work on their stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoresMaintained {
    /// The nodes.
    pub nodes: BTreeSet<String>,
    /// The work that they do.
    pub work: StoreWork,
}

impl fmt::Display for StoresMaintained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} the store of {}", self.work, list(&self.nodes))
    }
}

impl StoresMaintained {
    fn each<T>(&self, mut act: impl FnMut(&Request) -> T) -> BTreeMap<String, T> {
        let request = |node: &String| Request::Maintain(node.clone(), self.work);
        self.nodes.iter().map(|node| (node.clone(), act(&request(node)))).collect()
    }
}

fn judge(answers: PerNode<Option<Duration>>) -> Judgement {
    Judgement::of_answers(answers, "stores_maintained", "maintained_after")
}

impl State for StoresMaintained {
    fn nodes(&self) -> BTreeSet<String> {
        self.nodes.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.nodes.retain(|node| kept.contains(node));
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let results = self.each(|request| acting.host.ask(request));
        judge(results)
    }

    fn is_pending(&self, acting: &mut Acting<'_>) -> bool {
        acting.is_open()
            && self.each(|request| acting.host.answer(request)).values().any(|it| *it == Ok(None))
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        if !acting.is_open() {
            return (None, Effect::new());
        }
        let Judgement { outcome, effect, .. } =
            judge(self.each(|request| acting.host.answer(request))).told_late();
        (Some(outcome), effect)
    }
}
