//! The real world behind faults: processes on this machine and, in the namespace lab, a network
//! between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::cpu::{Choice, Limiter};
use super::network::Network;
use super::node_process::{NodeListener, NodeProcess, NodeSpec, Spawner};
use crate::fault::{ClockCondition, Damage, DiskCondition, Family, LinkCondition, PowerCut};
use crate::grudge::{Grudge, Link};
use crate::world::{
    ClockSeen, CpuSeen, DiskSeen, Host, HostError, LinkCounts, LinkSeen, NodeState, PartitionSeen,
    PerNode, PowerSeen,
};

/// Nodes on this machine. Every process dies when it is dropped.
pub struct LocalHost {
    nodes: BTreeMap<String, LocalNode>,
    network: Option<Network>,
    listener: NodeListener,
    // After the nodes: what it made for them can only be removed when they are dead.
    cpu: Limiter,
    // Last: what it started dies with it.
    spawner: Spawner,
}

struct LocalNode {
    spec: NodeSpec,
    process: Option<NodeProcess>,
}

impl LocalHost {
    /// Without nodes yet. With a network, nodes run in their namespaces of it; without one, on the
    /// loopback, where partitions are not available.
    pub fn new(network: Option<Network>, listener: NodeListener) -> io::Result<Self> {
        let (nodes, cpu, spawner) = (BTreeMap::new(), Limiter::default(), Spawner::new()?);
        Ok(Self { nodes, network, listener, cpu, spawner })
    }

    /// Makes a node known, without starting it. One of the same name is replaced, and killed.
    pub fn add_node(&mut self, spec: NodeSpec) {
        self.nodes.insert(spec.name.clone(), LocalNode { spec, process: None });
    }

    /// The nodes that are known.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// The network, in the namespace lab.
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// The address of a node on the network; the loopback where there is none.
    pub fn address(&self, node: &str) -> Ipv4Addr {
        let network = self.network.as_ref();
        network.and_then(|network| network.address(node)).unwrap_or(Ipv4Addr::LOCALHOST)
    }

    /// What does the faults of a family here, or why nothing can.
    pub fn engine(&self, family: Family) -> Result<&'static str, HostError> {
        match (family, &self.network) {
            (Family::Kill | Family::Pause, _) => Ok("signals through pidfd"),
            (Family::Partition, Some(network)) => Ok(network.engine().name()),
            (Family::Partition, None) => Err(without_network()),
        }
    }

    /// What limits processors here, and why. The first time it is asked, or a processor limited,
    /// the engines are tried, which takes a fifth of a second.
    ///
    /// # Errors
    /// When none works, not even the one that takes no permission.
    pub fn cpu_engine(&mut self) -> Result<&Choice, HostError> {
        self.cpu.engine()
    }

    /// The id of a node's process, as this process sees it; none when it was never started.
    pub fn pid(&self, node: &str) -> Option<u32> {
        self.process(node).map(NodeProcess::pid)
    }

    fn process(&self, node: &str) -> Option<&NodeProcess> {
        self.nodes.get(node)?.process.as_ref()
    }

    /// Does something to each node's process and tells how long it took; a node without one fails.
    fn each(
        &self,
        nodes: &BTreeSet<String>,
        action: impl Fn(&NodeProcess) -> Result<(), HostError>,
    ) -> PerNode<Duration> {
        let start = Instant::now();
        let result = |node: &String| {
            let process = self.process(node);
            let process =
                process.ok_or_else(|| HostError::Failed("it was never started".to_owned()))?;
            action(process).map(|()| start.elapsed())
        };
        nodes.iter().map(|node| (node.clone(), result(node))).collect()
    }
}

impl fmt::Debug for LocalHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.nodes().map(|node| (node, self.state(node))).collect();
        let mut debug = out.debug_struct("LocalHost");
        debug.field("nodes", &nodes).field("network", &self.network).finish_non_exhaustive()
    }
}

impl Host for LocalHost {
    fn state(&self, node: &str) -> NodeState {
        self.process(node).map_or(NodeState::Stopped, NodeProcess::state)
    }

    fn partition(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        match &mut self.network {
            Some(network) => network.cut(grudge),
            None => Err(without_network()),
        }
    }

    fn dropped(&mut self) -> Result<BTreeMap<Link, u64>, HostError> {
        let network = self.network.as_ref().ok_or_else(without_network)?;
        network.dropped().map_err(|error| HostError::Failed(error.to_string()))
    }

    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.cpu.unleash(nodes);
        nodes.iter().filter_map(|node| self.process(node)).for_each(NodeProcess::begin_kill);
        self.each(nodes, NodeProcess::wait_until_dead)
    }

    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32> {
        let mut started = BTreeMap::new();
        for name in nodes {
            started.insert(name.clone(), self.start_one(name));
        }
        started
    }

    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.cpu.unleash(nodes);
        let paused = self.each(nodes, NodeProcess::pause);
        self.cpu.leash(nodes);
        paused
    }

    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.each(nodes, NodeProcess::resume)
    }

    fn shape(
        &mut self,
        _links: &BTreeMap<Link, LinkCondition>,
        _look: bool,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
        Err(not_here())
    }

    fn shaped(&mut self) -> Result<BTreeMap<Link, LinkCounts>, HostError> {
        Err(not_here())
    }

    fn limit_cpu(&mut self, percent: &BTreeMap<String, f64>) -> PerNode<CpuSeen> {
        let nodes = &self.nodes;
        self.cpu.limit(percent, |node| nodes.get(node)?.process.as_ref())
    }

    fn set_clocks(&mut self, clocks: &BTreeMap<String, ClockCondition>) -> PerNode<ClockSeen> {
        clocks.keys().map(|node| (node.clone(), Err(not_here()))).collect()
    }

    fn set_disks(&mut self, disks: &BTreeMap<String, DiskCondition>) -> PerNode<DiskSeen> {
        disks.keys().map(|node| (node.clone(), Err(not_here()))).collect()
    }

    fn disks(&mut self) -> PerNode<DiskSeen> {
        PerNode::new()
    }

    fn cut_power(
        &mut self,
        nodes: &BTreeSet<String>,
        _cut: &PowerCut,
        _seed: u64,
    ) -> PerNode<PowerSeen> {
        nodes.iter().map(|node| (node.clone(), Err(not_here()))).collect()
    }

    fn damage(&mut self, _node: &str, _damage: &Damage, _seed: u64) -> Result<String, HostError> {
        Err(not_here())
    }
}

impl LocalHost {
    fn start_one(&mut self, name: &str) -> Result<u32, HostError> {
        let unknown = || HostError::Failed("no such node".to_owned());
        let node = self.nodes.get_mut(name).ok_or_else(unknown)?;
        if let Some(process) = &node.process
            && process.state() != NodeState::Stopped
        {
            return Ok(process.pid());
        }
        // The old one's end is told before the new one's start.
        node.process = None;
        let namespace = self.network.as_ref().and_then(|network| network.namespace(name));
        let process = NodeProcess::start(&node.spec, namespace, &self.spawner, &self.listener)
            .map_err(|error| HostError::Failed(error.to_string()))?;
        let pid = process.pid();
        let limited = self.cpu.admit(name, &process);
        node.process = Some(process);
        limited.map(|()| pid)
    }
}

impl Drop for LocalHost {
    fn drop(&mut self) {
        // A node that has used up its share could not die at once.
        self.cpu.unleash_all();
    }
}

fn not_here() -> HostError {
    HostError::Unavailable("this host cannot do it".to_owned())
}

fn without_network() -> HostError {
    HostError::Unavailable("the loopback lab has no network to partition".to_owned())
}
