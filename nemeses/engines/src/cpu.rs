//! Slow processors: how much of one each node may use.
//!
//! Two kinds of engines do it. The kernel's is a quota of a cgroup, which holds for everything that
//! the node starts, wherever it goes. Where no cgroup can be made, as for most ordinary users, our
//! own engine watches how much a node's process group used, and stops it whenever that is more than
//! its share, as the kernel would.
//!
//! Both give a process its share anew every few milliseconds, so that it is slow throughout rather
//! than fast and then gone.

mod cgroup;
mod engine;
mod turns;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::node_process::NodeProcess;
use cgroup::{Cgroup, Hierarchy};
pub(super) use engine::try_out;
pub use engine::{Choice, CpuEngine, choose_engine};
use faults::host::{CpuSeen, HostError, PerNode};
use turns::Turns;

/// The smallest share that the kernel can give: a millisecond in a second.
const LEAST_PERCENT: f64 = 0.1;
/// A busy process uses up its share within one or two periods. One that idles does not, and is not
/// waited for any longer.
const LOOK_PATIENCE: Duration = Duration::from_millis(100);
/// Between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Limits nodes; dropped, it frees them and removes what it made.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// Chosen when it is first needed.
    engine: Option<Engine>,
    /// Each node that is limited, and its share in percent.
    percent: BTreeMap<String, f64>,
}

#[derive(Debug)]
enum Engine {
    Cgroup {
        hierarchy: Hierarchy,
        journal: Journal,
        /// Of each node that ever was limited. Its processes stay there when it is free again.
        nodes: BTreeMap<String, Cgroup>,
    },
    Turns(Turns),
}

impl Limiter {
    /// One that uses this engine.
    fn with(engine: CpuEngine) -> Result<Self, String> {
        Ok(Self { engine: Some(Engine::open(engine)?), percent: BTreeMap::new() })
    }

    /// Gives exactly these nodes such a share of a processor, in percent, and looks for a moment
    /// whether those whose share is new use it up. What is seen counts from when the share of a
    /// node was last changed.
    pub(super) fn limit<'a>(
        &mut self,
        percent: &BTreeMap<String, f64>,
        process: impl Fn(&str) -> Option<&'a NodeProcess>,
    ) -> PerNode<CpuSeen> {
        if self.engine.is_none() && !percent.is_empty() {
            match Engine::open(choose_engine().engine) {
                Ok(engine) => self.engine = Some(engine),
                Err(why) => {
                    let failed =
                        |node: &String| (node.clone(), Err(HostError::Failed(why.clone())));
                    return percent.keys().map(failed).collect();
                }
            }
        }
        let Some(engine) = &mut self.engine else { return PerNode::new() };
        for node in self.percent.keys().filter(|node| !percent.contains_key(*node)) {
            engine.free(node);
        }
        self.percent.retain(|node, _| percent.contains_key(node));
        let mut problems = BTreeMap::new();
        let mut fresh = Vec::new();
        for (node, share) in percent {
            if self.percent.get(node) == Some(share) {
                continue;
            }
            self.percent.remove(node);
            match engine.limit(node, *share, process(node)) {
                Ok(()) => {
                    self.percent.insert(node.clone(), *share);
                    fresh.push(node);
                }
                Err(error) => {
                    // Half a limit is none.
                    engine.free(node);
                    problems.insert(node.clone(), HostError::Failed(error));
                }
            }
        }
        let start = Instant::now();
        let untouched =
            |node: &&String| matches!(engine.seen(node), Ok(seen) if seen.throttled == 0);
        while fresh.iter().any(|node| process(node).is_some() && untouched(node))
            && start.elapsed() < LOOK_PATIENCE
        {
            std::thread::sleep(LOOK_PAUSE);
        }
        let result = |node: &String| match problems.get(node) {
            Some(problem) => Err(problem.clone()),
            None => engine.seen(node).map_err(HostError::Failed),
        };
        percent.keys().map(|node| (node.clone(), result(node))).collect()
    }

    /// Holds for a process that was just started, if its node is limited.
    ///
    /// # Errors
    /// When it cannot be limited; then it runs free.
    pub(super) fn admit(&mut self, node: &str, process: &NodeProcess) -> Result<(), HostError> {
        match (&mut self.engine, self.percent.get(node)) {
            (Some(engine), Some(percent)) => {
                engine.admit(node, *percent, process).map_err(HostError::Failed)
            }
            _ => Ok(()),
        }
    }

    /// Lets nodes do what they are about to be told, such as to die, without waiting for their
    /// share, until [`leash`](Self::leash) or [`admit`](Self::admit).
    pub(super) fn unleash<'a>(&self, nodes: impl IntoIterator<Item = &'a String>) {
        if let Some(Engine::Cgroup { nodes: cgroups, .. }) = &self.engine {
            for cgroup in nodes.into_iter().filter_map(|node| cgroups.get(node)) {
                // One that it fails for waits for its share.
                let _ = cgroup.free();
            }
        }
    }

    /// The end of [`unleash`](Self::unleash).
    pub(super) fn leash<'a>(&self, nodes: impl IntoIterator<Item = &'a String>) {
        if let Some(Engine::Cgroup { nodes: cgroups, .. }) = &self.engine {
            for node in nodes {
                if let (Some(cgroup), Some(percent)) = (cgroups.get(node), self.percent.get(node)) {
                    // It worked before; the next look tells when it does not now.
                    let _ = cgroup.limit(*percent);
                }
            }
        }
    }

    /// As [`unleash`](Self::unleash), all of them.
    pub(super) fn unleash_all(&self) {
        self.unleash(self.percent.keys());
    }
}

