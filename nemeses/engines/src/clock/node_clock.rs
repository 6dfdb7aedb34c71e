//! The handle of one node's clocks.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use nix::time::{ClockId, clock_gettime};

use super::memory::Memory;
use super::parameters::{
    CLOCKS, FARTHEST_SHIFT_MS, Lines, PARAMETER_BYTES, Reading, SEQUENCE_BYTES,
};
use super::patch::Patch;
use super::tracee::AllStopped;
use faults::fault::ClockCondition;
use faults::host::{ClockSeen, HostError};

/// The clocks of one process that is patched.
#[derive(Debug, Clone)]
pub(crate) struct NodeClock {
    pid: i32,
    /// Shared with the thread that corrects deadlines.
    state: Arc<Mutex<State>>,
}

/// The content of the process's memory, as it was last written.
#[derive(Debug)]
struct State {
    memory: Memory,
    /// The address of the parameters.
    parameters: u64,
    sequence: u32,
    lines: Lines,
    condition: ClockCondition,
}

/// The number of tries to adopt a process, while a thread of it stands where a jump has to go.
const ADOPTIONS: u32 = 100;

impl NodeClock {
    /// Of a process that was patched just now, whose clocks go right.
    pub(super) fn new(pid: i32, memory: Memory, patch: &Patch) -> Self {
        let state = State {
            memory,
            parameters: patch.parameters,
            sequence: 0,
            lines: Lines::NEUTRAL,
            condition: ClockCondition::default(),
        };
        Self { pid, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked here left numbers that are each right, if not those asked for.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Gives the clocks a condition and reads them back. The condition that they have already
    /// changes nothing.
    ///
    /// A rate takes effect without a step; a shift steps the wall clock. When the rate is 1 again
    /// the wall clock steps back to where it would be without the drift, while the monotonic clock
    /// keeps what it gained or lost: it never goes backwards.
    ///
    /// The process must not have been reaped, see [`NodeClock::read`].
    pub(crate) fn set(&self, condition: &ClockCondition) -> Result<ClockSeen, HostError> {
        if condition.wall_shift_ms.saturating_abs() > FARTHEST_SHIFT_MS {
            let shift = condition.wall_shift_ms;
            return Err(HostError::Failed(format!("a shift by {shift} ms is out of reach")));
        }
        if !ClockCondition::RATES.contains(&condition.rate) {
            let rate = condition.rate;
            return Err(HostError::Failed(format!("no clock runs at rate {rate}")));
        }
        self.retry_adopted(|state| {
            if state.condition != *condition {
                state.change(condition)?;
            }
            state.read()
        })
    }

    /// Reads the clocks back from the memory of the process. A process that exec'd another program
    /// since is patched again, and its clocks go on as they were.
    ///
    /// The process must not have been reaped: its id could be another's.
    pub(crate) fn read(&self) -> Result<ClockSeen, HostError> {
        self.retry_adopted(|state| state.read())
    }

    /// Tries an action, and again on the new memory if it fails because the old one is gone.
    fn retry_adopted<T>(
        &self,
        action: impl Fn(&mut State) -> io::Result<T>,
    ) -> Result<T, HostError> {
        let result = action(&mut self.state());
        let result = match result {
            Err(error) if is_gone(&error) => {
                let adopting = format!("clock {}", self.pid);
                let adopting = std::thread::Builder::new().name(adopting);
                let adopted = std::thread::scope(|scope| {
                    let adopts = adopting.spawn_scoped(scope, || self.adopt());
                    adopts.map(|adopts| adopts.join().expect("it does not panic"))
                });
                let adopted = adopted.unwrap_or_else(|error| Err(error.to_string()));
                adopted.map_err(|why| {
                    HostError::Failed(format!("the new program's clocks are the machine's: {why}"))
                })?;
                action(&mut self.state())
            }
            other => other,
        };
        result.map_err(|error| {
            let pid = self.pid;
            HostError::Failed(format!("cannot reach the clocks of process {pid}: {error}"))
        })
    }

    /// Patches the program that the process runs now, while it runs. On a thread of its own, see
    /// [`AllStopped`].
    fn adopt(&self) -> Result<(), String> {
        for _ in 0..ADOPTIONS {
            // Without the state, which a thread of it may need first to have its deadline
            // corrected.
            let stopped = AllStopped::stop(self.pid);
            let stopped = stopped.map_err(|error| format!("cannot stop its threads: {error}"))?;
            let memory = Memory::open(self.pid);
            let memory = memory.map_err(|error| format!("cannot open its memory: {error}"))?;
            let patch = Patch::plan_for(self.pid, &memory)?;
            let instructions = stopped.instructions();
            let instructions =
                instructions.map_err(|error| format!("cannot read its registers: {error}"))?;
            if instructions.into_iter().any(|address| patch.displaces(address)) {
                continue;
            }
            patch.apply(&memory)?;
            let mut state = self.state();
            (state.memory, state.parameters, state.sequence) = (memory, patch.parameters, 0);
            return state.write(&state.lines.to_bytes()).map_err(|error| error.to_string());
        }
        Err("a thread of it never leaves the beginning of a function of the vDSO".to_owned())
    }

    /// Returns the result of `correct` on the lines and the memory; nothing changes meanwhile.
    pub(super) fn with<T>(&self, correct: impl FnOnce(&Lines, &Memory) -> T) -> T {
        let state = self.state();
        correct(&state.lines, &state.memory)
    }
}

/// Returns whether this error means that the memory belongs to a program that is no more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero)
}

impl State {
    /// The machine's clocks are read after readers in the process began to wait: a reader that read
    /// them before has read the old lines, and one that reads them later gets the new ones.
    fn change(&mut self, condition: &ClockCondition) -> io::Result<()> {
        self.write_sequence(self.sequence + 1)?;
        let now = machine_clocks()?;
        let lines = self.lines.change(&now, &self.condition, condition);
        self.write(&lines.to_bytes())?;
        self.sequence = self.sequence.wrapping_add(2);
        (self.lines, self.condition) = (lines, *condition);
        self.write_sequence(self.sequence)
    }

    fn write_sequence(&self, sequence: u32) -> io::Result<()> {
        self.memory.write(self.parameters, &sequence.to_le_bytes())
    }

    fn write(&self, lines: &[u8]) -> io::Result<()> {
        self.memory.write(self.parameters + SEQUENCE_BYTES as u64, lines)
    }

    fn read(&self) -> io::Result<ClockSeen> {
        let mut bytes = [0; PARAMETER_BYTES - SEQUENCE_BYTES];
        self.memory.read(self.parameters + SEQUENCE_BYTES as u64, &mut bytes)?;
        Ok(Lines::from_bytes(&bytes).seen(&machine_clocks()?))
    }
}

/// The machine's clocks now.
pub(super) fn machine_clocks() -> io::Result<Reading> {
    let mut reading = Reading::default();
    for (clock, nanoseconds) in CLOCKS.into_iter().zip(&mut reading) {
        let time = clock_gettime(ClockId::from_raw(clock))?;
        *nanoseconds = time.tv_sec() * 1_000_000_000 + time.tv_nsec();
    }
    Ok(reading)
}
