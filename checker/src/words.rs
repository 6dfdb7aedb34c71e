//! Values, numbers and times in words.

use crate::history::{Attempt, Datum};

/// Values longer than this, in characters, are cut: a sentence is to be read at a glance.
const LONGEST_VALUE: usize = 32;

/// The number of elements of a long list that are shown at each of its ends.
const SHOWN_AT_AN_END: usize = 2;

/// The number of attempts of an operation that a sentence names.
const MAX_ATTEMPTS_TOLD: usize = 4;

const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// A value; null is "nothing". Of a long list both ends are shown, of a long text the beginning.
pub(crate) fn value(value: Datum<'_>) -> String {
    if value.is_null() {
        return "nothing".to_string();
    }
    let text = value.to_string();
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    match value.as_list().map(Iterator::collect::<Vec<_>>) {
        Some(elements) if elements.len() > 2 * SHOWN_AT_AN_END => {
            let shown = |elements: &[Datum<'_>]| {
                let shown: Vec<_> = elements.iter().map(|it| cut(&it.to_string())).collect();
                shown.join(",")
            };
            let (count, end) = (elements.len(), elements.len() - SHOWN_AT_AN_END);
            let (first, last) = (shown(&elements[..SHOWN_AT_AN_END]), shown(&elements[end..]));
            format!("[{first},…,{last}] ({count} elements)")
        }
        _ => cut(&text),
    }
}

/// The beginning of a text that is too long; what is quoted stays so.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_VALUE {
        return text.to_string();
    }
    let beginning: String = text.chars().take(LONGEST_VALUE).collect();
    let quote = if text.starts_with('"') { "\"" } else { "" };
    format!("{beginning}…{quote}")
}

/// A moment: `at 41.203 s`. Histories without times say `at event 17`.
pub(crate) fn at(time: u64, index: u64) -> String {
    if time == 0 { format!("at event {index}") } else { format!("at {}", seconds(time)) }
}

/// Nanoseconds as `41.203 s`.
pub(crate) fn seconds(time: u64) -> String {
    format!("{:.3} s", time as f64 / NANOSECONDS_PER_SECOND)
}

/// `1 token`, `2 tokens`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `; asked n1 at 1.203 s (timeout), n2 at 1.206 s (answered)`.
pub(crate) fn tried(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return String::new();
    }
    let attempt = |attempt: &Attempt| {
        let met = attempt.error.as_deref().unwrap_or("answered");
        format!("{} at {} ({met})", attempt.node, seconds(attempt.start))
    };
    let told: Vec<String> = attempts.iter().take(MAX_ATTEMPTS_TOLD).map(attempt).collect();
    let more = match attempts.len() - told.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; asked {}{more}", told.join(", "))
}
