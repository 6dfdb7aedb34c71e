//! The clocks of a process as a function of the machine's: the arithmetic,
//! and how it lies in the memory of the process.

use faults::fault::ClockCondition;
use faults::host::ClockSeen;

/// The clocks of the machine that the clocks of a process are made of.
pub(super) const CLOCKS: [libc::clockid_t; 5] = [
    libc::CLOCK_REALTIME,
    libc::CLOCK_MONOTONIC,
    libc::CLOCK_MONOTONIC_RAW,
    libc::CLOCK_BOOTTIME,
    libc::CLOCK_TAI,
];

/// The place of the wall clock in [`CLOCKS`].
pub(super) const WALL: usize = 0;
/// The place of the monotonic clock in [`CLOCKS`].
pub(super) const MONOTONIC: usize = 1;

/// By number of a clock (`clock_gettime(2)`), which of [`CLOCKS`] it is: the coarse ones and those
/// that wake the machine up are no others. The clocks of processes and threads are left alone.
pub(super) const ROW_OF_CLOCK: [Option<usize>; 12] = [
    Some(WALL),
    Some(MONOTONIC),
    None,
    None,
    Some(2),
    Some(WALL),
    Some(MONOTONIC),
    Some(3),
    Some(WALL),
    Some(3),
    None,
    Some(4),
];

/// The sequence number, odd while the rest is being changed, padded.
pub(super) const SEQUENCE_BYTES: usize = 8;
/// One line: three numbers.
pub(super) const LINE_BYTES: usize = 24;
/// All that lies in the memory of the process.
pub(super) const PARAMETER_BYTES: usize = SEQUENCE_BYTES + CLOCKS.len() * LINE_BYTES;

/// Nanoseconds in a millisecond.
const MILLISECOND: f64 = 1e6;

/// The farthest that a wall clock can be shifted, in milliseconds: 30 years, so that nanoseconds
/// fit into 64 bits.
pub(super) const FARTHEST_SHIFT_MS: i64 = 30 * 365 * 86_400_000;

/// One clock of a process, as a straight line through an anchor. Times are nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// The anchor on the machine's clock.
    machine: i64,
    /// The anchor on the process's clock.
    own: i64,
    /// Nanoseconds of the process in 2^32 of the machine.
    rate: i64,
}

/// A rate of one.
const RIGHT: i64 = 1 << 32;

impl Line {
    /// Shows what the machine's clock shows.
    const NEUTRAL: Self = Self { machine: 0, own: 0, rate: RIGHT };

    /// The process's time when the machine's clock shows `machine`, rounded as the code in the
    /// process does.
    pub(super) fn own_at(&self, machine: i64) -> i64 {
        let since = i128::from(machine - self.machine) * i128::from(self.rate);
        self.own + (since >> 32) as i64
    }

    /// The machine's time when the process first sees `own` or more; none when that is
    /// out of reach.
    pub(super) fn machine_at(&self, own: i64) -> Option<i64> {
        let (since, rate) = (i128::from(own) - i128::from(self.own), i128::from(self.rate));
        // Rounded up, so that a thread that waits for it does not look too early.
        let since = -(-(since << 32)).div_euclid(rate);
        i64::try_from(i128::from(self.machine) + since).ok()
    }

    /// The nanoseconds by which the process is ahead when the machine's clock shows `machine`.
    fn ahead_at(&self, machine: i64) -> i64 {
        self.own_at(machine) - machine
    }
}

/// All clocks of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines([Line; CLOCKS.len()]);

/// The machine's clocks at about one moment, in the order of [`CLOCKS`].
pub(super) type Reading = [i64; CLOCKS.len()];

impl Lines {
    /// Clocks that go right.
    pub(super) const NEUTRAL: Self = Self([Line::NEUTRAL; CLOCKS.len()]);

    /// One clock, by its place in [`CLOCKS`].
    pub(super) fn line(&self, row: usize) -> &Line {
        &self.0[row]
    }

    /// The lines after the condition has changed from `from` to `to`, when the machine shows `now`.
    ///
    /// A rate begins where the clock is, so nothing steps. The wall clock keeps what it gained or
    /// lost as long as it drifts, and gives it back when its rate is right again, as a host does
    /// that is set right. The other clocks never go backwards, so they keep it for ever.
    pub(super) fn change(&self, now: &Reading, from: &ClockCondition, to: &ClockCondition) -> Self {
        let rate = (to.rate * RIGHT as f64).round() as i64;
        let nanoseconds = |shift_ms: i64| shift_ms * 1_000_000;
        let mut lines = *self;
        for (row, (line, machine)) in lines.0.iter_mut().zip(now).enumerate() {
            let is_wall = [libc::CLOCK_REALTIME, libc::CLOCK_TAI].contains(&CLOCKS[row]);
            let ahead = match is_wall {
                false => line.ahead_at(*machine),
                true if rate == RIGHT => nanoseconds(to.wall_shift_ms),
                true => {
                    let drifted = line.ahead_at(*machine) - nanoseconds(from.wall_shift_ms);
                    drifted + nanoseconds(to.wall_shift_ms)
                }
            };
            *line = Line { machine: *machine, own: machine + ahead, rate };
        }
        lines
    }

    /// The difference of the clocks from the machine's when that shows `now`.
    pub(super) fn seen(&self, now: &Reading) -> ClockSeen {
        let ahead = |row: usize| self.0[row].ahead_at(now[row]) as f64 / MILLISECOND;
        ClockSeen {
            wall_offset_ms: ahead(WALL),
            monotonic_offset_ms: ahead(MONOTONIC),
            rate: self.0[MONOTONIC].rate as f64 / RIGHT as f64,
        }
    }

