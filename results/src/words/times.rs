//! Moments and lengths of time.

/// A moment of the run: `41.203 s`.
pub(crate) fn moment(nanoseconds: u64) -> String {
    format!("{:.3} s", nanoseconds as f64 / 1e9)
}

/// A length of time: `840 µs`, `6.7 ms`, `1.24 s`, `2 min 5 s`.
pub(crate) fn duration(nanoseconds: u64) -> String {
    let microseconds = nanoseconds as f64 / 1e3;
    match nanoseconds {
        0..1_000_000 => format!("{microseconds:.0} µs"),
        1_000_000..10_000_000 => format!("{:.1} ms", microseconds / 1e3),
        10_000_000..1_000_000_000 => format!("{:.0} ms", microseconds / 1e3),
        1_000_000_000..10_000_000_000 => format!("{:.2} s", microseconds / 1e6),
        10_000_000_000..120_000_000_000 => format!("{:.1} s", microseconds / 1e6),
        _ => {
            let seconds = nanoseconds / 1_000_000_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

/// A length of time given in seconds.
pub(crate) fn seconds(seconds: f64) -> String {
    duration(nanoseconds(seconds))
}

/// Seconds in nanoseconds; no time is negative.
pub(crate) fn nanoseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_reads_best() {
        assert_eq!(duration(840_000), "840 µs");
        assert_eq!(duration(6_700_000), "6.7 ms");
        assert_eq!(duration(1_240_000_000), "1.24 s");
        assert_eq!(duration(125_000_000_000), "2 min 5 s");
        assert_eq!(moment(41_203_000_000), "41.203 s");
    }
}
