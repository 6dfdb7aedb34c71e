//! The process tree of a run: the controller starts itself again so that nothing outlives it.
//!
//! ```text
//! outer        what the user started: waits, passes SIGINT and SIGTERM on, returns the status
//!  └ guard     namespace lab: process 1 of a new pid namespace; loopback lab: a child subreaper
//!     └ controller   the same program and arguments again, dispatched as `LabContext::Inside`
//!        └ nodes…
//! ```
//!
//! Any of them that dies takes the rest along. When the **outer** process dies, a pipe that only it
//! holds open closes and the guard ends (in the namespace lab the kernel kills the guard at once,
//! by `PR_SET_PDEATHSIG`). When the **guard** dies, in the namespace lab the kernel kills every
//! process of its pid namespace and with the last one network, mounts and rules vanish; in the
//! loopback lab controller and nodes die by `PR_SET_PDEATHSIG` and what is orphaned falls to the
//! outer process, which kills it. When the **controller** ends, the guard reports how and ends; in
//! the loopback lab it first kills all descendants, which fall to it as their parents die.
//!
//! Guard and controller are a process group of their own. A terminal's Ctrl-C reaches only the
//! outer process, which passes it on once; nodes never get it. The price is that the controller
//! runs in the background of its terminal: it may write there (`SIGTTOU` is ignored) but not read.

mod dispatch;
mod guard;
mod helper;
mod lab;
mod launch_error;
mod namespaces;
mod outer;
mod parent_link;
mod reaper;
mod report;
mod role;
mod run_process;
mod signals;

pub use dispatch::dispatch;
pub(crate) use helper::{Helper, start_helper};
pub use lab::{Lab, LabContext};
pub use launch_error::LaunchError;
pub(crate) use namespaces::set_up_namespaces;
pub use outer::relaunch;
pub(crate) use parent_link::ParentLink;
pub(crate) use role::{Role, remove_role};
pub use run_process::{RunProcess, time_of_children};
