//! The way of one fault: the role is resolved when the fault fires, the intent is recorded, the
//! fault is injected and its effect measured, the outcome is recorded; the same for the undoing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::Result;
use faults::coverage::ClusterSnapshot;
use faults::effect::Effect;
use faults::fault::{Action, Excuse};
use faults::host::{ClockSeen, Host};
use faults::nemesis::Nemesis;
use faults::order::FaultPoint;
use faults::outcome::Outcome;
use faults::record::{FaultStage, Happened, Injected, Seen};
use faults::schedule::{Entry, Resolved, Roles, Step};
use results::event::NodeChange;

use super::super::agenda::{Agenda, Due};
use super::super::expected_exits::ExpectedExits;
use super::super::live::{Live, Snapshot};
use super::super::order::OrderKeeper;
use super::super::recorder::Recorder;
use super::super::triggers::{LogTail, Sighted, Signal, Triggers, WaitingFaults};
use super::label::Label;

/// The interval at which the clocks of nodes are read while a clock fault may be on: often enough
/// for a plot.
pub(super) const CLOCK_SAMPLE: Duration = Duration::from_millis(200);

/// A fault that could not be undone is tried again after this time.
pub(super) const UNDO_AGAIN: Duration = Duration::from_millis(500);

/// A service that was taken away may take so long until the next fault: what follows while nothing
/// is served tests nothing, and one that never comes back must not end all faults.
pub(super) const SERVICE_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at what is waited for, such as an answer of the service.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// A look at an effect ends so long before the next fault is due.
const LEAD: Duration = Duration::from_millis(5);

/// Looks at effects take no longer while a fault waits for a moment, which may be now.
const WHILE_WAITED_FOR: Duration = Duration::from_millis(20);

/// Between two questions whether a fault may come by the order that the run is held to: everything
/// is held meanwhile, once it may.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(1);

/// Carries out a schedule.
pub struct NemesisRunner<H> {
    pub(super) nemesis: Nemesis<H>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) live: Live,
    pub(super) expected_exits: Arc<ExpectedExits>,
    pub(super) nodes: Vec<String>,
    /// The names of the faults that fired so far, by number.
    pub(super) labels: BTreeMap<u32, Label>,
    /// When a fault was last undone, on the run's clock.
    pub(super) last_undo: Option<Duration>,
    /// The number of operations that had been acknowledged when a fault was last undone, until one
    /// more was.
    pub(super) unserved_since: Option<u64>,
    /// The faults that wait for a moment.
    pub(super) waiting: WaitingFaults,
    /// The events that have come and are not dealt with yet.
    pub(super) sighted: VecDeque<Sighted>,
    pub(super) signals: Receiver<Signal>,
    pub(super) signal: Sender<Signal>,
    /// The nodes that were no members when the load began, until they are.
    pub(super) joining: BTreeSet<String>,
    /// The order that the run keeps, if it does.
    pub(super) order: Option<Arc<OrderKeeper>>,
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// The time had come.
    InTime,
    /// A fault that waited for a moment has its own.
    Seen,
    /// The load is over.
    Stopped,
}
/// The time of a fault.
#[derive(Clone, Copy)]
struct FaultTime {
    /// When it is due, on the run's clock.
    due: Duration,
    /// The time that all faults waited for the service before.
    waited: Duration,
    /// When something else is due, on the run's clock.
    next: Option<Duration>,
}

impl<H: Host> NemesisRunner<H> {
    /// No fault is on yet.
    pub fn new(
        nemesis: Nemesis<H>,
        recorder: Arc<Recorder>,
        live: Live,
        expected_exits: Arc<ExpectedExits>,
        nodes: Vec<String>,
        (triggers, tail, knows_leader): (Triggers, LogTail, bool),
    ) -> Self {
        let (signal, signals) = channel();
        triggers.tell(Some(signal.clone()));
        Self {
            waiting: WaitingFaults::new(triggers, tail, nodes.clone(), knows_leader),
            sighted: VecDeque::new(),
            signals,
            signal,
            nemesis,
            recorder,
            live,
            expected_exits,
            nodes,
            labels: BTreeMap::new(),
            last_undo: None,
            unserved_since: None,
            joining: BTreeSet::new(),
            order: None,
        }
    }

    /// The same, which has faults come at their places in the order of the run.
    #[must_use]
    pub fn keeping(self, order: Option<Arc<OrderKeeper>>) -> Self {
        Self { order, ..self }
    }

