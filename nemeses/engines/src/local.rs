//! The real world behind faults: processes on this machine and, in the namespace lab, a network
//! between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cpu::Limiter;
use super::disk::Disk;
use super::elsewhere::Elsewhere;
use super::loopback::LoopbackNetwork;
use super::network::Network;
use super::node_process::{NodeListener, NodeProcess, NodeSpec, Spawner};
use super::pending_request::PendingRequest;
use super::service::MembershipState;
use super::watches::Tally;
use faults::fault::{ClockCondition, Damage, DiskCondition, LinkCondition, PowerCut};
use faults::grudge::{Grudge, Link};
use faults::host::{
    Administrator, ClockSeen, CpuSeen, DiskSeen, Host, HostError, LinkCounts, LinkSeen,
    MembersAround, NodeState, ObservationListener, PartitionSeen, PerNode, PowerSeen, Request,
};
use faults::trigger::Watch;

/// For processes that were killed to come back from their disks; what takes longer hangs elsewhere.
const RELEASE_PATIENCE: Duration = Duration::from_secs(2);
/// A process that is asked to end mostly has by then; one that has not is looked at again when its
/// fault ends.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether they did, which takes a fraction of a millisecond.
const RELEASE_PAUSE: Duration = Duration::from_micros(100);
/// So many looks at healed links, a second each, before they count as dead.
const HEALING_LOOKS: usize = 10;

/// Nodes on this machine. Every process dies when it is dropped.
pub struct LocalHost {
    pub(super) nodes: BTreeMap<String, LocalNode>,
    network: Option<Network>,
    proxies: Option<LoopbackNetwork>,
    pub(super) administrator: Option<Arc<dyn Administrator>>,
    /// The last requests to the service, one of each kind and node.
    pub(super) requests: BTreeMap<Request, PendingRequest>,
    /// True if members may change while one does not vote.
    pub(super) changes_overlap: bool,
    /// Hears of what watches see.
    pub(super) observations: ObservationListener,
    /// By their numbers.
    pub(super) watches: BTreeMap<u32, Tally>,
    /// The time at which looks and questions are to be over, where there is one.
    look_until: Option<Instant>,
    /// Nodes that are not run by us.
    foreign: BTreeSet<String>,
    elsewhere: Option<Box<dyn Elsewhere>>,
    listener: NodeListener,
    // After the nodes: what it made for them can only be removed when they are dead.
    cpu: Limiter,
    // Last: what it started dies with it.
    spawner: Spawner,
}

pub(super) struct LocalNode {
    pub(super) spec: NodeSpec,
    pub(super) process: Option<NodeProcess>,
    /// The condition of its clocks now, or when it starts.
    clocks: ClockCondition,
    pub(super) disk: Option<LocalDisk>,
    pub(super) membership: MembershipState,
}

/// A node's disk that is not the machine's.
pub(super) struct LocalDisk {
    pub(super) disk: Disk,
    condition: DiskCondition,
}

impl LocalHost {
    /// Without nodes yet. With a network, nodes run in their namespaces of it; without one, on the
    /// loopback, where partitions take [`LocalHost::with_proxies`].
    pub fn new(network: Option<Network>, listener: NodeListener) -> io::Result<Self> {
        let (nodes, cpu, spawner) = (BTreeMap::new(), Limiter::default(), Spawner::new()?);
        Ok(Self {
            nodes,
            network,
            proxies: None,
            administrator: None,
            requests: BTreeMap::new(),
            changes_overlap: false,
            observations: Arc::new(|_| {}),
            watches: BTreeMap::new(),
            look_until: None,
            foreign: BTreeSet::new(),
            elsewhere: None,
            listener,
            cpu,
            spawner,
        })
    }

    /// Gives nodes on the loopback links that can be cut, as far as they and their clients use the
    /// addresses of `proxies`.
    pub fn with_proxies(mut self, proxies: LoopbackNetwork) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Lets faults ask the service that the nodes are.
    pub fn with_administrator(mut self, administrator: Box<dyn Administrator>) -> Self {
        self.administrator = Some(administrator.into());
        self
    }

