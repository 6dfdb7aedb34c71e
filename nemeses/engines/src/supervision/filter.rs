//! The system calls of a process that are looked at before the kernel sees them: a seccomp filter
//! (`seccomp_unotify(2)`) on waits that end at an absolute time, on `sync(2)` and `syncfs(2)`, and
//! on nothing else.
#![expect(unsafe_code, reason = "seccomp has no safe wrapper")]

use std::os::fd::{FromRawFd, OwnedFd};

use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W};
use nix::errno::Errno;

/// Commands of `futex(2)` whose time-out is absolute.
const FUTEX_WAITS: [u32; 4] = [
    libc::FUTEX_WAIT_BITSET as u32,
    libc::FUTEX_LOCK_PI as u32,
    libc::FUTEX_WAIT_REQUEUE_PI as u32,
    libc::FUTEX_LOCK_PI2 as u32,
];

/// Calls that make files durable without naming them.
const BARRIERS: [libc::c_long; 2] = [libc::SYS_sync, libc::SYS_syncfs];

/// The options of `futex(2)`, besides the command.
pub(crate) const FUTEX_OPTIONS: u32 =
    (libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME) as u32;

/// The offset of the arguments in [`libc::seccomp_data`].
const ARGUMENTS: u32 = 16;

/// The architecture of this program, little-endian, in 64 bits (`audit.h`). The calls of a process
/// of another one are let pass.
const THIS_ARCHITECTURE: u32 =
    if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };

/// The kinds of calls that a process is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calls {
    /// Waits until an absolute time.
    pub(super) deadlines: bool,
    /// `sync(2)` and `syncfs(2)`.
    pub(super) barriers: bool,
}

/// The distance of a jump when a program is done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// To the next instruction.
    Next,
    /// Lets the call pass.
    Allow,
    /// Asks the supervisor.
    Ask,
    /// Over so many instructions.
    Over(u8),
}

/// An instruction whose jumps are not numbers yet.
#[derive(Debug, Clone, Copy)]
enum Instruction {
    Load(u32),
    And(u32),
    If(u32, u32, Then, Then),
}

/// The program. For each call: is it this one, does it end at an absolute time, is there a time.
fn instructions(of: Calls) -> Vec<Instruction> {
    use Then::{Allow, Ask, Next, Over};
    let number = |call: libc::c_long| call as u32;
    let low = |argument: u32| Instruction::Load(ARGUMENTS + 8 * argument);
    let high = |argument: u32| Instruction::Load(ARGUMENTS + 8 * argument + 4);
    let equals = |value, yes, no| Instruction::If(BPF_JEQ, value, yes, no);
    // A pointer is there if either half of it is not zero.
    let asks_if_there =
        |argument| [low(argument), equals(0, Next, Ask), high(argument), equals(0, Allow, Ask)];
    let absolute = |flags| [low(1), Instruction::If(BPF_JSET, flags, Next, Allow)];
    let [first, second, third, fourth] = FUTEX_WAITS;
    let futex = [
        low(1),
        Instruction::And(!FUTEX_OPTIONS),
        equals(first, Over(3), Next),
        equals(second, Over(2), Next),
        equals(third, Over(1), Next),
        equals(fourth, Next, Allow),
    ];
    let deadlines = [
        (libc::SYS_futex, [&futex[..], &asks_if_there(3)].concat()),
        (libc::SYS_futex_waitv, asks_if_there(3).to_vec()),
        (
            libc::SYS_clock_nanosleep,
            [&absolute(libc::TIMER_ABSTIME as u32)[..], &asks_if_there(2)].concat(),
        ),
        (
            libc::SYS_timerfd_settime,
            [&absolute(libc::TFD_TIMER_ABSTIME as u32)[..], &asks_if_there(2)].concat(),
        ),
    ];
    let mut instructions =
        vec![Instruction::Load(4), equals(THIS_ARCHITECTURE, Next, Allow), Instruction::Load(0)];
    if of.barriers {
        instructions.extend(BARRIERS.map(|call| equals(number(call), Ask, Next)));
    }
    for (call, body) in deadlines.into_iter().filter(|_| of.deadlines) {
        instructions.push(equals(number(call), Next, Over(body.len() as u8)));
        instructions.extend(body);
    }
    instructions
}

