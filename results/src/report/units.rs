//! Numbers as people read them.

use checker::history::EventType;
use checker::verdict::{Operation, Verdict};
use serde_json::Value;

/// A value longer than this is cut in drawings; the history has it whole.
const LONGEST_VALUE: usize = 36;

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

/// A count with separators: `58,312`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 node`, `5 nodes`.
pub(super) fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

/// What a verdict is called.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Unknown => "unknown",
        Verdict::Invalid => "invalid",
    }
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

/// An operation in the notation of the field: `write 19`, `read → 12`, `cas 12 → 40`.
pub(super) fn operation(operation: &Operation) -> String {
    let mut text = operation.f.clone();
    match (operation.f.as_str(), operation.input.as_array().map(Vec::as_slice)) {
        ("cas", Some([from, to])) => {
            text.push_str(&format!(" {} → {}", value(from), value(to)));
            return text;
        }
        _ if operation.input.is_null() => {}
        _ => text.push_str(&format!(" {}", value(&operation.input))),
    }
    if operation.outcome == EventType::Info {
        return text;
    }
    // A mutation is told by its argument; what it answered is only worth telling when it differs.
    let observes = operation.input.is_null();
    let tells_more = !operation.output.is_null() && operation.output != operation.input;
    if observes || tells_more {
        text.push_str(&format!(" → {}", value(&operation.output)));
    }
    text
}

/// A value, cut when it is too long to draw.
fn value(value: &Value) -> String {
    let text = match value {
        Value::Null => "nil".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    text.chars().take(LONGEST_VALUE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(58_312), "58,312");
        assert_eq!(count(7), "7");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(duration(840_000), "840 µs");
        assert_eq!(duration(6_700_000), "6.7 ms");
        assert_eq!(duration(1_240_000_000), "1.24 s");
        assert_eq!(duration(125_000_000_000), "2 min 5 s");
        assert_eq!(moment(41_203_000_000), "41.203 s");
    }
}
