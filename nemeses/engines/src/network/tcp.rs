//! The time after which TCP tries again after a cut: a knob of the lab, by default the kernel's
//! own.
//!
//! A connection that hangs is tried again after twice the time each time. With the kernel's own
//! settings, a connection that was cut for 20 s resumed 6.5 s after the heal; with tries at least
//! once a second, 0.9 s. That is right for what clients see on real hosts, and wasteful where many
//! short partitions shall fit into one run.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

const RTO_MAX: &str = "/proc/sys/net/ipv4/tcp_rto_max_ms";
const RETRIES: &str = "/proc/sys/net/ipv4/tcp_retries2";

/// Settings of TCP in the namespaces of a lab. None leaves the kernel's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpKnobs {
    /// The longest time between two tries, in milliseconds; the kernel's own is 120,000, and it
    /// takes 1,000 and more. Linux has it since 6.15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rto_max_ms: Option<u32>,
    /// The number of tries before a connection is given up, with `rto_max_ms` between them at most;
    /// the kernel's own is 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
}

impl TcpKnobs {
    /// Tries at least once a second, for a hundred seconds.
    pub const QUICK: Self = Self { rto_max_ms: Some(1_000), retries: Some(100) };

    /// In the namespace of the calling thread. It returns what could be set: what this kernel does
    /// not have is left out.
    pub(super) fn apply(self) -> io::Result<Self> {
        Ok(Self {
            rto_max_ms: set(RTO_MAX, self.rto_max_ms)?,
            retries: set(RETRIES, self.retries)?,
        })
    }
}

fn set(file: &str, value: Option<u32>) -> io::Result<Option<u32>> {
    let Some(wanted) = value else { return Ok(None) };
    match fs::write(file, wanted.to_string()) {
        Ok(()) => Ok(Some(wanted)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let what = format!("{file} does not take {wanted}: {error}");
            Err(io::Error::new(error.kind(), what))
        }
    }
}
