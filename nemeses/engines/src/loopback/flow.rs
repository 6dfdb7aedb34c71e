//! One direction of a connection: bytes from one socket to another, held back while its link is
//! cut.
#![expect(unsafe_code, reason = "FIONREAD has no safe wrapper")]

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};

use super::shared::LinkState;

/// Taken at once from one socket.
pub(super) const PIECE: usize = 64 << 10;
/// Pieces that one direction moves before others have their turn.
const TURNS: usize = 16;

/// A direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Taken from the source, not yet by the sink.
    pending: Vec<u8>,
    /// The source will send no more.
    ended: bool,
    /// The sink knows that, too.
    sink_knows: bool,
    /// The sink takes no more. Only the other direction may report it to the source.
    sink_is_gone: bool,
    /// Something waits because of a cut.
    waits: bool,
}

/// That the source broke: the sink must learn of it.
#[derive(Debug)]
pub(super) struct Broken;

impl Flow {
    /// The events to wait for: at the source, and at the sink.
    pub(super) fn interest(&self, is_cut: bool) -> (PollFlags, PollFlags) {
        let nothing = PollFlags::empty();
        if self.sink_knows || (is_cut && self.waits) {
            (nothing, nothing)
        } else if self.pending.is_empty() || is_cut {
            (PollFlags::POLLIN, nothing)
        } else {
            (nothing, PollFlags::POLLOUT)
        }
    }

    /// Returns whether everything was delivered, the end included.
    pub(super) fn is_over(&self) -> bool {
        self.sink_knows
    }

    /// Moves what can be moved. A cut direction moves nothing, and counts when it has something to
    /// move, as `has_something` says of its source.
    pub(super) fn advance(
        &mut self,
        source: &OwnedFd,
        sink: &OwnedFd,
        link: &LinkState,
        is_cut: bool,
        has_something: bool,
        buffer: &mut [u8],
    ) -> Result<(), Broken> {
        if is_cut {
            if !self.sink_knows && (has_something || !self.pending.is_empty() || self.ended) {
                self.wait(link);
            }
            return Ok(());
        }
        if self.waits {
            let bytes = self.pending.len() + readable(source);
            link.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            self.release(link);
        }
        for _ in 0..TURNS {
            if !self.deliver(sink) || self.sink_knows {
                return Ok(());
            }
            if self.ended {
                // The sink may be gone, which is the end as well.
                let _ = shutdown(sink.as_raw_fd(), Shutdown::Write);
                self.sink_knows = true;
                return Ok(());
            }
            match recv(source.as_raw_fd(), buffer, MsgFlags::empty()) {
                Ok(0) => self.ended = true,
                Ok(length) => self.pending.extend_from_slice(&buffer[..length]),
                Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
                Err(_) => return Err(Broken),
            }
        }
        Ok(())
    }

    /// Returns whether the sink took everything that was pending.
    fn deliver(&mut self, sink: &OwnedFd) -> bool {
        if self.sink_is_gone {
            self.pending.clear();
        }
        while !self.pending.is_empty() {
            match send(sink.as_raw_fd(), &self.pending, MsgFlags::MSG_NOSIGNAL) {
                Ok(length) => drop(self.pending.drain(..length)),
                Err(Errno::EAGAIN | Errno::EINTR) => return false,
                Err(_) => {
                    self.sink_is_gone = true;
                    self.pending.clear();
                }
            }
        }
        true
    }

    /// From now on, something waits.
    pub(super) fn wait(&mut self, link: &LinkState) {
        if !self.waits {
            self.waits = true;
            link.waiting.fetch_add(1, Ordering::Relaxed);
            link.times.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Nothing waits any more.
    pub(super) fn release(&mut self, link: &LinkState) {
        if self.waits {
            self.waits = false;
            link.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The number of bytes that a socket has ready to be read.
fn readable(socket: &OwnedFd) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one integer, which lives until the call returns.
    let done =
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, (&raw mut bytes).cast::<()>()) };
    // Only for the report.
    if done == 0 { usize::try_from(bytes).unwrap_or(0) } else { 0 }
}
