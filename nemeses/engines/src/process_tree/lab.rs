//! The labs that there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use faults::names::{self, UnknownName};

/// The place in which a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabContext {
    /// As the user started it.
    Outside,
    /// As the controller of a lab.
    Inside(Lab),
}

/// The separation of the nodes of a run from the machine and from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lab {
    /// Fresh network, mount and pid namespaces, and a user namespace when not root. Every node has
    /// an address of its own.
    #[serde(rename = "netns")]
    Namespaces,
    /// Plain processes on loopback ports.
    Loopback,
}

impl Lab {
    /// Every lab, the preferred one first.
    pub const ALL: [Self; 2] = [Self::Namespaces, Self::Loopback];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "netns",
            Self::Loopback => "loopback",
        }
    }
}

impl fmt::Display for Lab {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Lab {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("lab", name, &Self::ALL, Self::name)
    }
}
