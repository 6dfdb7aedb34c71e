//! Verdicts and counterexamples as text, for terminals and logs.

use std::fmt::Write;

use checker::history::EventType;
use checker::oracle::audit::AuditReport;
use checker::oracle::divergence::DivergenceReport;
use checker::oracle::version::VersionReport;
use checker::verdict::{Counterexample, Operation, Verdict};
use serde_json::Value;

/// The verdict as a word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Unknown => "unknown",
        Verdict::Invalid => "invalid",
    }
}

/// `1 key`, `12,345 keys`.
pub fn count(number: u64, noun: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `12,345 answers compared, none contradicts another`.
pub fn versions(report: &VersionReport) -> String {
    let compared = format!("{} compared", count(report.answers, "answer"));
    let eras = match report.new_eras {
        0 => String::new(),
        eras => format!(", {}", count(eras, "new era")),
    };
    match report.contradictions {
        0 => format!("{compared}, none contradicts another{eras}"),
        some => format!("{compared}, {}{eras}", count(some, "contradiction")),
    }
}

/// `12,345 tokens, none seen to break its promise, 12 not known exactly`.
pub fn tokens(report: &AuditReport) -> String {
    let unknown: u64 = report.unobservable.iter().map(|unobservable| unobservable.tokens).sum();
    let unknown = match unknown {
        0 => String::new(),
        some => format!(", {some} not known exactly"),
    };
    let tokens = count(report.tokens, "token");
    match report.broken {
        0 => format!("{tokens}, none seen to break its promise{unknown}"),
        broken => format!("{tokens}, {broken} broke their promise{unknown}"),
    }
}

/// What the members held in the end, in a few words.
pub fn members(report: &DivergenceReport) -> String {
    match &report.sentence {
        Some(sentence) => sentence.clone(),
        None => format!("{} hold the same", count(report.members.len() as u64, "member")),
    }
}

/// The verdict in capitals, in colour on a terminal.
pub fn badge(verdict: Verdict, colour: bool) -> String {
    let code = match verdict {
        Verdict::Valid => 32,
        Verdict::Unknown => 33,
        Verdict::Invalid => 31,
    };
    let word = word(verdict).to_uppercase();
    if colour { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word }
}

/// A counterexample as intervals on a common line, one operation a line.
///
/// Positions are by rank in the history: a gap of seconds would hide intervals of milliseconds,
/// and Jepsen's plain logs have no times at all.
pub fn counterexample(counterexample: &Counterexample) -> String {
    const WIDTH: usize = 48;
    let operations = &counterexample.operations;
    let timed = operations.iter().any(|operation| operation.start > 0);
    let mut ranks: Vec<u64> = operations
        .iter()
        .flat_map(|operation| [Some(operation.invoked), operation.completed])
        .flatten()
        .collect();
    ranks.sort_unstable();
    let column = |index: u64| {
        let rank = ranks.partition_point(|&other| other < index);
        rank * (WIDTH - 1) / ranks.len().max(1)
    };
    let mut text = String::new();
    for (position, operation) in operations.iter().enumerate() {
        let start = column(operation.invoked);
        let (end, tail) = match operation.completed {
            Some(end) => (column(end).max(start + 1), ']'),
            None => (WIDTH, '…'),
        };
        let bar = format!("{}[{}{tail}", " ".repeat(start), "─".repeat(end - start - 1));
        let mark = if counterexample.culprits.contains(&position) { "✗" } else { " " };
        let remark = counterexample.remarks.get(position).map_or("", String::as_str);
        let place = match timed {
            true => format!("{:.3} s", operation.start as f64 / 1e9),
            false => format!("event {}", operation.invoked),
        };
        let what = describe(operation);
        let line =
            format!("{mark} {bar:<width$} {what:<28} {place:>11}  {remark}", width = WIDTH + 2);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// `p7 read → 12`, `p7 append 3`, `p7 txn r x → 3, w y 4`.
pub fn describe(operation: &Operation) -> String {
    let Operation { process, f, input, output, outcome, .. } = operation;
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
    let doubt = match outcome {
        EventType::Info => " (unknown)",
        EventType::Fail if !input.is_null() => " (refused)",
        _ => "",
    };
    format!("p{process} {f}{what}{doubt}")
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

/// A value; of a long one its beginning and its end, where lists differ.
fn value(value: &Value) -> String {
    const SHOWN: usize = 30;
    if value.is_null() {
        return "nothing".into();
    }
    let text = value.to_string();
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= 2 * SHOWN + 1 {
        return text;
    }
    let beginning = characters[..SHOWN].iter();
    let end = characters[characters.len() - SHOWN..].iter();
    beginning.chain([&'…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands_and_agree_with_their_noun() {
        assert_eq!(count(0, "key"), "0 keys");
        assert_eq!(count(1, "key"), "1 key");
        assert_eq!(count(999, "step"), "999 steps");
        assert_eq!(count(1_234_567, "operation"), "1,234,567 operations");
    }

    fn operation(f: &str, input: Value, output: Value, outcome: EventType) -> Operation {
        serde_json::from_value(json!({
            "process": 7, "f": f, "input": input, "output": output, "outcome": outcome,
            "invoked": 1, "start": 0,
        }))
        .expect("an operation")
    }

    #[test]
    fn an_operation_tells_what_it_asked_and_what_it_learned() {
        let of = |f, input, output| describe(&operation(f, input, output, EventType::Ok));
        assert_eq!(of("read", json!(null), json!(12)), "p7 read → 12");
        assert_eq!(of("read", json!(null), json!(null)), "p7 read → nothing");
        assert_eq!(of("append", json!(3), json!(3)), "p7 append 3");
        assert_eq!(of("cas", json!([1, 2]), json!([1, 2])), "p7 cas 1 → 2");
        assert_eq!(of("dequeue", json!(null), json!(4)), "p7 dequeue → 4");
        assert_eq!(of("acquire", json!("p7"), json!(812)), r#"p7 acquire "p7" → 812"#);
        let asked = json!([["r", "x", null], ["w", "y", 4]]);
        let answered = json!([["r", "x", 3], ["w", "y", 4]]);
        assert_eq!(of("txn", asked.clone(), answered), "p7 txn r x → 3, w y 4");
        let unknown = |f, input| describe(&operation(f, input, json!(null), EventType::Info));
        assert_eq!(unknown("txn", asked), "p7 txn r x, w y 4 (unknown)");
        assert_eq!(unknown("add", json!(1)), "p7 add 1 (unknown)");
        assert_eq!(unknown("dequeue", json!(null)), "p7 dequeue (unknown)");
        let refused = operation("acquire", json!("p7"), json!("p7"), EventType::Fail);
        assert_eq!(describe(&refused), r#"p7 acquire "p7" (refused)"#);
    }

    #[test]
    fn of_a_long_value_beginning_and_end_are_shown() {
        let list: Vec<u32> = (1..=500).collect();
        let text = value(&json!(list));
        assert!(text.starts_with("[1,2,3,") && text.ends_with(",499,500]"), "{text}");
        assert_eq!(text.chars().count(), 61);
    }
}
