//! A process to try something on.

use std::collections::BTreeMap;
use std::io;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use super::process::NodeProcess;
use super::spawner::Spawner;
use super::spec::{NodeListener, NodeSpec};
use crate::clock::OwnClock;
use faults::fault::ClockCondition;

/// The name of such a process.
pub(crate) const PROBE: &str = "probe";

/// A process whose output is not read. It is killed when dropped.
pub(crate) struct ProbeProcess {
    process: NodeProcess,
    // Last: what it started dies with it.
    _spawner: Spawner,
}

impl ProbeProcess {
    /// Starts it, in the namespaces of the calling thread.
    pub(crate) fn start(argv: &[&str], own_clock: OwnClock) -> io::Result<Self> {
        let spec = NodeSpec {
            name: PROBE.to_owned(),
            argv: argv.iter().map(Into::into).collect(),
            later_argv: None,
            anew_argv: None,
            env: BTreeMap::new(),
            cwd: PathBuf::from("/"),
            log_path: PathBuf::from("/dev/null"),
            own_clock,
        };
        let spawner = Spawner::new()?;
        let deaf: NodeListener = Arc::new(|_: &str, _| {});
        let right = ClockCondition::default();
        let process = NodeProcess::start(&spec, None, &right, None, &spawner, &deaf)?;
        Ok(Self { process, _spawner: spawner })
    }
}

impl Deref for ProbeProcess {
    type Target = NodeProcess;

    fn deref(&self) -> &NodeProcess {
        &self.process
    }
}
