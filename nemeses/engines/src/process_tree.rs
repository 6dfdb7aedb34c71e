//! How the controller starts itself again so that nothing outlives it.
//!
//! ```text
//! outer        what the user started: waits, passes SIGINT and SIGTERM on, returns the status
//!  └ guard     namespace lab: process 1 of a new pid namespace; loopback lab: a child subreaper
//!     └ controller   the same program and arguments again, dispatched as `Place::Inside`
//!        └ nodes…
//! ```
//!
//! Who dies takes the rest along. When the **outer** process dies, a pipe that only it holds open
//! closes and the guard ends (in the namespace lab the kernel kills the guard at once, by
//! `PR_SET_PDEATHSIG`). When the **guard** dies, in the namespace lab the kernel kills every process
//! of its pid namespace and with the last one network, mounts and rules vanish; in the loopback lab
//! controller and nodes die by `PR_SET_PDEATHSIG` and what is orphaned falls to the outer process,
//! which kills it. When the **controller** ends, the guard reports how and ends; in the loopback
//! lab it first kills all descendants, which fall to it as their parents die.
//!
//! Guard and controller are a process group of their own. A terminal's Ctrl-C reaches only the outer
//! process, which passes it on once; nodes never get it. The price is that the controller runs in
//! the background of its terminal: it may write there (`SIGTTOU` is ignored) but not read.

mod guard;
mod outer;
mod reaper;
mod stage;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use faults::names::{self, UnknownName};

pub(super) use guard::furnish_namespaces;
pub(super) use outer::{Child, start_stage};
pub use outer::{LaunchError, relaunch};
pub use stage::dispatch;
pub(super) use stage::{Stage, Ties, remove_stage};

/// Where a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As the user started it.
    Outside,
    /// As the controller of a lab.
    Inside(Lab),
}

/// How separate the nodes of a run are from the machine and from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lab {
    /// Fresh network, mount and pid namespaces, and a user namespace when not root. Every node has
    /// an address of its own.
    #[serde(rename = "netns")]
    Namespaces,
    /// Plain processes on loopback ports.
    Loopback,
}

impl Lab {
    /// Every lab, the preferred one first.
    pub const ALL: [Self; 2] = [Self::Namespaces, Self::Loopback];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "netns",
            Self::Loopback => "loopback",
        }
    }
}

impl fmt::Display for Lab {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Lab {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("lab", name, &Self::ALL, Self::name)
    }
}
