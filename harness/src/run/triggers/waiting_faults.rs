//! The faults that wait for a moment, as the thread of the faults keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use faults::host::{Host, HostError};
use faults::schedule::{Entry, Named};
use faults::trigger::{Observed, Trigger, Watch};

use super::super::live::Leaders;
use super::{LogTail, Places, Sighted, Triggers};

/// The faults that wait, what was seen of them, and the names that faults gave.
pub struct WaitingFaults {
    triggers: Triggers,
    tail: LogTail,
    nodes: Vec<String>,
    /// True if nodes say who leads.
    knows_leader: bool,
    waiting: BTreeMap<u32, Waits>,
    /// The nodes that faults hit which name them, by that name.
    given: BTreeMap<String, BTreeSet<String>>,
    /// The events that were seen for faults which begin some time after them.
    seen: BTreeMap<u32, Sighted>,
}

/// The event that one fault waits for.
struct Waits {
    trigger: Trigger,
    /// The engine's part of it, at the nodes of the moment.
    watch: Option<Watch>,
}

impl WaitingFaults {
    /// No fault waits yet.
    pub fn new(triggers: Triggers, tail: LogTail, nodes: Vec<String>, knows_leader: bool) -> Self {
        let (waiting, given, seen) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { triggers, tail, nodes, knows_leader, waiting, given, seen }
    }

    /// Returns true if a fault waits.
    pub fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Lets a fault of `schedule` wait for its trigger.
    ///
    /// # Errors
    /// When the host cannot see such things.
    pub fn wait<H: Host>(
        &mut self,
        entry: &Entry,
        trigger: &Trigger,
        schedule: &[Entry],
        (leaders, now): (&Leaders, Duration),
        host: &mut H,
    ) -> Result<(), HostError> {
        let trigger = match self.knows_leader {
            true => trigger.clone(),
            false => trigger.clone().without_roles(),
        };
        let trigger = &trigger;
        let places = Places { nodes: &self.nodes, leaders, given: &self.given };
        let nodes = places.seen_at(&trigger.observed);
        let watch = places.watch(&trigger.observed);
        let is_log = |trigger: &Trigger| matches!(trigger.observed, Observed::Log { .. });
        if is_log(trigger) && !self.waiting.values().any(|waits| is_log(&waits.trigger)) {
            self.tail.begin();
        }
        let other = waits_for(entry, trigger, schedule);
        self.triggers.wait(entry.id, trigger, nodes, other, now);
        if let Some(watch) = &watch
            && let Err(error) = host.watch(entry.id, watch, trigger.nth, trigger.hold())
        {
            self.triggers.give_up(entry.id);
            return Err(error);
        }
        self.waiting.insert(entry.id, Waits { trigger: trigger.clone(), watch });
        Ok(())
    }

    /// Looks at what nothing else reports, and moves watches to the nodes that have their roles by
    /// now.
    pub fn look<H: Host>(&mut self, leaders: &Leaders, now: Duration, host: &mut H) {
        let Self { triggers, tail, nodes, waiting, given, .. } = self;
        let places = Places { nodes, leaders, given };
        for (id, waits) in waiting.iter_mut() {
            triggers.move_to(*id, places.seen_at(&waits.trigger.observed));
            let watch = places.watch(&waits.trigger.observed);
            if watch != waits.watch {
                if let Some(watch) = &watch {
                    // It could be kept when it began.
                    let _ = host.watch(*id, watch, waits.trigger.nth, waits.trigger.hold());
                }
                waits.watch = watch;
            }
        }
        if waiting.values().any(|waits| matches!(waits.trigger.observed, Observed::Log { .. })) {
            tail.look(|node, line| triggers.hear_line(node, line, now));
        }
        triggers.look(now);
    }

    /// Ends what a fault waits for, lets go what is held for it, and returns for how long that was.
    pub fn end<H: Host>(&mut self, fault: u32, host: &mut H) -> Option<Duration> {
        self.triggers.give_up(fault);
        let watch = self.waiting.remove(&fault)?.watch;
        watch.and_then(|_| host.end_watch(fault))
    }

    /// The trigger of a fault that waits.
    pub fn trigger(&self, fault: u32) -> Option<&Trigger> {
        self.waiting.get(&fault).map(|waits| &waits.trigger)
    }

    /// The faults that wait.
    pub fn waiting(&self) -> Vec<u32> {
        self.waiting.keys().copied().collect()
    }

    /// Keeps what was seen until the fault begins.
    pub fn keep(&mut self, sighted: Sighted) {
        self.seen.insert(sighted.fault, sighted);
    }

    /// The event that was seen for a fault which begins now.
    pub fn take(&mut self, fault: u32) -> Option<Sighted> {
        self.seen.remove(&fault)
    }

    /// Gives the nodes that a fault hit the name that it has for them.
    pub fn give(&mut self, name: &str, hit: BTreeSet<String>) {
        self.given.insert(name.to_owned(), hit);
    }

    /// The nodes that a fault is to hit by name; none where it goes by its aim.
    pub fn hit(&self, entry: &Entry, sighted: Option<&Sighted>) -> Option<BTreeSet<String>> {
        let on = entry.on.as_ref()?;
        let mut given = self.given.clone();
        if let Some(Sighted { seen, .. }) = sighted {
            given.insert("seen".to_owned(), seen.nodes.clone());
            given.insert("receiver".to_owned(), seen.receiver.iter().cloned().collect());
        }
        Named::read(on).nodes(&self.nodes, &given)
    }
}

/// The fault whose begin or end a fault waits for: of those that give the name the last one before
/// it, else the first one behind.
fn waits_for(entry: &Entry, trigger: &Trigger, schedule: &[Entry]) -> Option<u32> {
    let Observed::Fault { named, .. } = &trigger.observed else { return None };
    let place = schedule.iter().position(|other| other.id == entry.id)?;
    let (before, behind) = schedule.split_at(place);
    let gives = |other: &&Entry| other.named.as_ref() == Some(named) && other.id != entry.id;
    let found = before.iter().rfind(gives).or_else(|| behind.iter().find(gives))?;
    Some(found.id)
}
