//! The choice of the engine that limits processors, by trying.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::engine::{CpuEngine, Engine};
use super::throttle::processor_time;
use crate::node_process::{OwnClock, PROBE, ProbeProcess};

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
    Choice { engine: CpuEngine::Throttle, reason: lacking.join(", and ") }
}

/// The share of the busy process, in percent of a processor.
const TRIED_PERCENT: f64 = 20.0;
/// With less than this it was held back: a free one gets all of a processor, on any machine that
/// has one to give.
const HELD_BACK_PERCENT: f64 = 40.0;
/// For how long it is looked at: many periods.
const TRIED_FOR: Duration = Duration::from_millis(150);

/// Holds a busy process back for a moment, and reports how much it got.
pub(crate) fn try_out(engine: CpuEngine) -> Result<String, String> {
    let mut engine = Engine::open(engine)?;
    let process = ProbeProcess::start(&["sh", "-c", "while :; do :; done"], OwnClock::No);
    let process = process.map_err(|error| error.to_string())?;
    engine.limit(PROBE, TRIED_PERCENT, Some(&process))?;
    let used = || processor_time(process.pid() as i32).unwrap_or_default();
    let (start, before) = (Instant::now(), used());
    std::thread::sleep(TRIED_FOR);
    let percent = (used() - before).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    let seen = engine.seen(PROBE)?;
    engine.free(PROBE);
    let got = format!(
        "a busy process that may use {TRIED_PERCENT} % of a processor got {percent:.1} %, and was \
         held back {} times",
        seen.throttled
    );
    if seen.throttled > 0 && percent < HELD_BACK_PERCENT { Ok(got) } else { Err(got) }
}
