//! Operations in the notation of the field.

use checker::history::EventType;
use checker::verdict::{Operation, value_in_words};
use serde_json::Value;

/// An operation: `write 19`, `read → 12`, `cas 12 → 40`,
/// `txn r x → 3, w y 4`.
pub(crate) fn operation(operation: &Operation) -> String {
    let Operation { f, input, output, outcome, .. } = operation;
    let unknown = *outcome == EventType::Info;
    let what = match (f.as_str(), input.as_array().map(Vec::as_slice)) {
        ("cas", Some([from, to])) => format!(" {} → {}", value_in_words(from), value_in_words(to)),
        ("txn", Some(asked)) => match output.as_array() {
            Some(answered) if !unknown => steps(answered, true),
            _ => steps(asked, false),
        },
        _ => {
            let asked =
                if input.is_null() { String::new() } else { format!(" {}", value_in_words(input)) };
            // What answers itself says no more than that it was done.
            match unknown || (!input.is_null() && (output.is_null() || output == input)) {
                true => asked,
                false => format!("{asked} → {}", value_in_words(output)),
            }
        }
    };
    let refused = *outcome == EventType::Fail && !input.is_null();
    format!("{f}{what}{}", if refused { " (refused)" } else { "" })
}

/// The steps of a transaction.
fn steps(steps: &[Value], answered: bool) -> String {
    let step = |step: &Value| {
        let name = |part: &Value| part.as_str().map_or_else(|| part.to_string(), str::to_owned);
        let (f, object, content) = (name(&step[0]), name(&step[1]), value_in_words(&step[2]));
        match (f.as_str(), answered) {
            ("r", true) => format!("r {object} → {content}"),
            ("r", false) => format!("r {object}"),
            _ => format!("{f} {object} {content}"),
        }
    };
    let steps: Vec<String> = steps.iter().map(step).collect();
    format!(" {}", steps.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(f: &str, input: Value, output: Value, outcome: EventType) -> String {
        let operation: Operation = serde_json::from_value(json!({
            "process": 7, "f": f, "input": input, "output": output, "outcome": outcome,
            "invoked": 1, "start": 0,
        }))
        .expect("an operation");
        super::operation(&operation)
    }

    #[test]
    fn an_operation_shows_what_it_asked_and_what_it_learned() {
        let of = |f, input, output| words(f, input, output, EventType::Ok);
        assert_eq!(of("read", json!(null), json!(12)), "read → 12");
        assert_eq!(of("read", json!(null), json!(null)), "read → nothing");
        assert_eq!(of("append", json!(3), json!(3)), "append 3");
        assert_eq!(of("cas", json!([1, 2]), json!([1, 2])), "cas 1 → 2");
        assert_eq!(of("dequeue", json!(null), json!(4)), "dequeue → 4");
        assert_eq!(of("acquire", json!("p7"), json!(812)), r#"acquire "p7" → 812"#);
        let asked = json!([["r", "x", null], ["w", "y", 4]]);
        let answered = json!([["r", "x", 3], ["w", "y", 4]]);
        assert_eq!(of("txn", asked.clone(), answered), "txn r x → 3, w y 4");
        let by_number = json!([["r", 0, [1]], ["w", 253, 4]]);
        assert_eq!(of("txn", by_number.clone(), by_number), "txn r 0 → [1], w 253 4");
        let unknown = |f, input| words(f, input, json!(null), EventType::Info);
        assert_eq!(unknown("txn", asked), "txn r x, w y 4");
        assert_eq!(unknown("add", json!(1)), "add 1");
        assert_eq!(unknown("dequeue", json!(null)), "dequeue");
        let refused = words("acquire", json!("p7"), json!("p7"), EventType::Fail);
        assert_eq!(refused, r#"acquire "p7" (refused)"#);
    }
}
