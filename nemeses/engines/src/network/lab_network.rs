//! A network and its parts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};

use super::engine::PartitionEngine;
use super::tcp::TcpKnobs;
use crate::iptables::Iptables;
use crate::namespace::NetNs;
use crate::netlink::Netlink;
pub(super) use crate::switch::PROBE_PORT;
use crate::switch::Switch;
use faults::fault::LinkCondition;
use faults::grudge::{CLIENTS, Grudge, Link};
use faults::host::HostError;

/// The controller's address on the segment.
pub(super) const CONTROLLER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
/// The controller's end of its link.
pub(super) const CONTROLLER_INTERFACE: &str = "storm0";

/// The options of a network. A [`PartitionEngine`] alone means no packet faults, and
/// the kernel's own TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkOptions {
    /// The engine that cuts its links.
    pub engine: PartitionEngine,
    /// True if links shall be slow, lossy or narrow too. Our own switch then carries all packets
    /// under every engine; it adds some 0.03 ms to a round trip over the kernel's bridge.
    pub packet_faults: bool,
    /// The settings of TCP at every end, the clients' included.
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
    pub(super) options: NetworkOptions,
    pub(super) segment: Segment,
    pub(super) cutter: Cutter,
    /// The clients first, so that places here are those of the switch's ports.
    pub(super) members: Vec<Member>,
    pub(super) grudge: Grudge,
    /// Of links with packet faults on them.
    pub(super) conditions: BTreeMap<Link, LinkCondition>,
    /// The number of times that conditions were set.
    pub(super) shapings: u32,
    /// The packets that rules dropped which are gone.
    pub(super) dropped_before: BTreeMap<Link, u64>,
}

/// The carrier of packets between the ends.
#[derive(Debug)]
pub(super) enum Segment {
    /// The kernel's bridge, in this namespace.
    Bridge { _namespace: NetNs },
    /// Our own switch, whose ports are in this namespace.
    Switch { switch: Switch, _namespace: NetNs },
}

/// The place at which packets are dropped.
#[derive(Debug)]
pub(super) enum Cutter {
    /// Rules where packets arrive.
    Iptables(Iptables),
    /// The segment, which is the switch.
    Segment,
}

/// An end of the network.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    pub(super) namespace: NetNs,
    /// Sends and receives the datagrams that show what a link does to packets.
    pub(super) probe: UdpSocket,
}

impl Network {
    /// The engine that cuts its links.
    pub fn engine(&self) -> PartitionEngine {
        self.options.engine
    }

    /// The options that it was built with, except that TCP knobs which this kernel lacks are none.
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

    pub(super) fn member(&self, node: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == node)
    }

    pub(super) fn check_known(
        &self,
        mut links: impl Iterator<Item = Link>,
    ) -> Result<(), HostError> {
        let knows =
            |link: &Link| self.member(&link.from).is_some() && self.member(&link.to).is_some();
        match links.find(|link| !knows(link)) {
            Some(link) => Err(HostError::Failed(format!("there is no link {link}"))),
            None => Ok(()),
        }
    }

    /// Every directed link with the places of its ends.
    pub(super) fn links(&self) -> impl Iterator<Item = (Link, usize, usize)> {
        let ends = || self.members.iter().enumerate();
        ends().flat_map(move |(from, sender)| {
            ends().filter(move |(to, _)| from != *to).map(move |(to, receiver)| {
                (Link { from: sender.name.clone(), to: receiver.name.clone() }, from, to)
            })
        })
    }

    pub(crate) fn switch(&self) -> Option<&Switch> {
        match &self.segment {
            Segment::Switch { switch, .. } => Some(switch),
            Segment::Bridge { .. } => None,
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let home = self.namespace(CLIENTS).expect("the clients are a member");
        if let Cutter::Iptables(iptables) = &self.cutter {
            // Rules that cannot be removed match nothing once the interface is gone.
            let _ = iptables.uninstall(home);
        }
        remove_controller_interface(home);
    }
}

/// Namespaces go with their descriptors, but the kernel takes its time; the interface in that of
/// the controller goes at once. One that is gone already is fine.
pub(super) fn remove_controller_interface(home: &NetNs) {
    let _ = home.run(|| Netlink::open()?.remove_link(CONTROLLER_INTERFACE));
}
