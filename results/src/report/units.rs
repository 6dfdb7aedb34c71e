//! Times, signs and outcomes as people read them.

use checker::history::EventType;
use checker::verdict::Verdict;

/// A moment of the run: `41.203 s`.
pub(super) fn moment(nanoseconds: u64) -> String {
    format!("{:.3} s", nanoseconds as f64 / 1e9)
}

/// A length of time: `840 µs`, `6.7 ms`, `1.24 s`, `2 min 5 s`.
pub(super) fn duration(nanoseconds: u64) -> String {
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
pub(super) fn seconds(seconds: f64) -> String {
    duration(nanoseconds(seconds))
}

/// Seconds in nanoseconds; no time is negative.
pub(super) fn nanoseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e9) as u64
}

/// A sign for a verdict, so that it is never told by colour alone.
pub(super) fn verdict_sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "✓",
        Verdict::Unknown => "?",
        Verdict::Invalid => "✗",
    }
}

/// What an outcome is called.
pub(super) fn outcome(outcome: EventType) -> &'static str {
    match outcome {
        EventType::Invoke => "invoke",
        EventType::Ok => "ok",
        EventType::Fail => "fail",
        EventType::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(duration(840_000), "840 µs");
        assert_eq!(duration(6_700_000), "6.7 ms");
        assert_eq!(duration(1_240_000_000), "1.24 s");
        assert_eq!(duration(125_000_000_000), "2 min 5 s");
        assert_eq!(moment(41_203_000_000), "41.203 s");
    }
}
