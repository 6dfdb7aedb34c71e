//! The things that faults do, by the time at which they are due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use faults::fault::Action;
use faults::schedule::Entry;
use faults::trigger::Trigger;

/// Something that is due at a time of the load.
#[derive(Debug)]
pub(super) enum Due<'a> {
    Inject(&'a Entry),
    /// A fault begins to wait for its trigger.
    Wait(&'a Entry, &'a Trigger),
    /// A fault has waited long enough.
    GiveUp(&'a Entry),
    Step(u32, Action),
    Undo(u32),
    /// The end of a fault that waits for an answer of the service.
    UndoOnceAnswered(u32),
}

impl Due<'_> {
    fn fault(&self) -> u32 {
        match self {
            Self::Inject(entry) | Self::Wait(entry, _) | Self::GiveUp(entry) => entry.id,
            Self::Step(id, _) | Self::Undo(id) | Self::UndoOnceAnswered(id) => *id,
        }
    }
}

/// The things that are due, by time; of two things at the same time the one that was put in first
/// comes first.
#[derive(Debug)]
pub(super) struct Agenda<'a> {
    due: BTreeMap<(Duration, u64), Due<'a>>,
    next: u64,
}

impl<'a> Agenda<'a> {
    pub(super) fn new(schedule: &'a [Entry]) -> Self {
        let mut agenda = Self { due: BTreeMap::new(), next: 0 };
        for entry in schedule {
            match &entry.when {
                None => {
                    agenda.put(entry.at, Due::Inject(entry));
                    agenda.put(entry.ends(), Due::Undo(entry.id));
                }
                Some(trigger) => {
                    agenda.put(entry.at, Due::Wait(entry, trigger));
                    agenda.put(entry.at + trigger.within, Due::GiveUp(entry));
                }
            }
        }
        agenda
    }

    pub(super) fn put(&mut self, at: Duration, due: Due<'a>) {
        self.due.insert((at, self.next), due);
        self.next += 1;
    }

    /// Takes the next thing to do, with its time. Steps that are overdue never keep anything else
    /// waiting: a later one of the same fault, or its end, takes their place, and everything else
    /// that is due comes first.
    pub(super) fn take(&mut self, now: Duration) -> Option<(Duration, Due<'a>)> {
        let overdue: Vec<_> = self.due.range(..=(now, u64::MAX)).map(|(key, _)| *key).collect();
        let mut overtaken_by: BTreeSet<u32> = BTreeSet::new();
        for key in overdue.iter().rev() {
            let due = &self.due[key];
            match due {
                Due::Step(id, _) if overtaken_by.contains(id) => drop(self.due.remove(key)),
                Due::Inject(_) | Due::Wait(..) | Due::GiveUp(_) => {}
                Due::Step(..) | Due::Undo(_) | Due::UndoOnceAnswered(_) => {
                    overtaken_by.insert(due.fault());
                }
            }
        }
        let is_step = |key: &&(Duration, u64)| matches!(self.due.get(key), Some(Due::Step(..)));
        let left = || overdue.iter().filter(|key| self.due.contains_key(*key));
        let first = left().find(|key| !is_step(key)).or_else(|| left().next()).copied();
        let key = first.or_else(|| self.due.keys().next().copied())?;
        self.due.remove(&key).map(|due| (key.0, due))
    }

    /// The time of the earliest thing that is left. A look whether the service has answered is none:
    /// it must not cut short what comes before.
    pub(super) fn next_time(&self) -> Option<Duration> {
        let timed =
            |(_, due): &(&(Duration, u64), &Due<'_>)| !matches!(due, Due::UndoOnceAnswered(_));
        self.due.iter().find(timed).map(|((at, _), _)| *at)
    }

    /// Takes out that a fault gives up waiting.
    pub(super) fn remove_give_up(&mut self, fault: u32) {
        self.due.retain(|_, due| !matches!(due, Due::GiveUp(entry) if entry.id == fault));
    }

    /// Puts off everything that one fault has yet to do.
    pub(super) fn postpone(&mut self, fault: u32, by: Duration) {
        let keys: Vec<_> =
            self.due.iter().filter(|(_, due)| due.fault() == fault).map(|(key, _)| *key).collect();
        let later: Vec<_> =
            keys.iter().filter_map(|key| Some((*key, self.due.remove(key)?))).collect();
        for ((at, number), due) in later {
            self.due.insert((at + by, number), due);
        }
    }

    /// The number of faults that were planned until then and never injected.
    pub(super) fn not_injected(&self, until: Duration) -> usize {
        let planned = self.due.range(..=(until, u64::MAX));
        planned.filter(|(_, due)| matches!(due, Due::Inject(_) | Due::Wait(..))).count()
    }
}

#[cfg(test)]
mod tests {
    use faults::fault::{Aim, Fault, Kill};

    use super::*;

