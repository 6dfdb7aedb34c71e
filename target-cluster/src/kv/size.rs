//! Sizes of values, so that what is kept or sent in one piece can be bounded.

use serde_json::Value;

/// About how many bytes an answer to a command may take at most. Those answers are kept, one for
/// each session, so that a retry gets the same again.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The most micro-operations that a transaction has.
pub const TRANSACTION_MAX: usize = 64;

/// The deepest that arrays and objects of a value may nest in each other. With all that stands
/// around a value in a message, a log and an answer it stays below the 128 levels that JSON is read
/// to here, and below what most of its other readers take.
pub const NESTING_MAX: usize = 64;

/// True if the value nests no deeper than so many levels.
pub(super) fn nests_within(value: &Value, levels: usize) -> bool {
    let within = |inner: &Value| levels > 0 && nests_within(inner, levels - 1);
    match value {
        Value::Array(elements) => levels > 0 && elements.iter().all(within),
        Value::Object(fields) => levels > 0 && fields.values().all(within),
        _ => true,
    }
}

/// About how many bytes a value takes as JSON. Numbers count as eight bytes and escaped characters
/// as one, so that a string costs no look at its characters. The JSON that this service writes is at
/// most six times as long.
pub(super) fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => {
            2 + elements.iter().map(|element| 1 + json_bytes(element)).sum::<usize>()
        }
        Value::Object(fields) => {
            2 + fields.iter().map(|(name, value)| name.len() + 4 + json_bytes(value)).sum::<usize>()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_levels_of_a_value_are_counted() {
        for (value, levels) in
            [(json!(1), 0), (json!([]), 1), (json!({"a": 1}), 1), (json!([1, {"a": [2]}]), 3)]
        {
            assert!(nests_within(&value, levels), "{value}");
            assert!(levels == 0 || !nests_within(&value, levels - 1), "{value}");
        }
    }

    #[test]
    fn the_estimate_is_near_the_length_of_the_json() {
        for value in [
            json!(null),
            json!("x".repeat(200_000)),
            json!([[1, 2, 3], {"a": "b", "c": [null, true]}]),
            json!((10_000_000..10_001_000).collect::<Vec<_>>()),
            json!("\u{1}".repeat(1000)),
        ] {
            let (estimate, exact) = (json_bytes(&value), value.to_string().len());
            assert!(estimate <= 2 * exact && exact <= 6 * estimate, "{estimate} for {exact}");
        }
    }
}
