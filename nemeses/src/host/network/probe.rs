//! Looks whether links do what they should, by sending a datagram over each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::{Member, Network};
use crate::grudge::Link;
use crate::world::{HostError, PartitionSeen};

/// The discard service's port (RFC 863), which nothing else uses.
pub(super) const PROBE_PORT: u16 = 9;
/// A datagram on this network arrives, or is dropped and counted, within a millisecond; only a
/// starved machine takes longer.
const PATIENCE: Duration = Duration::from_millis(100);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Sends a datagram over every link and waits until all have arrived or been counted as dropped,
/// as the links should do; not longer than `PATIENCE`.
pub(super) fn look(network: &Network) -> Result<PartitionSeen, HostError> {
    let failed = |error: std::io::Error| HostError::Failed(error.to_string());
    let members = &network.members;
    drain(members);
    let before = network.dropped().map_err(failed)?;
    let mut should_pass = BTreeSet::new();
    for from in members {
        for to in members.iter().filter(|to| to.name != from.name) {
            // Lost here or on the way, the wait below tells.
            let _ = from.probe.send_to(&[0], (to.address, PROBE_PORT));
            if !network.grudge.drops(&from.name, &to.name) {
                should_pass.insert(link(from, to));
            }
        }
    }
    let start = Instant::now();
    let mut silent = should_pass;
    loop {
        silent = silent.difference(&drain(members)).cloned().collect();
        let now = network.dropped().map_err(failed)?;
        let dropped: BTreeMap<_, _> = network
            .grudge
            .links()
            .map(|link| {
                let count = |of: &BTreeMap<_, _>| of.get(&link).copied().unwrap_or(0);
                let packets = count(&now).saturating_sub(count(&before));
                (link, packets)
            })
            .collect();
        let unproven: BTreeSet<_> = dropped
            .iter()
            .filter(|(_, packets)| **packets == 0)
            .map(|(link, _)| link.clone())
            .collect();
        let all_seen = silent.is_empty() && unproven.is_empty();
        if all_seen || start.elapsed() > PATIENCE {
            return Ok(PartitionSeen { dropped, unproven, silent, took: Duration::ZERO });
        }
        std::thread::sleep(PAUSE);
    }
}

fn link(from: &Member, to: &Member) -> Link {
    Link { from: from.name.clone(), to: to.name.clone() }
}

/// Takes what has arrived at the probes, and tells over which links.
fn drain(members: &[Member]) -> BTreeSet<Link> {
    let mut arrived = BTreeSet::new();
    for to in members {
        while let Ok((_, SocketAddr::V4(source))) = to.probe.recv_from(&mut [0; 8]) {
            let from = members.iter().find(|from| IpAddr::V4(from.address) == *source.ip());
            arrived.extend(from.map(|from| link(from, to)));
        }
    }
    arrived
}
