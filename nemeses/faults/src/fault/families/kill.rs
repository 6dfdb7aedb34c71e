//! Kill: node processes end with SIGKILL and are started again when the fault ends.
//!
//! The memory of a process is lost, its writes survive: the kernel still holds it. Data
//! lost for want of an fsync is the disk family's business.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith, Wanted,
};
use crate::fault::{Acting, Judgement, Probe, already_down, indeterminate, outcome_of, slowest};
use crate::fault::{Budget, RoleDraw, Step, throughout, weighted};
use crate::host::NodeState;

pub(in crate::fault) const ABOUT: About = About {
    name: "kill",
    letter: 'K',
    description: "nodes are killed with SIGKILL and started again on the same data: once, in a \
                  crash loop, or one after the other",
    engine: Engine::Signals,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Down,
    excuse: Excuse::WhileOn,
    fields: &["aim", "rhythm"],
    lasts: (0.05, 8.0),
    draw: |wanted, random| Some(Fault::Kill(Kill::draw(wanted, random))),
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Starts,
    steps: Steps::ByNode,
};

/// Processes are killed; they stay down, or come and go, while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// The nodes whose processes are killed.
    pub aim: Aim,
    /// The pattern of the kills.
    #[serde(default, skip_serializing_if = "Pattern::is_once")]
    pub rhythm: Pattern,
}

/// The pattern of the kills while the fault lasts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Once: it stays down.
    #[default]
    Once,
    /// Again and again, each time soon after it was started: recovery itself is interrupted.
    Loop,
    /// Each node once, one after the other, each back before the next: what an upgrade does.
    Rolling,
}

impl Pattern {
    fn is_once(&self) -> bool {
        *self == Self::Once
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rhythm {
            Pattern::Once => write!(out, "kill {}", self.aim),
            Pattern::Loop => write!(out, "crash loop of {}", self.aim),
            Pattern::Rolling => write!(out, "rolling restart of {}", self.aim),
        }
    }
}

/// The weight of each aim in a draw. The leader has the most to lose; a whole cluster that restarts
/// must come back with everything it promised.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 4),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 2),
    (Aim::Majority, 1),
    (Aim::All, 1),
];

/// Mostly once: a crash loop and a rolling restart take their time.
const PATTERNS: [(Pattern, u32); 3] =
    [(Pattern::Once, 6), (Pattern::Loop, 2), (Pattern::Rolling, 1)];

/// A crash loop shorter than this is one crash.
const SHORTEST_LOOP: f64 = 1.0;
/// A rolling restart gives each node at least so many seconds.
const SHORTEST_TURN: f64 = 0.4;

impl Kill {
    /// Killed once.
    pub fn once(aim: Aim) -> Self {
        Self { aim, rhythm: Pattern::Once }
    }

    /// Draws one, leaders first.
    fn draw(wanted: &Wanted, random: &mut ChaCha8Rng) -> Self {
        let Wanted { limits, lasts, .. } = *wanted;
        let fits = |rhythm: Pattern| match rhythm {
            Pattern::Once => true,
            Pattern::Loop => lasts >= SHORTEST_LOOP,
            // It takes one node down at a time, but in the end it was at all of them.
            Pattern::Rolling => {
                limits.most >= limits.nodes && lasts >= SHORTEST_TURN * limits.nodes as f64
            }
        };
        match weighted(&PATTERNS, fits, random) {
            Pattern::Rolling => Self { aim: Aim::All, rhythm: Pattern::Rolling },
            rhythm => Self { aim: limits.aim_down(&WEIGHTS, random), rhythm },
        }
    }
}

impl Spec for Kill {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        match self.rhythm {
            Pattern::Rolling => self.aim.count(nodes).min(1),
            Pattern::Once | Pattern::Loop => self.aim.count(nodes),
        }
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Kill(Killed(roles.nodes(self.aim)))
    }

    fn over_time(&self, whole: Action, lasts: Duration, random: &mut ChaCha8Rng) -> Vec<Step> {
        match self.rhythm {
            Pattern::Once => throughout(whole),
            Pattern::Loop => crash_loop(&whole, lasts, random),
            Pattern::Rolling => rolling(whole.nodes(), lasts, random),
        }
    }
}

/// In a crash loop a node is down for so many milliseconds.
const CRASH_DOWN_MS: (f64, f64) = (20.0, 300.0);
/// And then up for so many: mostly too short to recover, now and then long enough.
const CRASH_UP_MS: (f64, f64) = (20.0, 1500.0);

fn crash_loop(kill: &Action, lasts: Duration, random: &mut ChaCha8Rng) -> Vec<Step> {
    let mut between = |(least, most): (f64, f64)| {
        let milliseconds = least * (most / least).powf(random.random_range(0.0..1.0));
        Duration::from_millis(milliseconds.round() as u64)
    };
    let mut steps = Vec::new();
    let mut now = Duration::ZERO;
    while now < lasts || steps.is_empty() {
        steps.push(Step { after: now, action: kill.clone() });
        now += between(CRASH_DOWN_MS);
        if now < lasts {
            steps.push(Step { after: now, action: Action::Nothing });
        }
        now += between(CRASH_UP_MS);
    }
    steps
}

/// Each node is down for half of its share of the time.
fn rolling(nodes: BTreeSet<String>, lasts: Duration, random: &mut ChaCha8Rng) -> Vec<Step> {
    let mut order: Vec<_> = nodes.into_iter().collect();
    order.shuffle(random);
    let turns = 2 * order.len().max(1) as u32;
    let at = |turn: u32| Duration::from_millis((lasts * turn / turns).as_millis() as u64);
    let mut steps = Vec::new();
    for (node, turn) in order.into_iter().zip((0..).step_by(2)) {
        steps.push(Step { after: at(turn), action: Action::Kill(Killed([node].into())) });
        steps.push(Step { after: at(turn + 1), action: Action::Nothing });
    }
    steps
}

/// These nodes are killed, and stay down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Killed(pub BTreeSet<String>);

impl fmt::Display for Killed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "kill {}", list(&self.0))
    }
}

impl State for Killed {
    fn nodes(&self) -> BTreeSet<String> {
        self.0.clone()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.0.retain(|node| kept.contains(node));
    }

    fn holds_down(&self) -> Option<&BTreeSet<String>> {
        Some(&self.0)
    }

    fn takes_down(&self) -> BTreeSet<String> {
        self.nodes()
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        kill(&self.0, acting)
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        acting.restart(&self.0)
    }
}

/// Kills these nodes. Those that are down already are held down.
pub(super) fn kill(nodes: &BTreeSet<String>, acting: &mut Acting<'_>) -> Judgement {
    let running = acting.nodes_not(nodes, NodeState::Stopped);
    let mut effect = already_down(nodes, &running);
    if running.is_empty() {
        let reason = "every one of these nodes is down already";
        // Not skipped: it holds them down.
        return Judgement::settled(indeterminate(reason), effect);
    }
    let killed = acting.host.kill(&running);
    effect.extend(slowest("nodes_killed", "dead_after", &killed));
    Judgement::settled(outcome_of(&killed), effect)
}
