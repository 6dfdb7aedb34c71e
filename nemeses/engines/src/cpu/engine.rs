//! Which engine limits processors, chosen by trying.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Limiter;
use super::turns::processor_time;
use crate::node_process::{NodeListener, NodeProcess, NodeSpec, OwnClock, Spawner};
use faults::fault::ClockCondition;
use faults::names::{self, UnknownName};

/// What limits processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuEngine {
    /// The quota of a cgroup of version 1.
    CgroupV1,
    /// The quota of a cgroup of version 2.
    CgroupV2,
    /// Stopping and continuing, whenever a node used more or less than its share; takes no
    /// permission.
    Turns,
}

impl CpuEngine {
    /// Every engine, the preferred ones first.
    pub const ALL: [Self; 3] = [Self::CgroupV1, Self::CgroupV2, Self::Turns];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::CgroupV1 => "cgroup-v1",
            Self::CgroupV2 => "cgroup-v2",
            Self::Turns => "turns",
        }
    }
}

impl fmt::Display for CpuEngine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for CpuEngine {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("processor engine", name, &Self::ALL, Self::name)
    }
}

/// An engine and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The engine.
    pub engine: CpuEngine,
    /// One sentence.
    pub reason: String,
}

/// Chooses the engine by trying each on a busy process: the first whose quota holds it back, else
/// stopping and continuing. It takes a fifth of a second the first time, and stays as it is then.
pub fn choose_engine() -> &'static Choice {
    static CHOICE: OnceLock<Choice> = OnceLock::new();
    CHOICE.get_or_init(choose)
}

fn choose() -> Choice {
    let mut lacking = Vec::new();
    for engine in [CpuEngine::CgroupV1, CpuEngine::CgroupV2] {
        match try_out(engine) {
            Ok(_) => return Choice { engine, reason: format!("{engine} works here") },
            Err(why) => lacking.push(format!("{engine} does not work: {why}")),
        }
    }
    Choice { engine: CpuEngine::Turns, reason: lacking.join(", and ") }
}

/// What the busy process may use, in percent of a processor.
const TRIED_PERCENT: f64 = 20.0;
/// With less than this it was held back: a free one gets all of a processor, on any machine that
/// has one to give.
const HELD_BACK_PERCENT: f64 = 40.0;
/// For how long it is looked at: many periods.
const TRIED_FOR: Duration = Duration::from_millis(150);

/// Holds a busy process back for a moment, and tells how much it got.
pub(crate) fn try_out(engine: CpuEngine) -> Result<String, String> {
    let mut limiter = Limiter::with(engine)?;
    let spec = NodeSpec::probe(&["sh", "-c", "while :; do :; done"], OwnClock::No);
    let spawner = Spawner::new().map_err(|error| error.to_string())?;
    let deaf: NodeListener = Arc::new(|_: &str, _| {});
    let process = NodeProcess::start(&spec, None, &ClockCondition::default(), &spawner, &deaf);
    let process = process.map_err(|error| error.to_string())?;
    let shares = [(spec.name, TRIED_PERCENT)].into();
    limiter
        .limit(&shares, |_| Some(&process))
        .remove("probe")
        .expect("it was asked for")
        .map_err(|error| error.to_string())?;
    let used = || processor_time(process.pid() as i32).unwrap_or_default();
    let (start, before) = (Instant::now(), used());
    std::thread::sleep(TRIED_FOR);
    let percent = (used() - before).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    let seen = limiter.limit(&shares, |_| Some(&process)).remove("probe");
    limiter.unleash_all();
    drop(process);
    let seen = seen.expect("it was asked for").map_err(|error| error.to_string())?;
    let got = format!(
        "a busy process that may use {TRIED_PERCENT} % of a processor got {percent:.1} %, and was \
         held back {} times",
        seen.throttled
    );
    if seen.throttled > 0 && percent < HELD_BACK_PERCENT { Ok(got) } else { Err(got) }
}
