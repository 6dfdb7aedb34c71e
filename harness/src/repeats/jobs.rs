//! The number of runs at a time.

use std::time::Duration;

/// The share of the processors that runs may take together. The rest is for moments in which all of
/// them judge, or start their nodes.
const SHARE: f64 = 0.8;

/// More at a time would wait for each other's disks.
const MOST: usize = 16;

/// The number of runs at a time: as asked for, and else by what the first one took.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    asked: Option<usize>,
    processors: f64,
    now: usize,
    /// True until it was said how many there are.
    unsaid: bool,
}

impl Jobs {
    /// As many as asked for; without a number one, until it is known what that takes.
    pub fn new(asked: Option<usize>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Jobs {
            asked,
            processors: processors as f64,
            now: asked.unwrap_or(1),
            unsaid: asked.is_none(),
        }
    }

    /// The number at the moment.
    pub fn now(&self) -> usize {
        self.now
    }

    /// Takes into account a run that was alone; returns a sentence the first time.
    pub fn measured(&mut self, processor_time: Duration, took: Duration) -> Option<String> {
        if self.asked.is_some() || !std::mem::take(&mut self.unsaid) {
            return None;
        }
        let each = processor_time.as_secs_f64() / took.as_secs_f64().max(0.001);
        let room = SHARE * self.processors / each.max(0.01);
        self.now = (room as usize).clamp(1, MOST);
        Some(format!(
            "{} at a time: one took {each:.2} of {} processors",
            self.now, self.processors
        ))
    }

    /// Takes one less from now on, since this machine had no time for them; returns a sentence if
    /// that is possible.
    pub fn lower(&mut self) -> Option<String> {
        if self.asked.is_some() || self.now == 1 {
            return None;
        }
        self.now -= 1;
        Some(format!("{} at a time from now on: this machine was starved", self.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_run_at_a_time_as_the_processors_have_room_for() {
        let check = |processors: f64, seconds: u64, expect: usize| {
            let mut jobs = Jobs { processors, ..Jobs::new(None) };
            assert_eq!(jobs.now(), 1);
            let said = jobs.measured(Duration::from_secs(seconds), Duration::from_secs(10));
            assert!(said.is_some_and(|said| said.starts_with(&format!("{expect} at a time"))));
            assert_eq!(jobs.measured(Duration::ZERO, Duration::from_secs(10)), None);
            assert_eq!(jobs.now(), expect);
        };
        check(2.0, 4, 4);
        check(2.0, 16, 1);
        check(1.0, 30, 1);
        check(64.0, 10, 16);
        check(8.0, 0, 16);
    }

    #[test]
    fn a_starved_machine_gets_one_less_unless_the_user_knows_better() {
        let mut jobs = Jobs { now: 2, ..Jobs::new(None) };
        assert!(jobs.lower().is_some());
        assert_eq!((jobs.lower(), jobs.now()), (None, 1));
        let mut asked = Jobs::new(Some(3));
        assert_eq!((asked.lower(), asked.now()), (None, 3));
    }
}
