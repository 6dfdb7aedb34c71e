//! The clocks of a machine.

use std::time::Duration;

use crate::core::Time;

/// A clock that shows the true time: parts per million of that.
pub(crate) const TRUE_RATE: u32 = 1_000_000;

/// The time that every wall clock shows at the beginning: late enough that it can be set back.
pub(crate) const WALL_AT_START: Time = Time::from_secs(1_000_000);

/// The clock that never goes back, which may run too fast or too slow and may leap ahead, and the
/// wall clock, which is set in either direction.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    /// The true time at which the rate last changed, and the time that it showed then.
    since: Time,
    shown: Time,
    /// Its rate in millionths.
    rate: u32,
    /// The time by which the wall clock was set forwards, and back.
    ahead: Time,
    behind: Time,
}

impl Clock {
    /// A clock of that rate, which shows zero at the beginning.
    pub(crate) fn new(rate: u32) -> Clock {
        let zero = Time::ZERO;
        Clock { since: zero, shown: zero, rate, ahead: zero, behind: zero }
    }

    /// The time that it shows at the true time `now`.
    pub(crate) fn at(&self, now: Time) -> Time {
        let passed = now - self.since;
        if self.rate == TRUE_RATE {
            return self.shown + passed;
        }
        self.shown + scaled(passed, self.rate, TRUE_RATE)
    }

    /// The true time at which it shows `shown`, or a moment later.
    pub(crate) fn when(&self, shown: Time) -> Time {
        let left = shown.saturating_sub(self.shown);
        if self.rate == TRUE_RATE {
            return self.since + left;
        }
        self.since + scaled(left, TRUE_RATE, self.rate) + Duration::from_nanos(1)
    }

    /// The time that the wall clock shows.
    pub(crate) fn wall(&self, now: Time) -> Time {
        (WALL_AT_START + self.at(now) + self.ahead).saturating_sub(self.behind)
    }

    /// It runs at another rate from now on.
    pub(crate) fn set_rate(&mut self, now: Time, rate: u32) {
        (self.shown, self.since, self.rate) = (self.at(now), now, rate);
    }

    /// It leaps ahead, as that of a virtual machine does which was not running.
    pub(crate) fn leap(&mut self, by: Time) {
        self.shown += by;
    }

    /// The wall clock is set ahead and back by so much.
    pub(crate) fn set_wall(&mut self, ahead: Time, behind: Time) {
        self.ahead += ahead;
        self.behind += behind;
    }
}

fn scaled(time: Time, numerator: u32, denominator: u32) -> Time {
    let nanos = time.as_nanos() * u128::from(numerator) / u128::from(denominator);
    Duration::from_nanos(nanos as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_when_it_will_show_a_time() {
        let seconds = Duration::from_secs;
        let mut clock = Clock::new(TRUE_RATE);
        clock.set_rate(seconds(10), 500_000);
        assert_eq!(clock.at(seconds(14)), seconds(12));
        clock.leap(seconds(3));
        for shown in [seconds(13), seconds(20), Duration::from_nanos(20_000_000_007)] {
            let when = clock.when(shown);
            assert!(clock.at(when) >= shown && when >= seconds(10), "{shown:?} at {when:?}");
        }
        assert_eq!(clock.when(seconds(5)), seconds(10) + Duration::from_nanos(1), "it is over");
        clock.set_wall(Time::ZERO, seconds(100));
        assert_eq!(clock.wall(seconds(14)), WALL_AT_START + seconds(15) - seconds(100));
    }
}
