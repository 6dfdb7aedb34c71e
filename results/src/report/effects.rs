//! Measured effects as people read them.

use std::collections::BTreeSet;

use faults::effect::{Effect, Measurement};

use crate::words;

/// The measurements of a fault in words with units, the most telling first:
/// `packets_dropped: 312, cut_after: 11.2 ms` becomes `312 packets dropped, cut after 11 ms`. The
/// shortest and the longest of something become one range: `fsync 51–60 ms`. Empty when nothing was
/// measured.
pub(super) fn effect_words(effect: &Effect) -> String {
    phrases(effect).into_iter().map(|phrase| phrase.words).collect::<Vec<_>>().join(", ")
}

/// The most telling measurement alone, for a label; empty when there is none that tells more than
/// how the fault was made.
pub(super) fn effect_label(effect: &Effect) -> String {
    let telling = phrases(effect).into_iter().find(|phrase| phrase.rank == Rank::Telling);
    telling.map_or_else(String::new, |phrase| phrase.words)
}

/// One measurement, or two that belong together.
struct Phrase {
    rank: Rank,
    words: String,
}

/// The order of phrases; those of one rank keep the order in which they were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The fault did this to the node.
    Telling,
    /// It did nothing of this kind.
    Nothing,
    /// It was made so.
    Making,
}

fn phrases(effect: &Effect) -> Vec<Phrase> {
    let mut ranged: BTreeSet<String> = BTreeSet::new();
    let mut phrases = Vec::new();
    for (name, measurement) in effect.iter() {
        if ranged.contains(name) {
            continue;
        }
        let (rank, words) = match extremes(effect, name, measurement) {
            Some((what, least, most, other)) => {
                ranged.insert(other);
                (Rank::Telling, format!("{} {}", words::spaced(what), range(least, most)))
            }
            None => (rank(name, measurement), phrase(name, measurement)),
        };
        phrases.push(Phrase { rank, words: words.trim_start().to_owned() });
    }
    phrases.sort_by_key(|phrase| phrase.rank);
    phrases
}

/// For a time that is the fastest or slowest of something that has the other too: what it is of,
/// both in milliseconds, and the name of the other.
fn extremes<'a>(
    effect: &Effect,
    name: &'a str,
    measurement: &Measurement,
) -> Option<(&'a str, f64, f64, String)> {
    let Measurement::Milliseconds(time) = measurement else { return None };
    for (this, that) in [("fastest", "slowest"), ("slowest", "fastest")] {
        let Some(what) = name.strip_suffix(this) else { continue };
        let other = format!("{what}{that}");
        let Some(Measurement::Milliseconds(other_time)) = effect.get(&other) else { continue };
        let (least, most) = (time.min(*other_time), time.max(*other_time));
        return Some((what.trim_end_matches('_'), least, most, other));
    }
    None
}

fn rank(name: &str, measurement: &Measurement) -> Rank {
    let making = ["nodes_", "links_"].iter().any(|kind| name.starts_with(kind))
        || name.ends_with("_after")
        || name == "already_down";
    let nothing = match measurement {
        Measurement::Count(count) => *count == 0,
        Measurement::Rate(rate) => *rate == 1.0,
        Measurement::Number(number)
        | Measurement::Milliseconds(number)
        | Measurement::Percent(number) => *number == 0.0,
        Measurement::Offset(milliseconds) => decimal(*milliseconds) == "0",
        Measurement::Text(text) => text.is_empty(),
    };
    match (making, nothing) {
        (true, _) => Rank::Making,
        (false, true) => Rank::Nothing,
        (false, false) => Rank::Telling,
    }
}

/// `51–60 ms`, or `840 µs–1.2 s` where the units differ; both in milliseconds.
fn range(least: f64, most: f64) -> String {
    let (least, most) = (time(least), time(most));
    match (least.rsplit_once(' '), most.rsplit_once(' ')) {
        _ if least == most => most,
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}–{most}"),
        _ => format!("{least}–{most}"),
    }
}