    /// Has [`run`](Self::run) end once anything is sent there.
    pub fn stopper(&self) -> impl FnOnce() + Send + use<H> {
        let signal = self.signal.clone();
        move || {
            // One that is gone has ended.
            let _ = signal.send(Signal::Stop);
        }
    }

    /// The host that faults are done to.
    pub fn host(&self) -> &H {
        self.nemesis.host()
    }

    /// Injects, varies and undoes every fault of `schedule` at its time, counted from `begin` on
    /// the recorder's clock. A fault that follows one after which the service has not answered yet
    /// waits until it does, with everything behind it. One with a trigger waits for that from its
    /// time on, and keeps nothing waiting. Ends early once it was [stopped](Self::stopper); faults
    /// that are on then stay on until [`recover`](Self::recover).
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn run(&mut self, schedule: &[Entry], begin: Duration) -> Result<()> {
        let mut agenda = Agenda::new(schedule);
        self.joining = self.nemesis.host().former_members();
        let (mut waited, mut stopped) = (Duration::ZERO, false);
        loop {
            let now = self.recorder.elapsed().saturating_sub(begin + waited);
            let Some((at, due)) = agenda.take(now) else { break };
            let mut woken = self.wait_until(begin + waited + at);
            if woken == Woken::InTime && matches!(&due, Due::Inject(entry) if entry.when.is_none())
            {
                let more;
                (more, woken) = self.wait_for_service();
                waited += more;
            }
            match woken {
                Woken::InTime => {}
                Woken::Seen => {
                    agenda.put(at, due);
                    while let Some(sighted) = self.sighted.pop_front() {
                        self.begin(sighted, schedule, &mut agenda, (begin, waited))?;
                    }
                    continue;
                }
                Woken::Stopped => {
                    if let Due::Inject(_) | Due::Wait(..) = due {
                        agenda.put(at, due);
                    }
                    let planned = self.recorder.elapsed().saturating_sub(begin);
                    self.note_left_out(agenda.not_injected(planned), waited);
                    stopped = true;
                    break;
                }
            }
            if let Some(fault) = self.comes_too_early(&due) {
                agenda.put(at, due);
                agenda.postpone(fault, BETWEEN_QUESTIONS);
                continue;
            }
            let next = agenda.next_time().map(|next| begin + waited + next);
            let time = FaultTime { due: begin + waited + at, waited, next };
            match due {
                Due::Inject(entry) => {
                    let sighted = self.waiting.take(entry.id);
                    for step in self.inject(entry, time, sighted)? {
                        agenda.put(at + step.after, Due::Step(entry.id, step.action));
                    }
                }
                Due::Wait(entry, trigger) => self.wait_for(entry, trigger, schedule)?,
                Due::GiveUp(entry) => {
                    let seconds = entry.when.as_ref().map_or(0.0, |it| it.within.as_secs_f64());
                    self.give_up(entry, &format!("in {seconds} s"))?;
                }
                Due::Step(id, action) => match self.waits_for_nodes(id, &action) {
                    true => {
                        agenda.put(at, Due::Step(id, action));
                        agenda.postpone(id, PAUSE);
                    }
                    false => self.step(id, action)?,
                },
                Due::Undo(id) | Due::UndoOnceAnswered(id) => {
                    let now = self.recorder.elapsed().saturating_sub(begin + waited);
                    self.nemesis.host_mut().set_patience(Some(Duration::ZERO));
                    if !self.nemesis.is_ready_to_end(id) {
                        agenda.put(now + PAUSE, Due::UndoOnceAnswered(id));
                        continue;
                    }
                    self.be_patient_until(next);
                    self.undo(id)?;
                    if self.nemesis.active().any(|(active, _)| active == id) {
                        // Not wholly undone, or not seen to be. What stays on would weigh on every
                        // fault that follows.
                        agenda.put(now + UNDO_AGAIN, Due::Undo(id));
                    }
                }
            }
        }
        // What is left of it may end while the load goes on.
        while !stopped && self.proceed() {
            stopped = self.hear(PAUSE) == Woken::Stopped;
        }
        for id in self.waiting.waiting() {
            if let Some(entry) = schedule.iter().find(|entry| entry.id == id) {
                self.give_up(entry, "until the load was over")?;
            }
        }
        self.nemesis.host_mut().set_patience(None);
        Ok(())
    }

    /// Looks and questions from here on are over when something else is due.
    fn be_patient_until(&mut self, next: Option<Duration>) {
        let now = self.recorder.elapsed();
        let patience = next.map(|next| next.saturating_sub(now + LEAD));
        let moment = self.waiting.any().then_some(WHILE_WAITED_FOR);
        let patience = patience.into_iter().chain(moment).min();
        self.nemesis.host_mut().set_patience(patience);
    }

