//! The gates of a run's order, as the places see them that things go through: the switch and the
//! disks of nodes. A [`Gatekeeper`] hears of each, and may have it wait.
//!
//! A message that waits stops its stream in one direction, and no other stream: heartbeats on a
//! connection of their own go on. An fsync that waits is not done yet. Neither takes a thread.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::local::LocalHost;

/// Hears of everything that goes through a gate. Called from the threads that carry it.
pub trait Gatekeeper: Send + Sync {
    /// A message from one end to another, both counted: the clients are 0, and the nodes follow in
    /// the order of the network. It waits where that is returned.
    fn message(&self, from: usize, to: usize, what: &str) -> Option<Wait>;

    /// An fsync of a node, which waits where that is returned.
    fn sync(&self, node: &str) -> Option<Wait>;
}

/// Something that waits until it is let go.
#[derive(Clone, Default)]
pub struct Wait(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    over: bool,
    lost: bool,
    then: Option<Box<dyn FnOnce() + Send>>,
}

impl Wait {
    /// Lets it go. Called again, does nothing.
    pub fn end(&self) {
        let then = {
            let mut state = self.state();
            state.over = true;
            state.then.take()
        };
        if let Some(then) = then {
            then();
        }
    }

    /// Lets it go to be lost: it never happened.
    pub fn lose(&self) {
        self.state().lost = true;
        self.end();
    }

    /// Returns true if it is lost.
    pub fn is_lost(&self) -> bool {
        self.state().lost
    }

    /// Returns true if it was let go.
    pub fn is_over(&self) -> bool {
        self.state().over
    }

    /// Has this done when it is let go, by the one that lets it go; at once if it was.
    pub fn then(&self, act: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.over {
            drop(state);
            act();
        } else {
            state.then = Some(Box::new(act));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Wait").field("over", &self.is_over()).finish()
    }
}

impl LocalHost {
    /// From now on has everything that is seen of messages and disks go through the gates of
    /// `keeper`. It sees messages where our own switch carries them, and disks that are nodes' own.
    pub fn keep_order(&mut self, keeper: &Arc<dyn Gatekeeper>) {
        for (node, disk) in self.disks_by_node() {
            disk.keep_order(node, keeper);
        }
        if let Some(switch) = self.network().and_then(|network| network.switch()) {
            switch.keep_order(keeper);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn what_waits_is_done_once_when_it_is_let_go_or_at_once_if_it_was() {
        let done = Arc::new(AtomicU32::new(0));
        let act = |done: &Arc<AtomicU32>| {
            let done = done.clone();
            move || {
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        let wait = Wait::default();
        wait.then(act(&done));
        assert!(!wait.is_over());
        wait.end();
        wait.end();
        assert_eq!((wait.is_over(), done.load(Ordering::Relaxed)), (true, 1));
        wait.then(act(&done));
        assert_eq!(done.load(Ordering::Relaxed), 2);
    }
}
