//! Everything that happens in a run passes here: it gets its index and time, goes to disk, and is
//! shown to all listeners, in that order.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use checker::history::Event;
use faults::record::FaultRecord;
use results::event::{
    FaultEvent, Mark, MarkEvent, NodeEvent, NodeReport, Phase, PhaseEvent, RunEvent,
};
use results::run_directory::RunDirectory;

/// A reader of the event stream.
pub type Listener = Box<dyn FnMut(&RunEvent) + Send>;

/// Numbers, stamps, saves and distributes the events of one run.
pub struct Recorder {
    start: Instant,
    inner: Mutex<Inner>,
}

struct Inner {
    next_index: u64,
    directory: RunDirectory,
    listeners: Vec<Listener>,
}

impl Recorder {
    /// Starts the run's clock.
    pub fn new(directory: RunDirectory, listeners: Vec<Listener>) -> Self {
        let inner = Inner { next_index: 0, directory, listeners };
        Recorder { start: Instant::now(), inner: Mutex::new(inner) }
    }

    /// Time since the start of the run.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The same in nanoseconds, as events are stamped.
    pub fn now(&self) -> u64 {
        self.elapsed().as_nanos() as u64
    }

    /// Records an event of a client; its index and time are set here. The line has been handed to
    /// the kernel when this returns, so that an invocation is on record before the first byte of
    /// its request is sent.
    ///
    /// # Errors
    /// When the history cannot be written. What was written before stays.
    pub fn record(&self, event: Event) -> Result<Event> {
        let event =
            self.append(|index, time| RunEvent::Operation(Event { index, time, ..event }))?;
        match event {
            RunEvent::Operation(event) => Ok(event),
            _ => unreachable!("made three lines above"),
        }
    }

    /// Records the beginning of a phase.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn phase(&self, phase: Phase) -> Result<()> {
        self.append(|index, time| RunEvent::Phase(PhaseEvent { index, time, phase })).map(drop)
    }

    /// Records a fact about the run as a whole.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn mark(&self, mark: Mark) -> Result<()> {
        self.append(|index, time| RunEvent::Mark(MarkEvent { index, time, mark })).map(drop)
    }

    /// Records what happens to a fault.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn fault(&self, record: FaultRecord) -> Result<()> {
        self.append(|index, time| RunEvent::Fault(FaultEvent { index, time, record })).map(drop)
    }

    /// Gives an event of the history its index and time, saves it and shows it.
    fn append(&self, event: impl FnOnce(u64, u64) -> RunEvent) -> Result<RunEvent> {
        let mut inner = self.lock();
        let event = event(inner.next_index, self.now());
        inner.directory.record(&event)?;
        inner.next_index += 1;
        inner.tell(&event);
        Ok(event)
    }

    /// Records a change of a node. It is no part of the history; a disk that is full is reported
    /// by the next event that is.
    pub fn node(&self, node: &str, report: impl Into<NodeReport>) {
        let NodeReport { change, at } = report.into();
        let mut inner = self.lock();
        let event = NodeEvent { time: self.now(), node: node.into(), change, at };
        let saved = inner.directory.append_node_event(&event);
        inner.tell(&RunEvent::Node(event));
        if let Err(error) = saved {
            inner.tell(&RunEvent::Note(format!("{error:#}")));
        }
    }

    /// Says something to those who watch.
    pub fn note(&self, text: impl Into<String>) {
        self.lock().tell(&RunEvent::Note(text.into()));
    }

    /// The run directory, for what is saved beside the events.
    pub fn with_directory<T>(&self, act: impl FnOnce(&mut RunDirectory) -> T) -> T {
        act(&mut self.lock().directory)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A listener that panicked must not hide what happens afterwards.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn tell(&mut self, event: &RunEvent) {
        for listener in &mut self.listeners {
            listener(event);
        }
    }
}