impl Engine {
    fn open(engine: CpuEngine) -> Result<Self, String> {
        let hierarchy = match engine {
            CpuEngine::CgroupV1 => Hierarchy::find_v1()?,
            CpuEngine::CgroupV2 => Hierarchy::find_v2()?,
            CpuEngine::Turns => {
                return Turns::new().map(Self::Turns).map_err(|error| error.to_string());
            }
        };
        let journal = Journal::open();
        let journal = journal.map_err(|error| format!("cannot begin a journal: {error}"))?;
        Ok(Self::Cgroup { hierarchy, journal, nodes: BTreeMap::new() })
    }

    fn limit(
        &mut self,
        node: &str,
        percent: f64,
        process: Option<&NodeProcess>,
    ) -> Result<(), String> {
        if !(LEAST_PERCENT..=f64::MAX).contains(&percent) {
            return Err(format!("a share of {percent} % cannot be had, {LEAST_PERCENT} % can"));
        }
        match self {
            Self::Cgroup { hierarchy, journal, nodes } => {
                if !nodes.contains_key(node) {
                    nodes.insert(node.to_owned(), Cgroup::create(hierarchy, journal)?);
                }
                let cgroup = nodes.get_mut(node).expect("it was just made");
                cgroup.count_anew()?;
                cgroup.limit(percent)?;
                process.map_or(Ok(()), |process| cgroup.admit(process))
            }
            Self::Turns(turns) => {
                turns.limit(node, percent, process);
                Ok(())
            }
        }
    }

    fn admit(&mut self, node: &str, percent: f64, process: &NodeProcess) -> Result<(), String> {
        match self {
            Self::Cgroup { nodes, .. } => {
                let cgroup = nodes.get(node).expect("a node that is limited has one");
                cgroup.limit(percent)?;
                cgroup.admit(process)
            }
            Self::Turns(turns) => {
                turns.admit(node, process);
                Ok(())
            }
        }
    }

    fn free(&mut self, node: &str) {
        match self {
            Self::Cgroup { nodes, .. } => {
                if let Some(cgroup) = nodes.get(node) {
                    // It fails for a cgroup that somebody removed, in which nothing is limited.
                    let _ = cgroup.free();
                }
            }
            Self::Turns(turns) => turns.free(node),
        }
    }

    fn seen(&self, node: &str) -> Result<CpuSeen, String> {
        match self {
            Self::Cgroup { nodes, .. } => {
                nodes.get(node).map_or(Ok(CpuSeen::default()), Cgroup::seen)
            }
            Self::Turns(turns) => Ok(turns.seen(node)),
        }
    }
}

/// What failed of which file.
fn naming(path: &std::path::Path, error: io::Error) -> String {
    format!("{}: {error}", path.display())
}
