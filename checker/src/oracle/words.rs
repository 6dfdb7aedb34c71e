//! Deeds and times in words.

const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// What an operation that took effect did: `wrote k3`.
pub(super) fn deed(f: &str, object: &str) -> String {
    match f {
        "read" | "get" => format!("read {object}"),
        "write" | "put" => format!("wrote {object}"),
        "cas" => format!("changed {object}"),
        "delete" => format!("deleted {object}"),
        "append" => format!("appended to {object}"),
        "add" => format!("added to {object}"),
        other => format!("did {other} on {object}"),
    }
}

/// A moment: `at 41.203 s`. Histories without times say `at event 17`.
pub(super) fn at(time: u64, index: u64) -> String {
    if time == 0 { format!("at event {index}") } else { format!("at {}", seconds(time)) }
}

/// Nanoseconds as `41.203 s`.
pub(super) fn seconds(time: u64) -> String {
    format!("{:.3} s", time as f64 / NANOSECONDS_PER_SECOND)
}

/// `1 token`, `2 tokens`.
pub(super) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
