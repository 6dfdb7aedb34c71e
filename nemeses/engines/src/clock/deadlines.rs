//! Waits until an absolute time, corrected.
//!
//! A process computes such a time from its own clock, but the kernel compares it with the
//! machine's. A seccomp filter has the kernel ask before such a wait begins; the answer is always
//! to go on, after the time in the memory of the process was replaced by the moment of the machine
//! at which the process's clock will show it, as far as is known now.
//!
//! The program sees that the time that it passed has changed. Libraries wait again with the same
//! variable after an interruption, so what was replaced is remembered by its address. A program
//! that reads the variable for itself after the wait is off by as much as its clock is. Another
//! thread that changes it meanwhile may do so before or after the replacement: nothing here
//! protects it, so that is only a program with a race that meets a second one.

use std::collections::BTreeMap;
use std::fs;

use super::memory::Memory;
use super::node_clock::{NodeClock, machine_clocks};
use super::parameters::{Lines, MONOTONIC, ROW_OF_CLOCK, WALL};
use crate::supervision::{FUTEX_OPTIONS, Listener, Question};

/// From this many remembered times on, those are forgotten that are over.
const MANY: usize = 1024;

/// The deadlines of a process whose clocks are its own.
#[derive(Debug)]
pub(crate) struct Deadlines {
    /// The process whose clocks and memory these are; others may have inherited its filter.
    pid: i32,
    clock: NodeClock,
    /// By address: what was put there, and for which time of the process.
    replaced: BTreeMap<u64, Replaced>,
}

#[derive(Debug, Clone, Copy)]
struct Replaced {
    put: Timespec,
    asked_for: i64,
    row: usize,
}

/// A `timespec` as it lies in memory.
type Timespec = [u8; 16];

impl Deadlines {
    /// Those of a process, by its clocks.
    pub(crate) fn new(pid: i32, clock: NodeClock) -> Self {
        Self { pid, clock, replaced: BTreeMap::new() }
    }

    /// Replaces the time of a wait, before it goes on.
    pub(crate) fn correct(&mut self, question: &Question, listener: &Listener) {
        let clock = self.clock.clone();
        let Some(wait) = Wait::of(question, self.pid) else { return };
        // A process that was forked by this one has other memory, and clocks that are not followed.
        if !fs::exists(format!("/proc/{}/task/{}", self.pid, question.thread)).unwrap_or(false) {
            return;
        }
        let still_waits = || listener.still_waits(question);
        clock.with(|lines, memory| self.replace(&wait, lines, memory, still_waits));
        if self.replaced.len() > MANY {
            self.forget(&clock);
        }
    }

    fn replace(
        &mut self,
        wait: &Wait,
        lines: &Lines,
        memory: &Memory,
        still_waits: impl Fn() -> bool,
    ) {
        let mut found: Timespec = [0; 16];
        if memory.read(wait.address, &mut found).is_err() {
            // The kernel will report it to the process.
            return;
        }
        let before = self.replaced.get(&wait.address).filter(|before| before.put == found);
        let Some(asked_for) = before.map_or_else(|| nanoseconds(&found), |it| Some(it.asked_for))
        else {
            return;
        };
        let Some(machine) = lines.line(wait.row).machine_at(asked_for) else { return };
        // A time of zero would disarm a timer.
        let put = timespec(machine.max(1));
        // Not if the thread that asked was killed, and its id is another's.
        if put == found || !still_waits() || memory.write(wait.address, &put).is_err() {
            return;
        }
        self.replaced.insert(wait.address, Replaced { put, asked_for, row: wait.row });
    }

    /// Forgets times that are over, for which no thread waits any more.
    fn forget(&mut self, clock: &NodeClock) {
        let Ok(now) = machine_clocks() else { return };
        clock.with(|lines, _| {
            let over = |it: &Replaced| lines.line(it.row).own_at(now[it.row]) > it.asked_for;
            self.replaced.retain(|_, it| !over(it));
        });
    }
}

