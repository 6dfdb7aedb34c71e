//! Where the nodes live: on hosts of their own, or on ports of this one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitStatus;

use anyhow::{Context, Result};
use clap::ValueEnum;
use nemeses::fault::Family;
use nemeses::host::engine_for;
use nemeses::host::network::{Network, NetworkOptions, PartitionEngine, choose_engine};
use nemeses::host::process_tree::{Lab, relaunch};
use serde::{Deserialize, Serialize};

/// The port of every node that has an address of its own.
const PORT: u16 = 7000;

/// Which lab a run asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LabChoice {
    /// Hosts of their own where namespaces are to be had, else loopback ports
    Auto,
    /// A host of its own for each node: network, mount and pid namespaces
    Netns,
    /// Ports of this host: kills and pauses, no partitions
    Loopback,
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
        LabChoice::Netns => relaunch(Lab::Namespaces)
            .context("cannot make namespaces (stormproof doctor says more)"),
        LabChoice::Auto => relaunch(Lab::Namespaces).or_else(|error| {
            eprintln!("no namespaces here: {error}");
            loopback()
        }),
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
                "namespaces do not work here (stormproof doctor says why)"
            }
            _ => "asked for",
        };
        let (partition_engine, engine_reason) = match (lab, engine) {
            (Lab::Loopback, _) => (None, "the loopback lab has no links to cut".to_owned()),
            (_, EngineChoice::Switch) => (Some(PartitionEngine::Switch), "asked for".to_owned()),
            (_, EngineChoice::Auto | EngineChoice::Iptables) => {
                let chosen = choose_engine();
                if engine == EngineChoice::Iptables && chosen.engine == PartitionEngine::Switch {
                    anyhow::bail!("iptables does not work here: {}", chosen.reason);
                }
                (Some(chosen.engine), chosen.reason)
            }
        };
        Ok(LabInUse { lab, reason: reason.into(), partition_engine, engine_reason })
    }

    /// `netns` or `loopback`.
    pub fn name(&self) -> &'static str {
        self.lab.name()
    }

    /// What does the faults of that family in this lab, tried for real.
    ///
    /// # Errors
    /// Why nothing does.
    pub fn engine_for(&self, family: Family) -> Result<String, String> {
        engine_for(family, self.partition_engine)
    }

    /// Gives every node an address, on a network whose packets can be troubled where `packet_faults`
    /// asks for it. The network exists as long as the value that is returned.
    ///
    /// # Errors
    /// When the network cannot be made or no port is free.
    pub fn addresses(
        &self,
        nodes: &[String],
        packet_faults: bool,
    ) -> Result<(Option<Network>, Vec<SocketAddr>)> {
        match self.partition_engine {
            Some(engine) => {
                let options = NetworkOptions { packet_faults, ..engine.into() };
                let network = Network::build(nodes, options).context("cannot build the network")?;
                let address = |node: &String| {
                    network.address(node).map(|address| SocketAddr::from((address, PORT)))
                };
                let addresses: Option<Vec<_>> = nodes.iter().map(address).collect();
                let addresses = addresses.context("a node has no address")?;
                Ok((Some(network), addresses))
            }
            None => Ok((None, free_ports(nodes.len())?)),
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
