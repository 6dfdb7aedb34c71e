//! The way of one fault: the role is resolved when the fault fires, the intent is recorded, the
//! fault is injected and its effect measured, the outcome is recorded; the same for the undoing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use faults::coverage::ClusterSnapshot;
use faults::effect::Effect;
use faults::fault::{Action, Excuse, Family, Fault, Pattern};
use faults::host::{ClockSeen, Host, HostError, NodeState};
use faults::nemesis::Nemesis;
use faults::outcome::Outcome;
use faults::record::{FaultRecord, FaultStage, Happened, Injected};
use faults::schedule::{Entry, Resolved, Roles, Step};
use results::event::NodeChange;

use super::agenda::{Agenda, Due};
use super::expected_exits::ExpectedExits;
use super::live::{Live, Snapshot};
use super::recorder::Recorder;

/// The interval at which the clocks of nodes are read while a clock fault may be on: often enough
/// for a plot.
const CLOCK_SAMPLE: Duration = Duration::from_millis(200);

/// A fault that could not be undone is tried again after this time.
const UNDO_AGAIN: Duration = Duration::from_millis(500);

/// The time that members which were removed may take to come back once everything is undone: a
/// cluster may need several elections before it can add one.
const COME_BACK_WITHIN: Duration = Duration::from_secs(30);

/// A service that was taken away may take so long until the next fault: what follows while nothing
/// is served tests nothing, and one that never comes back must not end all faults.
const SERVICE_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at what is waited for, such as an answer of the service.
const PAUSE: Duration = Duration::from_millis(20);

/// A look at an effect ends so long before the next fault is due.
const LEAD: Duration = Duration::from_millis(5);

/// Carries out a schedule.
pub struct NemesisRunner<H> {
    nemesis: Nemesis<H>,
    recorder: Arc<Recorder>,
    live: Live,
    expected_exits: Arc<ExpectedExits>,
    nodes: Vec<String>,
    /// The names of the faults that fired so far, by number.
    labels: BTreeMap<u32, Label>,
    /// When a fault was last undone, on the run's clock.
    last_undo: Option<Duration>,
    /// The number of operations that had been acknowledged when a fault was last undone, until one
    /// more was.
    unserved_since: Option<u64>,
    /// The nodes that faults hit which name them, by that name.
    named: BTreeMap<String, BTreeSet<String>>,
}

