//! The thread that carries frames, and holds back those that are due later.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl::set_timerslack;
use nix::sys::time::TimeSpec;

use super::crossings::{Crossings, OneGatekeeper};
use super::frame::{LARGEST_FRAME, MAC_LENGTH, OFFLOAD_HEADER, corrupt, segments, wire_length};
use super::links::{Links, count};
use super::port::Port;
use super::shaper::Shaper;
use super::watches::{HeldLinks, Watches};
use crate::wake::Wake;

/// Frames taken from one port before the others have their turn.
const BURST: usize = 64;
/// Bytes held back by all links together; what comes then is lost. A node's stream at full speed
/// over the longest delay of a plan needs a tenth.
const MOST_HELD: usize = 256 << 20;

/// A frame that goes out later.
#[derive(Debug)]
struct Held {
    due: Instant,
    /// Of two that are due at once, the one that came first goes first.
    number: u64,
    came: Instant,
    from: usize,
    to: usize,
    packet: Vec<u8>,
}

/// The first one due is the greatest, as the heap wants it.
impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Held {}

/// Carries frames between ports.
struct Carrier<'a> {
    ports: &'a [Port],
    links: &'a Links,
    watches: &'a Watches,
    /// The links that they hold.
    held_links: HeldLinks,
    gates: Crossings<'a>,
    /// Of the conditions that the shapers have.
    revision: u64,
    /// By sender, then receiver.
    shapers: Vec<Shaper>,
    held: BinaryHeap<Held>,
    held_bytes: usize,
    /// Frames held so far.
    numbered: u64,
    /// By sender, then receiver: the highest number that went out.
    highest: Vec<u64>,
}

/// Carries frames until it is stopped.
pub(super) fn carry(
    ports: &[Port],
    links: &Links,
    watches: &Watches,
    keeper: &OneGatekeeper,
    wake: &Arc<Wake>,
) {
    // The kernel may else wake it 50 µs late. If it does not want to, delays are that much longer.
    let _ = set_timerslack(1);
    let count = ports.len() * ports.len();
    let mut carrier = Carrier {
        ports,
        links,
        watches,
        held_links: HeldLinks::default(),
        gates: Crossings::new(keeper, wake),
        revision: 0,
        shapers: (0..count).map(Shaper::new).collect(),
        held: BinaryHeap::new(),
        held_bytes: 0,
        numbered: 0,
        highest: vec![0; count],
    };
    let sockets = ports.iter().map(AsFd::as_fd).chain([wake.as_fd()]);
    let mut waiting: Vec<_> =
        sockets.map(|socket| PollFd::new(socket, PollFlags::POLLIN)).collect();
    let mut buffer = vec![0; OFFLOAD_HEADER + LARGEST_FRAME];
    loop {
        let timeout = carrier.time_until_next().map(TimeSpec::from_duration);
        match ppoll(&mut waiting, timeout, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("the switch cannot wait for frames: {error}"),
        }
        if waiting[ports.len()].any().unwrap_or(true) && wake.has_stopped() {
            return;
        }
        carrier.adopt_conditions();
        carrier.send_what_is_due();
        carrier.release_links();
        carrier.release_streams();
        for (from, port) in waiting[..ports.len()].iter().enumerate() {
            if port.any().unwrap_or(false) {
                carrier.carry_from(from, &mut buffer);
                carrier.send_what_is_due();
                // What was carried may be what others waited for.
                carrier.release_streams();
            }
        }
    }
}