/// A wait until an absolute time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wait {
    /// The address of the time.
    address: u64,
    /// By which clock it is meant.
    row: usize,
}

impl Wait {
    /// None when it is meant by a clock that is left alone.
    fn of(question: &Question, pid: i32) -> Option<Self> {
        let args = question.arguments;
        let (address, row) = match question.call {
            libc::SYS_futex => (args[3], futex_row(args[1] as u32)),
            libc::SYS_futex_waitv => (args[3], row_of(args[4])?),
            libc::SYS_clock_nanosleep => (args[2], row_of(args[0])?),
            libc::SYS_timerfd_settime => {
                // Behind the interval, which is relative.
                (args[2] + size_of::<Timespec>() as u64, row_of(timer_clock(pid, args[0])?)?)
            }
            _ => return None,
        };
        Some(Self { address, row })
    }
}

/// The clock of a futex: without an option the monotonic one, but for the oldest command.
fn futex_row(operation: u32) -> usize {
    let by_wall = operation & libc::FUTEX_CLOCK_REALTIME as u32 != 0
        || operation & !FUTEX_OPTIONS == libc::FUTEX_LOCK_PI as u32;
    if by_wall { WALL } else { MONOTONIC }
}

fn row_of(clock: u64) -> Option<usize> {
    *ROW_OF_CLOCK.get(usize::try_from(clock).ok()?)?
}

/// The clock of a timer, by its descriptor.
fn timer_clock(pid: i32, descriptor: u64) -> Option<u64> {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).ok()?;
    info.lines().find_map(|line| line.strip_prefix("clockid:")?.trim().parse().ok())
}

/// None for what the kernel refuses, for zero, which means no time, and for times so far away that
/// they mean for ever.
fn nanoseconds(time: &Timespec) -> Option<i64> {
    let number = |at: usize| i64::from_le_bytes(time[at..][..8].try_into().expect("8 bytes"));
    let (seconds, nanoseconds) = (number(0), number(8));
    if seconds < 0 || !(0..1_000_000_000).contains(&nanoseconds) || (seconds, nanoseconds) == (0, 0)
    {
        return None;
    }
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

fn timespec(nanoseconds: i64) -> Timespec {
    let mut time = [0; 16];
    time[..8].copy_from_slice(&(nanoseconds / 1_000_000_000).to_le_bytes());
    time[8..].copy_from_slice(&(nanoseconds % 1_000_000_000).to_le_bytes());
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_kernel_reads_them() {
        for time in [1, 999_999_999, 1_000_000_000, 1_760_000_000_123_456_789] {
            assert_eq!(nanoseconds(&timespec(time)), Some(time));
        }
        let of = |seconds: i64, nanos: i64| {
            let mut time = [0; 16];
            time[..8].copy_from_slice(&seconds.to_le_bytes());
            time[8..].copy_from_slice(&nanos.to_le_bytes());
            nanoseconds(&time)
        };
        assert_eq!(of(0, 0), None);
        assert_eq!(of(-1, 0), None);
        assert_eq!(of(1, 1_000_000_000), None);
        assert_eq!(of(i64::MAX, 0), None);
    }

    #[test]
    fn a_futex_waits_by_the_clock_that_its_operation_names() {
        let operation = |command: i32, options: i32| (command | options) as u32;
        let private = libc::FUTEX_PRIVATE_FLAG;
        let wall = libc::FUTEX_CLOCK_REALTIME;
        assert_eq!(futex_row(operation(libc::FUTEX_WAIT_BITSET, private)), MONOTONIC);
        assert_eq!(futex_row(operation(libc::FUTEX_WAIT_BITSET, private | wall)), WALL);
        assert_eq!(futex_row(operation(libc::FUTEX_LOCK_PI, private)), WALL);
        assert_eq!(futex_row(operation(libc::FUTEX_LOCK_PI2, private)), MONOTONIC);
        assert_eq!(row_of(u64::MAX), None);
        assert_eq!(row_of(2), None, "the time that a process used is its own");
    }
}
