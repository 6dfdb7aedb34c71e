//! The proxy's thread: doors that are knocked at, and connections between those who knock and the
//! nodes behind.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::connection::{Connection, Links};
use super::flow::PIECE;
use super::shared::Shared;
use super::source;

/// When no descriptor is left for a new connection; others may close meanwhile.
const BREATH: Duration = Duration::from_millis(10);

/// A port of the proxy, for a node.
pub(super) struct Door {
    listener: TcpListener,
    node: usize,
    listens: SocketAddr,
    /// The node that uses it; none when that must be found out.
    from: Option<usize>,
}

impl Door {
    pub(super) fn new(
        listener: TcpListener,
        node: usize,
        listens: SocketAddr,
        from: Option<usize>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener, node, listens, from })
    }
}

/// The proxy.
pub(super) struct Proxy {
    doors: Vec<Door>,
    connections: Vec<Connection>,
    shared: Arc<Shared>,
    /// As the thread knows them: by sender, then receiver.
    cuts: Vec<bool>,
}

impl Proxy {
    pub(super) fn new(doors: Vec<Door>, connections: Vec<Connection>, shared: Arc<Shared>) -> Self {
        let cuts = vec![false; shared.links.len()];
        Self { doors, connections, shared, cuts }
    }

    /// Carries until it is stopped.
    pub(super) fn run(mut self) {
        let mut buffer = vec![0; PIECE];
        loop {
            let events = self.wait();
            let [bell, events @ ..] = events.as_slice() else { unreachable!("the bell is first") };
            if !bell.is_empty() && self.shared.wake.has_stopped() {
                return;
            }
            let is_new = self.adopt_cuts();
            if is_new && self.is_any_cut() {
                self.find_out();
            }
            let (doors, connections) = events.split_at(self.doors.len());
            let links = Links { shared: &self.shared, cuts: &self.cuts };
            let mut events = connections.as_chunks::<2>().0.iter();
            self.connections.retain_mut(|connection| {
                let [near, far] = *events.next().expect("each was waited for");
                let is_idle = near.is_empty() && far.is_empty() && !is_new;
                is_idle || connection.advance([near, far], &links, &mut buffer).is_ok()
            });
            // Those that come by the doors come after those with events.
            for (place, events) in doors.iter().enumerate() {
                if !events.is_empty() {
                    self.open(place);
                }
            }
        }
    }

    /// The events at the bell, at each door, and near and far of each connection.
    fn wait(&self) -> Vec<PollFlags> {
        let mut waited = vec![PollFd::new(self.shared.wake.as_fd(), PollFlags::POLLIN)];
        let doors = self.doors.iter().map(|door| door.listener.as_fd());
        waited.extend(doors.map(|door| PollFd::new(door, PollFlags::POLLIN)));
        let links = Links { shared: &self.shared, cuts: &self.cuts };
        for wanted in self.connections.iter().flat_map(|connection| connection.interest(&links)) {
            // A socket of which nothing is wanted is left out, else its end would be reported for
            // ever.
            waited.push(match wanted {
                Some((socket, events)) => PollFd::new(socket, events),
                None => PollFd::new(self.shared.wake.as_fd(), PollFlags::empty()),
            });
        }
        match poll(&mut waited, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("the proxy cannot wait: {error}"),
        }
        // An event without a name here is the other side's hanging up, POLLRDHUP.
        waited.iter().map(|it| it.revents().unwrap_or(PollFlags::POLLHUP)).collect()
    }

    /// Takes over cuts that changed, and says whether any did.
    fn adopt_cuts(&mut self) -> bool {
        let revision = self.shared.revision.load(Ordering::Acquire);
        if revision == self.shared.adopted.load(Ordering::Relaxed) {
            return false;
        }
        for (cut, link) in self.cuts.iter_mut().zip(&self.shared.links) {
            *cut = link.cut.load(Ordering::Relaxed);
        }
        self.shared.adopted.store(revision, Ordering::Release);
        true
    }

    fn is_any_cut(&self) -> bool {
        self.cuts.contains(&true)
    }

    /// Finds out who opened the connections of which that is not known.
    fn find_out(&mut self) {
        let unknown: Vec<_> = self.connections.iter().filter_map(Connection::unknown).collect();
        let found = source::nodes_of(&unknown, &self.shared.processes());
        let unknown = self.connections.iter_mut().filter(|it| it.unknown().is_some());
        for (connection, node) in unknown.zip(found) {
            // A process of no node is a client.
            connection.opened_by(node.unwrap_or(0));
        }
    }

    /// Lets in who waits at a door. Who that is matters only while some link is cut; then it is
    /// found out for all of them at once.
    fn open(&mut self, door: usize) {
        let Door { listener, node, listens, from } = &self.doors[door];
        let mut knocked = Vec::new();
        loop {
            match listener.accept() {
                Ok(accepted) => knocked.push(accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    std::thread::sleep(BREATH);
                    break;
                }
            }
        }
        let ends = |peer: SocketAddr| (peer, listener.local_addr().unwrap_or(peer));
        let sources: Vec<(Option<usize>, Option<source::Ends>)> = match from {
            Some(from) => vec![(Some(*from), None); knocked.len()],
            None if self.is_any_cut() => {
                let ends: Vec<_> = knocked.iter().map(|(_, peer)| ends(*peer)).collect();
                let found = source::nodes_of(&ends, &self.shared.processes());
                found.into_iter().map(|node| (node, None)).collect()
            }
            None => knocked.iter().map(|(_, peer)| (None, Some(ends(*peer)))).collect(),
        };
        let links = Links { shared: &self.shared, cuts: &self.cuts };
        let begun = knocked.into_iter().zip(sources).filter_map(|((near, _), (from, unknown))| {
            prepare(&near)?;
            let from = from.unwrap_or(0);
            Connection::begin(from, unknown, *node, near.into(), *listens, &links).ok()
        });
        let begun: Vec<_> = begun.collect();
        self.connections.extend(begun);
    }
}

/// A peer that does not accept the option has gone already.
fn prepare(near: &TcpStream) -> Option<()> {
    near.set_nonblocking(true).ok()?;
    near.set_nodelay(true).ok()
}
