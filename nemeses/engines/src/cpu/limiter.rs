//! The limits of all nodes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::choice::choose_engine;
use super::engine::Engine;
use crate::node_process::NodeProcess;
use faults::host::{CpuSeen, HostError, PerNode};

/// A busy process uses up its share within one or two periods. One that idles does not, and is not
/// waited for any longer.
const LOOK_PATIENCE: Duration = Duration::from_millis(100);
/// Between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Limits nodes; dropped, it frees them and removes what it made.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// Chosen when it is first needed.
    engine: Option<Engine>,
    /// Each node that is limited, and its share in percent.
    percent: BTreeMap<String, f64>,
}

impl Limiter {
    /// Gives exactly these nodes such a share of a processor, in percent, and looks for a moment
    /// whether those whose share is new use it up. What is seen counts from when the share of a
    /// node was last changed.
    pub(crate) fn limit<'a>(
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
    pub(crate) fn admit(&mut self, node: &str, process: &NodeProcess) -> Result<(), HostError> {
        match (&mut self.engine, self.percent.get(node)) {
            (Some(engine), Some(percent)) => {
                engine.admit(node, *percent, process).map_err(HostError::Failed)
            }
            _ => Ok(()),
        }
    }

    /// Releases nodes that are about to be signalled, such as to die, from waiting for their
    /// share, until [`throttle`](Self::throttle) or [`admit`](Self::admit).
    pub(crate) fn release<'a>(&self, nodes: impl IntoIterator<Item = &'a String>) {
        if let Some(Engine::Cgroup { nodes: cgroups, .. }) = &self.engine {
            for cgroup in nodes.into_iter().filter_map(|node| cgroups.get(node)) {
                // One that it fails for waits for its share.
                let _ = cgroup.free();
            }
        }
    }

    /// The end of [`release`](Self::release).
    pub(crate) fn throttle<'a>(&self, nodes: impl IntoIterator<Item = &'a String>) {
        if let Some(Engine::Cgroup { nodes: cgroups, .. }) = &self.engine {
            for node in nodes {
                if let (Some(cgroup), Some(percent)) = (cgroups.get(node), self.percent.get(node)) {
                    // It worked before; the next look shows when it does not now.
                    let _ = cgroup.limit(*percent);
                }
            }
        }
    }

    /// As [`release`](Self::release), all of them.
    pub(crate) fn release_all(&self) {
        self.release(self.percent.keys());
    }
}