    /// As they lie in memory, after the sequence number.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let numbers = self.0.iter().flat_map(|line| [line.machine, line.own, line.rate]);
        numbers.flat_map(i64::to_le_bytes).collect()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Panics
    /// When the number of bytes is wrong.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        assert_eq!(bytes.len(), CLOCKS.len() * LINE_BYTES);
        let number = |index: usize| {
            let bytes = bytes[8 * index..][..8].try_into().expect("eight bytes");
            i64::from_le_bytes(bytes)
        };
        Self(std::array::from_fn(|row| Line {
            machine: number(3 * row),
            own: number(3 * row + 1),
            rate: number(3 * row + 2),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    /// The machine's clocks at the beginning of each test; the wall clock is in 2025.
    const START: Reading = [
        1_760_000_000 * SECOND,
        5_000 * SECOND,
        4_999 * SECOND,
        6_000 * SECOND,
        1_760_000_037 * SECOND,
    ];

    fn after(seconds: i64) -> Reading {
        START.map(|clock| clock + seconds * SECOND)
    }

    fn drifting(rate: f64) -> ClockCondition {
        ClockCondition { wall_shift_ms: 0, rate }
    }

    fn shifted(wall_shift_ms: i64) -> ClockCondition {
        ClockCondition { wall_shift_ms, rate: 1.0 }
    }

    const RIGHT_CLOCKS: ClockCondition = ClockCondition { wall_shift_ms: 0, rate: 1.0 };

    fn own(lines: &Lines, row: usize, seconds: i64) -> i64 {
        lines.line(row).own_at(after(seconds)[row])
    }

    #[test]
    fn a_shift_steps_the_wall_clock_alone() {
        let lines = Lines::NEUTRAL.change(&START, &RIGHT_CLOCKS, &shifted(-1_500));
        let seen = lines.seen(&after(10));
        assert_eq!(seen.wall_offset_ms, -1_500.0);
        assert_eq!(seen.monotonic_offset_ms, 0.0);
        assert_eq!(own(&lines, 4, 10) - after(10)[4], -1_500_000_000, "TAI follows");
        assert_eq!(own(&lines, 3, 10), after(10)[3], "the time since boot does not");
        let lines = lines.change(&after(10), &shifted(-1_500), &RIGHT_CLOCKS);
        assert_eq!(lines.seen(&after(20)), Lines::NEUTRAL.seen(&after(20)));
    }

    #[test]
    fn a_drift_steps_nothing_and_its_end_steps_the_wall_clock_back() {
        let lines = Lines::NEUTRAL.change(&START, &RIGHT_CLOCKS, &drifting(1.1));
        for (row, start) in START.into_iter().enumerate() {
            assert_eq!(own(&lines, row, 0), start, "clock {row} begins where it is");
            let gained = own(&lines, row, 100) - after(100)[row];
            assert!((gained - 10 * SECOND).abs() < 100, "clock {row} gained {gained} ns");
        }
        let slower = lines.change(&after(100), &drifting(1.1), &drifting(0.9));
        for row in 0..CLOCKS.len() {
            assert_eq!(own(&slower, row, 100), own(&lines, row, 100), "clock {row} goes on");
        }
        let over = lines.change(&after(100), &drifting(1.1), &RIGHT_CLOCKS);
        let seen = over.seen(&after(200));
        assert_eq!(seen.wall_offset_ms, 0.0);
        assert!((seen.monotonic_offset_ms - 10_000.0).abs() < 0.001, "{seen:?}");
        assert_eq!(seen.rate, 1.0);
    }

    #[test]
    fn of_two_faults_each_takes_its_own_away() {
        let both = ClockCondition { wall_shift_ms: 300, rate: 0.9 };
        let lines = Lines::NEUTRAL.change(&START, &RIGHT_CLOCKS, &drifting(0.9));
        let lines = lines.change(&after(100), &drifting(0.9), &both);
        let ahead = |lines: &Lines, seconds| lines.seen(&after(seconds)).wall_offset_ms;
        assert!((ahead(&lines, 100) - (300.0 - 10_000.0)).abs() < 0.001);
        let drift_ended = lines.change(&after(100), &both, &shifted(300));
        assert_eq!(ahead(&drift_ended, 150), 300.0);
        let shift_ended = lines.change(&after(100), &both, &drifting(0.9));
        assert!((ahead(&shift_ended, 200) + 20_000.0).abs() < 0.001);
    }

    #[test]
    fn a_deadline_of_the_process_is_a_moment_of_the_machine() {
        for rate in [0.9, 0.999, 1.0, 1.1] {
            let lines = Lines::NEUTRAL.change(&START, &RIGHT_CLOCKS, &drifting(rate));
            for seconds in [-10, 0, 1, 100_000] {
                let line = lines.line(MONOTONIC);
                let deadline = after(seconds)[MONOTONIC] + 7;
                let machine = line.machine_at(deadline).unwrap();
                assert!(line.own_at(machine) >= deadline, "rate {rate}, {seconds} s: too early");
                assert!(line.own_at(machine - 1) < deadline, "rate {rate}, {seconds} s: too late");
            }
        }
        let behind = Lines::NEUTRAL.change(&START, &RIGHT_CLOCKS, &shifted(-10_000));
        assert_eq!(behind.line(WALL).machine_at(i64::MAX), None);
    }

    #[test]
    fn lines_are_read_back_as_they_were_written() {
        let lines = Lines::NEUTRAL.change(&START, &RIGHT_CLOCKS, &shifted(-7)).change(
            &after(3),
            &shifted(-7),
            &ClockCondition { wall_shift_ms: 9, rate: 0.95 },
        );
        assert_eq!(Lines::from_bytes(&lines.to_bytes()), lines);
        assert_eq!(SEQUENCE_BYTES + lines.to_bytes().len(), PARAMETER_BYTES);
    }
}
