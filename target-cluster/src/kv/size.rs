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

/// The bytes of a [`Value`] itself, of a digit as of a map whose fields keep their order. A constant, since
/// nodes that are built in different ways must forget the same sessions.
pub(super) const VALUE_BYTES: usize = 72;

/// About how many bytes a value takes in memory: dozens of times of those of its JSON, if that is an array
/// of digits.
pub(super) fn memory_bytes(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(memory_bytes).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| 40 + name.len() + memory_bytes(value)).sum()
        }
    };
    VALUE_BYTES + inner
}

/// Bytes of JSON that may be spent, so that of something large no more is looked at than that.
pub(super) struct Budget {
    /// None once more was spent than there was.
    left: Option<usize>,
}

impl Budget {
    /// So many bytes.
    pub(super) fn new(bytes: usize) -> Budget {
        Budget { left: Some(bytes) }
    }

    /// The bytes that are left, unless it is exceeded.
    pub(super) fn left(&self) -> Option<usize> {
        self.left
    }

    /// Spends so many bytes.
    pub(super) fn spend_bytes(&mut self, bytes: usize) {
        self.left = self.left.and_then(|left| left.checked_sub(bytes));
    }

    /// Spends what the values of an array take.
    pub(super) fn spend_all<'a>(&mut self, values: impl IntoIterator<Item = &'a Value>) {
        self.spend_bytes(2);
        for value in values {
            if self.left.is_none() {
                return;
            }
            self.spend_bytes(1);
            self.spend(value);
        }
    }

    /// Spends what the value takes, by the same estimate as [`json_bytes`].
    pub(super) fn spend(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => self.spend_all(elements),
            Value::Object(fields) => {
                self.spend_bytes(2);
                for (name, value) in fields {
                    if self.left.is_none() {
                        return;
                    }
                    self.spend_bytes(name.len() + 4);
                    self.spend(value);
                }
            }
            simple => self.spend_bytes(json_bytes(simple)),
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
    fn in_memory_a_digit_takes_as_much_as_any_value() {
        assert_eq!(size_of::<Value>(), VALUE_BYTES, "what is kept is bounded by it");
        for (value, bytes) in [
            (json!(7), 72),
            (json!("four"), 76),
            (json!([1, 2, 3]), 4 * 72),
            (json!({"name": [1]}), 3 * 72 + 44),
        ] {
            assert_eq!(memory_bytes(&value), bytes, "{value}");
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
            for (budget, left) in
                [(estimate, Some(0)), (estimate + 3, Some(3)), (estimate - 1, None)]
            {
                let mut budget = Budget::new(budget);
                budget.spend(&value);
                assert_eq!(budget.left(), left);
            }
        }
    }
}
