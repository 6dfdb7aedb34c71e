//! Looks whether links do what they should, by sending datagrams over them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::lab_network::{Network, PROBE_PORT};
use super::shaping;
use faults::grudge::Link;
use faults::host::{HostError, PartitionSeen};

/// Its length distinguishes it from those that measure a link.
const PROBE: [u8; 1] = [0];
/// A datagram on this network arrives, or is dropped and counted, within a millisecond. On a
/// machine that is starved it took a tenth of a second and more, which proves nothing; and a heal
/// that is not believed is done again.
const PATIENCE: Duration = Duration::from_secs(1);
/// The kernel starts to send on a new interface when it gets to it, which took 0.1 s on a busy
/// machine.
const NEW_LINK_PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// An end of a link: an address, and a socket that is bound to it and does not block.
pub(super) type End<'a> = (Ipv4Addr, &'a UdpSocket);

/// A directed link by the places of its ends, sender first.
type Pair = (usize, usize);

/// Waits until a new network carries datagrams from every end to every other.
pub(super) fn wait_until_open(ends: &[End<'_>]) -> io::Result<()> {
    let mut silent = pairs(ends);
    let start = Instant::now();
    while !silent.is_empty() {
        if start.elapsed() > NEW_LINK_PATIENCE {
            let (from, to) = silent.first().expect("some are silent");
            let what = format!("a new link passes nothing: {} → {}", ends[*from].0, ends[*to].0);
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        send(ends, &silent);
        std::thread::sleep(PAUSE);
        silent = &silent - &arrived(ends);
    }
    Ok(())
}

/// Sends datagrams over every link until each was seen to do what it should, to pass them or to
/// drop and count them; not longer than `PATIENCE`, and the time for which packet faults keep them
/// from reaching the rules that drop them.
///
/// Ends by `until`, cut short, but not before every datagram was sent once.
pub(super) fn look(network: &Network, until: Option<Instant>) -> Result<PartitionSeen, HostError> {
    let failed = |error: io::Error| HostError::Failed(error.to_string());
    let ends: Vec<_> =
        network.members.iter().map(|member| (member.address, &member.probe)).collect();
    let link = |(from, to): Pair| Link {
        from: network.members[from].name.clone(),
        to: network.members[to].name.clone(),
    };
    let is_cut = |(from, to): &Pair| {
        network.grudge.drops(&network.members[*from].name, &network.members[*to].name)
    };
    let (mut unproven, mut silent): (BTreeSet<_>, BTreeSet<_>) =
        pairs(&ends).into_iter().partition(is_cut);
    // What they lose or hold back says nothing.
    silent.retain(|pair| !network.conditions.contains_key(&link(*pair)));
    let delays = unproven.iter().filter_map(|pair| network.conditions.get(&link(*pair)));
    let patience = PATIENCE + delays.map(shaping::longest_delay).max().unwrap_or_default();
    let cut: Vec<_> = unproven.iter().copied().map(link).collect();
    // What was under way before says nothing.
    arrived(&ends);
    let before = network.dropped().map_err(failed)?;
    let start = Instant::now();
    loop {
        send(&ends, &silent);
        send(&ends, &unproven);
        silent = &silent - &arrived(&ends);
        let now = network.dropped().map_err(failed)?;
        let rise = |link: &Link| {
            let count = |of: &BTreeMap<_, _>| of.get(link).copied().unwrap_or(0_u64);
            count(&now).saturating_sub(count(&before))
        };
        unproven.retain(|pair| rise(&link(*pair)) == 0);
        let all_seen = silent.is_empty() && unproven.is_empty();
        let cut_short = !all_seen && until.is_some_and(|until| Instant::now() >= until);
        if all_seen || cut_short || start.elapsed() > patience {
            return Ok(PartitionSeen {
                dropped: cut.into_iter().map(|link| (link.clone(), rise(&link))).collect(),
                unproven: unproven.into_iter().map(link).collect(),
                silent: silent.into_iter().map(link).collect(),
                cut_short,
                took: Duration::ZERO,
            });
        }
        std::thread::sleep(PAUSE);
    }
}

/// Every link between different ends.
fn pairs(ends: &[End<'_>]) -> BTreeSet<Pair> {
    let all = (0..ends.len()).flat_map(|from| (0..ends.len()).map(move |to| (from, to)));
    all.filter(|(from, to)| from != to).collect()
}

fn send(ends: &[End<'_>], pairs: &BTreeSet<Pair>) {
    for (from, to) in pairs {
        // A datagram that is lost here or on the way is sent again.
        let _ = ends[*from].1.send_to(&PROBE, (ends[*to].0, PROBE_PORT));
    }
}

/// Takes the datagrams that have arrived, and returns their links.
fn arrived(ends: &[End<'_>]) -> BTreeSet<Pair> {
    let mut arrived = BTreeSet::new();
    for (to, (_, socket)) in ends.iter().enumerate() {
        while let Ok((length, SocketAddr::V4(source))) = socket.recv_from(&mut [0; 8]) {
            let from = ends.iter().position(|(address, _)| address == source.ip());
            arrived.extend(from.filter(|_| length == PROBE.len()).map(|from| (from, to)));
        }
    }
    arrived
}
