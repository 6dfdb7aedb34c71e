//! The network of a lab: one segment on which every node, and the controller, has an address, and
//! on which any link can be cut in one direction, and troubled.
//!
//! Each node has a network namespace with one interface, `eth0`; the controller's, `storm0`, is in
//! the namespace of the thread that builds the network. They end in a namespace of their own, where
//! a [`Segment`] joins them: the kernel's bridge, or our own switch, which alone can do packet
//! faults. What cuts links, the [`Cutter`], is the switch itself or iptables, over either segment.
//!
//! The controller is an end like any other, under the name [`CLIENTS`], since that is who lives
//! there. Its links can be cut and troubled too; what it asks nodes for its own purposes takes the
//! same way and suffers alike, as on any real network.
//!
//! Who has which hardware address is told to everybody once and for good: a cut link would else
//! lose its ARP answers too, after which a connection fails at once with "no route to host" instead
//! of hanging, in both directions. IPv6 is off on these interfaces, so that no packet finds a way
//! around a cut.

mod build;
mod engine;
mod probe;
mod shaping;
mod tcp;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::iptables::Iptables;
use super::namespace::NetNs;
use super::switch::Switch;
use faults::fault::LinkCondition;
use faults::grudge::{CLIENTS, Grudge, Link};
use faults::host::{HostError, LinkCounts, LinkSeen, PartitionSeen};

pub use build::{CONTROLLER_ADDRESS, MOST_NODES};
pub use engine::{Choice, PartitionEngine, choose_engine};
pub use shaping::try_packet_faults;
pub use tcp::TcpKnobs;

/// What a network is built with. A [`PartitionEngine`] alone is one without packet faults and with
/// the kernel's own TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkOptions {
    /// What cuts its links.
    pub engine: PartitionEngine,
    /// Whether links shall be slow, lossy or narrow too. Our own switch then carries all packets,
    /// whatever cuts links; it adds some 0.03 ms to a round trip over the kernel's bridge.
    pub packet_faults: bool,
    /// How TCP behaves at every end, the clients' included.
    pub tcp: TcpKnobs,
}

impl From<PartitionEngine> for NetworkOptions {
    fn from(engine: PartitionEngine) -> Self {
        Self { engine, packet_faults: false, tcp: TcpKnobs::default() }
    }
}

/// A network that exists as long as this value.
#[derive(Debug)]
pub struct Network {
    options: NetworkOptions,
    segment: Segment,
    cutter: Cutter,
    /// The clients first, so that places here are those of the switch's ports.
    members: Vec<Member>,
    grudge: Grudge,
    /// Of links with packet faults on them.
    conditions: BTreeMap<Link, LinkCondition>,
    /// How often conditions were set.
    shapings: u32,
    /// What rules that are gone had dropped.
    dropped_before: BTreeMap<Link, u64>,
}

/// What carries packets between the ends.
#[derive(Debug)]
enum Segment {
    /// The kernel's bridge, in this namespace.
    Bridge { _namespace: NetNs },
    /// Our own switch, whose ports are in this namespace.
    Switch { switch: Switch, _namespace: NetNs },
}

/// What drops packets.
#[derive(Debug)]
enum Cutter {
    /// Rules where packets arrive.
    Iptables(Iptables),
    /// The segment, which is the switch.
    Segment,
}

/// An end of the network.
#[derive(Debug)]
struct Member {
    name: String,
    address: Ipv4Addr,
    namespace: NetNs,
    /// Sends and receives the datagrams that show what a link does to packets.
    probe: UdpSocket,
}

impl Network {
    /// Builds a network for `nodes`. The controller's interface goes to the namespace of the
    /// calling thread, which must be one of a lab.
    pub fn build(nodes: &[String], options: impl Into<NetworkOptions>) -> io::Result<Self> {
        build::build(nodes, options.into())
    }

    /// What cuts its links.
    pub fn engine(&self) -> PartitionEngine {
        self.options.engine
    }

    /// What it was built with, save that TCP knobs which this kernel lacks are none.
    pub fn options(&self) -> &NetworkOptions {
        &self.options
    }

    /// The address of a node, or of the [`CLIENTS`].
    pub fn address(&self, node: &str) -> Option<Ipv4Addr> {
        self.member(node).map(|member| member.address)
    }

    /// The namespace of a node, or of the [`CLIENTS`].
    pub fn namespace(&self, node: &str) -> Option<&NetNs> {
        self.member(node).map(|member| &member.namespace)
    }

