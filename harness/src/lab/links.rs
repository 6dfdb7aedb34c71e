//! The links between the nodes of a run.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result};
use engines::LocalHost;
use engines::loopback::{LoopbackAddresses, LoopbackNetwork};
use engines::network::{Network, NetworkOptions, TcpKnobs};
use engines::node_process::NodeListener;
use faults::fault::Family;
use faults::trigger::TriggerKind;

use super::LabInUse;
use crate::plan::Plan;
use crate::targets::{Member, PeerDoor};

/// The port for clients of every node that has an address of its own; those for peers follow it.
const PORT: u16 = 7000;

impl LabInUse {
    /// Connects the nodes of a plan, so that its faults can be done to their links, and gives each
    /// the place that `folder` says and `peer_ports` ports for its peers (see
    /// [`Target::peer_ports`]). The links exist as long as the value that is returned.
    ///
    /// # Errors
    /// When the network cannot be made or no port is free.
    pub fn connect(
        &self,
        plan: &Plan,
        peer_ports: usize,
        folder: impl Fn(&str) -> Result<PathBuf>,
    ) -> Result<(Links, Vec<Member>)> {
        let (nodes, families) = (&plan.node_names(), plan.families());
        let cuts = families.iter().any(|family| family.cuts_links());
        let mut members = Vec::new();
        let links = match self.partition_engine {
            None if self.elsewhere => {
                for (name, address) in nodes.iter().zip(&plan.addresses) {
                    members.push(Member::at(name, *address, folder(name)?));
                }
                Links::None
            }
            Some(engine) => {
                // What is waited for on a link is seen by the switch, too.
                let messages = plan.trigger_kinds().contains(&TriggerKind::Message);
                let packet_faults =
                    families.contains(&Family::Packet) || messages || plan.keeps_order();
                let tcp = if plan.quick_tcp { TcpKnobs::QUICK } else { TcpKnobs::default() };
                let options = NetworkOptions { engine, packet_faults, tcp };
                let network = Network::build(nodes, options).context("cannot build the network")?;
                for name in nodes {
                    let address = network.address(name).context("a node has no address")?;
                    let own = |port| PeerDoor::open(SocketAddr::from((address, port)));
                    let peers = (PORT + 1..).take(peer_ports).map(own).collect();
                    let member = Member::at(name, (address, PORT).into(), folder(name)?);
                    members.push(member.with_peers_at(peers));
                }
                Links::Network(network)
            }
            None if cuts => {
                let proxies =
                    LoopbackNetwork::build(nodes, peer_ports).context("cannot make proxies")?;
                for name in nodes {
                    let LoopbackAddresses { listen, clients, peers } =
                        proxies.addresses(name).context("a node has no address")?;
                    let member = Member::at(name, listen, folder(name)?).with_peers_at(peers);
                    members.push(Member { for_clients: clients, ..member });
                }
                Links::Proxies(proxies)
            }
            None => {
                let ports = free_ports(nodes.len() * (1 + peer_ports))?;
                for (name, ports) in nodes.iter().zip(ports.chunks(1 + peer_ports)) {
                    let peers = ports[1..].iter().copied().map(PeerDoor::open).collect();
                    let member = Member::at(name, ports[0], folder(name)?);
                    members.push(member.with_peers_at(peers));
                }
                Links::None
            }
        };
        Ok((links, members))
    }
}

/// The links between nodes, which can be cut.
pub enum Links {
    /// Hosts of their own.
    Network(Network),
    /// Proxies on the loopback.
    Proxies(LoopbackNetwork),
    /// Nothing but the loopback.
    None,
}

impl Links {
    /// The host whose nodes they join.
    ///
    /// # Errors
    /// When its thread cannot be started.
    pub fn host(self, listener: NodeListener) -> std::io::Result<LocalHost> {
        match self {
            Links::Network(network) => LocalHost::new(Some(network), listener),
            Links::Proxies(proxies) => Ok(LocalHost::new(None, listener)?.with_proxies(proxies)),
            Links::None => LocalHost::new(None, listener),
        }
    }
}

/// Free ports of the loopback. They are held until all are found, so that no two
/// are the same.
fn free_ports(count: usize) -> Result<Vec<SocketAddr>> {
    let held: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let held = held.context("no free port on the loopback")?;
    let addresses: std::io::Result<Vec<SocketAddr>> =
        held.iter().map(TcpListener::local_addr).collect();
    addresses.context("no free port on the loopback")
}
