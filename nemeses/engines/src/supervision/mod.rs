//! System calls of a node's process that the controller looks at before the kernel does.
//!
//! A seccomp [`filter`] has the kernel ask at a [`listener`]; the [`supervisor`], a thread for each
//! node, answers. Waits until an absolute time are corrected where a node has clocks of its own
//! ([`crate::clock`]). `sync(2)` and `syncfs(2)`, which FUSE is not told of, become barriers of the
//! node's own disk ([`crate::disk`]). [`launch`] arranges both when a process is started.
//!
//! Processes that a node starts inherit the filter, and are answered as well. Calls that are asked
//! about fail once the controller is gone, which takes its nodes along. Every system call takes some
//! 30 ns more.

mod filter;
mod launch;
mod listener;
mod supervisor;

#[cfg(target_arch = "x86_64")]
pub(crate) use filter::FUTEX_OPTIONS;
pub(crate) use launch::{Launch, Launched};
pub(crate) use listener::{Listener, Question};
