//! Watches of a host: what is to be seen at the disks and on the links of its nodes, and held.
//!
//! The places that see it, [`disk`](crate::disk) and [`switch`](crate::switch), share one [`Tally`]
//! for each watch: it counts over all of them, and goes on counting when the watch looks elsewhere.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::local::LocalHost;
use faults::host::{HostError, ObservationListener};
use faults::trigger::{Observation, Watch};

/// The count of what a watch looks for, and what happens at the n-th time.
#[derive(Clone)]
pub(crate) struct Tally {
    number: u32,
    nth: u32,
    hold: Option<Duration>,
    listener: ObservationListener,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: AtomicU32,
    /// Set when nothing is looked for or held any more.
    ended: AtomicBool,
    span: Mutex<Span>,
}

/// The time for which something was held.
#[derive(Default)]
struct Span {
    begun: Option<Instant>,
    ended: Option<Instant>,
}

impl Tally {
    fn new(number: u32, nth: u32, hold: Option<Duration>, listener: ObservationListener) -> Self {
        Self { number, nth, hold, listener, shared: Arc::default() }
    }

    /// The number of the watch.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Returns true if the n-th time is still to come.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.shared.has_ended() && self.shared.seen.load(Ordering::Relaxed) < self.nth
    }

    /// Counts one more; returns true if it is the n-th.
    pub(crate) fn count(&self) -> bool {
        self.shared.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.nth
    }

    /// Begins to hold what was seen; none where it goes on at once.
    pub(crate) fn hold(&self) -> Option<Hold> {
        let (longest, begun) = (self.hold?, Instant::now());
        self.shared.span().begun = Some(begun);
        let (watch, shared) = (self.number, Arc::clone(&self.shared));
        Some(Hold { watch, until: begun + longest, shared })
    }

    /// Reports what was seen. Called when it is held already: who hears of it may end the watch at
    /// once.
    pub(crate) fn report(&self, node: &str, receiver: Option<&str>, what: String) {
        (self.listener)(Observation {
            watch: self.number,
            node: node.to_owned(),
            receiver: receiver.map(str::to_owned),
            what,
            held: self.hold.is_some(),
        });
    }

    /// Nothing is counted or held any more.
    fn end(&self) {
        self.shared.ended.store(true, Ordering::Release);
    }

    /// The time for which something was held, until now if it is still.
    fn held_for(&self) -> Option<Duration> {
        let span = self.shared.span();
        Some(span.ended.unwrap_or_else(Instant::now).saturating_duration_since(span.begun?))
    }
}

impl Shared {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn span(&self) -> MutexGuard<'_, Span> {
        // Each change is one assignment.
        self.span.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Something that is held for a watch. It is dropped when that goes on.
pub(crate) struct Hold {
    watch: u32,
    until: Instant,
    shared: Arc<Shared>,
}

impl Hold {
    /// The number of the watch.
    pub(crate) fn watch(&self) -> u32 {
        self.watch
    }

    /// The time at which it ends in any case.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// Returns true if its watch has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.shared.has_ended()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.span().ended = Some(Instant::now());
    }
}

impl LocalHost {
    /// Returns whether a [watch](faults::host::Host::watch) would see what it looks for, without
    /// setting it.
    ///
    /// # Errors
    /// `Unavailable` with the reason and what to do; `Failed` where there is no such node.
    pub fn check_watch(&self, watch: &Watch) -> Result<(), HostError> {
        match watch {
            Watch::Disk(watch) => watch.nodes.iter().try_for_each(|node| self.check_own_disk(node)),
            Watch::Message(watch) => match self.network() {
                Some(network) => network.check_watch(watch),
                None => {
                    let why = "messages are seen in the namespace lab only: use --lab netns";
                    Err(HostError::Unavailable(why.to_owned()))
                }
            },
        }
    }

    /// Returns whether the calls of a node to its disk pass us.
    fn check_own_disk(&self, node: &str) -> Result<(), HostError> {
        match self.disk(node) {
            Some(_) => Ok(()),
            None if self.nodes.contains_key(node) => {
                let why = "its disk is the machine's, which shows no calls; give it one of its own \
                           (faults of the family disk or power do)";
                Err(HostError::Unavailable(format!("{node}: {why}")))
            }
            None if self.is_foreign(node) => {
                let why = format!("{node} is not run by us: the calls to its disk cannot be seen");
                Err(HostError::Unavailable(why))
            }
            None => Err(HostError::Failed(format!("no node {node}"))),
        }
    }

    /// See [`Host::watch`](faults::host::Host::watch).
    pub(super) fn set_watch(
        &mut self,
        number: u32,
        watch: &Watch,
        nth: u32,
        hold: Option<Duration>,
    ) -> Result<(), HostError> {
        self.check_watch(watch)?;
        let mut tally = Tally::new(number, nth, hold, Arc::clone(&self.observations));
        if let Some(known) = self.watches.get(&number) {
            tally.shared = Arc::clone(&known.shared);
        }
        self.watches.insert(number, tally.clone());
        for (name, disk) in self.disks_by_node() {
            match watch {
                Watch::Disk(watch) if watch.nodes.contains(name) => disk.watch(name, watch, &tally),
                _ => disk.forget_watch(number),
            }
        }
        if let Some(network) = self.network() {
            match watch {
                Watch::Message(watch) => network.watch(watch, &tally),
                Watch::Disk(_) => network.forget_watch(number),
            }
        }
        Ok(())
    }

    /// See [`Host::end_watch`](faults::host::Host::end_watch).
    pub(super) fn remove_watch(&mut self, number: u32) -> Option<Duration> {
        let tally = self.watches.remove(&number)?;
        tally.end();
        for (_, disk) in self.disks_by_node() {
            disk.end_watch(number);
        }
        if let Some(network) = self.network() {
            network.forget_watch(number);
        }
        tally.held_for()
    }

    /// Ends every watch: nothing that dies now waits for one.
    pub(super) fn remove_watches(&mut self) {
        let numbers: Vec<_> = self.watches.keys().copied().collect();
        for number in numbers {
            self.remove_watch(number);
        }
    }
}