impl Carrier<'_> {
    fn time_until_next(&self) -> Option<std::time::Duration> {
        let due = self.held.peek().map(|next| next.due);
        let next = due.into_iter().chain(self.held_links.next_end()).min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// Takes over conditions that changed, and sends frames that would not have to wait any more.
    fn adopt_conditions(&mut self) {
        let Some((revision, conditions)) = self.links.conditions_since(self.revision) else {
            return;
        };
        self.revision = revision;
        let now = Instant::now();
        for (shaper, condition) in self.shapers.iter_mut().zip(conditions) {
            shaper.set(condition, now);
        }
        let mut held = std::mem::take(&mut self.held).into_vec();
        for frame in &mut held {
            let shaper = &self.shapers[self.links.index(frame.from, frame.to)];
            frame.due = shaper.hurried(frame.came, frame.due);
        }
        self.held = held.into();
        // Before any later frame.
        self.send_what_is_due();
    }

    /// Carries what waits at one port, up to a burst.
    fn carry_from(&mut self, from: usize, buffer: &mut [u8]) {
        for _ in 0..BURST {
            let Some(length) = self.ports[from].receive(buffer) else { return };
            let packet = &mut buffer[..length];
            let Some(destination) = packet.get(OFFLOAD_HEADER..OFFLOAD_HEADER + MAC_LENGTH) else {
                continue;
            };
            // As early as can be, so that a frame read after a change meets the change.
            self.adopt_conditions();
            for to in receivers(from, destination, self.ports) {
                self.carry_over(from, to, packet);
            }
        }
    }

    fn carry_over(&mut self, from: usize, to: usize, packet: &[u8]) {
        let link = self.links.link(from, to);
        if link.passes()
            && !self.held_links.keep(self.watches, (from, to), link, packet)
            && !self.gates.keep((from, to), packet)
        {
            self.forward(from, to, packet);
        }
    }

    /// Carries on what streams had to wait for that wait no more.
    fn release_streams(&mut self) {
        while let Some(((from, to), frames)) = self.gates.take_one() {
            let mut frames = frames.into_iter();
            // It went through its gate.
            let first = frames.next().filter(|_| self.links.link(from, to).passes());
            first.iter().for_each(|frame| self.forward(from, to, frame));
            frames.for_each(|frame| self.carry_over(from, to, &frame));
        }
    }

    /// Carries on what links held that no watch holds any more.
    fn release_links(&mut self) {
        while let Some(((from, to), frames)) = self.held_links.take_one() {
            let mut frames = frames.into_iter();
            // It was looked at already.
            let first = frames.next().filter(|_| self.links.link(from, to).passes());
            first.iter().for_each(|frame| self.forward(from, to, frame));
            // Another watch may wait for one of these, and hold the link again.
            frames.for_each(|frame| self.carry_over(from, to, &frame));
        }
    }

    fn forward(&mut self, from: usize, to: usize, packet: &[u8]) {
        let shaper = &self.shapers[self.links.index(from, to)];
        if shaper.is_neutral() {
            self.send(from, to, packet);
        } else if let Some(segments) =
            shaper.tells_packets_apart().then(|| segments(packet)).flatten()
        {
            segments.into_iter().for_each(|segment| self.trouble(from, to, segment));
        } else {
            self.trouble(from, to, packet.to_vec());
        }
    }

    /// Does to one packet what its link does, and holds what is left of it until it is due.
    fn trouble(&mut self, from: usize, to: usize, packet: Vec<u8>) {
        let link = self.links.link(from, to);
        let index = self.links.index(from, to);
        if self.shapers[index].loses() {
            return count(&link.lost);
        }
        if self.shapers[index].duplicates() {
            count(&link.duplicated);
            self.hold(from, to, packet.clone());
        }
        self.hold(from, to, packet);
    }

    fn hold(&mut self, from: usize, to: usize, mut packet: Vec<u8>) {
        let link = self.links.link(from, to);
        let shaper = &mut self.shapers[self.links.index(from, to)];
        if shaper.corrupts() && corrupt(&mut packet, |bits| shaper.pick(bits)) {
            count(&link.corrupted);
        }
        let came = Instant::now();
        let due = shaper.due(came, wire_length(&packet));
        let has_room = self.held_bytes + packet.len() <= MOST_HELD;
        let Some(due) = due.filter(|_| has_room) else { return count(&link.overflowed) };
        self.held_bytes += packet.len();
        self.numbered += 1;
        self.held.push(Held { due, number: self.numbered, came, from, to, packet });
    }

    fn send_what_is_due(&mut self) {
        while self.held.peek().is_some_and(|next| next.due <= Instant::now()) {
            let frame = self.held.pop().expect("it was looked at");
            self.held_bytes -= frame.packet.len();
            let link = self.links.link(frame.from, frame.to);
            // Cut meanwhile: what is on its way over a link that breaks is gone.
            if !link.passes() {
                continue;
            }
            if frame.due > frame.came {
                link.held_for(frame.came.elapsed());
            }
            let highest = &mut self.highest[self.links.index(frame.from, frame.to)];
            if frame.number < *highest {
                count(&link.reordered);
            }
            *highest = frame.number.max(*highest);
            self.send(frame.from, frame.to, &frame.packet);
        }
    }

    fn send(&self, from: usize, to: usize, packet: &[u8]) {
        let link = self.links.link(from, to);
        if self.ports[to].send(packet) {
            link.passed(wire_length(packet));
        } else {
            // A port that takes no more loses the frame, as any switch does.
            count(&link.overflowed);
        }
    }
}

/// The port that has the destination address, or every other port when none has it.
fn receivers(
    from: usize,
    destination: &[u8],
    ports: &[Port],
) -> impl Iterator<Item = usize> + use<> {
    let known = ports.iter().position(|port| port.mac() == destination);
    let range = known.map_or(0..ports.len(), |port| port..port + 1);
    range.filter(move |to| *to != from)
}
