//! A connection through the proxy, from its beginning to its end.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, getsockopt, setsockopt, socket,
    sockopt,
};

use super::flow::{Broken, Flow};
use super::shared::{LinkState, Shared};
use super::source::Ends;

/// Links as the proxy's thread knows them.
pub(super) struct Links<'a> {
    pub(super) shared: &'a Shared,
    /// By sender, then receiver.
    pub(super) cuts: &'a [bool],
}

impl<'a> Links<'a> {
    fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts[self.shared.index(from, to)]
    }

    fn link(&self, from: usize, to: usize) -> &'a LinkState {
        self.shared.link(from, to)
    }
}

/// A connection from `from`, who is near, to `to`.
pub(super) struct Connection {
    from: usize,
    /// Set as long as its opener was not looked for, since no link was cut.
    unknown: Option<Ends>,
    to: usize,
    near: OwnedFd,
    far: Far,
    there: Flow,
    back: Flow,
}

/// The proxy's connection to the node.
enum Far {
    /// To be opened, there.
    Wanted(SocketAddr),
    Opening(OwnedFd),
    Open(OwnedFd),
}

/// A connection is over: both of its sides know, or can no longer be informed.
#[derive(Debug)]
pub(super) struct Over;

/// A socket and what to wait for; none when nothing is.
pub(super) type Interest<'a> = Option<(BorrowedFd<'a>, PollFlags)>;

impl Connection {
    /// Begins a connection that `from` opened, unless that is `unknown` yet, to a node that listens
    /// at `listens`.
    pub(super) fn begin(
        from: usize,
        unknown: Option<Ends>,
        to: usize,
        near: OwnedFd,
        listens: SocketAddr,
        links: &Links<'_>,
    ) -> Result<Self, Over> {
        let far = Far::Wanted(listens);
        let (there, back) = (Flow::default(), Flow::default());
        let mut begun = Self { from, unknown, to, near, far, there, back };
        begun.reach(listens, links)?;
        Ok(begun)
    }

    /// Between two sockets that are open already.
    pub(super) fn open(from: usize, to: usize, near: OwnedFd, far: OwnedFd) -> Self {
        let far = Far::Open(far);
        let (there, back) = (Flow::default(), Flow::default());
        Self { from, unknown: None, to, near, far, there, back }
    }

    /// The addresses by which its opener can be found, as long as that is not known.
    pub(super) fn unknown(&self) -> Option<Ends> {
        self.unknown
    }

    /// Tells who opened it. No link may have been cut since it began.
    pub(super) fn opened_by(&mut self, from: usize) {
        self.from = from;
        self.unknown = None;
    }

    /// The events that it waits for, near and far.
    pub(super) fn interest(&self, links: &Links<'_>) -> [Interest<'_>; 2] {
        let near = self.near.as_fd();
        let wanted = |socket, events: PollFlags| (!events.is_empty()).then_some((socket, events));
        match &self.far {
            // An opener that gave up before it was served is gone.
            Far::Wanted(_) => [Some((near, hung_up())), None],
            Far::Opening(far) => [None, Some((far.as_fd(), PollFlags::POLLOUT))],
            Far::Open(far) => {
                let (from_near, to_far) = self.there.interest(links.is_cut(self.from, self.to));
                let (from_far, to_near) = self.back.interest(links.is_cut(self.to, self.from));
                [wanted(near, from_near | to_near), wanted(far.as_fd(), from_far | to_far)]
            }
        }
    }

    /// Does what events, near and far, or new cuts ask for.
    pub(super) fn advance(
        &mut self,
        events: [PollFlags; 2],
        links: &Links<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Over> {
        let done = self.try_to_advance(events, links, buffer);
        if done.is_err() {
            self.there.release(links.link(self.from, self.to));
            self.back.release(links.link(self.to, self.from));
        }
        done
    }

    fn try_to_advance(
        &mut self,
        [near, far]: [PollFlags; 2],
        links: &Links<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Over> {
        match std::mem::replace(&mut self.far, Far::Wanted(([127, 0, 0, 1], 0).into())) {
            Far::Wanted(_) if near.intersects(hung_up()) => Err(Over),
            Far::Wanted(listens) => self.reach(listens, links),
            Far::Opening(socket) if far.is_empty() => {
                self.far = Far::Opening(socket);
                Ok(())
            }
            Far::Opening(socket) => match getsockopt(&socket, sockopt::SocketError) {
                Ok(0) => {
                    self.far = Far::Open(socket);
                    self.carry([PollFlags::POLLIN; 2], links, buffer)
                }
                _ => Err(self.reset()),
            },
            Far::Open(socket) => {
                self.far = Far::Open(socket);
                self.carry([near, far], links, buffer)
            }
        }
    }

    /// Opens the way to the node, unless a link is cut: over a real network, the packets that open
    /// a connection take both.
    fn reach(&mut self, listens: SocketAddr, links: &Links<'_>) -> Result<(), Over> {
        self.far = Far::Wanted(listens);
        let mut is_cut = false;
        let ways = [(&mut self.there, self.from, self.to), (&mut self.back, self.to, self.from)];
        for (flow, from, to) in ways {
            if links.is_cut(from, to) {
                is_cut = true;
                flow.wait(links.link(from, to));
            } else {
                flow.release(links.link(from, to));
            }
        }
        if !is_cut {
            self.far = Far::Opening(start_opening(listens).map_err(|_| self.reset())?);
        }
        Ok(())
    }

    fn carry(
        &mut self,
        [near_events, far_events]: [PollFlags; 2],
        links: &Links<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Over> {
        let Self { from, to, near, far: Far::Open(far), there, back, .. } = self else {
            unreachable!("only what is open carries")
        };
        let mut carry = |flow: &mut Flow, source, sink, [from, to]: [usize; 2], events| {
            let has_something = PollFlags::intersects(&events, something());
            let is_cut = links.is_cut(from, to);
            flow.advance(source, sink, links.link(from, to), is_cut, has_something, buffer)
        };
        let carried = carry(there, near, far, [*from, *to], near_events)
            .and_then(|()| carry(back, far, near, [*to, *from], far_events));
        match carried {
            Err(Broken) => Err(self.reset()),
            Ok(()) if there.is_over() && back.is_over() => Err(Over),
            Ok(()) => Ok(()),
        }
    }

    /// Has both sides learn that it broke, as by a reset of the other.
    fn reset(&self) -> Over {
        let far = match &self.far {
            Far::Wanted(_) => None,
            Far::Opening(far) | Far::Open(far) => Some(far),
        };
        let at_once = libc::linger { l_onoff: 1, l_linger: 0 };
        for socket in [Some(&self.near), far].into_iter().flatten() {
            // A socket that refuses this option sees an ordinary end.
            let _ = setsockopt(socket, sockopt::Linger, &at_once);
        }
        Over
    }
}

/// The events which say that the opener of a connection closed it, or will send no more.
fn hung_up() -> PollFlags {
    PollFlags::from_bits_retain(libc::POLLRDHUP) | PollFlags::POLLHUP | PollFlags::POLLERR
}

/// Bytes, an end or an error.
fn something() -> PollFlags {
    PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR
}

/// Begins to connect, without waiting.
fn start_opening(to: SocketAddr) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
    match connect(socket.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}
