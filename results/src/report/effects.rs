//! Measured effects as people read them.
//!
//! Whoever measures says the unit by the end of a name, so that a measurement that this page was
//! never told of still reads well: `one_way_ms` is a time, `cpu_percent` a share, `read_bytes` a
//! size, `wall_offset_ms` a difference with a sign, and what has no unit is counted.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::metrics::MeasuredEffect;
use crate::words;

/// What was measured of a fault, in words with units, the most telling first:
/// `packets_dropped: 312, cut_after_ms: 11.2` becomes `312 packets dropped, cut after 11 ms`. The
/// shortest and the longest of something become one range: `fsync 51–60 ms`. Empty when nothing was
/// measured.
pub fn effect_words(effect: &MeasuredEffect) -> String {
    phrases(effect).into_iter().map(|phrase| phrase.words).collect::<Vec<_>>().join(", ")
}

/// The most telling measurement alone, for a label; empty when there is none that tells more than
/// how the fault was made.
pub(super) fn effect_label(effect: &MeasuredEffect) -> String {
    let telling = phrases(effect).into_iter().find(|phrase| phrase.rank <= Rank::Telling);
    telling.map_or_else(String::new, |phrase| phrase.words)
}

/// One measurement, or two that belong together.
struct Phrase {
    rank: Rank,
    words: String,
}

/// Of what a fault did, what stands at its bar.
const FOREMOST: [&str; 5] =
    ["packets_dropped", "wall_offset_ms", "sectors_lost", "operations_failed", "throttled_ms"];

/// What is told first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// What the family is for, see [`FOREMOST`].
    Foremost,
    /// What the fault did to the node.
    Telling,
    /// That it did nothing of a kind.
    Nothing,
    /// How it was made.
    Making,
}

fn phrases(effect: &MeasuredEffect) -> Vec<Phrase> {
    let mut ranged: BTreeSet<&str> = BTreeSet::new();
    let mut phrases = Vec::new();
    for (fastest, least) in effect {
        let Some(what) = extreme_of(fastest, "fastest") else { continue };
        let slowest = effect.iter().find(|(name, _)| extreme_of(name, "slowest") == Some(what));
        let Some((slowest, most)) = slowest else { continue };
        if let (Some(shortest), Some(longest)) = (least.as_f64(), most.as_f64()) {
            ranged.extend([fastest.as_str(), slowest]);
            let words = format!("{} {}", spaced(what), range(shortest, longest));
            phrases
                .push(Phrase { rank: rank(slowest, most), words: words.trim_start().to_owned() });
        }
    }
    let alone = effect.iter().filter(|(name, _)| !ranged.contains(name.as_str()));
    phrases.extend(
        alone.map(|(name, value)| Phrase { rank: rank(name, value), words: phrase(name, value) }),
    );
    phrases.sort_by_key(|phrase| phrase.rank);
    phrases
}

fn rank(name: &str, value: &Value) -> Rank {
    let making = ["nodes_", "links_"].iter().any(|kind| name.starts_with(kind))
        || name.ends_with("_after_ms")
        || name == "already_down";
    let nothing = match name {
        "rate" => value.as_f64() == Some(1.0),
        _ => value.as_f64() == Some(0.0) || value.as_str() == Some(""),
    };
    match (making, nothing) {
        (true, _) => Rank::Making,
        (false, true) => Rank::Nothing,
        (false, false) if FOREMOST.contains(&name) => Rank::Foremost,
        (false, false) => Rank::Telling,
    }
}

/// What is left of a name that tells an `extreme` of something in milliseconds, such as
/// `fsync_slowest_ms` or `slowest_fsync_ms`: `fsync`.
fn extreme_of<'a>(name: &'a str, extreme: &str) -> Option<&'a str> {
    let name = name.strip_suffix("_ms")?;
    match name.strip_prefix(extreme) {
        Some(what) => Some(what.trim_start_matches('_')),
        None => Some(name.strip_suffix(extreme)?.trim_end_matches('_')),
    }
}

