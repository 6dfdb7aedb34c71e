//! The state that the proxy's thread shares with its owner.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard};

use crate::wake::Wake;
use faults::grudge::Link;

/// The state that the proxy's thread shares with its owner. Links are by sender, then receiver.
#[derive(Debug)]
pub(super) struct Shared {
    /// The clients first.
    pub(super) names: Vec<String>,
    pub(super) links: Vec<LinkState>,
    /// The number of changes of cuts; `adopted` is the last one that the thread knows.
    pub(super) revision: AtomicU64,
    pub(super) adopted: AtomicU64,
    /// The process group of each node, by which its connections are known.
    pub(super) processes: Mutex<BTreeMap<i32, usize>>,
    pub(super) wake: Wake,
}

#[derive(Debug, Default)]
pub(super) struct LinkState {
    pub(super) cut: AtomicBool,
    /// Directions of connections that wait just now.
    pub(super) waiting: AtomicU64,
    pub(super) times: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Shared {
    pub(super) fn index(&self, from: usize, to: usize) -> usize {
        from * self.names.len() + to
    }

    pub(super) fn link(&self, from: usize, to: usize) -> &LinkState {
        &self.links[self.index(from, to)]
    }

    pub(super) fn processes(&self) -> MutexGuard<'_, BTreeMap<i32, usize>> {
        self.processes.lock().expect("no holder panics")
    }

    /// Every directed link, with its ends.
    pub(super) fn all(&self) -> impl Iterator<Item = (Link, usize, usize)> {
        let ends = || self.names.iter().enumerate();
        ends().flat_map(move |(from, sender)| {
            ends().filter(move |(to, _)| from != *to).map(move |(to, receiver)| {
                (Link { from: sender.clone(), to: receiver.clone() }, from, to)
            })
        })
    }
}
