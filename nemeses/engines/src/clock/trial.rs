//! Tries, for the doctor, whether nodes can have clocks of their own here.

use std::sync::Arc;

use super::OwnClock;
use crate::node_process::{NodeListener, NodeProcess, NodeSpec, Spawner};
use faults::fault::ClockCondition;

/// A shift that no delay is mistaken for.
const SHIFT_MS: i64 = 86_400_000;

/// Patches a throwaway process and shifts its clock. The reason of a failure names what is missing:
/// tracing a child, room in the vDSO, writing there.
pub(crate) fn try_out() -> Result<String, String> {
    shift(OwnClock::Plain)?;
    Ok("the clock of a process was set by a day, and back".to_owned())
}

/// The same for a process whose deadlines are corrected.
pub(crate) fn try_out_deadlines() -> Result<String, String> {
    shift(OwnClock::WithDeadlines)?;
    Ok("a process with corrected deadlines was started, and its clock set".to_owned())
}

fn shift(own_clock: OwnClock) -> Result<(), String> {
    let spec = NodeSpec::probe(&["sleep", "60"], own_clock);
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let spawner = Spawner::new().map_err(|error| told(&error))?;
    let deaf: NodeListener = Arc::new(|_: &str, _| {});
    let right = ClockCondition::default();
    let process = NodeProcess::start(&spec, None, &right, &spawner, &deaf);
    let process = process.map_err(|error| told(&error))?;
    let shifted = ClockCondition { wall_shift_ms: SHIFT_MS, ..right };
    for (condition, expected) in [(shifted, SHIFT_MS as f64), (right, 0.0)] {
        let seen = process.set_clocks(&condition).map_err(|error| told(&error))?;
        if seen.wall_offset_ms != expected {
            return Err(format!("its clock is {} ms off, not {expected}", seen.wall_offset_ms));
        }
    }
    Ok(())
}
