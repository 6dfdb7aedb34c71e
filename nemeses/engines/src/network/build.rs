//! The construction of a network.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use nix::net::if_::if_nametoindex;

use super::engine::PartitionEngine;
use super::lab_network::{
    CONTROLLER_ADDRESS, CONTROLLER_INTERFACE, Cutter, Member, Network, NetworkOptions, PROBE_PORT,
    Segment, remove_controller_interface,
};
use super::parallel::in_parallel;
use super::probe;
use crate::iptables::{Backend, Iptables};
use crate::namespace::NetNs;
use crate::netlink::{Mac, Netlink};
use crate::switch::{Port, Switch};
use faults::grudge::{CLIENTS, Grudge};

/// The number of nodes that have room beside the controller.
const MOST_NODES: usize = 253;

/// A node's end of its link.
const NODE_INTERFACE: &str = "eth0";
const BRIDGE: &str = "bridge0";
const PREFIX_LENGTH: u8 = 24;

/// The address of the node with this index, from 0.
fn node_address(index: usize) -> Ipv4Addr {
    let [a, b, c, _] = CONTROLLER_ADDRESS.octets();
    let last = u8::try_from(index + 1).expect("the number of nodes was checked");
    Ipv4Addr::new(a, b, c, last)
}

/// A hardware address made of an address: locally administered, unique on the segment.
fn mac(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    [0x02, 0x00, a, b, c, d]
}

/// One end of the segment, before the network is whole.
struct End<'a> {
    namespace: &'a NetNs,
    interface: &'static str,
    address: Ipv4Addr,
}

impl Network {
    /// Builds a network for `nodes`. The controller's interface goes to the namespace of the
    /// calling thread, which must be one of a lab.
    pub fn build(nodes: &[String], options: impl Into<NetworkOptions>) -> io::Result<Self> {
        let options = options.into();
        if nodes.len() > MOST_NODES {
            let what = format!("{} nodes: a segment has room for {MOST_NODES}", nodes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        if nodes.iter().any(|node| node == CLIENTS) {
            let what = format!("no node may be called {CLIENTS}, the name of the clients");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        if if_nametoindex(CONTROLLER_INTERFACE).is_ok() {
            let what = format!("there is a network here already: {CONTROLLER_INTERFACE}");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        let home = NetNs::current()?;
        assemble(nodes, options, home).inspect_err(|_| {
            // The thread is still in it.
            let _ = NetNs::current().map(|home| remove_controller_interface(&home));
        })
    }
}

fn assemble(nodes: &[String], options: NetworkOptions, home: NetNs) -> io::Result<Network> {
    let iptables = find_iptables(options.engine)?;
    let by_switch = iptables.is_none() || options.packet_faults;
    let segment = NetNs::create()?;
    let namespaces = in_parallel(nodes.iter(), |_| NetNs::create())?;

    let controller =
        End { namespace: &home, interface: CONTROLLER_INTERFACE, address: CONTROLLER_ADDRESS };
    let node_ends = namespaces.iter().enumerate().map(|(index, namespace)| End {
        namespace,
        interface: NODE_INTERFACE,
        address: node_address(index),
    });
    let ends: Vec<_> = [controller].into_iter().chain(node_ends).collect();
    let ports = segment.run(|| join(&ends, by_switch))??;
    let everybody: Vec<_> = ends.iter().map(|end| end.address).collect();
    let set_up = in_parallel(ends.iter(), |end| {
        end.namespace.run(|| Ok((set_up(end, &everybody)?, options.tcp.apply()?)))?
    })?;
    let (probes, tcp): (Vec<_>, Vec<_>) = set_up.into_iter().unzip();
    let tcp = tcp.first().copied().expect("the controller is an end");

    let segment = match by_switch {
        true => Segment::Switch { switch: Switch::start(ports)?, _namespace: segment },
        false => Segment::Bridge { _namespace: segment },
    };
    let cutter = match iptables {
        Some(iptables) => {
            in_parallel(ends.iter(), |end| iptables.install(end.namespace))?;
            Cutter::Iptables(iptables)
        }
        None => Cutter::Segment,
    };
    let open: Vec<_> = everybody.iter().copied().zip(&probes).collect();
    probe::wait_until_open(&open)?;
    let names = [CLIENTS.to_owned()].into_iter().chain(nodes.iter().cloned());
    let namespaces = [home].into_iter().chain(namespaces);
    let members = names.zip(everybody).zip(namespaces).zip(probes);
    Ok(Network {
        options: NetworkOptions { tcp, ..options },
        segment,
        cutter,
        members: members
            .map(|(((name, address), namespace), probe)| Member { name, address, namespace, probe })
            .collect(),
        grudge: Grudge::none(),
        conditions: Default::default(),
        shapings: 0,
        dropped_before: Default::default(),
    })
}

/// The programs that an engine needs; none for the switch.
fn find_iptables(engine: PartitionEngine) -> io::Result<Option<Iptables>> {
    let backend = match engine {
        PartitionEngine::IptablesLegacy => Backend::Legacy,
        PartitionEngine::IptablesNft => Backend::Nft,
        PartitionEngine::Switch => return Ok(None),
    };
    let missing = || {
        let what = format!("the programs of {engine} are not installed");
        io::Error::new(io::ErrorKind::NotFound, what)
    };
    Iptables::find(backend).map(Some).ok_or_else(missing)
}

/// In the segment's namespace: a link to each end, joined by a bridge or opened as ports of a
/// switch. It returns the ports.
fn join(ends: &[End<'_>], by_switch: bool) -> io::Result<Vec<Port>> {
    let mut netlink = Netlink::open()?;
    if !by_switch {
        netlink.add_bridge(BRIDGE)?;
        disable_ipv6(BRIDGE)?;
        netlink.set_up(BRIDGE)?;
    }
    let mut ports = Vec::new();
    for (index, end) in ends.iter().enumerate() {
        let port = format!("port{index}");
        netlink.add_veth(&port, end.interface, end.namespace, mac(end.address))?;
        disable_ipv6(&port)?;
        if by_switch {
            ports.push(Port::open(&port, mac(end.address))?);
        } else {
            netlink.join_bridge(&port, BRIDGE)?;
        }
        netlink.set_up(&port)?;
    }
    Ok(ports)
}

/// In the namespace of an end: the address, everybody else's hardware address, and the socket of
/// the probes.
fn set_up(end: &End<'_>, everybody: &[Ipv4Addr]) -> io::Result<UdpSocket> {
    let mut netlink = Netlink::open()?;
    disable_ipv6(end.interface)?;
    netlink.set_up("lo")?;
    netlink.set_up(end.interface)?;
    netlink.add_address(end.interface, end.address, PREFIX_LENGTH)?;
    for other in everybody.iter().filter(|other| **other != end.address) {
        netlink.add_neighbour(end.interface, *other, mac(*other))?;
    }
    let probe = UdpSocket::bind((end.address, PROBE_PORT))?;
    probe.set_nonblocking(true)?;
    Ok(probe)
}

/// Before an interface is up, so that it never says anything.
fn disable_ipv6(interface: &str) -> io::Result<()> {
    let file = format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6");
    match fs::write(&file, "1") {
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_an_address_of_its_own_that_is_not_the_controllers() {
        let mut addresses: Vec<_> = (0..MOST_NODES).map(node_address).collect();
        addresses.push(CONTROLLER_ADDRESS);
        let hardware: std::collections::BTreeSet<_> =
            addresses.iter().map(|address| mac(*address)).collect();
        assert_eq!(hardware.len(), MOST_NODES + 1);
    }
}