    /// Lets a fault begin at the moment that it has waited for, or some time after it.
    fn begin<'a>(
        &mut self,
        sighted: Sighted,
        schedule: &'a [Entry],
        agenda: &mut Agenda<'a>,
        (begin, waited): (Duration, Duration),
    ) -> Result<()> {
        // It may have given up in the very moment.
        let waits = self.waiting.trigger(sighted.fault).is_some();
        let entry = schedule.iter().find(|entry| entry.id == sighted.fault);
        let Some(entry) = entry.filter(|_| waits) else { return Ok(()) };
        agenda.remove_give_up(entry.id);
        let at = (sighted.at + sighted.after).saturating_sub(begin + waited);
        agenda.put(at + entry.lasts, Due::Undo(entry.id));
        if !sighted.after.is_zero() {
            self.waiting.end(entry.id, self.nemesis.host_mut());
            self.waiting.keep(sighted);
            agenda.put(at, Due::Inject(entry));
            return Ok(());
        }
        let next = agenda.next_time().map(|next| begin + waited + next);
        let time = FaultTime { due: sighted.at, waited, next };
        for step in self.inject(entry, time, Some(sighted))? {
            agenda.put(at + step.after, Due::Step(entry.id, step.action));
        }
        Ok(())
    }

    /// Says how many faults had no time left because others waited for the service.
    fn note_left_out(&self, left: usize, waited: Duration) {
        if left > 0 && !waited.is_zero() {
            let seconds = waited.as_secs_f64();
            self.recorder.note(format!(
                "{left} planned faults were not reached: {seconds:.1} s were spent waiting for the \
                 service to come back"
            ));
        }
    }

    /// Records how far the clocks of each node are off, where they are its own.
    pub fn sample_clocks(&mut self) {
        for (node, seen) in self.nemesis.host_mut().clocks() {
            if let Ok(ClockSeen { wall_offset_ms, monotonic_offset_ms, .. }) = seen {
                self.recorder
                    .node(&node, NodeChange::Clock { wall_offset_ms, monotonic_offset_ms });
            }
        }
    }

    /// Lets a fault begin; returns what it does later.
    fn inject(
        &mut self,
        entry: &Entry,
        time: FaultTime,
        sighted: Option<Sighted>,
    ) -> Result<Vec<Step>> {
        let live = self.live.snapshot();
        let resolved = self.resolve(entry, &live, sighted.as_ref());
        let label = Label::new(entry, &resolved).at(sighted.as_ref());
        let intent = Happened::Intended(FaultStage::Inject, resolved.action().clone());
        self.recorder.fault(label.record(intent))?;
        if let Some(order) = &self.order {
            order.note_fault(entry.id, FaultPoint::Beginning);
        }
        let facts = self.facts(&live, entry, time);
        let later = resolved.steps[1..].to_vec();
        let late = self.recorder.elapsed().saturating_sub(time.due);
        let injected = if late >= entry.lasts {
            let reason = format!("it was due {:.1} s before, and is over", late.as_secs_f64());
            let (outcome, effect) = (Outcome::Skipped { reason }, Effect::new());
            let (action, note) = (resolved.action().clone(), resolved.note.clone());
            Injected { action, outcome, effect, note, facts: None, trigger: None }
        } else {
            for node in &self.nodes {
                if resolved.steps.iter().any(|step| step.action.may_end(node)) {
                    self.expected_exits.allow(node, entry.id, &label.name);
                }
            }
            let own = later.first().map(|step| time.due + step.after);
            match &sighted {
                // What is held waits for this.
                Some(Sighted { held: true, .. }) => {
                    self.nemesis.host_mut().set_patience(Some(Duration::ZERO));
                }
                None if self.follows_order() => {
                    self.nemesis.host_mut().set_patience(Some(Duration::ZERO));
                }
                _ => self.be_patient_until(own.into_iter().chain(time.next).min()),
            }
            self.nemesis.set_unready(live.unready());
            self.nemesis.inject(entry, resolved)
        };
        if let Some(order) = &self.order {
            order.begun(entry.id, label.family, &label.nodes);
        }
        let trigger = sighted.map(|sighted| Box::new(self.let_go(sighted)));
        let skipped = matches!(injected.outcome, Outcome::Skipped { .. });
        if let Some(name) = entry.named.as_ref().filter(|_| !skipped) {
            let hit = injected.action.nodes();
            let hit = if hit.is_empty() { label.nodes.clone() } else { hit };
            self.waiting.give(name, hit);
        }
        // Who lost its power is dead by now, and has to serve when it is back.
        if skipped || label.family.excuse() == Excuse::AtInjection {
            self.expected_exits.revoke(entry.id, self.recorder.elapsed());
        }
        let done = Happened::Injected(Injected { facts: Some(facts), trigger, ..injected });
        self.recorder.fault(label.record(done))?;
        self.labels.insert(entry.id, label);
        self.sample_clocks();
        Ok(later)
    }

    /// The fault as it would be done now.
    pub(super) fn resolve(
        &self,
        entry: &Entry,
        live: &Snapshot,
        sighted: Option<&Sighted>,
    ) -> Resolved {
        let hit = self.waiting.hit(entry, sighted);
        let by_commit = live.by_commit();
        let roles = Roles {
            leader: live.leader(),
            former_leader: live.former_leader(),
            most_advanced: by_commit.map(|(most, _)| most),
            least_advanced: by_commit.map(|(_, least)| least),
            hit: hit.as_ref(),
        };
        entry.resolve(&self.nodes, roles)
    }

    /// Lets go what was held for a fault that is applied.
    fn let_go(&mut self, sighted: Sighted) -> Seen {
        let micros = |time: Duration| time.as_micros() as u64;
        let Sighted { fault, at, after, held, seen } = sighted;
        let applied = self.recorder.elapsed().saturating_sub(at);
        let by_engine = self.waiting.end(fault, self.nemesis.host_mut());
        let held = held.then(|| by_engine.unwrap_or(applied));
        let applied_after_us = micros(applied.saturating_sub(after));
        Seen { applied_after_us, held_us: held.map(micros), ..seen }
    }

    /// The cluster as it is known now, and the time.
    fn facts(&self, live: &Snapshot, entry: &Entry, time: FaultTime) -> ClusterSnapshot {
        let now = self.recorder.elapsed();
        let since = |then: Duration| now.saturating_sub(then).as_millis() as u64;
        let on = self.nemesis.active().filter_map(|(id, _)| self.labels.get(&id));
        ClusterSnapshot {
            roles: live.roles(),
            former_leader: live.former_leader().map(str::to_owned),
            since_leader_change_ms: live.leads_since().map(Duration::from_nanos).map(since),
            since_undo_ms: self.last_undo.map(since),
            others_on: on.map(|label| label.family).collect(),
            planned_ms: Some(entry.at.as_millis() as u64),
            waited_ms: time.waited.as_millis() as u64,
            late_ms: since(time.due),
        }
    }

    fn step(&mut self, id: u32, action: Action) -> Result<()> {
        let Some(label) = self.labels.get(&id) else { return Ok(()) };
        if !self.nemesis.active().any(|(active, _)| active == id) {
            return Ok(());
        }
        let intent = Happened::Intended(FaultStage::Step, action.clone());
        self.recorder.fault(label.record(intent))?;
        if let Some(stepped) = self.nemesis.step(id, action) {
            self.recorder.fault(label.record(Happened::Stepped(stepped)))?;
        }
        Ok(())
    }

    pub(super) fn undo(&mut self, id: u32) -> Result<()> {
        let active = self.nemesis.active().find(|(active, _)| *active == id);
        let (Some((_, action)), Some(label)) = (active, self.labels.get(&id)) else {
            return Ok(());
        };
        let intent = Happened::Intended(FaultStage::Undo, action.clone());
        self.recorder.fault(label.record(intent))?;
        if let Some(order) = &self.order {
            order.note_fault(id, FaultPoint::Ending);
        }
        let undone = self.nemesis.undo(id);
        if let Some(order) = &self.order {
            order.note_fault(id, FaultPoint::Ended);
        }
        if let Some(undone) = undone {
            for problem in &undone.problems {
                self.recorder.note(format!("could not undo {}: {problem}", label.name));
            }
            self.recorder.fault(label.record(Happened::Undone(undone)))?;
        }
        self.last_undo = Some(self.recorder.elapsed());
        self.unserved_since = Some(self.live.acknowledged());
        if label.family.excuse() != Excuse::Forever {
            self.expected_exits.revoke(id, self.recorder.elapsed());
            // Who cannot come back yet is tried again after the next one.
            self.start_ended_nodes()?;
        }
        self.sample_clocks();
        Ok(())
    }
}
