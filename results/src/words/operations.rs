//! Operations in the notation of the field.

use checker::history::EventType;
use checker::verdict::Operation;
use serde_json::Value;

/// Of a longer text the beginning and the end are shown, where lists differ, each so long; the
/// history has it whole.
const SHOWN_AT_AN_END: usize = 20;

/// An operation: `write 19`, `read → 12`, `cas 12 → 40`,
/// `txn r x → 3, w y 4`.
pub(crate) fn operation(operation: &Operation) -> String {
    let Operation { f, input, output, outcome, .. } = operation;
    let unknown = *outcome == EventType::Info;
    let what = match (f.as_str(), input.as_array().map(Vec::as_slice)) {
        ("cas", Some([from, to])) => format!(" {} → {}", value(from), value(to)),
        ("txn", Some(asked)) => match output.as_array() {
            Some(answered) if !unknown => steps(answered, true),
            _ => steps(asked, false),
        },
        _ => {
            let asked = if input.is_null() { String::new() } else { format!(" {}", value(input)) };
            // What answers itself says no more than that it was done.
            match unknown || (!input.is_null() && (output.is_null() || output == input)) {
                true => asked,
                false => format!("{asked} → {}", value(output)),
            }
        }
    };
    let refused = *outcome == EventType::Fail && !input.is_null();
    format!("{f}{what}{}", if refused { " (refused)" } else { "" })
}

/// The steps of a transaction.
fn steps(steps: &[Value], answered: bool) -> String {
    let step = |step: &Value| {
        let name = |part: &Value| part.as_str().unwrap_or_default().to_owned();
        let (f, object, content) = (name(&step[0]), name(&step[1]), value(&step[2]));
        match (f.as_str(), answered) {
            ("r", true) => format!("r {object} → {content}"),
            ("r", false) => format!("r {object}"),
            _ => format!("{f} {object} {content}"),
        }
    };
    let steps: Vec<String> = steps.iter().map(step).collect();
    format!(" {}", steps.join(", "))
}

/// A value as JSON, [shortened]; null is `nothing`.
fn value(value: &Value) -> String {
    if value.is_null() { "nothing".into() } else { shortened(&value.to_string()) }
}

/// The beginning and the end of a long text, by which it differs from others.
pub(crate) fn shortened(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 2 * SHOWN_AT_AN_END + 1 {
        return text.to_owned();
    }
    let beginning = characters[..SHOWN_AT_AN_END].iter();
    let end = characters[characters.len() - SHOWN_AT_AN_END..].iter();
    beginning.chain([&'…']).chain(end).collect()
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
        let unknown = |f, input| words(f, input, json!(null), EventType::Info);
        assert_eq!(unknown("txn", asked), "txn r x, w y 4");
        assert_eq!(unknown("add", json!(1)), "add 1");
        assert_eq!(unknown("dequeue", json!(null)), "dequeue");
        let refused = words("acquire", json!("p7"), json!("p7"), EventType::Fail);
        assert_eq!(refused, r#"acquire "p7" (refused)"#);
    }

    #[test]
    fn of_a_long_value_beginning_and_end_are_shown() {
        let list: Vec<u32> = (1..=500).collect();
        let text = value(&json!(list));
        assert!(text.starts_with("[1,2,3,") && text.ends_with(",499,500]"), "{text}");
        assert_eq!(text.chars().count(), 41);
    }
}
