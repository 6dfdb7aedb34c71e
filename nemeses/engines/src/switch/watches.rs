//! Watches on messages, and the links that they hold.
//!
//! A message that was waited for stops its link in one direction: it and all frames behind it wait,
//! in their order, until the watch lets go. So no later segment overtakes it, no second copy of it
//! arrives first, and TCP sees a delay and nothing else. The lab's own probes pass, which would take
//! the link for broken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use super::frame::{is_probe, stream_bytes};
use super::links::{LinkState, count};
use crate::watches::{Hold, Tally};
use faults::grudge::Link;
use faults::trigger::MessageWatch;

/// Bytes held on all links together; what comes then is lost.
const MOST_HELD: usize = 256 << 20;

/// The places of a sender's and a receiver's port.
pub(super) type Ends = (usize, usize);

/// The watches on messages, shared by the owner of the switch and the thread that carries.
#[derive(Default)]
pub(super) struct Watches {
    /// There are some: only then frames are looked into.
    armed: AtomicBool,
    armed_with: Mutex<Vec<ArmedWatch>>,
}

struct ArmedWatch {
    watch: MessageWatch,
    links: BTreeMap<Ends, Link>,
    tally: Tally,
}

/// A watch whose time has come.
struct Sighted {
    link: Link,
    tally: Tally,
    what: String,
}

impl Watches {
    /// From now on looks for what `watch` says on these links.
    pub(super) fn arm(&self, watch: &MessageWatch, links: BTreeMap<Ends, Link>, tally: &Tally) {
        let (watch, tally) = (watch.clone(), tally.clone());
        self.change(tally.number(), Some(ArmedWatch { watch, links, tally }));
    }

    /// Looks no more for what the watch of this number says.
    pub(super) fn disarm(&self, number: u32) {
        self.change(number, None);
    }

    fn change(&self, number: u32, new: Option<ArmedWatch>) {
        let mut armed = self.armed_with();
        armed.retain(|armed| armed.tally.number() != number);
        armed.extend(new);
        self.armed.store(!armed.is_empty(), Ordering::Release);
    }

    fn armed_with(&self) -> MutexGuard<'_, Vec<ArmedWatch>> {
        // No change of it can stop half-way.
        self.armed_with.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a frame, and returns the watches that waited for it.
    fn see(&self, ends: Ends, packet: &[u8]) -> Vec<Sighted> {
        if !self.armed.load(Ordering::Acquire) {
            return Vec::new();
        }
        let armed = self.armed_with();
        let mut waiting = armed.iter().filter(|armed| armed.tally.is_waiting()).peekable();
        let Some(bytes) = waiting.peek().and_then(|_| stream_bytes(packet)) else {
            return Vec::new();
        };
        let sighted = |armed: &ArmedWatch| {
            let link = armed.links.get(&ends)?;
            let is_due = armed.watch.is_about(bytes) && armed.tally.count();
            let (link, tally) = (link.clone(), armed.tally.clone());
            is_due.then(|| Sighted { link, tally, what: in_words(&armed.watch, bytes) })
        };
        waiting.filter_map(sighted).collect()
    }
}

/// `POST /raft/append-entries, 312 bytes`, or `message of 312 bytes` where no path was asked for.
fn in_words(watch: &MessageWatch, bytes: &[u8]) -> String {
    let length = bytes.len();
    match watch.path {
        Some(_) => {
            let words: Vec<_> = bytes.splitn(3, |byte| *byte == b' ').take(2).collect();
            let request = words.join(&b' ');
            format!("{}, {length} bytes", String::from_utf8_lossy(&request))
        }
        None => format!("message of {length} bytes"),
    }
}

/// The links that are held.
#[derive(Default)]
pub(super) struct HeldLinks {
    links: Vec<HeldLink>,
    bytes: usize,
}

struct HeldLink {
    ends: Ends,
    holds: Vec<Hold>,
    /// The first is what was waited for.
    frames: Vec<Vec<u8>>,
}

impl HeldLinks {
    /// Keeps a frame that its link holds, or that a watch waited for; returns false where it goes
    /// on.
    pub(super) fn keep(
        &mut self,
        watches: &Watches,
        ends: Ends,
        link: &LinkState,
        packet: &[u8],
    ) -> bool {
        if let Some(place) = self.links.iter().position(|held| held.ends == ends) {
            if is_probe(packet) {
                return false;
            }
            self.add(place, link, packet);
            return true;
        }
        let sighted = watches.see(ends, packet);
        let holds: Vec<_> = sighted.iter().filter_map(|one| one.tally.hold()).collect();
        let is_held = !holds.is_empty();
        if is_held {
            self.links.push(HeldLink { ends, holds, frames: Vec::new() });
            self.add(self.links.len() - 1, link, packet);
        }
        for Sighted { link, tally, what } in sighted {
            tally.report(&link.from, Some(&link.to), what);
        }
        is_held
    }

    fn add(&mut self, place: usize, link: &LinkState, packet: &[u8]) {
        if self.bytes + packet.len() > MOST_HELD {
            return count(&link.overflowed);
        }
        self.bytes += packet.len();
        self.links[place].frames.push(packet.to_vec());
    }

    /// The time at which the next hold is over.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.links.iter().flat_map(|held| &held.holds).map(Hold::until).min()
    }

    /// A link that nothing holds any more, and its frames.
    pub(super) fn take_one(&mut self) -> Option<(Ends, Vec<Vec<u8>>)> {
        if self.links.is_empty() {
            return None;
        }
        let now = Instant::now();
        for held in &mut self.links {
            held.holds.retain(|hold| !hold.has_ended() && hold.until() > now);
        }
        let place = self.links.iter().position(|held| held.holds.is_empty())?;
        let HeldLink { ends, frames, .. } = self.links.remove(place);
        self.bytes -= frames.iter().map(Vec::len).sum::<usize>();
        Some((ends, frames))
    }
}
