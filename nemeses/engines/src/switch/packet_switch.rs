//! The switch as its owner sees it.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::carrier;
use super::links::Links;
use super::port::Port;
use crate::wake::Wake;
use faults::fault::LinkCondition;
use faults::host::LinkCounts;

/// A switch that runs until it is dropped. Ports are numbered in the order in which they were
/// given.
#[derive(Debug)]
pub(crate) struct Switch {
    links: Arc<Links>,
    wake: Arc<Wake>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Starts carrying.
    pub(crate) fn start(ports: Vec<Port>) -> io::Result<Self> {
        let links = Arc::new(Links::new(ports.len()));
        let wake = Arc::new(Wake::new()?);
        let (shared, heard) = (Arc::clone(&links), Arc::clone(&wake));
        let thread = std::thread::Builder::new().name("switch".to_owned());
        let thread = thread.spawn(move || carrier::carry(&ports, &shared, &heard))?;
        Ok(Self { links, wake, thread: Some(thread) })
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

impl Drop for Switch {
    fn drop(&mut self) {
        self.wake.stop();
        if let Some(thread) = self.thread.take() {
            // If it panicked, it stopped.
            let _ = thread.join();
        }
    }
}
