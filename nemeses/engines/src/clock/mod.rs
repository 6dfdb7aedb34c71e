//! Each node's own clocks: wall and monotonic, shifted and at another rate, without privileges and
//! without the node's help.
//!
//! Programs read their clocks by calling the vDSO, which the kernel maps into every process. When a
//! node has been started but has run nothing yet, a few hundred bytes of code are put where its
//! vDSO has padding, and the functions that show the time jump to them. They let the original read
//! the machine's clock and show what a straight line makes of it; changing the line is writing a
//! few numbers. It works for programs of every language, statically linked ones included, and
//! touches no other process, since the page is copied when it is written. It ends with the process.
//!
//! - [`code`] is what runs in the node, [`parameters`] the arithmetic, [`patch`] (with [`vdso`] and
//!   [`prologue`]) says what to write where.
//! - [`begin`] does it, through [`tracee`] and [`memory`], and calls the result once in the node
//!   itself to see that the clock is off. Later a clock is read back from the numbers in the node's
//!   memory; that the node uses them was seen then.
//! - [`deadlines`] corrects waits that end at an absolute time, which the kernel knows by the
//!   machine's clock, when the node's supervision ([`crate::supervision`]) is asked about one.
//!
//! Not reached: programs that ask the kernel itself (`syscall(2)`), the times of files, relative
//! time-outs (they last as long as the machine says, as if the process were late or early to look),
//! POSIX timers and message queues with an absolute time, and processes that the node forks: those
//! keep the clocks as they were at the fork, and lose them when they exec. A node that itself execs
//! another program is patched again at the next look at its clocks. A wait that has begun is not
//! corrected again when the clocks change.

#[cfg(target_arch = "x86_64")]
mod begin;
#[cfg(target_arch = "x86_64")]
mod code;
#[cfg(target_arch = "x86_64")]
mod deadlines;
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
#[cfg(target_arch = "x86_64")]
mod memory;
#[cfg(target_arch = "x86_64")]
mod node_clock;
mod own_clock;
#[cfg(target_arch = "x86_64")]
mod parameters;
#[cfg(target_arch = "x86_64")]
mod patch;
#[cfg(target_arch = "x86_64")]
mod prologue;
#[cfg(target_arch = "x86_64")]
mod tracee;
mod trial;
#[cfg(target_arch = "x86_64")]
mod vdso;

#[cfg(target_arch = "x86_64")]
pub(crate) use begin::give_clocks;
#[cfg(target_arch = "x86_64")]
pub(crate) use deadlines::Deadlines;
#[cfg(not(target_arch = "x86_64"))]
pub(crate) use elsewhere::{Deadlines, NodeClock, give_clocks, trace_me};
#[cfg(target_arch = "x86_64")]
pub(crate) use node_clock::NodeClock;
pub use own_clock::OwnClock;
#[cfg(target_arch = "x86_64")]
pub(crate) use tracee::trace_me;
pub(crate) use trial::{try_out, try_out_deadlines};
