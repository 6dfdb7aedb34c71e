//! The command of a node, and its output.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::OwnClock;

/// The command that starts a node, each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name, as in grudges.
    pub name: String,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The same for every start after the first, where it differs.
    pub later_argv: Option<Vec<OsString>>,
    /// The same for every start after it was added as a new member, where it differs.
    pub anew_argv: Option<Vec<OsString>>,
    /// Set in its environment besides what it inherits.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// The file to which its standard error is appended.
    pub log_path: PathBuf,
    /// The clocks that it gets: only clocks of its own can be set.
    pub own_clock: OwnClock,
}

/// An event of a node, in this order for each process: it started, its lines, it exited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOutput {
    /// Its process was started.
    Started {
        /// Process id as the controller sees it.
        pid: u32,
    },
    /// A line of its standard output, without the newline; what is not UTF-8 is replaced.
    Line(String),
    /// Its process ended.
    Exited {
        /// `exit code 1`, `signal SIGKILL`…
        status: String,
        /// True when we killed it.
        expected: bool,
    },
}

/// Receives the events of nodes, on threads of ours. It must not wait for a thread that is killing
/// or starting a node just then: they wait until it returns.
pub type NodeListener = Arc<dyn Fn(&str, NodeOutput) + Send + Sync>;
