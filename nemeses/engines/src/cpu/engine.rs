//! The engines that limit processors.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cgroup::{Cgroup, Hierarchy, LEAST_PERCENT};
use super::throttle::CpuThrottle;
use crate::journal::Journal;
use crate::node_process::NodeProcess;
use faults::host::CpuSeen;

/// An engine that limits processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CpuEngine {
    /// The quota of a cgroup of version 1.
    CgroupV1,
    /// The quota of a cgroup of version 2.
    CgroupV2,
    /// Stopping and continuing, whenever a node used more or less than its share; takes no
    /// permission.
    Throttle,
}

impl CpuEngine {
    /// Every engine, the preferred ones first.
    pub const ALL: [Self; 3] = [Self::CgroupV1, Self::CgroupV2, Self::Throttle];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::CgroupV1 => "cgroup-v1",
            Self::CgroupV2 => "cgroup-v2",
            Self::Throttle => "throttle",
        }
    }
}

impl fmt::Display for CpuEngine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// An engine at work.
#[derive(Debug)]
pub(super) enum Engine {
    Cgroup {
        hierarchy: Hierarchy,
        journal: Journal,
        /// Of each node that ever was limited. Its processes stay there when it is free again.
        nodes: BTreeMap<String, Cgroup>,
    },
    Throttle(CpuThrottle),
}

impl Engine {
    pub(super) fn open(engine: CpuEngine) -> Result<Self, String> {
        let hierarchy = match engine {
            CpuEngine::CgroupV1 => Hierarchy::find_v1()?,
            CpuEngine::CgroupV2 => Hierarchy::find_v2()?,
            CpuEngine::Throttle => {
                return CpuThrottle::new().map(Self::Throttle).map_err(|error| error.to_string());
            }
        };
        let journal = Journal::open();
        let journal = journal.map_err(|error| format!("cannot begin a journal: {error}"))?;
        Ok(Self::Cgroup { hierarchy, journal, nodes: BTreeMap::new() })
    }

    pub(super) fn limit(
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
            Self::Throttle(throttle) => {
                throttle.limit(node, percent, process);
                Ok(())
            }
        }
    }

    pub(super) fn admit(
        &mut self,
        node: &str,
        percent: f64,
        process: &NodeProcess,
    ) -> Result<(), String> {
        match self {
            Self::Cgroup { nodes, .. } => {
                let cgroup = nodes.get(node).expect("a node that is limited has one");
                cgroup.limit(percent)?;
                cgroup.admit(process)
            }
            Self::Throttle(throttle) => {
                throttle.admit(node, process);
                Ok(())
            }
        }
    }

    pub(super) fn free(&mut self, node: &str) {
        match self {
            Self::Cgroup { nodes, .. } => {
                if let Some(cgroup) = nodes.get(node) {
                    // It fails for a cgroup that was removed, in which nothing is limited.
                    let _ = cgroup.free();
                }
            }
            Self::Throttle(throttle) => throttle.free(node),
        }
    }

    pub(super) fn seen(&self, node: &str) -> Result<CpuSeen, String> {
        match self {
            Self::Cgroup { nodes, .. } => {
                nodes.get(node).map_or(Ok(CpuSeen::default()), Cgroup::seen)
            }
            Self::Throttle(throttle) => Ok(throttle.seen(node)),
        }
    }
}