/// The name of a fault in the history, and whom it hits.
struct Label {
    fault: u32,
    family: Family,
    name: String,
    nodes: BTreeSet<String>,
    /// Set for a fault that takes nodes down one after the other, each back before the next.
    rolls: bool,
    /// The time that it has waited for nodes to be back.
    waited: Duration,
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
    ) -> Self {
        Self {
            nemesis,
            recorder,
            live,
            expected_exits,
            nodes,
            labels: BTreeMap::new(),
            last_undo: None,
            unserved_since: None,
            named: BTreeMap::new(),
        }
    }

    /// The host that faults are done to.
    pub fn host(&self) -> &H {
        self.nemesis.host()
    }

    /// Injects, varies and undoes every fault of `schedule` at its time, counted from `begin` on
    /// the recorder's clock. A fault that follows one after which the service has not answered yet
    /// waits until it does, with everything behind it. Ends early when `stop` receives anything or
    /// is dropped; faults that are on then stay on until [`recover`](Self::recover).
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn run(&mut self, schedule: &[Entry], begin: Duration, stop: &Receiver<()>) -> Result<()> {
        let mut agenda = Agenda::new(schedule);
        let mut waited = Duration::ZERO;
        loop {
            let now = self.recorder.elapsed().saturating_sub(begin + waited);
            let Some((at, due)) = agenda.take(now) else { break };
            let in_time = self.wait_until(begin + waited + at, stop);
            let served = match due {
                Due::Inject(_) if in_time => self.wait_for_service(stop),
                _ => in_time.then_some(Duration::ZERO),
            };
            let Some(more) = served else {
                if let Due::Inject(_) = due {
                    agenda.put(at, due);
                }
                let planned = self.recorder.elapsed().saturating_sub(begin);
                self.note_left_out(agenda.not_injected(planned), waited);
                break;
            };
            waited += more;
            let next = agenda.next_time().map(|next| begin + waited + next);
            let time = FaultTime { due: begin + waited + at, waited, next };
            match due {
                Due::Inject(entry) => {
                    for step in self.inject(entry, time)? {
                        agenda.put(entry.at + step.after, Due::Step(entry.id, step.action));
                    }
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
        self.nemesis.host_mut().set_patience(None);
        Ok(())
    }

    /// Looks and questions from here on are over when something else is due.
    fn be_patient_until(&mut self, next: Option<Duration>) {
        let now = self.recorder.elapsed();
        let patience = next.map(|next| next.saturating_sub(now + LEAD));
        self.nemesis.host_mut().set_patience(patience);
    }

    /// Waits until an operation succeeded since the last fault was undone, if none is on, and
    /// returns for how long; none when the run of faults is to end.
    fn wait_for_service(&mut self, stop: &Receiver<()>) -> Option<Duration> {
        let begin = self.recorder.elapsed();
        let Some(before) = self.unserved_since else { return Some(Duration::ZERO) };
        if self.nemesis.active().next().is_some() {
            return Some(Duration::ZERO);
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
            if stop.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return None;
            }
            self.proceed();
        }
        self.unserved_since = None;
        Some(self.recorder.elapsed() - begin)
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

    /// Returns true if a fault takes one node down after the other and the one before is not back.
    fn waits_for_nodes(&mut self, id: u32, action: &Action) -> bool {
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

    /// Waits, looks at the clocks meanwhile, and goes on with what the service answers; false when
    /// the run of faults is to end.
    fn wait_until(&mut self, time: Duration, stop: &Receiver<()>) -> bool {
        let mut sample = self.recorder.elapsed() + CLOCK_SAMPLE;
        loop {
            let now = self.recorder.elapsed();
            if sample <= now {
                self.sample_clocks();
                sample = now + CLOCK_SAMPLE;
            }
            let until = if self.proceed() { sample.min(now + PAUSE) } else { sample };
            let wait = until.min(time).saturating_sub(self.recorder.elapsed());
            if stop.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            if time <= until {
                return true;
            }
        }
    }

    /// Goes on with what the service has answered meanwhile, and does not wait for more; true while
    /// an answer is outstanding.
    fn proceed(&mut self) -> bool {
        self.nemesis.host_mut().set_patience(Some(Duration::ZERO));
        self.nemesis.proceed()
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
    fn inject(&mut self, entry: &Entry, time: FaultTime) -> Result<Vec<Step>> {
        let live = self.live.snapshot();
        let hit = entry.on.as_ref().and_then(|name| self.named.get(name));
        let roles = Roles { leader: live.leader(), former_leader: live.former_leader(), hit };
        let resolved = entry.resolve(&self.nodes, roles);
        let label = Label::new(entry, &resolved);
        let intent = Happened::Intended(FaultStage::Inject, resolved.action().clone());
        self.recorder.fault(label.record(intent))?;
        let facts = self.facts(&live, entry, time);
        let later = resolved.steps[1..].to_vec();
        let late = self.recorder.elapsed().saturating_sub(time.due);
        let injected = if late >= entry.lasts {
            let reason = format!("it was due {:.1} s before, and is over", late.as_secs_f64());
            let (outcome, effect) = (Outcome::Skipped { reason }, Effect::new());
            let (action, note) = (resolved.action().clone(), resolved.note.clone());
            Injected { action, outcome, effect, note, facts: None }
        } else {
            for node in &self.nodes {
                if resolved.steps.iter().any(|step| step.action.may_end(node)) {
                    self.expected_exits.allow(node, entry.id, &label.name);
                }
            }
            let own = later.first().map(|step| time.due + step.after);
            self.be_patient_until(own.into_iter().chain(time.next).min());
            self.nemesis.set_unready(live.unready());
            self.nemesis.inject(entry, resolved)
        };
        let skipped = matches!(injected.outcome, Outcome::Skipped { .. });
        if let Some(name) = entry.named.as_ref().filter(|_| !skipped) {
            let hit = injected.action.nodes();
            let hit = if hit.is_empty() { label.nodes.clone() } else { hit };
            self.named.insert(name.clone(), hit);
        }
        // Who lost its power is dead by now, and has to serve when it is back.
        if skipped || label.family.excuse() == Excuse::AtInjection {
            self.expected_exits.revoke(entry.id, self.recorder.elapsed());
        }
        let done = Happened::Injected(Injected { facts: Some(facts), ..injected });
        self.recorder.fault(label.record(done))?;
        self.labels.insert(entry.id, label);
        self.sample_clocks();
        Ok(later)
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

    fn undo(&mut self, id: u32) -> Result<()> {
        let active = self.nemesis.active().find(|(active, _)| *active == id);
        let (Some((_, action)), Some(label)) = (active, self.labels.get(&id)) else {
            return Ok(());
        };
        let intent = Happened::Intended(FaultStage::Undo, action.clone());
        self.recorder.fault(label.record(intent))?;
        if let Some(undone) = self.nemesis.undo(id) {
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

    /// Starts, as a supervisor would, every node that is down although no fault holds it down: one
    /// that a fault gave reason to end. Tells which cannot come back yet, and why.
    fn start_ended_nodes(&mut self) -> Result<BTreeMap<String, String>> {
        let held = self.nemesis.active().filter_map(|(_, action)| action.holds_down());
        let held: BTreeSet<String> = held.flatten().cloned().collect();
        let down = self.stopped_nodes();
        self.start_nodes(&down.difference(&held).cloned().collect())
    }

    /// Undoes every fault that is on and starts every node that is down.
    ///
    /// # Errors
    /// When a fault cannot be undone, a node cannot be started or a part of the lab died: then
    /// nothing can be asked of the cluster.
    pub fn recover(&mut self) -> Result<()> {
        self.nemesis.host_mut().set_patience(None);
        let begin = Instant::now();
        loop {
            for id in self.nemesis.undo_order() {
                // An answer of the service comes in time, or the question ends by itself.
                while !self.nemesis.is_ready_to_end(id) && begin.elapsed() < COME_BACK_WITHIN {
                    std::thread::sleep(PAUSE);
                }
                self.undo(id)?;
            }
            let still_on: Vec<u32> = self.nemesis.active().map(|(id, _)| id).collect();
            if still_on.is_empty() {
                break;
            }
            // A member that was removed may need several elections to be added again.
            if begin.elapsed() > COME_BACK_WITHIN {
                bail!("the faults {still_on:?} could not be undone");
            }
            std::thread::sleep(UNDO_AGAIN);
        }
        if let Err(error) = self.nemesis.host_mut().check_sound() {
            bail!("the lab is not sound: {error}");
        }
        let begin = Instant::now();
        loop {
            match self.start_ended_nodes()?.into_iter().next() {
                None => return Ok(()),
                Some((node, why)) if begin.elapsed() > COME_BACK_WITHIN => {
                    bail!("{node} cannot come back: {why}")
                }
                Some(_) => std::thread::sleep(UNDO_AGAIN),
            }
        }
    }

    /// Kills every process but those of the nodes in `spared`, and starts them again.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn restart_all(&mut self, spared: &BTreeSet<String>) -> Result<()> {
        let nodes = self.nodes.iter().filter(|node| !spared.contains(*node)).cloned().collect();
        for (node, killed) in self.nemesis.host_mut().kill(&nodes) {
            if let Err(error) = killed {
                self.recorder.note(format!("could not kill {node}: {error}"));
            }
        }
        match self.start_nodes(&nodes)?.into_iter().next() {
            None => Ok(()),
            Some((node, why)) => bail!("{node} cannot come back: {why}"),
        }
    }

    /// The nodes whose files were damaged: they cannot be asked to serve.
    pub fn damaged(&self) -> &BTreeSet<String> {
        self.nemesis.damaged()
    }

    /// Starts each node at its time after now.
    ///
    /// # Errors
    /// When the process of one cannot be made.
    pub fn start(&mut self, starts: &[(Duration, String)]) -> Result<()> {
        let begin = self.recorder.elapsed();
        for (at, node) in starts {
            std::thread::sleep((begin + *at).saturating_sub(self.recorder.elapsed()));
            self.start_nodes(&[node.clone()].into())?;
        }
        Ok(())
    }

    fn stopped_nodes(&self) -> BTreeSet<String> {
        let host = self.nemesis.host();
        let stopped = self.nodes.iter().filter(|node| host.state(node) == NodeState::Stopped);
        stopped.cloned().collect()
    }

    /// Starts these nodes; those that run are left alone. Returns those that cannot be started
    /// yet, with the reason: removed members that cannot be added at the time.
    fn start_nodes(&mut self, nodes: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
        let mut put_off = BTreeMap::new();
        for (node, started) in self.nemesis.host_mut().start(nodes) {
            match started {
                Ok(_) => {}
                Err(HostError::Unavailable(why)) => drop(put_off.insert(node, why)),
                Err(error) => bail!("cannot start {node}: {error}"),
            }
        }
        Ok(put_off)
    }
}

impl Label {
    fn new(entry: &Entry, resolved: &Resolved) -> Self {
        let nodes = resolved.nodes();
        let list = nodes.iter().cloned().collect::<Vec<_>>().join(", ");
        let unknown = resolved.unknown_role.map(|role| format!("no {role} was known"));
        let known: Vec<String> =
            [list].into_iter().filter(|list| !list.is_empty()).chain(unknown).collect();
        let fault = match resolved.unknown_role.and_then(|_| entry.fault.without_roles()) {
            Some(words) => words,
            None => entry.fault.to_string(),
        };
        let name = match known.is_empty() {
            true => fault,
            false => format!("{fault} ({})", known.join("; ")),
        };
        let rolls = matches!(&entry.fault, Fault::Kill(kill) if kill.rhythm == Pattern::Rolling);
        let (fault, family) = (entry.id, entry.fault.family());
        Label { fault, family, name, nodes, rolls, waited: Duration::ZERO }
    }

    /// The record that this happened to the fault.
    fn record(&self, what: Happened) -> FaultRecord {
        let Self { fault, family, ref name, ref nodes, .. } = *self;
        FaultRecord { fault, family, name: name.clone(), nodes: nodes.clone(), what }
    }
}

#[cfg(test)]
mod tests {
    use faults::fault::{Partition, Shape};

    use super::*;

    #[test]
    fn a_fault_whose_role_no_node_has_is_named_by_what_it_hit() {
        let entry = Entry {
            id: 1,
            at: Duration::ZERO,
            lasts: Duration::from_secs(1),
            pick: 7,
            named: None,
            on: None,
            fault: Fault::Partition(Partition::steady(Shape::IsolateLeader)),
        };
        let nodes: Vec<String> = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let named = |roles| Label::new(&entry, &entry.resolve(&nodes, roles)).name;
        assert_eq!(named(Roles::led_by("n2")), "partition, isolate the leader (n2)");
        let drawn = entry.resolve(&nodes, Roles::default()).target.expect("one was drawn");
        let expected = format!("partition, isolate a node ({drawn}; no leader was known)");
        assert_eq!(named(Roles::default()), expected);
    }
}