    fn entry(id: u32, at: u64, lasts: u64) -> Entry {
        let fault = Fault::Kill(Kill::once(Aim::One));
        let ms = Duration::from_millis;
        Entry {
            id,
            at: ms(at),
            lasts: ms(lasts),
            pick: 0,
            named: None,
            on: None,
            when: None,
            fault,
        }
    }

    /// The things that are taken when it is that late, a word each.
    fn taken(agenda: &mut Agenda<'_>, now: u64) -> Vec<String> {
        let mut all = Vec::new();
        while agenda.next_time().is_some_and(|at| at <= Duration::from_millis(now)) {
            let (at, due) = agenda.take(Duration::from_millis(now)).expect("something is due");
            let what = match due {
                Due::Inject(entry) => format!("inject {}", entry.id),
                Due::Wait(entry, _) => format!("wait with {}", entry.id),
                Due::GiveUp(entry) => format!("give up {}", entry.id),
                Due::Step(id, _) => format!("step {id}"),
                Due::Undo(id) => format!("undo {id}"),
                Due::UndoOnceAnswered(id) => format!("undo {id} once answered"),
            };
            all.push(format!("{what} at {}", at.as_millis()));
        }
        all
    }

    fn with_steps<'a>(schedule: &'a [Entry], steps: &[(u64, u32)]) -> Agenda<'a> {
        let mut agenda = Agenda::new(schedule);
        for (at, id) in steps {
            agenda.put(Duration::from_millis(*at), Due::Step(*id, Action::Nothing));
        }
        agenda
    }

    #[test]
    fn overdue_steps_are_merged_into_the_last_and_wait_for_everything_else() {
        let schedule = [entry(1, 0, 1000), entry(2, 250, 1000)];
        let steps = [(100, 1), (200, 1), (300, 1), (400, 1)];
        let mut agenda = with_steps(&schedule, &steps);
        let left = |agenda: &Agenda<'_>, now| agenda.not_injected(Duration::from_millis(now));
        assert_eq!((left(&agenda, 0), left(&agenda, 249), left(&agenda, 250)), (1, 1, 2));
        assert_eq!(taken(&mut agenda, 0), ["inject 1 at 0"]);
        assert_eq!(taken(&mut agenda, 100), ["step 1 at 100"]);
        // The cut before took until 320 ms.
        assert_eq!(taken(&mut agenda, 320), ["inject 2 at 250", "step 1 at 300"]);
        assert_eq!(taken(&mut agenda, 2000), ["undo 1 at 1000", "undo 2 at 1250"]);
        assert_eq!(agenda.next_time(), None);
    }

    #[test]
    fn a_fault_waits_from_its_time_on_until_it_gives_up_or_its_moment_comes() {
        let mut schedule = [entry(1, 100, 300), entry(2, 200, 300)];
        let trigger = "seen = \"term\"\nwithin = 0.5";
        for entry in &mut schedule {
            entry.when = Some(toml::from_str(trigger).expect("a trigger"));
        }
        let mut agenda = Agenda::new(&schedule);
        assert_eq!(agenda.not_injected(Duration::from_millis(150)), 1);
        assert_eq!(taken(&mut agenda, 300), ["wait with 1 at 100", "wait with 2 at 200"]);
        agenda.remove_give_up(1);
        assert_eq!(taken(&mut agenda, 1000), ["give up 2 at 700"]);
    }

    #[test]
    fn one_fault_is_put_off_and_no_other() {
        let schedule = [entry(1, 0, 300), entry(2, 150, 1000)];
        let mut agenda = with_steps(&schedule, &[(100, 1), (200, 1)]);
        assert_eq!(taken(&mut agenda, 0), ["inject 1 at 0"]);
        agenda.postpone(1, Duration::from_millis(500));
        assert_eq!(taken(&mut agenda, 200), ["inject 2 at 150"]);
        assert_eq!(taken(&mut agenda, 600), ["step 1 at 600"]);
        assert_eq!(agenda.not_injected(Duration::MAX), 0);
        assert_eq!(agenda.next_time(), Some(Duration::from_millis(700)));
    }

    #[test]
    fn a_look_for_an_answer_comes_in_time_and_cuts_nothing_short() {
        let schedule = [entry(1, 0, 100), entry(2, 500, 100)];
        let mut agenda = Agenda::new(&schedule);
        assert_eq!(taken(&mut agenda, 100), ["inject 1 at 0", "undo 1 at 100"]);
        agenda.put(Duration::from_millis(120), Due::UndoOnceAnswered(1));
        assert_eq!(agenda.next_time(), Some(Duration::from_millis(500)));
        assert_eq!(
            taken(&mut agenda, 600),
            ["undo 1 once answered at 120", "inject 2 at 500", "undo 2 at 600"]
        );
        assert_eq!(agenda.next_time(), None);
    }
}
