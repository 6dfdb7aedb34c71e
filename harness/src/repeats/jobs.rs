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

    /// Takes into account a run that was alone, and for how long all processors together were `idle`
    /// meanwhile, if that is known; returns a sentence the first time. Where other programs are busy, a
    /// run takes little because it gets little.
    pub fn measured(
        &mut self,
        processor_time: Duration,
        took: Duration,
        idle: Option<Duration>,
    ) -> Option<String> {
        if self.asked.is_some() || !std::mem::take(&mut self.unsaid) {
            return None;
        }
        let share = |time: Duration| time.as_secs_f64() / took.as_secs_f64().max(0.001);
        let each = share(processor_time);
        let others = idle.map_or(0.0, |idle| (self.processors - each - share(idle)).max(0.0));
        let free = (SHARE * self.processors - others).max(0.0) / each.max(0.01);
        self.now = (free as usize).clamp(1, MOST);
        let others = match others >= 0.1 {
            true => format!(", other programs {others:.2}"),
            false => String::new(),
        };
        Some(format!(
            "{} at a time: one took {each:.2} of {} processors{others}",
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

/// The time for which the processors of this machine were idle since it started, all of them
/// together; none where the kernel does not say.
pub(super) fn idle_time() -> Option<Duration> {
    idle_in(&std::fs::read_to_string("/proc/stat").ok()?)
}

/// The fourth and the fifth figure of the first line: idle, and idle while a disk works, in hundredths
/// of a second (proc_stat(5)).
fn idle_in(stat: &str) -> Option<Duration> {
    let mut figures = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().skip(3);
    let mut next = || figures.next()?.parse::<u64>().ok();
    let (idle, of_disk) = (next()?, next()?);
    Some(Duration::from_millis(10 * (idle + of_disk)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_run_at_a_time_as_the_processors_have_room_for() {
        let check = |processors: f64, seconds: u64, expect: usize| {
            let mut jobs = Jobs { processors, ..Jobs::new(None) };
            assert_eq!(jobs.now(), 1);
            let said = jobs.measured(Duration::from_secs(seconds), Duration::from_secs(10), None);
            assert!(said.is_some_and(|said| said.starts_with(&format!("{expect} at a time"))));
            assert_eq!(jobs.measured(Duration::ZERO, Duration::from_secs(10), None), None);
            assert_eq!(jobs.now(), expect);
        };
        check(2.0, 4, 4);
        check(2.0, 16, 1);
        check(1.0, 30, 1);
        check(64.0, 10, 16);
        check(8.0, 0, 16);
    }

    #[test]
    fn a_run_that_gets_little_beside_other_programs_is_not_taken_for_a_light_one() {
        let check = |took: u64, idle: u64, expect: &str| {
            let mut jobs = Jobs { processors: 2.0, ..Jobs::new(None) };
            let [took, idle] = [took, idle].map(Duration::from_secs);
            let said = jobs.measured(took, Duration::from_secs(10), Some(idle));
            assert_eq!(said.as_deref(), Some(expect));
        };
        check(4, 16, "4 at a time: one took 0.40 of 2 processors");
        check(1, 0, "1 at a time: one took 0.10 of 2 processors, other programs 1.90");
        check(4, 8, "2 at a time: one took 0.40 of 2 processors, other programs 0.80");
        // More can be idle than this program may have.
        check(4, 90, "4 at a time: one took 0.40 of 2 processors");
    }

    #[test]
    fn the_idle_time_is_read_off_the_kernel_s_figures() {
        let stat = "cpu  10802339 191387 1481572 3651332 34581 0 167858 3701 0 0\ncpu0 1 2 3 4 5\n";
        assert_eq!(idle_in(stat), Some(Duration::from_millis(36_859_130)));
        assert_eq!(idle_in("intr 1 2 3 4 5"), None);
        assert!(idle_time().is_some_and(|idle| idle > Duration::ZERO));
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