/// The program as the kernel takes it.
pub(super) fn program(of: Calls) -> Vec<libc::sock_filter> {
    let instructions = instructions(of);
    let count = instructions.len();
    let encoded = |code: u32, jump_if: u8, jump_else: u8, value: u32| libc::sock_filter {
        code: code as u16,
        jt: jump_if,
        jf: jump_else,
        k: value,
    };
    let mut program: Vec<_> = (instructions.into_iter().enumerate())
        .map(|(index, instruction)| {
            // The last two instructions are the answers.
            let distance = |then| match then {
                Then::Next => 0,
                Then::Over(instructions) => instructions,
                Then::Allow => (count - index - 1) as u8,
                Then::Ask => (count - index) as u8,
            };
            match instruction {
                Instruction::Load(offset) => encoded(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset),
                Instruction::And(mask) => encoded(BPF_ALU | BPF_AND | BPF_K, 0, 0, mask),
                Instruction::If(test, value, yes, no) => {
                    encoded(BPF_JMP | test | BPF_K, distance(yes), distance(no), value)
                }
            }
        })
        .collect();
    program.push(encoded(BPF_RET | BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW));
    program.push(encoded(BPF_RET | BPF_K, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    program
}

/// Installs a program in this process, for itself and all it becomes. Returns the descriptor at
/// which its calls arrive; if no process holds it, these calls fail with `ENOSYS`.
///
/// Without privileges the kernel demands that the process never gains any (`PR_SET_NO_NEW_PRIVS`),
/// so that a node which starts programs with the set-user-id bit gets them without it.
///
/// It makes system calls only, so that it may run between fork and exec.
pub(super) fn install(program: &[libc::sock_filter]) -> Result<OwnedFd, Errno> {
    let listening = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Signals of the process wait until its call was answered (Linux 5.19), so that it is not made
    // again with a time that was corrected already.
    let patiently = listening | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    match set(program, patiently).or_else(|error| match error {
        Errno::EINVAL => set(program, listening),
        other => Err(other),
    }) {
        Err(Errno::EACCES) => {
            nix::sys::prctl::set_no_new_privs()?;
            set(program, patiently).or_else(|_| set(program, listening))
        }
        other => other,
    }
}

fn set(program: &[libc::sock_filter], flags: libc::c_ulong) -> Result<OwnedFd, Errno> {
    let program = libc::sock_fprog {
        len: program.len() as libc::c_ushort,
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the program, which is only read; what it returns is a new
    // descriptor that nothing else owns.
    unsafe {
        let mode = libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER);
        let descriptor = libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program);
        let descriptor = Errno::result(descriptor)?;
        Ok(OwnedFd::from_raw_fd(descriptor as i32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of the program to a call, by a small interpreter of its few instructions.
    fn verdict(of: Calls, call: libc::c_long, arguments: [u64; 6], architecture: u32) -> u32 {
        let load = |offset: u32| match offset {
            0 => call as u32,
            4 => architecture,
            other => {
                let argument = arguments[(other - ARGUMENTS) as usize / 8];
                (argument >> (8 * (other % 8))) as u32
            }
        };
        let program = program(of);
        let (mut at, mut value) = (0, 0);
        loop {
            let libc::sock_filter { code, jt, jf, k } = program[at];
            let code = u32::from(code);
            at += 1;
            if code == BPF_LD | BPF_W | BPF_ABS {
                value = load(k);
            } else if code == BPF_ALU | BPF_AND | BPF_K {
                value &= k;
            } else if code == BPF_RET | BPF_K {
                return k;
            } else {
                let holds = if code & 0xf0 == BPF_JEQ { value == k } else { value & k != 0 };
                at += usize::from(if holds { jt } else { jf });
            }
        }
    }

    /// Checks that a program asks about a call just when it was made for calls of its kind.
    #[track_caller]
    fn check_for(kind: fn(Calls) -> bool, call: libc::c_long, arguments: [u64; 6]) {
        for (deadlines, barriers) in [(true, true), (true, false), (false, true), (false, false)] {
            let of = Calls { deadlines, barriers };
            let asks = kind(of);
            let expect = if asks { libc::SECCOMP_RET_USER_NOTIF } else { libc::SECCOMP_RET_ALLOW };
            let verdict_here = verdict(of, call, arguments, THIS_ARCHITECTURE);
            assert_eq!(verdict_here, expect, "{of:?}, {call} {arguments:x?}");
            let elsewhere = verdict(of, call, arguments, THIS_ARCHITECTURE - 1);
            let allowed = libc::SECCOMP_RET_ALLOW;
            assert_eq!(elsewhere, allowed, "of another architecture nothing is known");
        }
    }

    #[track_caller]
    fn check(call: libc::c_long, arguments: [u64; 6], asks: bool) {
        check_for(if asks { |of| of.deadlines } else { |_| false }, call, arguments);
    }

    #[test]
    fn what_makes_all_files_durable_is_looked_at() {
        check_for(|of| of.barriers, libc::SYS_sync, [0; 6]);
        check_for(|of| of.barriers, libc::SYS_syncfs, [7, 0, 0, 0, 0, 0]);
        // The disk is asked for these in any case.
        check(libc::SYS_fsync, [7, 0, 0, 0, 0, 0], false);
        check(libc::SYS_fdatasync, [7, 0, 0, 0, 0, 0], false);
    }

    #[test]
    fn only_waits_until_an_absolute_time_are_looked_at() {
        let there = [0x7ffc_1234_5678, 0x7ffc_0000_0000, 0x9000];
        for pointer in there {
            for command in FUTEX_WAITS {
                for options in [0, 128, 256, 128 | 256] {
                    let command = u64::from(command | options);
                    check(libc::SYS_futex, [0, command, 0, pointer, 0, 0], true);
                    check(libc::SYS_futex, [0, command, 0, 0, pointer, 0], false);
                }
            }
            // FUTEX_WAIT is relative, and the fourth argument of FUTEX_WAKE_OP is a number.
            check(libc::SYS_futex, [0, 128, 0, pointer, 0, 0], false);
            check(libc::SYS_futex, [0, 5, 0, pointer, 0, 0], false);
            check(libc::SYS_futex_waitv, [0, 0, 0, pointer, 1, 0], true);
            check(libc::SYS_clock_nanosleep, [1, 1, pointer, 0, 0, 0], true);
            check(libc::SYS_clock_nanosleep, [1, 0, pointer, 0, 0, 0], false);
            check(libc::SYS_timerfd_settime, [9, 1, pointer, 0, 0, 0], true);
            check(libc::SYS_timerfd_settime, [9, 3, pointer, 0, 0, 0], true);
            check(libc::SYS_timerfd_settime, [9, 2, pointer, 0, 0, 0], false);
            check(libc::SYS_epoll_wait, [1, 1, pointer, pointer, 0, 0], false);
        }
        check(libc::SYS_futex_waitv, [0; 6], false);
        check(libc::SYS_read, [9; 6], false);
    }
}
