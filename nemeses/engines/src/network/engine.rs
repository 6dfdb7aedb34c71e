//! The engines that cut links, and the choice between them by trying.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::iptables::{Backend, Iptables};
use faults::names::{self, UnknownName};

/// An engine that cuts links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionEngine {
    /// iptables by the older part of the kernel; the faster of the two.
    IptablesLegacy,
    /// iptables by nf_tables.
    IptablesNft,
    /// Our own switch, which needs nothing installed.
    Switch,
}

impl PartitionEngine {
    /// Every engine, the preferred ones first.
    pub const ALL: [Self; 3] = [Self::IptablesLegacy, Self::IptablesNft, Self::Switch];

    /// The name in plans, on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::IptablesLegacy => "iptables-legacy",
            Self::IptablesNft => "iptables-nft",
            Self::Switch => "switch",
        }
    }
}

impl fmt::Display for PartitionEngine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for PartitionEngine {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("partition engine", name, &Self::ALL, Self::name)
    }
}

/// An engine and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The engine.
    pub engine: PartitionEngine,
    /// One sentence.
    pub reason: String,
}

/// Chooses the engine by trying each in a scratch namespace: iptables-legacy where a rule of it
/// drops a datagram, else iptables-nft, else our own switch. The calling process must be allowed to
/// make network namespaces.
pub fn choose_engine() -> Choice {
    let legacy = match Iptables::try_out(Backend::Legacy) {
        Ok(_) => {
            let reason = "iptables-legacy works here".to_owned();
            return Choice { engine: PartitionEngine::IptablesLegacy, reason };
        }
        Err(why) => why,
    };
    match Iptables::try_out(Backend::Nft) {
        Ok(_) => {
            let reason = format!("iptables-nft works here, and {legacy}");
            Choice { engine: PartitionEngine::IptablesNft, reason }
        }
        Err(nft) => {
            let reason = format!("{legacy}, and {nft}");
            Choice { engine: PartitionEngine::Switch, reason }
        }
    }
}
