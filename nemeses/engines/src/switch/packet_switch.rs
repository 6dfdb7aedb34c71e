//! The switch as its owner sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::carrier;
use super::crossings::OneGatekeeper;
use super::links::Links;
use super::port::Port;
use super::watches::{Ends, Watches};
use crate::order::Gatekeeper;
use crate::wake::Wake;
use crate::watches::Tally;
use faults::fault::LinkCondition;
use faults::grudge::Link;
use faults::host::LinkCounts;
use faults::trigger::MessageWatch;

/// A switch that runs until it is dropped. Ports are numbered in the order in which they were
/// given.
pub(crate) struct Switch {
    links: Arc<Links>,
    watches: Arc<Watches>,
    keeper: Arc<OneGatekeeper>,
    wake: Arc<Wake>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Starts carrying.
    pub(crate) fn start(ports: Vec<Port>) -> io::Result<Self> {
        let links = Arc::new(Links::new(ports.len()));
        let wake = Arc::new(Wake::new()?);
        let watches = Arc::new(Watches::default());
        let (shared, heard) = (Arc::clone(&links), Arc::clone(&wake));
        let seen = Arc::clone(&watches);
        let keeper = Arc::new(OneGatekeeper::new());
        let kept = Arc::clone(&keeper);
        let thread = std::thread::Builder::new().name("switch".to_owned());
        let thread = thread.spawn(move || carrier::carry(&ports, &shared, &seen, &kept, &heard))?;
        Ok(Self { links, watches, keeper, wake, thread: Some(thread) })
    }

    /// Makes frames of a link drop or pass, those that it holds back included.
    pub(crate) fn set_cut(&self, from: usize, to: usize, cut: bool) {
        self.links.set_cut(from, to, cut);
    }

    /// The number of frames that a link dropped so far because it was cut.
    pub(crate) fn dropped(&self, from: usize, to: usize) -> u64 {
        self.links.dropped(from, to)
    }

    /// Gives every link its condition.
    pub(crate) fn set_conditions(&self, condition: impl Fn(usize, usize) -> LinkCondition) {
        self.links.set_conditions(condition);
        // Frames may be held by links that are well again.
        self.wake.ring();
    }

    /// From now on has this watch see the messages on these links.
    pub(crate) fn watch(&self, watch: &MessageWatch, links: BTreeMap<Ends, Link>, tally: &Tally) {
        self.watches.arm(watch, links, tally);
    }

    /// Has the watch of this number see nothing more. What it holds goes on at once if it has ended.
    pub(crate) fn forget_watch(&self, number: u32) {
        self.watches.disarm(number);
        self.wake.ring();
    }

    /// From now on has messages go through the gates of `keeper`. There is one at most.
    pub(crate) fn keep_order(&self, keeper: &Arc<dyn Gatekeeper>) {
        // A second one would be a second run in the same network.
        let _ = self.keeper.set(Arc::clone(keeper));
    }

    /// The counts of a link so far.
    pub(crate) fn counts(&self, from: usize, to: usize) -> LinkCounts {
        self.links.counts(from, to)
    }

    /// Checks that it still carries. It stops only by a bug or when it runs out of descriptors.
    pub(crate) fn check_running(&self) -> io::Result<()> {
        match &self.thread {
            Some(thread) if !thread.is_finished() => Ok(()),
            _ => Err(io::Error::other("the switch stopped, a bug of stormproof")),
        }
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Switch").field("links", &self.links).finish_non_exhaustive()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.wake.stop();
        if let Some(thread) = self.thread.take() {
            // If it panicked, it stopped.
            let _ = thread.join();
        }
    }
}
