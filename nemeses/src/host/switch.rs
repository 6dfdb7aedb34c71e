//! A small switch in user space: it carries frames between the ports of a segment and can drop
//! those of any link in one direction.
//!
//! It needs neither iptables nor any kernel module. Its ports are raw sockets (`packet(7)`) on the
//! switch ends of veth pairs. With `PACKET_VNET_HDR` a frame comes with its offload header and
//! stands for up to 64 KB of a TCP stream, so that one thread carries gigabits; the header is passed
//! on as it is. Whether a frame passes is asked of one table, [`Links`], frame by frame.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt};
use nix::unistd::{read, write};

use super::netlink::Mac;

/// The header of `linux/virtio_net.h` before each frame.
const OFFLOAD_HEADER: usize = 10;
/// The destination address leads the frame.
const MAC_LENGTH: usize = 6;
/// A frame of a TCP stream that is segmented later is at most 64 KB, headers apart.
const LARGEST_FRAME: usize = (64 << 10) + 256;
/// Frames taken from one port before the others have their turn.
const BURST: usize = 64;
/// Room for what arrives while the thread does not run.
const RECEIVE_BUFFER: usize = 8 << 20;

/// Which directed links drop frames, and how many they dropped. Shared with the thread that
/// carries; a change holds from the next frame on.
#[derive(Debug)]
struct Links {
    ports: usize,
    /// By sender, then receiver.
    links: Vec<LinkState>,
}

#[derive(Debug, Default)]
struct LinkState {
    cut: AtomicBool,
    dropped: AtomicU64,
}

impl Links {
    fn new(ports: usize) -> Self {
        Self { ports, links: (0..ports * ports).map(|_| LinkState::default()).collect() }
    }

    fn link(&self, from: usize, to: usize) -> &LinkState {
        assert!(from < self.ports && to < self.ports, "no link {from} → {to}");
        &self.links[from * self.ports + to]
    }

    /// Whether a frame passes; one that does not is counted.
    fn passes(&self, from: usize, to: usize) -> bool {
        let link = self.link(from, to);
        let cut = link.cut.load(Ordering::Relaxed);
        if cut {
            link.dropped.fetch_add(1, Ordering::Relaxed);
        }
        !cut
    }
}

/// A switch that runs until it is dropped. Ports are numbered in the order in which they were
/// given.
#[derive(Debug)]
pub(super) struct Switch {
    links: Arc<Links>,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

/// One port: a raw socket on an interface, and the address of who is behind it.
#[derive(Debug)]
pub(super) struct Port {
    socket: OwnedFd,
    mac: Mac,
}

impl Port {
    /// Opens the interface `name` of the calling thread's namespace; `mac` is behind it.
    pub(super) fn open(name: &str, mac: Mac) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        // Without a protocol it hears nothing until it is bound to one interface.
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        enable(&socket, libc::PACKET_VNET_HDR)?;
        // Else it would hear what it sends, and carry it round for ever.
        enable(&socket, libc::PACKET_IGNORE_OUTGOING)?;
        // An ordinary user gets what the machine allows.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        bind_to_interface(&socket, name)?;
        Ok(Self { socket, mac })
    }
}

fn enable(socket: &OwnedFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the option takes an integer, which lives until the call returns.
    let done = unsafe {
        let value = (&raw const on).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, value, length)
    };
    Ok(Errno::result(done).map(drop)?)
}

fn bind_to_interface(socket: &OwnedFd, name: &str) -> io::Result<()> {
    let index = if_nametoindex(name)?;
    // SAFETY: all zeros is a valid address structure, and it lives until the call returns.
    let done = unsafe {
        let mut address: libc::sockaddr_ll = std::mem::zeroed();
        address.sll_family = libc::AF_PACKET as libc::c_ushort;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index as libc::c_int;
        let length = size_of_val(&address) as libc::socklen_t;
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length)
    };
    Ok(Errno::result(done).map(drop)?)
}

impl Switch {
    /// Starts carrying.
    pub(super) fn start(ports: Vec<Port>) -> io::Result<Self> {
        let links = Arc::new(Links::new(ports.len()));
        let stop = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let (shared, stopped) = (Arc::clone(&links), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("switch".to_owned());
        let thread = thread.spawn(move || carry(&ports, &shared, &stopped))?;
        Ok(Self { links, stop, thread: Some(thread) })
    }

    /// Makes frames of a link drop or pass.
    pub(super) fn set_cut(&self, from: usize, to: usize, cut: bool) {
        self.links.link(from, to).cut.store(cut, Ordering::Relaxed);
    }

    /// How many frames a link dropped so far.
    pub(super) fn dropped(&self, from: usize, to: usize) -> u64 {
        self.links.link(from, to).dropped.load(Ordering::Relaxed)
    }

    /// Whether it still carries. It stops only by a bug or when it runs out of descriptors.
    pub(super) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // A counter that is written once cannot overflow.
        let _ = self.stop.write(1);
        if let Some(thread) = self.thread.take() {
            // If it panicked, it stopped.
            let _ = thread.join();
        }
    }
}

/// Carries frames until told to stop.
fn carry(ports: &[Port], links: &Links, stop: &EventFd) {
    let sockets = ports.iter().map(|port| port.socket.as_fd()).chain([stop.as_fd()]);
    let mut waiting: Vec<_> =
        sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN)).collect();
    let mut buffer = vec![0; OFFLOAD_HEADER + LARGEST_FRAME];
    loop {
        match poll(&mut waiting, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => panic!("the switch cannot wait for frames: {error}"),
        }
        if waiting[ports.len()].any().unwrap_or(true) {
            return;
        }
        for (from, port) in waiting[..ports.len()].iter().enumerate() {
            if port.any().unwrap_or(false) {
                carry_from(from, ports, links, &mut buffer);
            }
        }
    }
}

/// Carries what waits at one port, up to a burst.
fn carry_from(from: usize, ports: &[Port], links: &Links, buffer: &mut [u8]) {
    for _ in 0..BURST {
        // An error is that of an interface going down or of nothing left: the next poll tells.
        let Ok(length) = read(&ports[from].socket, buffer) else { return };
        let packet = &buffer[..length];
        let Some(destination) = packet.get(OFFLOAD_HEADER..OFFLOAD_HEADER + MAC_LENGTH) else {
            continue;
        };
        for to in receivers(from, destination, ports) {
            if links.passes(from, to) {
                // A port that takes no more loses the frame, as any switch does.
                let _ = write(&ports[to].socket, packet);
            }
        }
    }
}

/// Whoever has the destination address, or every other port when nobody has it.
fn receivers(from: usize, destination: &[u8], ports: &[Port]) -> impl Iterator<Item = usize> {
    let known = ports.iter().position(|port| port.mac == destination);
    let range = known.map_or(0..ports.len(), |port| port..port + 1);
    range.filter(move |to| *to != from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_cut_in_one_direction_and_counts_what_it_drops() {
        let links = Links::new(3);
        links.link(0, 2).cut.store(true, Ordering::Relaxed);
        assert!(!links.passes(0, 2));
        assert!(!links.passes(0, 2));
        assert!(links.passes(2, 0));
        assert!(links.passes(0, 1));
        assert_eq!(links.link(0, 2).dropped.load(Ordering::Relaxed), 2);
        assert_eq!(links.link(2, 0).dropped.load(Ordering::Relaxed), 0);
    }
}