/// `51–60 ms`, or `840 µs–1.2 s` where the units differ; both in milliseconds.
fn range(least: f64, most: f64) -> String {
    let (least, most) = (time(least * 1e6), time(most * 1e6));
    match (least.rsplit_once(' '), most.rsplit_once(' ')) {
        _ if least == most => most,
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}–{most}"),
        _ => format!("{least}–{most}"),
    }
}

fn phrase(name: &str, value: &Value) -> String {
    match value {
        Value::Number(_) => number_phrase(name, value),
        Value::String(text) => format!("{}: {text}", spaced(name)),
        Value::Bool(true) => spaced(name),
        Value::Object(fields) => {
            let inner: MeasuredEffect =
                fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            format!("{} ({})", spaced(name), effect_words(&inner))
        }
        other => format!("{}: {other}", spaced(name)),
    }
}

fn number_phrase(name: &str, value: &Value) -> String {
    let number = value.as_f64().unwrap_or(0.0);
    if let Some(what) = name.strip_suffix("_offset_ms") {
        return format!("{} {}", spaced(what), offset(number));
    }
    let times =
        [("_seconds", 1e9), ("_milliseconds", 1e6), ("_ms", 1e6), ("_us", 1e3), ("_ns", 1.0)];
    for (unit, nanoseconds) in times {
        if let Some(what) = name.strip_suffix(unit) {
            return format!("{} {}", spaced(what), time(number * nanoseconds));
        }
    }
    if let Some(what) = name.strip_suffix("_per_second") {
        let (what, unit) = match what.strip_suffix("kib") {
            Some(what) => (what.trim_end_matches('_'), "KiB/s"),
            None => (what, "a second"),
        };
        return format!("{} {} {unit}", spaced(what), decimal(number)).trim_start().to_owned();
    }
    let units = [("_percent", " %"), ("_kib", " KiB"), ("_bytes", " bytes")];
    for (suffix, unit) in units {
        if let Some(what) = name.strip_suffix(suffix) {
            return format!("{} {}{unit}", spaced(what), decimal(number));
        }
    }
    if name == "rate" || name.ends_with("_rate") {
        return format!("{} ×{}", spaced(name), decimal(number));
    }
    match value.as_u64() {
        Some(count) => counted(count, name),
        None => format!("{} {}", decimal(number), spaced(name)),
    }
}

/// `312 packets dropped`, `1 sector lost`, `throttled 12 times`.
fn counted(count: u64, name: &str) -> String {
    let words = spaced(name);
    let (noun, rest) = words.split_once(' ').unwrap_or((&words, ""));
    let singular = noun.strip_suffix('s').filter(|singular| !singular.ends_with('s'));
    match (singular, count) {
        (None, 1) if rest.is_empty() => format!("{words} once"),
        (None, _) if rest.is_empty() => format!("{words} {} times", words::count(count)),
        (Some(singular), 1) => format!("1 {singular} {rest}").trim_end().to_owned(),
        (_, _) => format!("{} {words}", words::count(count)),
    }
}

/// A difference, with its sign: `−5,000 ms`, `+0.4 ms`.
pub(super) fn offset(milliseconds: f64) -> String {
    let size = decimal(milliseconds.abs());
    let sign = match milliseconds {
        _ if size == "0" => "±",
        ..0.0 => "−",
        _ => "+",
    };
    format!("{sign}{size} ms")
}

fn time(nanoseconds: f64) -> String {
    if nanoseconds < 0.0 {
        return format!("−{}", words::duration(-nanoseconds as u64));
    }
    words::duration(nanoseconds as u64)
}