fn phrase(name: &str, measurement: &Measurement) -> String {
    let words = words::spaced(name);
    match measurement {
        Measurement::Count(count) => counted(*count, &words),
        Measurement::Number(number) => format!("{} {words}", decimal(*number)),
        Measurement::Milliseconds(milliseconds) => format!("{words} {}", time(*milliseconds)),
        Measurement::Offset(milliseconds) => format!("{words} {}", offset(*milliseconds)),
        Measurement::Percent(percent) => format!("{words} {} %", decimal(*percent)),
        Measurement::Rate(rate) => format!("{words} ×{}", decimal(*rate)),
        Measurement::Text(text) => format!("{words}: {text}"),
    }
}

/// `312 packets dropped`, `1 sector lost`, `throttled 12 times`.
fn counted(count: u64, words: &str) -> String {
    let (noun, rest) = words.split_once(' ').unwrap_or((words, ""));
    let singular = noun.strip_suffix('s').filter(|singular| !singular.ends_with('s'));
    match (singular, count) {
        (None, 1) if rest.is_empty() => format!("{words} once"),
        (None, _) if rest.is_empty() => format!("{words} {} times", words::count(count)),
        (Some(singular), 1) => format!("1 {singular} {rest}").trim_end().to_owned(),
        (_, _) => format!("{} {words}", words::count(count)),
    }
}

/// A difference, with its sign: `−5,000 ms`, `+0.4 ms`.
fn offset(milliseconds: f64) -> String {
    let size = decimal(milliseconds.abs());
    let sign = match milliseconds {
        _ if size == "0" => "±",
        ..0.0 => "−",
        _ => "+",
    };
    format!("{sign}{size} ms")
}

fn time(milliseconds: f64) -> String {
    let nanoseconds = milliseconds * 1e6;
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(effect: Value) -> Effect {
        serde_json::from_value(effect).expect("an object")
    }

    #[track_caller]
    fn check(effect: Value, words: &str) {
        assert_eq!(effect_words(&read(effect)), words);
    }

    #[test]
    fn a_number_is_told_with_its_unit() {
        check(json!({"packets_dropped": 1312}), "1,312 packets dropped");
        check(json!({"sectors_lost": 1}), "1 sector lost");
        check(json!({"throttled": 12}), "throttled 12 times");
        check(json!({"throttled": 1}), "throttled once");
        check(json!({"one_way_ms": 50.41}), "one way 50 ms");
        check(json!({"loss_percent": 12.5}), "loss 12.5 %");
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
        check(json!({"fsync_slowest_ms": 1200, "fsync_fastest_ms": 0.84}), "fsync 840 µs–1.20 s");
        check(json!({"fastest_ms": 51, "slowest_ms": 51}), "51 ms");
        check(
            json!({"read_fastest_ms": 1, "read_slowest_ms": 2, "read_mean_ms": 1.5}),
            "read 1.0–2.0 ms, read mean 1.5 ms",
        );
        check(json!({"fsync_slowest_ms": 60}), "fsync slowest 60 ms");
    }

    #[test]
    fn text_and_anything_else_stays_readable() {
        check(json!({"damaged": "log, byte 4,096"}), "damaged: log, byte 4,096");
        check(json!({"stalled": true, "odd": [1, 2]}), "stalled: true, odd: [1,2]");
        check(json!({}), "");
    }

    #[test]
    fn what_the_fault_did_comes_before_how_it_was_made() {
        let effect = json!({"cut_after_ms": 11.2, "links_cut": 8, "packets_dropped": 312,
            "packets_lost": 0});
        check(effect.clone(), "312 packets dropped, 0 packets lost, cut after 11 ms, 8 links cut");
        assert_eq!(effect_label(&read(effect)), "312 packets dropped");
        let clocks = json!({"monotonic_offset_ms": 0.0, "rate": 1.0, "wall_offset_ms": -400.0});
        assert_eq!(effect_label(&read(clocks)), "wall −400 ms");
        assert_eq!(effect_label(&read(json!({"nodes_killed": 1}))), "", "a kill needs no label");
    }
}
