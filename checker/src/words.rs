//! Values, numbers and times in words.

use serde_json::Value;

use crate::history::{Attempt, Datum, OwnedDatum};

/// Values longer than this, in characters, are cut: a sentence is to be read at a glance.
const LONGEST_VALUE: usize = 40;

/// So many characters of a longer text are shown at its beginning and at its end, where lists and
/// texts that are appended to differ.
const SHOWN_OF_A_TEXT: [usize; 2] = [20, 12];

/// Of what fills a text up, so many are shown.
const SHOWN_FILLERS: usize = 3;

/// The number of elements of a long list that are shown at each of its ends.
const SHOWN_AT_AN_END: usize = 2;

/// The number of attempts of an operation that a sentence names.
const MAX_ATTEMPTS_TOLD: usize = 4;

const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// A value; null is "nothing". Of a long list both ends are shown, of a long text too.
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
                let shown: Vec<_> = elements.iter().map(|it| shortened(&it.to_string())).collect();
                shown.join(",")
            };
            let (count, end) = (elements.len(), elements.len() - SHOWN_AT_AN_END);
            let (first, last) = (shown(&elements[..SHOWN_AT_AN_END]), shown(&elements[end..]));
            format!("[{first},…,{last}] ({count} elements)")
        }
        _ => shortened(&text),
    }
}

/// A JSON value in words, as [`shortened`]; null is "nothing", and of a long list both ends are
/// shown.
pub fn value_in_words(json: &Value) -> String {
    value(OwnedDatum::from(json).borrow())
}

/// A text; of one that is too long the beginning and the end, the size in bytes and a number that
/// differs for texts that differ, and is the same for the same text:
/// `"118-xxx…xxx" (4098 bytes, #3f2a)`.
pub fn shortened(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= LONGEST_VALUE {
        return text.to_string();
    }
    let [first, last] = SHOWN_OF_A_TEXT;
    let mut beginning = characters[..first].to_vec();
    let mut end = characters[characters.len() - last..].to_vec();
    end.reverse();
    // A text that is filled up differs at its other end. A quote is not part of what fills it.
    let quote = end.first().filter(|it| **it == '"').copied();
    end.drain(..usize::from(quote.is_some()));
    for part in [&mut beginning, &mut end] {
        let Some(filler) = part.last().copied() else { continue };
        let fillers = part.iter().rev().take_while(|it| **it == filler).count();
        part.truncate(part.len() - fillers.saturating_sub(SHOWN_FILLERS));
    }
    let shown: String =
        beginning.into_iter().chain(['…']).chain(end.into_iter().rev()).chain(quote).collect();
    let quotes = 2 * usize::from(quote.is_some() && text.starts_with('"'));
    format!("{shown} ({} bytes, #{:04x})", text.len() - quotes, fingerprint(text))
}

/// The 64-bit FNV-1a hash of a text, folded.
fn fingerprint(text: &str) -> u16 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let [a, b, c, d, e, f, g, h] = hash.to_be_bytes();
    u16::from_be_bytes([a ^ c ^ e ^ g, b ^ d ^ f ^ h])
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_values_show_what_tells_them_apart_and_their_size() {
        let filled = |number: u32| value_in_words(&json!(format!("{number}-{}", "x".repeat(4092))));
        assert_eq!(filled(118), "\"118-xxx…xxx\" (4096 bytes, #5f00)");
        assert_eq!(filled(119), "\"119-xxx…xxx\" (4096 bytes, #2f21)");
        let differs_within = |number: u32| {
            let ends = "abcdefghijklmnopqrstuvwxyz";
            value_in_words(&json!(format!("{ends}{number}{ends}")))
        };
        assert_eq!(differs_within(1), "\"abcdefghijklmnopqrs…pqrstuvwxyz\" (53 bytes, #df4f)");
        assert_eq!(differs_within(2), "\"abcdefghijklmnopqrs…pqrstuvwxyz\" (53 bytes, #7068)");
        let list: Vec<u32> = (1..=500).collect();
        assert_eq!(value_in_words(&json!(list)), "[1,2,…,499,500] (500 elements)");
        assert_eq!(value_in_words(&json!(null)), "nothing");
        assert_eq!(value_in_words(&json!("short")), "\"short\"");
    }
}