/// A number with no more digits than it needs: whole from 100 on, else three that count.
fn decimal(number: f64) -> String {
    if number.abs() >= 100.0 {
        let sign = if number < 0.0 { "−" } else { "" };
        return format!("{sign}{}", words::count(number.abs().round() as u64));
    }
    let digits = if number.abs() >= 10.0 { 1 } else { 3 };
    let text = format!("{number:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.strip_prefix('-') {
        Some("0") => "0".to_owned(),
        Some(size) => format!("−{size}"),
        None => text.to_owned(),
    }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(effect: Value, words: &str) {
        let effect: MeasuredEffect =
            effect.as_object().expect("an object").clone().into_iter().collect();
        assert_eq!(effect_words(&effect), words);
    }

    #[test]
    fn a_number_is_told_with_its_unit() {
        check(json!({"packets_dropped": 1312}), "1,312 packets dropped");
        check(json!({"sectors_lost": 1}), "1 sector lost");
        check(json!({"throttled": 12}), "throttled 12 times");
        check(json!({"throttled": 1}), "throttled once");
        check(json!({"stopped_seconds": 1.2}), "stopped 1.20 s");
        check(json!({"one_way_ms": 50.41}), "one way 50 ms");
        check(json!({"loss_percent": 12.5}), "loss 12.5 %");
        check(json!({"kib_per_second": 512}), "512 KiB/s");
        check(json!({"written_kib_per_second": 512.3}), "written 512 KiB/s");
        check(json!({"cut_bytes": 40960}), "cut 40,960 bytes");
        check(json!({"rate": 1.05}), "rate ×1.05");
        check(json!({"balance": -3.25}), "−3.25 balance");
    }

    #[test]
    fn an_offset_keeps_its_sign() {
        check(json!({"wall_offset_ms": -5000.2}), "wall −5,000 ms");
        check(json!({"wall_offset_ms": 0.412}), "wall +0.412 ms");
        check(json!({"monotonic_offset_ms": -0.0001}), "monotonic ±0 ms");
    }

    #[test]
    fn shortest_and_longest_make_one_range() {
        check(json!({"fsync_fastest_ms": 51.2, "fsync_slowest_ms": 60}), "fsync 51–60 ms");
        check(json!({"fastest_fsync_ms": 0.84, "slowest_fsync_ms": 1200}), "fsync 840 µs–1.20 s");
        check(json!({"fastest_ms": 51, "slowest_ms": 51}), "51 ms");
        check(
            json!({"read_fastest_ms": 1, "read_slowest_ms": 2, "read_mean_ms": 1.5}),
            "read 1.0–2.0 ms, read mean 1.5 ms",
        );
        check(json!({"fsync_slowest_ms": 60}), "fsync slowest 60 ms");
    }

    #[test]
    fn text_and_whatever_else_there_is_stay_readable() {
        check(json!({"damaged": "log, byte 4,096"}), "damaged: log, byte 4,096");
        check(json!({"state": "T"}), "state: T");
        check(json!({"n2": {"wall_offset_ms": 20}}), "n2 (wall +20 ms)");
        check(json!({"stalled": true, "odd": [1, 2]}), "odd: [1,2], stalled");
        check(json!({}), "");
    }

    #[test]
    fn what_the_fault_did_comes_before_how_it_was_made() {
        let effect = json!({"cut_after_ms": 11.2, "links_cut": 8, "packets_dropped": 312,
            "packets_lost": 0});
        check(effect.clone(), "312 packets dropped, 0 packets lost, cut after 11 ms, 8 links cut");
        let effect: MeasuredEffect =
            effect.as_object().expect("an object").clone().into_iter().collect();
        assert_eq!(effect_label(&effect), "312 packets dropped");
        let effect = json!({"names_lost": 3, "sectors_kept": 9, "sectors_lost": 1204});
        check(effect, "1,204 sectors lost, 3 names lost, 9 sectors kept");
        let made = [("nodes_killed".to_owned(), json!(1))].into();
        assert_eq!(effect_label(&made), "", "that a kill killed needs no label");
    }
}
