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
    duration((seconds.max(0.0) * 1e9) as u64)
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

/// A measured effect: `packets_dropped: 312` becomes `312 packets dropped`, `stopped_seconds: 1.2`
/// becomes `stopped 1.20 s`.
pub(super) fn effect(name: &str, value: &Value) -> String {
    let words = |name: &str| name.replace('_', " ");
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let scales = [("_seconds", 1e9), ("_milliseconds", 1e6), ("_ms", 1e6), ("_ns", 1.0)];
    for (unit, scale) in scales {
        if let (Some(what), Some(number)) = (name.strip_suffix(unit), value.as_f64())
            && number >= 0.0
        {
            return format!("{} {}", words(what), duration((number * scale) as u64));
        }
    }
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(number) => format!("{} {}", count(number), words(name)),
            None => format!("{number} {}", words(name)),
        },
        _ => format!("{}: {text}", words(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    #[test]
    fn effects_read_as_sentences() {
        assert_eq!(effect("packets_dropped", &json!(1312)), "1,312 packets dropped");
        assert_eq!(effect("stopped_seconds", &json!(1.2)), "stopped 1.20 s");
        assert_eq!(effect("state", &json!("T")), "state: T");
        assert_eq!(effect("offset", &json!(-3)), "-3 offset");
    }
}
