//! Which node opened a connection of the loopback, by the tables of `/proc`.
//!
//! `/proc/net/tcp` tells the inode of the socket at the other end, and `/proc/PID/fd` who holds it.
//! Nodes are our own children, or theirs, so that we may look.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};

use crate::host::proc;

/// The node that holds the socket at `peer` of a connection to `door`; none when no node does.
/// `processes` are the nodes by process group.
pub(super) fn node_of(
    peer: SocketAddr,
    door: SocketAddr,
    processes: &BTreeMap<i32, usize>,
) -> Option<usize> {
    let tables = ["/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"];
    let inode = tables.iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| inode_in(line, peer, door))
    })?;
    let socket = format!("socket:[{inode}]");
    // Mostly it is the process itself that was started.
    let itself = processes.iter().find(|(pid, _)| holds(**pid, &socket));
    if let Some((_, node)) = itself {
        return Some(*node);
    }
    let all: BTreeMap<_, _> = proc::processes().collect();
    all.keys().copied().filter(|pid| !processes.contains_key(pid)).find_map(|pid| {
        let node = ancestor_among(pid, &all, processes)?;
        holds(pid, &socket).then_some(node)
    })
}

/// The node that a process belongs to: by its group, or by that of whoever started it, if it went
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

/// Whether a process has a descriptor of that socket.
fn holds(pid: i32, socket: &str) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| link.as_os_str() == socket)
}

/// The inode in a line of `/proc/net/tcp` or `tcp6` (`proc(5)`), if it is about the socket at
/// `local` that is connected to `remote`.
fn inode_in(line: &str, local: SocketAddr, remote: SocketAddr) -> Option<u64> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    if !is_at(fields.next()?, local) || !is_at(fields.next()?, remote) {
        return None;
    }
    // After the state, queues, timer, retransmissions, user and time-out. A socket that nobody
    // holds any more has none.
    fields.nth(6)?.parse().ok().filter(|inode| *inode != 0)
}

/// Whether a field like `0100007F:1F90` is that address. A program may also speak IPv4 by a socket
/// of IPv6: the last of four words is then the address.
fn is_at(field: &str, address: SocketAddr) -> bool {
    let IpAddr::V4(wanted) = address.ip() else { return false };
    // As the machine has it in memory.
    let wanted = format!("{:08X}:{:04X}", u32::from_ne_bytes(wanted.octets()), address.port());
    match field.len() {
        13 => field == wanted,
        _ => field.strip_suffix(&wanted).is_some_and(|before| before.ends_with(MAPPED)),
    }
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
        assert_eq!(node_of(peer, door, &[(own, 3)].into()), Some(3));
        assert_eq!(node_of(peer, door, &[(i32::MAX, 3)].into()), None);
        assert_eq!(node_of(door, peer, &BTreeMap::new()), None);
        drop(stream);
        assert_eq!(node_of(peer, door, &[(own, 3)].into()), None, "nobody holds it any more");
        drop(accepted);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_of_both_families_are_read() {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0x1F90));
        let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, 0x0007));
        let four = "   5: 0100007F:1F90 0100007F:0007 01 00000000:00000000 00:00000000 00000000  \
                    1000        0 4711 1 0000000000000000 20 4 30 10 -1";
        assert_eq!(inode_in(four, local, remote), Some(4711));
        assert_eq!(inode_in(four, remote, local), None);
        let six = "   5: 0000000000000000FFFF00000100007F:1F90 \
                   0000000000000000FFFF00000100007F:0007 01 00000000:00000000 00:00000000 00000000 \
                   0        0 815 1 0000000000000000 20 4 30 10 -1";
        assert_eq!(inode_in(six, local, remote), Some(815));
        let title = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt";
        assert_eq!(inode_in(title, local, remote), None);
    }
}
