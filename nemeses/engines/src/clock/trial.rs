//! Tries, for the doctor, whether nodes can have clocks of their own here.

use super::own_clock::OwnClock;
use crate::node_process::ProbeProcess;
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
    let process = ProbeProcess::start(&["sleep", "60"], own_clock);
    let process = process.map_err(|error| error.to_string())?;
    let right = ClockCondition::default();
    let shifted = ClockCondition { wall_shift_ms: SHIFT_MS, ..right };
    for (condition, expected) in [(shifted, SHIFT_MS as f64), (right, 0.0)] {
        let seen = process.set_clocks(&condition).map_err(|error| error.to_string())?;
        if seen.wall_offset_ms != expected {
            return Err(format!("its clock is {} ms off, not {expected}", seen.wall_offset_ms));
        }
    }
    Ok(())
}
