//! The network of a loopback lab, as its owner sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::addresses::{LoopbackAddresses, PeerDoor};
use super::connection::Connection;
use super::proxy::{Door, Proxy};
use super::shared::{LinkState, Shared};
use crate::node_process::NodeProcess;
use crate::wake::Wake;
use faults::grudge::{CLIENTS, Grudge, Link};
use faults::host::{HostError, PartitionSeen};

/// The proxy's thread takes orders within a millisecond; only a starved machine takes longer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(200);

/// The bytes that a link held back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// The number of times that bytes, the end or the beginning of a connection had to wait.
    pub times: u64,
    /// The number of bytes that heals released.
    pub bytes: u64,
}

/// Proxies between nodes of one machine. They stop when this value is dropped.
pub struct LoopbackNetwork {
    shared: Arc<Shared>,
    addresses: Vec<LoopbackAddresses>,
    grudge: Grudge,
    probes: Vec<Probe>,
    looks: u8,
    thread: Option<JoinHandle<()>>,
}

/// Our own ends of a connection of the proxy between two ends of the network: bytes that go over it
/// are treated as those of any connection.
struct Probe {
    ends: [(usize, UnixStream); 2],
}

impl LoopbackNetwork {
    /// Opens the proxy's ports, and finds some for each node to listen on: one for clients, and
    /// `peer_ports` for its peers. If these are none, peers come to the same port as clients.
    pub fn build(nodes: &[String], peer_ports: usize) -> io::Result<Self> {
        if nodes.iter().any(|node| node == CLIENTS) {
            let what = format!("no node may be called {CLIENTS}, the name of the clients");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let port = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        // All are held until all are found, so that no two are the same.
        let ports = nodes.len() * (1 + peer_ports);
        let own = (0..ports).map(|_| port()).collect::<io::Result<Vec<_>>>()?;
        let mut doors = Vec::new();
        let mut addresses = Vec::new();
        for (node, own) in (1..).zip(own.chunks(1 + peer_ports)) {
            let listen = own[0].local_addr()?;
            let clients = port()?;
            let for_peers = if peer_ports == 0 { own } else { &own[1..] };
            let mut peers = Vec::new();
            for own in for_peers {
                let door = port()?;
                let (listen, advertised) = (own.local_addr()?, door.local_addr()?);
                peers.push(PeerDoor { listen, advertised });
                doors.push(Door::new(door, node, listen, None)?);
            }
            addresses.push(LoopbackAddresses { listen, clients: clients.local_addr()?, peers });
            doors.push(Door::new(clients, node, listen, Some(0))?);
        }
        Self::behind(nodes, addresses, doors)
    }

    /// Opens the proxy's ports between peers alone, at addresses that are given; clients come to the nodes
    /// themselves. Each node has its name, the address on which it listens for clients, and the one at
    /// which its peers are to meet it.
    ///
    /// # Errors
    /// When one of those ports is taken.
    pub fn between_peers(nodes: &[(String, SocketAddr, SocketAddr)]) -> io::Result<Self> {
        let mut doors = Vec::new();
        let mut addresses = Vec::new();
        // All are held until all are found, so that no two are the same.
        let mut held = Vec::new();
        for (place, (_, listen, advertised)) in (1..).zip(nodes) {
            let own = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let peer = PeerDoor { listen: own.local_addr()?, advertised: *advertised };
            doors.push(Door::new(TcpListener::bind(advertised)?, place, peer.listen, None)?);
            let (listen, clients) = (*listen, *listen);
            addresses.push(LoopbackAddresses { listen, clients, peers: vec![peer] });
            held.push(own);
        }
        drop(held);
        let names: Vec<String> = nodes.iter().map(|(name, _, _)| name.clone()).collect();
        Self::behind(&names, addresses, doors)
    }

    /// Carries what comes to those doors.
    fn behind(
        nodes: &[String],
        addresses: Vec<LoopbackAddresses>,
        doors: Vec<Door>,
    ) -> io::Result<Self> {
        let names: Vec<_> = [CLIENTS.to_owned()].into_iter().chain(nodes.iter().cloned()).collect();
        let (probes, probed) = probes(names.len())?;
        let shared = Arc::new(Shared {
            links: (0..names.len() * names.len()).map(|_| LinkState::default()).collect(),
            names,
            revision: AtomicU64::new(0),
            adopted: AtomicU64::new(0),
            processes: Mutex::default(),
            wake: Wake::new()?,
        });
        let proxy = Proxy::new(doors, probed, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("proxy".to_owned());
        let thread = Some(thread.spawn(move || proxy.run())?);
        Ok(Self { shared, addresses, grudge: Grudge::none(), probes, looks: 0, thread })
    }

    /// The addresses of a node.
    pub fn addresses(&self, node: &str) -> Option<LoopbackAddresses> {
        let place = self.shared.names.iter().position(|name| name == node)?;
        self.addresses.get(place.checked_sub(1)?).cloned()
    }

    /// Starts a node's process by `start`, and knows its connections from then on: those of its
    /// process group, and of its descendants.
    pub(crate) fn starting(
        &self,
        node: &str,
        start: impl FnOnce() -> io::Result<NodeProcess>,
    ) -> io::Result<NodeProcess> {
        // The proxy waits, so that none of its connections is taken for a client's.
        let mut processes = self.shared.processes();
        let process = start()?;
        if let Some(place) = self.shared.names.iter().position(|name| name == node) {
            processes.retain(|_, other| *other != place);
            processes.insert(process.pid() as i32, place);
        }
        Ok(process)
    }

    /// Makes exactly the links of `grudge` hold back bytes, and sends some over every link to see
    /// that the cut ones hold them and the others pass them. What is counted as dropped is the
    /// directions of connections that wait. Links of nodes that it does not know are an error.
    pub fn cut(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        self.cut_until(grudge, None)
    }

    /// The same; the look ends by `until`, if that is given, and then says so.
    pub(crate) fn cut_until(
        &mut self,
        grudge: &Grudge,
        until: Option<Instant>,
    ) -> Result<PartitionSeen, HostError> {
        let took = self.cut_quickly(grudge)?;
        Ok(PartitionSeen { took, ..self.look(until) })
    }

    /// Makes every link pass bytes, and sees that it does.
    pub fn heal(&mut self) -> Result<PartitionSeen, HostError> {
        self.cut(&Grudge::none())
    }

    /// Does the same without looking, as for a link that flickers, and returns the time that it
    /// took.
    pub fn cut_quickly(&mut self, grudge: &Grudge) -> Result<Duration, HostError> {
        let knows = |name: &String| self.shared.names.contains(name);
        if let Some(link) = grudge.links().find(|link| !knows(&link.from) || !knows(&link.to)) {
            return Err(HostError::Failed(format!("there is no link {link}")));
        }
        let start = Instant::now();
        for (link, from, to) in self.shared.all() {
            let cut = grudge.drops(&link.from, &link.to);
            self.shared.link(from, to).cut.store(cut, Ordering::Relaxed);
        }
        self.grudge = grudge.clone();
        let revision = self.shared.revision.fetch_add(1, Ordering::Release) + 1;
        self.shared.wake.ring();
        while self.shared.adopted.load(Ordering::Acquire) < revision {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return Err(HostError::Failed("the proxy stopped, a bug of stormproof".to_owned()));
            }
            if start.elapsed() > PATIENCE {
                return Err(HostError::Failed("the proxy does not answer".to_owned()));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(start.elapsed())
    }

    /// The bytes that each link held back since the network was built; links without any are
    /// missing.
    pub fn held_back(&self) -> BTreeMap<Link, HeldBack> {
        let read = |(link, from, to): (Link, usize, usize)| {
            let state = self.shared.link(from, to);
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            (link, HeldBack { times: count(&state.times), bytes: count(&state.bytes) })
        };
        self.shared.all().map(read).filter(|(_, held)| *held != HeldBack::default()).collect()
    }

    /// Sends a byte over every link until each was seen to do what it should, or time is up.
    fn look(&mut self, until: Option<Instant>) -> PartitionSeen {
        // What was held by an earlier look bears another number.
        self.looks = self.looks.wrapping_add(1);
        let links: Vec<_> = self.shared.all().collect();
        let (mut cut, mut open): (Vec<_>, Vec<_>) =
            links.into_iter().partition(|(link, _, _)| self.grudge.drops(&link.from, &link.to));
        for probe in &self.probes {
            for (_, stream) in &probe.ends {
                // A stream that holds as much as it can has enough to show.
                let _ = (&*stream).write(&[self.looks]);
            }
        }
        let mut seen = PartitionSeen::default();
        let start = Instant::now();
        loop {
            let arrived = self.arrived();
            open.retain(|(_, from, to)| !arrived.contains(&(*from, *to)));
            cut.retain(|(link, from, to)| {
                let waiting = self.shared.link(*from, *to).waiting.load(Ordering::Relaxed);
                if waiting > 0 {
                    seen.dropped.insert(link.clone(), waiting);
                }
                waiting == 0
            });
            let all_seen = cut.is_empty() && open.is_empty();
            seen.cut_short = !all_seen && until.is_some_and(|until| Instant::now() >= until);
            if all_seen || seen.cut_short || start.elapsed() > PATIENCE {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        for (link, _, _) in &cut {
            seen.dropped.insert(link.clone(), 0);
        }
        let names = |links: Vec<(Link, usize, usize)>| links.into_iter().map(|(link, _, _)| link);
        seen.unproven = names(cut).collect();
        seen.silent = names(open).collect();
        seen
    }

    /// Over which links a byte of this look has arrived since it was last asked.
    fn arrived(&self) -> Vec<(usize, usize)> {
        let mut arrived = Vec::new();
        for Probe { ends: [(one, near), (other, far)] } in &self.probes {
            for (stream, link) in [(far, (*one, *other)), (near, (*other, *one))] {
                let mut bytes = [0; 256];
                while let Ok(length @ 1..) = (&*stream).read(&mut bytes) {
                    if bytes[..length].contains(&self.looks) {
                        arrived.push(link);
                    }
                }
            }
        }
        arrived
    }
}

/// Cuts one of two nodes off and heals it. The error says what failed.
pub fn try_out() -> Result<String, String> {
    let nodes = ["n1".to_owned(), "n2".to_owned()];
    let mut network = LoopbackNetwork::build(&nodes, 0).map_err(|error| error.to_string())?;
    for grudge in [Grudge::into_node(&nodes, "n1"), Grudge::none()] {
        let seen = network.cut(&grudge).map_err(|error| error.to_string())?;
        if !seen.unproven.is_empty() || !seen.silent.is_empty() {
            return Err(format!("a cut link passes bytes or another does not: {seen:?}"));
        }
    }
    Ok("a link was cut in one direction, held bytes back, and was healed".to_owned())
}

/// A connection between every two ends, and our ends of it.
fn probes(count: usize) -> io::Result<(Vec<Probe>, Vec<Connection>)> {
    let mut probes = Vec::new();
    let mut connections = Vec::new();
    let pair = || -> io::Result<_> {
        let (ours, its) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        its.set_nonblocking(true)?;
        Ok((ours, its.into()))
    };
    for one in 0..count {
        for other in one + 1..count {
            let ((near, its_near), (far, its_far)) = (pair()?, pair()?);
            probes.push(Probe { ends: [(one, near), (other, far)] });
            connections.push(Connection::open(one, other, its_near, its_far));
        }
    }
    Ok((probes, connections))
}

impl fmt::Debug for LoopbackNetwork {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = out.debug_struct("LoopbackNetwork");
        debug.field("addresses", &self.addresses).field("grudge", &self.grudge);
        debug.finish_non_exhaustive()
    }
}

impl Drop for LoopbackNetwork {
    fn drop(&mut self) {
        self.shared.wake.stop();
        if let Some(thread) = self.thread.take() {
            // If it panicked, it stopped.
            let _ = thread.join();
        }
    }
}
