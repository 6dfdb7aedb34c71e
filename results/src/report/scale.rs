//! The axis of a counterexample.
//!
//! The order of beginnings and endings is what a contradiction rests on, and distances in time
//! range from microseconds to minutes, so the axis keeps the order exactly and squeezes distances.

use checker::history::EventType;
use checker::verdict::Operation;

/// Space right of the last completion, as a share of the width, into which an operation of unknown
/// outcome fades: it has no end.
const FADE: f64 = 0.06;

/// Axis labels stand at least so far apart, as a share of the width.
const LABEL_DISTANCE: f64 = 0.16;

/// Maps moments to places from 0 to 1: strictly rising, long waits squeezed.
pub(super) struct Scale {
    /// Every beginning and ending, with its place.
    points: Vec<(u64, f64)>,
}

impl Scale {
    pub(super) fn of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Scale {
        let mut times: Vec<u64> = Vec::new();
        for operation in operations {
            times.push(operation.start);
            if operation.outcome != EventType::Info {
                times.extend(operation.end);
            }
        }
        times.sort_unstable();
        times.dedup();
        let mut gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let typical = gaps.get(gaps.len() / 2).copied().unwrap_or(1) as f64;
        let mut at = 0.0;
        let mut points = Vec::with_capacity(times.len());
        for (position, &time) in times.iter().enumerate() {
            if position > 0 {
                // At least a visible step, and little more for a wait a thousand times as long.
                at += 0.5 + (1.0 + (time - times[position - 1]) as f64 / typical).ln();
            }
            points.push((time, at));
        }
        let whole = if at > 0.0 { at } else { 1.0 };
        for point in &mut points {
            point.1 = point.1 / whole * (1.0 - FADE);
        }
        Scale { points }
    }

    pub(super) fn first(&self) -> u64 {
        self.points.first().map_or(0, |point| point.0)
    }

    pub(super) fn last(&self) -> u64 {
        self.points.last().map_or(0, |point| point.0)
    }

    /// The place of a moment; moments outside are put at the edge.
    pub(super) fn position(&self, time: u64) -> f64 {
        match self.points.binary_search_by_key(&time, |point| point.0) {
            Ok(at) => self.points[at].1,
            Err(0) => 0.0,
            Err(at) if at == self.points.len() => 1.0,
            Err(at) => {
                let ((from, low), (to, high)) = (self.points[at - 1], self.points[at]);
                low + (high - low) * (time - from) as f64 / (to - from) as f64
            }
        }
    }

    /// The moments whose labels fit beside each other.
    pub(super) fn labelled(&self) -> Vec<u64> {
        let mut labelled: Vec<(u64, f64)> = Vec::new();
        for &(time, at) in &self.points {
            let free = labelled.last().is_none_or(|(_, before)| at - before >= LABEL_DISTANCE);
            if free && at <= 1.0 - LABEL_DISTANCE / 2.0 {
                labelled.push((time, at));
            }
        }
        labelled.into_iter().map(|(time, _)| time).collect()
    }
}

#[cfg(test)]
mod tests {
    use checker::history::Process;
    use serde_json::Value;

    use super::*;

    fn operation(start: u64, end: u64) -> Operation {
        Operation {
            process: Process::Client(0),
            f: "read".into(),
            key: None,
            input: Value::Null,
            output: Value::Null,
            outcome: EventType::Ok,
            invoked: 0,
            completed: Some(1),
            start,
            end: Some(end),
            node: None,
            token: None,
            version: None,
            attempts: Vec::new(),
        }
    }

    #[test]
    fn the_scale_keeps_the_order_over_six_orders_of_magnitude() {
        let operations = [operation(0, 1_000), operation(1_001, 5_000_000_000), operation(2, 3)];
        let scale = Scale::of(&operations);
        let times = [0, 2, 3, 500, 1_000, 1_001, 2_000_000_000, 5_000_000_000, u64::MAX];
        let places: Vec<f64> = times.iter().map(|&time| scale.position(time)).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        assert!(places.iter().all(|place| (0.0..=1.0).contains(place)), "{places:?}");
        let step = scale.position(1_001) - scale.position(1_000);
        assert!(step > 0.005, "a gap of a nanosecond can be seen: {step}");
    }

    #[test]
    fn a_single_moment_has_a_place() {
        let scale = Scale::of(&[operation(7, 7)]);
        assert_eq!(scale.position(7), 0.0);
    }
}
