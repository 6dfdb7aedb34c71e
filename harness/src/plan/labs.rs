//! The labs and engines that a plan can ask for.

use clap::ValueEnum;
use serde::Serialize;

/// The place where the nodes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LabChoice {
    /// Hosts of their own where namespaces are to be had, else loopback ports
    Auto,
    /// A host of its own for each node: network, mount and pid namespaces
    Netns,
    /// Ports of this host, with proxies between the nodes: no packet faults
    Loopback,
    /// None: the cluster runs already, see --addresses
    None,
}

/// The engine that cuts links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EngineChoice {
    /// The first that works: iptables-legacy, iptables-nft, switch
    Auto,
    /// The first kind of iptables that works
    Iptables,
    /// The user-space switch, which needs nothing installed
    Switch,
}
