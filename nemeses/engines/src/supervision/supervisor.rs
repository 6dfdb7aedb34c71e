//! The thread that answers what a process asks.

use std::io;
use std::sync::Arc;

use nix::unistd::Pid;

use super::listener::{Listener, Question};
use crate::clock::Deadlines;
use crate::disk::SyncBarrier;

/// Answers the questions of a process and of those that it forks.
pub(super) struct Supervisor {
    listener: Arc<Listener>,
    /// Without them every wait goes on as it is.
    deadlines: Option<Deadlines>,
    barrier: Option<SyncBarrier>,
}

impl Supervisor {
    pub(super) fn new(
        listener: Listener,
        deadlines: Option<Deadlines>,
        barrier: Option<SyncBarrier>,
    ) -> Self {
        Self { listener: Arc::new(listener), deadlines, barrier }
    }

    /// Starts the thread, which ends when no process is left that asks.
    pub(super) fn start(mut self, pid: Pid) -> io::Result<()> {
        let thread = std::thread::Builder::new().name(format!("calls of {pid}"));
        thread.spawn(move || {
            while let Some(question) = self.listener.receive_next() {
                self.settle(question);
            }
        })?;
        Ok(())
    }

    fn settle(&mut self, question: Question) {
        if let Some(barrier) = &self.barrier
            && barrier.is_meant(&question)
        {
            // A disk may be slow, and other threads of the process have their questions meanwhile.
            // The kernel is not asked as well: the whole machine has other disks, and some are
            // other nodes'.
            let listener = Arc::clone(&self.listener);
            return barrier.make(move |result| listener.answer(&question, result));
        }
        if let Some(deadlines) = &mut self.deadlines {
            deadlines.correct(&question, &self.listener);
        }
        self.listener.go_on(&question);
    }
}
