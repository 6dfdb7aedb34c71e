//! How a node is started, and what is heard of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::OwnClock;

/// How a node is started, each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name, as in grudges.
    pub name: String,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The same for every start after the first, where it differs.
    pub later_argv: Option<Vec<OsString>>,
    /// Set in its environment besides what it inherits.
    pub env: BTreeMap<OsString, OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Where its standard error is appended.
    pub log_path: PathBuf,
    /// Whether its clocks are its own, so that they can be set.
    pub own_clock: OwnClock,
}

/// What is heard of a node, in this order for each process: it started, its lines, it exited.
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
        /// Whether we killed it.
        expected: bool,
    },
}

/// Hears of nodes, from threads of ours. It must not wait for whoever is killing or starting a node
/// just then: they wait until it has heard.
pub type NodeListener = Arc<dyn Fn(&str, NodeOutput) + Send + Sync>;
