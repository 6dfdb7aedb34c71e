//! A port of the switch: a raw socket on one interface.
#![expect(unsafe_code, reason = "packet sockets have no safe wrapper")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt};
use nix::unistd::{read, write};

use crate::netlink::Mac;

/// Room for what arrives while the thread does not run.
const RECEIVE_BUFFER: usize = 8 << 20;

/// One port: a raw socket on an interface, and the address of who is behind it.
#[derive(Debug)]
pub(crate) struct Port {
    socket: OwnedFd,
    mac: Mac,
}

impl Port {
    /// Opens the interface `name` of the calling thread's namespace; `mac` is behind it.
    pub(crate) fn open(name: &str, mac: Mac) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        // Without a protocol it receives nothing until it is bound to one interface.
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        enable(&socket, libc::PACKET_VNET_HDR)?;
        // Else it would receive the frames that it sends, and carry them round for ever.
        enable(&socket, libc::PACKET_IGNORE_OUTGOING)?;
        // An ordinary user gets what the machine allows.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        bind_to_interface(&socket, name)?;
        Ok(Self { socket, mac })
    }

    /// The hardware address of the end behind it.
    pub(super) fn mac(&self) -> Mac {
        self.mac
    }

    /// The length of the next frame, its offload header included. None when nothing is left or the
    /// interface is going down; the next poll finds out.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Option<usize> {
        read(&self.socket, buffer).ok()
    }

    /// Sends a frame; returns whether the interface took it.
    pub(super) fn send(&self, packet: &[u8]) -> bool {
        write(&self.socket, packet).is_ok()
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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