    fn member(&self, node: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == node)
    }

    /// Makes exactly the links of `grudge` drop packets, and sends a datagram over every link to
    /// see that the cut ones drop it and the others pass it. Links of nodes that it does not know
    /// are an error. Links with packet faults on them may lose or delay the datagram, and are not
    /// asked whether they pass it.
    pub fn cut(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        let took = self.cut_quickly(grudge)?;
        let seen = probe::look(self)?;
        Ok(PartitionSeen { took, ..seen })
    }

    /// Does the same without looking, as for a link that flickers, and tells how long it took.
    pub fn cut_quickly(&mut self, grudge: &Grudge) -> Result<Duration, HostError> {
        self.check_known(grudge.links())?;
        let start = Instant::now();
        self.change_to(grudge).map_err(|error| HostError::Failed(error.to_string()))?;
        Ok(start.elapsed())
    }

    /// Makes every link pass packets, and sees that it does.
    pub fn heal(&mut self) -> Result<PartitionSeen, HostError> {
        self.cut(&Grudge::none())
    }

    /// Gives exactly these links these conditions, all others none. Where `look` is true, datagrams
    /// are sent over the links with conditions, to see what they meet; that takes as long as their
    /// delays and a tenth of a second more where some are lost. Packets that are held back when
    /// conditions change wait no longer than if they had come now, and keep their order.
    pub fn shape(
        &mut self,
        links: &BTreeMap<Link, LinkCondition>,
        look: bool,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError> {
        self.check_known(links.keys().cloned())?;
        shaping::shape(self, links)?;
        if look { shaping::look(self) } else { Ok(BTreeMap::new()) }
    }

    /// What every link did to packets so far; those that none ever passed are missing.
    pub fn shaped(&self) -> Result<BTreeMap<Link, LinkCounts>, HostError> {
        shaping::counts(self)
    }

    fn check_known(&self, mut links: impl Iterator<Item = Link>) -> Result<(), HostError> {
        let knows =
            |link: &Link| self.member(&link.from).is_some() && self.member(&link.to).is_some();
        match links.find(|link| !knows(link)) {
            Some(link) => Err(HostError::Failed(format!("there is no link {link}"))),
            None => Ok(()),
        }
    }

    /// Every directed link with the places of its ends.
    fn links(&self) -> impl Iterator<Item = (Link, usize, usize)> {
        let ends = || self.members.iter().enumerate();
        ends().flat_map(move |(from, sender)| {
            ends().filter(move |(to, _)| from != *to).map(move |(to, receiver)| {
                (Link { from: sender.name.clone(), to: receiver.name.clone() }, from, to)
            })
        })
    }

    fn switch(&self) -> Option<&Switch> {
        match &self.segment {
            Segment::Switch { switch, .. } => Some(switch),
            Segment::Bridge { .. } => None,
        }
    }

    fn change_to(&mut self, grudge: &Grudge) -> io::Result<()> {
        if let Some(switch) = self.switch() {
            switch.check_running()?;
        }
        match (&self.cutter, self.switch()) {
            (Cutter::Segment, None) => unreachable!("a bridge cuts nothing"),
            (Cutter::Segment, Some(switch)) => {
                for (link, from, to) in self.links() {
                    switch.set_cut(from, to, grudge.drops(&link.from, &link.to));
                }
            }
            (Cutter::Iptables(iptables), _) => {
                for (link, packets) in self.change_rules(iptables, grudge)? {
                    *self.dropped_before.entry(link).or_default() += packets;
                }
            }
        }
        self.grudge = grudge.clone();
        Ok(())
    }

    /// Loads new rules where they change, and returns what those before had counted.
    fn change_rules(
        &self,
        iptables: &Iptables,
        grudge: &Grudge,
    ) -> io::Result<BTreeMap<Link, u64>> {
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
        let by_link = |(member, counters)| self.by_link(member, counters);
        Ok(counted.into_iter().flat_map(by_link).collect())
    }

    /// How many packets each link dropped so far because it was cut. Packets that fall between the
    /// last look at a rule of iptables and its removal are missing.
    pub fn dropped(&self) -> io::Result<BTreeMap<Link, u64>> {
        let mut total = self.dropped_before.clone();
        match (&self.cutter, self.switch()) {
            (Cutter::Segment, None) => unreachable!("a bridge cuts nothing"),
            (Cutter::Segment, Some(switch)) => {
                for (link, from, to) in self.links() {
                    match switch.dropped(from, to) {
                        0 => {}
                        packets => drop(total.insert(link, packets)),
                    }
                }
            }
            (Cutter::Iptables(iptables), _) => {
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

    /// The counters of one end's rules, by link.
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
        let home = self.namespace(CLIENTS).expect("the clients are a member");
        if let Cutter::Iptables(iptables) = &self.cutter {
            // Its rules match nobody once the interface is gone, if they cannot be removed.
            let _ = iptables.uninstall(home);
        }
        build::remove_controller_interface(home);
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
