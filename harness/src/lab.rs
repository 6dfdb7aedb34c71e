//! Where the nodes live: on hosts of their own, or on ports of this one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitStatus;

use anyhow::{Context, Result};
use clap::ValueEnum;
use engines::doctor::try_namespace_lab;
use engines::loopback::{LoopbackAddresses, LoopbackNetwork};
use engines::network::{Network, NetworkOptions, PartitionEngine, TcpKnobs, choose_engine};
use engines::node_process::NodeListener;
use engines::process_tree::{Lab, relaunch};
use engines::{LocalHost, engine_for};
use faults::fault::Family;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::targets::{Member, PeerDoor, Target};

/// The port for clients of every node that has an address of its own; those for peers follow it.
const PORT: u16 = 7000;

/// Which lab a run asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LabChoice {
    /// Hosts of their own where namespaces are to be had, else loopback ports
    Auto,
    /// A host of its own for each node: network, mount and pid namespaces
    Netns,
    /// Ports of this host, with proxies between the nodes: no packet faults
    Loopback,
    /// None: the cluster runs already, see --addresses
    None,
}

/// Which engine cuts links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum EngineChoice {
    /// The first that works: iptables-legacy, iptables-nft, switch
    Auto,
    /// The first kind of iptables that works
    Iptables,
    /// The user-space switch, which needs nothing installed
    Switch,
}

/// The lab that a run is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabInUse {
    lab: Lab,
    /// Whether the cluster runs already, and no node of it is ours.
    pub elsewhere: bool,
    /// Why it was chosen, for people.
    pub reason: String,
    /// What cuts links; none where nothing can.
    pub partition_engine: Option<PartitionEngine>,
    /// Why that engine, for people.
    pub engine_reason: String,
}

/// What a lab can do of what a plan asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engines {
    /// What does the faults of each family, by its name.
    pub found: BTreeMap<String, String>,
    /// Families that are left out, each with the reason.
    pub lacking: Vec<(String, String)>,
}

/// Starts this program again as the controller of a lab, and waits until it has ended.
///
/// # Errors
/// When the lab that was asked for cannot be had.
pub fn enter(choice: LabChoice) -> Result<ExitStatus> {
    let loopback = || relaunch(Lab::Loopback).context("cannot start the loopback lab");
    match choice {
        LabChoice::Loopback => loopback(),
        // What is started here is only the controller; it is watched over in the same way.
        LabChoice::None => loopback(),
        LabChoice::Netns => relaunch(Lab::Namespaces)
            .context("cannot make namespaces (stormproof doctor says more)"),
        // Namespaces may be had without links between them, which is known only inside; so it is
        // tried before, while there is still a choice.
        LabChoice::Auto => match try_namespace_lab() {
            Ok(()) => relaunch(Lab::Namespaces).context("cannot make namespaces a second time"),
            Err(why) => {
                eprintln!("no hosts of their own for the nodes here: {why}");
                loopback()
            }
        },
    }
}

impl LabInUse {
    /// Looks around inside of a lab that `choice` led to.
    ///
    /// # Errors
    /// When the engine that was asked for does not work here.
    pub fn settle(lab: Lab, choice: LabChoice, engine: EngineChoice) -> Result<LabInUse> {
        let reason = match (lab, choice) {
            (Lab::Namespaces, LabChoice::Auto) => {
                "namespaces work here, so every node has a host of its own"
            }
            (Lab::Loopback, LabChoice::Auto) => {
                "nodes cannot have hosts of their own here (stormproof doctor says why)"
            }
            (_, LabChoice::None) => "the cluster runs already; nothing is started or stopped",
            _ => "asked for",
        };
        let (partition_engine, engine_reason) = match (lab, engine) {
            _ if choice == LabChoice::None => (None, "there are no links of ours".to_owned()),
            (Lab::Loopback, _) => (None, "the loopback lab has proxies".to_owned()),
            (_, EngineChoice::Switch) => (Some(PartitionEngine::Switch), "asked for".to_owned()),
            (_, EngineChoice::Auto | EngineChoice::Iptables) => {
                let chosen = choose_engine();
                if engine == EngineChoice::Iptables && chosen.engine == PartitionEngine::Switch {
                    anyhow::bail!("iptables does not work here: {}", chosen.reason);
                }
                (Some(chosen.engine), chosen.reason)
            }
        };
        let elsewhere = choice == LabChoice::None;
        Ok(LabInUse { lab, elsewhere, reason: reason.into(), partition_engine, engine_reason })
    }

    /// `netns`, `loopback` or `none`.
    pub fn name(&self) -> &'static str {
        if self.elsewhere { "none" } else { self.lab.name() }
    }

    /// What does the faults of that family to `target` in this lab. What the target is asked for
    /// is its word; everything else is tried for real.
    ///
    /// # Errors
    /// Why nothing does.
    pub fn engine_for(&self, family: Family, target: &dyn Target) -> Result<String, String> {
        match target.asked_for(family) {
            // A member that was removed has to be started again, by whoever started it.
            Some(request) if !self.elsewhere || family != Family::Membership => {
                Ok(request.to_owned())
            }
            _ if self.elsewhere => Err("the nodes of --addresses are not ours".to_owned()),
            _ => engine_for(family, self.partition_engine),
        }
    }

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
                let packet_faults = families.contains(&Family::Packet);
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

/// What joins the nodes, and can cut what it joins.
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

/// Ports of the loopback that nobody listens on. They are held until all are found, so that no two
/// are the same.
fn free_ports(count: usize) -> Result<Vec<SocketAddr>> {
    let held: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let held = held.context("no free port on the loopback")?;
    let addresses: std::io::Result<Vec<SocketAddr>> =
        held.iter().map(TcpListener::local_addr).collect();
    addresses.context("no free port on the loopback")
}