    /// Makes a node known, without starting it. One of the same name is replaced, and killed.
    pub fn add_node(&mut self, spec: NodeSpec) {
        let clocks = ClockCondition::default();
        let node = LocalNode {
            spec,
            process: None,
            clocks,
            disk: None,
            membership: MembershipState::Member,
        };
        self.nodes.insert(node.spec.name.clone(), node);
    }

    /// Makes a node known that is not run by us. It is taken to run for ever; no fault but those
    /// that its service is asked for can be done to it.
    pub fn add_foreign_node(&mut self, name: &str) {
        self.foreign.insert(name.to_owned());
    }

    /// Lets faults be done to nodes that are not run by us, all of them.
    pub fn with_elsewhere(mut self, elsewhere: Box<dyn Elsewhere>) -> Self {
        self.elsewhere = Some(elsewhere);
        self
    }

    /// Mounts an empty disk of its own for a node, where its data directory is to be.
    ///
    /// # Errors
    /// FUSE is not available, or there is no such node.
    pub fn mount_disk(&mut self, node: &str, path: &Path, seed: u64) -> io::Result<()> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("no node {node}"));
        let known = self.nodes.get_mut(node).ok_or_else(unknown)?;
        let disk = Disk::mount(path, seed)?;
        known.disk = Some(LocalDisk { disk, condition: DiskCondition::default() });
        Ok(())
    }

    /// A node's own disk, if it has one.
    pub fn disk(&self, node: &str) -> Option<&Disk> {
        self.nodes.get(node)?.disk.as_ref().map(|own| &own.disk)
    }

    /// Every disk that is a node's own.
    pub(super) fn disks_by_node(&self) -> impl Iterator<Item = (&str, &Disk)> {
        let nodes = self.nodes.iter();
        nodes.filter_map(|(name, node)| Some((name.as_str(), &node.disk.as_ref()?.disk)))
    }

    /// Returns whether a node is known that is not run by us.
    pub(super) fn is_foreign(&self, node: &str) -> bool {
        self.foreign.contains(node)
    }

    /// The nodes that are known.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// The network, in the namespace lab.
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    /// The proxies between nodes on the loopback, where there are some.
    pub fn proxies(&self) -> Option<&LoopbackNetwork> {
        self.proxies.as_ref()
    }

    /// The address of a node on the network; the loopback where there is none.
    pub fn address(&self, node: &str) -> Ipv4Addr {
        let network = self.network.as_ref();
        network.and_then(|network| network.address(node)).unwrap_or(Ipv4Addr::LOCALHOST)
    }

    /// The id of a node's process, as this process sees it; none when it was never started.
    pub fn pid(&self, node: &str) -> Option<u32> {
        self.process(node).map(NodeProcess::pid)
    }

    fn process(&self, node: &str) -> Option<&NodeProcess> {
        self.nodes.get(node)?.process.as_ref()
    }

    /// Does something to each node's process and returns the times; a node without one fails.
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
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere.state(node);
        }
        if self.foreign.contains(node) {
            return NodeState::Running;
        }
        self.process(node).map_or(NodeState::Stopped, NodeProcess::state)
    }

    fn partition(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        if let Some(elsewhere) = &mut self.elsewhere {
            return elsewhere.partition(grudge, true);
        }
        match (&mut self.network, &mut self.proxies) {
            (Some(network), _) => network.cut_until(grudge, self.look_until),
            (None, Some(proxies)) => proxies.cut_until(grudge, self.look_until),
            (None, None) => Err(without_network()),
        }
    }

    fn partition_quickly(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        if let Some(elsewhere) = &mut self.elsewhere {
            return elsewhere.partition(grudge, false);
        }
        let took = match (&mut self.network, &mut self.proxies) {
            (Some(network), _) => network.cut_quickly(grudge)?,
            (None, Some(proxies)) => proxies.cut_quickly(grudge)?,
            (None, None) => return Err(without_network()),
        };
        Ok(PartitionSeen { took, ..PartitionSeen::default() })
    }

    fn check_sound(&mut self) -> Result<(), HostError> {
        let unserved = |node: &&LocalNode| {
            let disk = node.disk.as_ref().map(|own| &own.disk);
            disk.is_some_and(|disk| disk.is_on() && !disk.is_served())
        };
        if let Some(node) = self.nodes.values().find(unserved) {
            let why = format!("the disk of {} is not served, a bug of stormproof", node.spec.name);
            return Err(HostError::Failed(why));
        }
        if self.network.is_none() && self.proxies.is_none() {
            return Ok(());
        }
        let mut silent = BTreeSet::new();
        for _ in 0..HEALING_LOOKS {
            silent = self.partition(&Grudge::none())?.silent;
            if silent.is_empty() {
                return Ok(());
            }
        }
        let links: Vec<_> = silent.iter().map(Link::to_string).collect();
        let why = format!("nothing passes on {}, although no fault is on", links.join(", "));
        Err(HostError::Failed(why))
    }

    fn dropped(&mut self) -> Result<BTreeMap<Link, u64>, HostError> {
        if self.elsewhere.is_some() {
            return Ok(BTreeMap::new());
        }
        if let (None, Some(proxies)) = (&self.network, &self.proxies) {
            let held = proxies.held_back().into_iter();
            return Ok(held.map(|(link, held)| (link, held.times)).collect());
        }
        let network = self.network.as_ref().ok_or_else(without_network)?;
        network.dropped().map_err(|error| HostError::Failed(error.to_string()))
    }

    fn stop(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        self.cpu.release(nodes);
        nodes.iter().filter_map(|node| self.process(node)).for_each(NodeProcess::begin_stop);
        let until = self.look_end(STOP_PATIENCE);
        self.each(nodes, |process| {
            process.wait_for_end(until.saturating_duration_since(Instant::now()))
        })
    }

    fn is_ending(&self, node: &str) -> bool {
        self.process(node).is_some_and(NodeProcess::is_ending)
    }

    fn former_members(&self) -> BTreeSet<String> {
        let stays = |state: &MembershipState| {
            matches!(state, MembershipState::Member | MembershipState::Learner)
        };
        let is_out = |node: &&LocalNode| !stays(&node.membership);
        self.nodes.values().filter(is_out).map(|node| node.spec.name.clone()).collect()
    }

    fn learners(&self) -> BTreeSet<String> {
        let learns = |node: &&LocalNode| matches!(node.membership, MembershipState::Learner);
        self.nodes.values().filter(learns).map(|node| node.spec.name.clone()).collect()
    }

    fn set_patience(&mut self, longest: Option<Duration>) {
        self.look_until = longest.map(|longest| Instant::now() + longest);
    }

    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        if let Some(elsewhere) = &mut self.elsewhere {
            return elsewhere.kill(nodes);
        }
        self.cpu.release(nodes);
        nodes.iter().filter_map(|node| self.process(node)).for_each(NodeProcess::begin_kill);
        self.release_disks(nodes);
        self.each(nodes, NodeProcess::wait_until_dead)
    }

    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32> {
        if let Some(elsewhere) = &mut self.elsewhere {
            return elsewhere.start(nodes);
        }
        let mut started = BTreeMap::new();
        for name in nodes {
            started.insert(name.clone(), self.start_one(name));
        }
        started
    }

    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        if let Some(elsewhere) = &mut self.elsewhere {
            return elsewhere.pause(nodes);
        }
        self.cpu.release(nodes);
        let paused = self.each(nodes, NodeProcess::pause);
        self.cpu.throttle(nodes);
        paused
    }

    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration> {
        if let Some(elsewhere) = &mut self.elsewhere {
            return elsewhere.resume(nodes);
        }
        self.each(nodes, NodeProcess::resume)
    }

    fn shape(
        &mut self,
        links: &BTreeMap<Link, LinkCondition>,
        look: bool,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
        match &mut self.network {
            Some(network) => network.shape_until(links, look, self.look_until),
            None => Err(without_network()),
        }
    }

    fn shaped(&mut self) -> Result<BTreeMap<Link, LinkCounts>, HostError> {
        self.network.as_ref().ok_or_else(without_network)?.shaped()
    }

    fn limit_cpu(&mut self, percent: &BTreeMap<String, f64>) -> PerNode<CpuSeen> {
        let nodes = &self.nodes;
        self.cpu.limit(percent, |node| nodes.get(node)?.process.as_ref())
    }

    fn set_clocks(&mut self, clocks: &BTreeMap<String, ClockCondition>) -> PerNode<ClockSeen> {
        let mut seen = PerNode::new();
        for (name, node) in &mut self.nodes {
            let asked_for = clocks.get(name).copied().unwrap_or_default();
            let changes = asked_for != node.clocks;
            node.clocks = asked_for;
            let Some(process) = &node.process else { continue };
            if changes || clocks.contains_key(name) {
                let set = process.set_clocks(&asked_for);
                // One that has died has them when it starts again.
                if process.state() != NodeState::Stopped {
                    seen.insert(name.clone(), set);
                }
            }
        }
        for name in clocks.keys().filter(|name| !self.nodes.contains_key(*name)) {
            seen.insert(name.clone(), Err(HostError::Failed("no such node".to_owned())));
        }
        seen
    }

    fn clocks(&mut self) -> PerNode<ClockSeen> {
        let processes = self.nodes.iter().filter_map(|(name, node)| {
            let process = node.process.as_ref()?;
            (process.state() != NodeState::Stopped).then(|| (name.clone(), process.clocks()))
        });
        processes.filter(|(_, seen)| !matches!(seen, Err(HostError::Unavailable(_)))).collect()
    }

    fn set_disks(&mut self, disks: &BTreeMap<String, DiskCondition>) -> PerNode<DiskSeen> {
        let mut seen = PerNode::new();
        for (name, node) in &mut self.nodes {
            let wanted = disks.get(name).copied().unwrap_or_default();
            match &mut node.disk {
                Some(own) if own.condition != wanted => {
                    own.condition = wanted;
                    seen.insert(name.clone(), Ok(own.disk.set(&wanted)));
                }
                Some(own) if disks.contains_key(name) => {
                    seen.insert(name.clone(), Ok(own.disk.seen()));
                }
                None if disks.contains_key(name) => {
                    seen.insert(name.clone(), Err(without_disk()));
                }
                _ => {}
            }
        }
        seen
    }

    fn disks(&mut self) -> PerNode<DiskSeen> {
        let own = |(name, node): (&String, &LocalNode)| {
            Some((name.clone(), Ok(node.disk.as_ref()?.disk.seen())))
        };
        self.nodes.iter().filter_map(own).collect()
    }

    fn cut_power(
        &mut self,
        nodes: &BTreeSet<String>,
        cut: &PowerCut,
        seed: u64,
    ) -> PerNode<PowerSeen> {
        let blind = |node: &String| {
            let why = self.process(node)?.barriers().err()?;
            let why = format!("what it makes durable by sync(2) would be lost: {why}");
            Some((node.clone(), Err(HostError::Unavailable(why))))
        };
        let unavailable: PerNode<PowerSeen> = nodes.iter().filter_map(blind).collect();
        if !unavailable.is_empty() {
            return unavailable;
        }
        // Every disk is off before the first process dies: one that was killed first could have its
        // last fsync completed, and hide the loss.
        nodes.iter().filter_map(|node| self.disk(node)).for_each(Disk::power_off);
        let dead = self.kill(nodes);
        let crash = |(seed, (node, dead)): (u64, (String, Result<Duration, HostError>))| {
            let lost = dead.and_then(|_| {
                let disk = self.disk(&node).ok_or_else(without_disk)?;
                Ok(disk.crash(cut, seed))
            });
            (node, lost)
        };
        (seed..).zip(dead).map(crash).collect()
    }

    fn damage(&mut self, node: &str, damage: &Damage, seed: u64) -> Result<String, HostError> {
        let disk = self.disk(node).ok_or_else(without_disk)?;
        disk.damage(damage, seed).map_err(HostError::Failed)
    }

    fn report_observations(&mut self, listener: ObservationListener) {
        self.observations = listener;
    }

    fn watch(
        &mut self,
        number: u32,
        watch: &Watch,
        nth: u32,
        hold: Option<Duration>,
    ) -> Result<(), HostError> {
        self.set_watch(number, watch, nth, hold)
    }

    fn end_watch(&mut self, number: u32) -> Option<Duration> {
        self.remove_watch(number)
    }

    fn ask(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        self.ask_service(request)
    }

    fn answer(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        self.service_answer(request)
    }

    fn members_around(&mut self, request: &Request) -> Option<MembersAround> {
        self.members_told(request)
    }

    fn doubt_members(&mut self) {
        self.doubt_promoted();
    }
}

