//! The node that opened a connection of the loopback, by the tables of `/proc`.
//!
//! `/proc/net/tcp` has the inode of the socket at the other end, and `/proc/PID/fd` its holder.
//! Nodes are our own children, or theirs, so that we may look.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};

use crate::proc;

/// A connection by its ends: who opened it, and the door that he came by.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// The node that opened each of these connections; none when no node did. `processes` are the nodes
/// by process group.
///
/// The tables are read once for all: a machine has thousands of connections, most of them over, and
/// reading them for each that is opened would take longer than it takes to give up and open
/// another.
pub(super) fn nodes_of(
    connections: &[Ends],
    processes: &BTreeMap<i32, usize>,
) -> Vec<Option<usize>> {
    let mut found = vec![None; connections.len()];
    let sockets = sockets_of(connections);
    let mut missing = sockets.len();
    let mut search = |pid: i32, node: usize| {
        for inode in sockets_held(pid) {
            if let Some(place) = sockets.get(&inode)
                && found[*place].replace(node).is_none()
            {
                missing -= 1;
            }
        }
        missing == 0
    };
    // Mostly it is the process itself that was started.
    if sockets.is_empty() || processes.iter().any(|(pid, node)| search(*pid, *node)) {
        return found;
    }
    let all: BTreeMap<_, _> = proc::processes().collect();
    let others = all.keys().copied().filter(|pid| !processes.contains_key(pid));
    let mut others = others.filter_map(|pid| Some((pid, ancestor_among(pid, &all, processes)?)));
    others.any(|(pid, node)| search(pid, node));
    found
}

/// The inode of the socket that each connection was opened with, by which it stands in
/// `connections`.
fn sockets_of(connections: &[Ends]) -> BTreeMap<u64, usize> {
    let named = |(local, remote): &Ends| format!("{} {}", name(*local), name(*remote));
    let names: BTreeMap<_, _> = connections.iter().map(named).zip(0..).collect();
    let mut sockets = BTreeMap::new();
    for table in ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"] {
        let table = fs::read_to_string(table).unwrap_or_default();
        for line in table.lines() {
            if let Some(((local, remote), inode)) = socket_in(line)
                && let Some(place) = names.get(&format!("{local} {remote}"))
            {
                sockets.insert(inode, *place);
            }
        }
    }
    sockets
}

/// The node that a process belongs to: by its group, or by that of its ancestors, if it went
/// its own way.
fn ancestor_among(
    pid: i32,
    all: &BTreeMap<i32, proc::Stat>,
    processes: &BTreeMap<i32, usize>,
) -> Option<usize> {
    // Processes come and go while they are listed, so that a circle could be seen.
    let mut seen = BTreeSet::new();
    let mut next = Some(pid);
    while let Some(pid) = next.filter(|pid| seen.insert(*pid)) {
        let stat = all.get(&pid)?;
        if let Some(node) = processes.get(&stat.group) {
            return Some(*node);
        }
        next = Some(stat.parent);
    }
    None
}

/// The inodes of the sockets that a process has descriptors of.
fn sockets_held(pid: i32) -> impl Iterator<Item = u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors.filter_map(|entry| {
        let link = fs::read_link(entry.path()).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}

/// A line of `/proc/net/tcp` or `tcp6` (`proc(5)`): the ends of the connection, local and remote,
/// as [`name`] has them, and the inode of the socket. A socket that no process holds any more has
/// none.
fn socket_in(line: &str) -> Option<((&str, &str), u64)> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let ends = (plain(fields.next()?), plain(fields.next()?));
    // After the state, queues, timer, retransmissions, user and time-out.
    let inode = fields.nth(6)?.parse().ok().filter(|inode| *inode != 0)?;
    Some((ends, inode))
}

/// An address as the tables have it, like `0100007F:1F90`. A program may also speak IPv4 by a
/// socket of IPv6: the last of four words is then the address.
fn plain(field: &str) -> &str {
    field.strip_prefix(MAPPED).unwrap_or(field)
}

/// An address as the tables have it, which is as the machine has it in memory. Of IPv6 there is
/// none here.
fn name(address: SocketAddr) -> String {
    let IpAddr::V4(ip) = address.ip() else { return String::new() };
    format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port())
}

/// The words before an IPv4 address in an IPv6 one, as the machine has them in memory.
#[cfg(target_endian = "little")]
const MAPPED: &str = "0000000000000000FFFF0000";
#[cfg(target_endian = "big")]
const MAPPED: &str = "00000000000000000000FFFF";

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_socket_of_ours_is_found_and_one_of_others_is_not() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let door = listener.local_addr().unwrap();
        let stream = TcpStream::connect(door).unwrap();
        let peer = stream.local_addr().unwrap();
        let own = std::process::id() as i32;
        let (accepted, _) = listener.accept().unwrap();
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let both = [(nowhere, door), (peer, door)];
        assert_eq!(nodes_of(&both, &[(own, 3)].into()), [None, Some(3)]);
        assert_eq!(nodes_of(&both, &[(i32::MAX, 3)].into()), [None, None]);
        assert_eq!(nodes_of(&[(door, peer)], &BTreeMap::new()), [None]);
        assert_eq!(nodes_of(&[], &[(own, 3)].into()), []);
        drop(stream);
        assert_eq!(
            nodes_of(&both[1..], &[(own, 3)].into()),
            [None],
            "no process holds it any more"
        );
        drop(accepted);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_of_both_families_are_read() {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0x1F90));
        let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, 0x0007));
        let four = "   5: 0100007F:1F90 0100007F:0007 01 00000000:00000000 00:00000000 00000000  \
                    1000        0 4711 1 0000000000000000 20 4 30 10 -1";
        let ends = (name(local), name(remote));
        let ends = (ends.0.as_str(), ends.1.as_str());
        assert_eq!(socket_in(four), Some((ends, 4711)));
        let six = "   5: 0000000000000000FFFF00000100007F:1F90 \
                   0000000000000000FFFF00000100007F:0007 01 00000000:00000000 00:00000000 00000000 \
                   0        0 815 1 0000000000000000 20 4 30 10 -1";
        assert_eq!(socket_in(six), Some((ends, 815)));
        let title = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        assert_eq!(socket_in(title), None);
    }
}
