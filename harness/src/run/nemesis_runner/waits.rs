//! Everything that the thread of the faults waits for: times, moments, the service.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::Result;
use faults::effect::Effect;
use faults::fault::Action;
use faults::host::{Host, Request};
use faults::outcome::Outcome;
use faults::record::{FaultStage, Happened, Injected};
use faults::schedule::Entry;
use faults::trigger::Trigger;

use super::super::agenda::Due;
use super::super::triggers::Signal;
use super::label::Label;
use super::runner::{CLOCK_SAMPLE, NemesisRunner, PAUSE, SERVICE_WITHIN, Woken};

/// Between two looks at what is not reported by itself, while a fault waits for that.
const LOOK: Duration = Duration::from_millis(5);

impl<H: Host> NemesisRunner<H> {
    /// Waits, looks at the clocks meanwhile, and goes on with what the service answers.
    pub(super) fn wait_until(&mut self, time: Duration) -> Woken {
        let mut sample = self.recorder.elapsed() + CLOCK_SAMPLE;
        loop {
            let now = self.recorder.elapsed();
            if sample <= now {
                self.sample_clocks();
                sample = now + CLOCK_SAMPLE;
            }
            let mut until = if self.proceed() { sample.min(now + PAUSE) } else { sample };
            if self.waiting.any() {
                until = until.min(now + LOOK);
            }
            let wait = until.min(time).saturating_sub(self.recorder.elapsed());
            match self.hear(wait) {
                Woken::InTime if time > until => {}
                woken => return woken,
            }
        }
    }

    /// Waits until an operation succeeded since the last fault was undone, if none is on, and
    /// returns for how long.
    pub(super) fn wait_for_service(&mut self) -> (Duration, Woken) {
        let begin = self.recorder.elapsed();
        let Some(before) = self.unserved_since else { return (Duration::ZERO, Woken::InTime) };
        if self.nemesis.active().next().is_some() {
            return (Duration::ZERO, Woken::InTime);
        }
        while self.live.acknowledged() <= before {
            let waited = self.recorder.elapsed() - begin;
            if waited > SERVICE_WITHIN {
                let seconds = SERVICE_WITHIN.as_secs();
                self.recorder.note(format!(
                    "nothing was served for {seconds} s after the last fault was undone; the next \
                     one comes all the same"
                ));
                break;
            }
            match self.hear(PAUSE) {
                Woken::InTime => drop(self.proceed()),
                woken => return (self.recorder.elapsed() - begin, woken),
            }
        }
        self.unserved_since = None;
        (self.recorder.elapsed() - begin, Woken::InTime)
    }

    /// Waits for so long, or until a moment has come or the load is over.
    pub(super) fn hear(&mut self, wait: Duration) -> Woken {
        if self.waiting.any() {
            let (leaders, now) = (self.live.leaders(), self.recorder.elapsed());
            self.waiting.look(&leaders, now, self.nemesis.host_mut());
        }
        match self.signals.recv_timeout(wait) {
            Ok(Signal::Seen(sighted)) => {
                self.sighted.push_back(sighted);
                Woken::Seen
            }
            Err(RecvTimeoutError::Timeout) => Woken::InTime,
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => Woken::Stopped,
        }
    }

    /// Goes on with what the service has answered meanwhile, and does not wait for more; true while
    /// an answer is outstanding.
    pub(super) fn proceed(&mut self) -> bool {
        self.nemesis.host_mut().set_patience(Some(Duration::ZERO));
        let waits = self.nemesis.proceed();
        self.note_joined();
        waits
    }

    /// Tells which nodes have joined that were no members when the load began.
    pub(super) fn note_joined(&mut self) {
        if self.joining.is_empty() {
            return;
        }
        let host = self.nemesis.host_mut();
        let joining = &host.former_members() | &host.learners();
        for node in &self.joining - &joining {
            let around = host.members_around(&Request::Promote(node.clone()));
            let members = around.map(|around| format!(": {}", around.after)).unwrap_or_default();
            self.recorder.note(format!("{node} joined{members}"));
            self.joining.remove(&node);
        }
    }

    /// Returns true if a fault takes one node down after the other and the one before is not back.
    pub(super) fn waits_for_nodes(&mut self, id: u32, action: &Action) -> bool {
        let Some(label) = self.labels.get_mut(&id) else { return false };
        let waits = label.rolls
            && !action.takes_down().is_empty()
            && !self.live.unready().is_empty()
            && label.waited < SERVICE_WITHIN;
        if waits {
            label.waited += PAUSE;
            std::thread::sleep(PAUSE);
        }
        waits
    }

    /// Returns the fault whose begin or end is due, and comes too early by the order that the run is
    /// held to.
    pub(super) fn comes_too_early(&self, due: &Due<'_>) -> Option<u32> {
        let order = self.order.as_deref().filter(|order| order.follows())?;
        match due {
            Due::Inject(entry) if entry.when.is_none() => {
                let resolved = self.resolve(entry, &self.live.snapshot(), None);
                let hit = &Label::new(entry, &resolved).nodes;
                (!order.may_begin(entry.id, entry.fault.family(), hit)).then_some(entry.id)
            }
            Due::Undo(id) => (!order.may_end(*id)).then_some(*id),
            _ => None,
        }
    }

    /// Returns true if the run is held to an order.
    pub(super) fn follows_order(&self) -> bool {
        self.order.as_ref().is_some_and(|order| order.follows())
    }

    /// Lets a fault wait for its trigger.
    pub(super) fn wait_for(
        &mut self,
        entry: &Entry,
        trigger: &Trigger,
        schedule: &[Entry],
    ) -> Result<()> {
        let (leaders, now) = (self.live.leaders(), self.recorder.elapsed());
        let host = self.nemesis.host_mut();
        match self.waiting.wait(entry, trigger, schedule, (&leaders, now), host) {
            Ok(()) => Ok(()),
            Err(error) => self.skip(entry, format!("it cannot be seen here: {error}")),
        }
    }

    /// Lets a fault wait no more, if it does.
    pub(super) fn give_up(&mut self, entry: &Entry, how_long: &str) -> Result<()> {
        let Some(trigger) = self.waiting.trigger(entry.id) else { return Ok(()) };
        let reason = format!("never triggered: {trigger} was not seen {how_long}");
        self.waiting.end(entry.id, self.nemesis.host_mut());
        self.recorder.note(format!("{}: {reason}", entry.fault));
        self.skip(entry, reason)
    }

    /// Records that a fault was not even tried.
    pub(super) fn skip(&mut self, entry: &Entry, reason: String) -> Result<()> {
        let label = Label::unresolved(entry);
        let intent = Happened::Intended(FaultStage::Inject, Action::Nothing);
        self.recorder.fault(label.record(intent))?;
        let skipped = Injected {
            action: Action::Nothing,
            outcome: Outcome::Skipped { reason },
            effect: Effect::new(),
            note: None,
            facts: None,
            trigger: None,
        };
        self.recorder.fault(label.record(Happened::Injected(skipped)))
    }
}