impl LocalHost {
    /// The end of something that is waited for so long at most, and not longer than its patience.
    pub(super) fn look_end(&self, longest: Duration) -> Instant {
        let end = Instant::now() + longest;
        self.look_until.map_or(end, |until| until.min(end))
    }

    /// A process that waits for its disk does not die before it has its answer. Those of `nodes`
    /// are about to die, so what their disks hold back is answered now.
    fn release_disks(&self, nodes: &BTreeSet<String>) {
        let waits =
            |node: &&String| self.disk(node).is_some() && self.state(node) != NodeState::Stopped;
        let start = Instant::now();
        while start.elapsed() < RELEASE_PATIENCE && nodes.iter().any(|node| waits(&node)) {
            nodes.iter().filter_map(|node| self.disk(node)).for_each(Disk::release);
            std::thread::sleep(RELEASE_PAUSE);
        }
    }

    /// Starts a node. One that was removed is added first.
    fn start_one(&mut self, name: &str) -> Result<u32, HostError> {
        let unknown = || HostError::Failed("no such node".to_owned());
        if self.process(name).is_none_or(|process| process.state() == NodeState::Stopped) {
            self.let_join(name)?;
        }
        let node = self.nodes.get_mut(name).ok_or_else(unknown)?;
        if let Some(process) = &node.process
            && process.state() != NodeState::Stopped
        {
            return Ok(process.pid());
        }
        // The old one's end is reported before the new one's start.
        node.process = None;
        if let Some(own) = &mut node.disk {
            let failed = |error| HostError::Failed(format!("cannot switch its disk on: {error}"));
            own.disk.power_on().map_err(failed)?;
            own.disk.evict();
        }
        node.begin_anew()?;
        let namespace = self.network.as_ref().and_then(|network| network.namespace(name));
        let start = || {
            let disk = node.disk.as_ref().map(|own| &own.disk);
            let (spawner, listener) = (&self.spawner, &self.listener);
            NodeProcess::start(&node.spec, namespace, &node.clocks, disk, spawner, listener)
        };
        let process = match &self.proxies {
            Some(proxies) => proxies.starting(name, start),
            None => start(),
        };
        let process = process.map_err(|error| HostError::Failed(error.to_string()))?;
        let pid = process.pid();
        if let Some(later) = node.spec.later_argv.take() {
            node.spec.argv = later;
        }
        let limited = self.cpu.admit(name, &process);
        node.process = Some(process);
        limited.map(|()| pid)
    }
}

impl Drop for LocalHost {
    fn drop(&mut self) {
        self.remove_watches();
        // A node that has used up its share could not die at once.
        self.cpu.release_all();
    }
}

fn without_disk() -> HostError {
    HostError::Unavailable("its disk is the machine's".to_owned())
}

fn without_network() -> HostError {
    HostError::Unavailable("the loopback lab has no network of its own".to_owned())
}
