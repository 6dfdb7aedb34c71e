//! Giving a process clocks of its own, while it stands still at the beginning of its program.

use std::io;

use nix::unistd::Pid;

use super::memory::Memory;
use super::node_clock::{NodeClock, machine_clocks};
use super::parameters::{CLOCKS, MONOTONIC, Reading, WALL};
use super::patch::Patch;
use super::tracee::Stopped;
use faults::fault::ClockCondition;

/// The shift at which the patched clock is looked at, before anything runs in the process.
const PROOF_SHIFT_MS: i64 = 3_600_000;

/// Waits until a child that lets itself be traced has exec'd, gives it clocks of its own, and lets
/// it go. The outer error is that the process cannot go on, the inner one that it has the machine's
/// clocks.
pub(crate) fn give_clocks(
    pid: Pid,
    condition: &ClockCondition,
) -> io::Result<Result<NodeClock, String>> {
    let Some(mut stopped) = Stopped::after_exec(pid)? else {
        return Ok(Err("it died before its clocks were patched".to_owned()));
    };
    let clock = begin(&mut stopped, pid.as_raw(), condition);
    stopped.detach();
    Ok(clock)
}

/// Patches a process that has run nothing yet, sees that its clocks can be shifted, and gives them
/// their condition. When that fails the process is as it was.
fn begin(stopped: &mut Stopped, pid: i32, condition: &ClockCondition) -> Result<NodeClock, String> {
    let open = || Memory::open(pid).map_err(|error| format!("cannot open its memory: {error}"));
    let memory = open()?;
    let patch = Patch::plan_for(pid, &memory)?;
    let clock = NodeClock::new(pid, open()?, &patch);
    let begun = patch.apply(&memory).and_then(|()| {
        let set =
            |condition: &ClockCondition| clock.set(condition).map_err(|error| error.to_string());
        set(&ClockCondition { wall_shift_ms: PROOF_SHIFT_MS, rate: 1.0 })?;
        for (row, shift_ms) in [(WALL, PROOF_SHIFT_MS), (MONOTONIC, 0)] {
            prove(stopped, &memory, &patch, row, shift_ms * 1_000_000)?;
        }
        set(&ClockCondition::default())?;
        set(condition)
    });
    match begun {
        Ok(_) => Ok(clock),
        Err(why) => {
            patch.take_back(&memory);
            Err(why)
        }
    }
}

/// Has the process itself read a clock, and compares it with the machine's before and after.
fn prove(
    stopped: &mut Stopped,
    memory: &Memory,
    patch: &Patch,
    row: usize,
    shift: i64,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("its patched clock cannot be read: {error}");
    let at = |reading: Reading| reading[row] + shift;
    let mut result = [0; size_of::<libc::timespec>()];
    let before = at(machine_clocks().map_err(failed)?);
    let clock = CLOCKS[row] as u64;
    let returned = stopped.call(memory, patch.clock_gettime, patch.trap, clock, &mut result);
    let after = at(machine_clocks().map_err(failed)?);
    match returned.map_err(failed)? {
        None => return Err("it died before its clocks were patched".to_owned()),
        Some(0) => {}
        Some(error) => return Err(format!("its patched clock returns {}", error as i32)),
    }
    let number = |at: usize| i64::from_le_bytes(result[at..][..8].try_into().expect("8 bytes"));
    let seen = number(0) * 1_000_000_000 + number(8);
    if (before..=after).contains(&seen) {
        Ok(())
    } else {
        Err(format!("its patched clock shows {seen} ns, not {before} to {after}"))
    }
}
