//! The network of a lab: one segment on which every node, and the controller, has an address, and
//! on which any link can be cut in one direction.
//!
//! Each node has a network namespace with one interface, `eth0`; the controller's, `storm0`, is in
//! the namespace of the thread that builds the network. They end in a namespace of their own, where
//! a bridge or our own switch joins them. Who has which hardware address is told to
//! everybody once and for good: a cut link would else lose its ARP answers too, after which a
//! connection fails at once with "no route to host" instead of hanging, in both directions.
//! IPv6 is off on these interfaces, so that no packet finds a way around a cut.

mod build;
mod engine;
mod probe;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Instant;

use super::iptables::Iptables;
use super::namespace::NetNs;
use super::switch::Switch;
use crate::grudge::{Grudge, Link};
use crate::world::{HostError, PartitionSeen};

pub use build::{CONTROLLER_ADDRESS, MOST_NODES};
pub use engine::{Choice, PartitionEngine, choose_engine};

/// A network that exists as long as this value.
#[derive(Debug)]
pub struct Network {
    engine: PartitionEngine,
    cutter: Cutter,
    members: Vec<Member>,
    grudge: Grudge,
    /// What rules that are gone had dropped.
    dropped_before: BTreeMap<Link, u64>,
    /// Where the controller's interface is.
    home: NetNs,
}

/// What drops packets.
#[derive(Debug)]
enum Cutter {
    Iptables {
        iptables: Iptables,
        /// Holds the bridge.
        _segment: NetNs,
    },
    Switch {
        switch: Switch,
        /// Holds its ports.
        _segment: NetNs,
    },
}

/// A node on the network.
#[derive(Debug)]
struct Member {
    name: String,
    address: Ipv4Addr,
    namespace: NetNs,
    /// Sends and receives the datagrams that show whether a link passes packets.
    probe: UdpSocket,
}

impl Network {
    /// Builds a network for `nodes`. The controller's interface goes to the namespace of the
    /// calling thread, which must be one of a lab.
    pub fn build(nodes: &[String], engine: PartitionEngine) -> io::Result<Self> {
        build::build(nodes, engine)
    }

    /// What cuts its links.
    pub fn engine(&self) -> PartitionEngine {
        self.engine
    }

    /// The address of a node.
    pub fn address(&self, node: &str) -> Option<Ipv4Addr> {
        self.member(node).map(|member| member.address)
    }

    /// The namespace of a node.
    pub fn namespace(&self, node: &str) -> Option<&NetNs> {
        self.member(node).map(|member| &member.namespace)
    }

    fn member(&self, node: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == node)
    }

    /// Makes exactly the links of `grudge` drop packets, and sends a datagram over every link to
    /// see that the cut ones drop it and the others pass it. Links of nodes that it does not know
    /// are an error.
    pub fn cut(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        if let Some(link) = grudge.links().find(|link| !self.knows(link)) {
            return Err(HostError::Failed(format!("there is no link {link}")));
        }
        let start = Instant::now();
        self.change_to(grudge).map_err(|error| HostError::Failed(error.to_string()))?;
        let took = start.elapsed();
        let seen = probe::look(self)?;
        Ok(PartitionSeen { took, ..seen })
    }

    /// Makes every link pass packets, and sees that it does.
    pub fn heal(&mut self) -> Result<PartitionSeen, HostError> {
        self.cut(&Grudge::none())
    }

    fn knows(&self, link: &Link) -> bool {
        self.member(&link.from).is_some() && self.member(&link.to).is_some()
    }

    fn change_to(&mut self, grudge: &Grudge) -> io::Result<()> {
        match &self.cutter {
            Cutter::Switch { switch, .. } => {
                if !switch.is_running() {
                    return Err(io::Error::other("the switch stopped, a bug of stormproof"));
                }
                // The controller is port 0.
                for (from, sender) in (1..).zip(&self.members) {
                    for (to, receiver) in (1..).zip(&self.members) {
                        switch.set_cut(from, to, grudge.drops(&sender.name, &receiver.name));
                    }
                }
            }
            Cutter::Iptables { iptables, .. } => {
                let sources = |grudge: &Grudge, to: &str| -> BTreeSet<_> {
                    grudge.sources(to).filter_map(|from| self.address(from)).collect()
                };
                let changed = self.members.iter().filter_map(|member| {
                    let wanted = sources(grudge, &member.name);
                    (wanted != sources(&self.grudge, &member.name)).then_some((member, wanted))
                });
                let counted = in_parallel(changed, |(member, wanted)| {
                    let counters = match self.grudge.sources(&member.name).next() {
                        Some(_) => iptables.dropped(&member.namespace)?,
                        // Nothing to read, and a cut is sooner in place.
                        None => BTreeMap::new(),
                    };
                    let wanted: Vec<_> = wanted.into_iter().collect();
                    iptables.drop_from(&member.namespace, &wanted)?;
                    Ok((member, counters))
                })?;
                let gone: Vec<_> = counted
                    .into_iter()
                    .flat_map(|(member, counters)| self.by_link(member, counters))
                    .collect();
                for (link, packets) in gone {
                    *self.dropped_before.entry(link).or_default() += packets;
                }
            }
        }
        self.grudge = grudge.clone();
        Ok(())
    }

    /// How many packets each link dropped so far. Packets that fall between the last look at a rule
    /// of iptables and its removal are missing.
    pub fn dropped(&self) -> io::Result<BTreeMap<Link, u64>> {
        let mut total = self.dropped_before.clone();
        match &self.cutter {
            Cutter::Switch { switch, .. } => {
                for (from, sender) in (1..).zip(&self.members) {
                    for (to, receiver) in (1..).zip(&self.members) {
                        let link = Link { from: sender.name.clone(), to: receiver.name.clone() };
                        match switch.dropped(from, to) {
                            0 => {}
                            packets => drop(total.insert(link, packets)),
                        }
                    }
                }
            }
            Cutter::Iptables { iptables, .. } => {
                let ruled = self
                    .members
                    .iter()
                    .filter(|member| self.grudge.sources(&member.name).next().is_some());
                let counted = in_parallel(ruled, |member| {
                    Ok((member, iptables.dropped(&member.namespace)?))
                })?;
                for (member, counters) in counted {
                    for (link, packets) in self.by_link(member, counters) {
                        *total.entry(link).or_default() += packets;
                    }
                }
            }
        }
        Ok(total)
    }

    /// The counters of one node's rules, by link.
    fn by_link(
        &self,
        to: &Member,
        counters: BTreeMap<Ipv4Addr, u64>,
    ) -> impl Iterator<Item = (Link, u64)> {
        let to = to.name.clone();
        counters.into_iter().filter_map(move |(address, packets)| {
            let from = self.members.iter().find(|member| member.address == address)?;
            Some((Link { from: from.name.clone(), to: to.clone() }, packets))
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        build::remove_controller_interface(&self.home);
    }
}

/// Does the same to each item at once, on a thread each, and returns what came of it in order.
fn in_parallel<I: Send, T: Send>(
    items: impl Iterator<Item = I>,
    action: impl Fn(I) -> io::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    let action = &action;
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.map(|item| scope.spawn(move || action(item))).collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        // All are joined before the first error is returned.
        results.collect::<Vec<_>>().into_iter().collect()
    })
}
