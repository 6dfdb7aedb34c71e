//! The offsets of the clocks of each node over time.

use crate::event::{NodeChange, NodeEvent};

/// The clocks of one node, each time they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockTrack {
    /// The node.
    pub node: String,
    /// The readings, by time.
    pub offsets: Vec<ClockOffset>,
}

/// The offsets of a node's clocks from the controller's at one moment; ahead is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockOffset {
    /// Nanoseconds since the start of the run.
    pub time: u64,
    /// The wall clock's, in milliseconds.
    pub wall_ms: f64,
    /// The monotonic clock's, in milliseconds.
    pub monotonic_ms: f64,
}

/// The clocks of those of `nodes` whose clocks were read, in the order of `nodes`.
pub fn clock_tracks(nodes: &[String], events: &[NodeEvent]) -> Vec<ClockTrack> {
    let track = |node: &String| {
        let own = events.iter().filter(|event| event.node == *node);
        let offsets = own.filter_map(|event| match event.change {
            NodeChange::Clock { wall_offset_ms, monotonic_offset_ms } => Some(ClockOffset {
                time: event.time,
                wall_ms: wall_offset_ms,
                monotonic_ms: monotonic_offset_ms,
            }),
            _ => None,
        });
        ClockTrack { node: node.clone(), offsets: offsets.collect() }
    };
    nodes.iter().map(track).filter(|track| !track.offsets.is_empty()).collect()
}

impl ClockTrack {
    /// The same track in fewer points. Of a stretch in which nothing changed, both ends are kept, so
    /// that a jump stays a jump. If more than `most` are left, the extremes of each of so many
    /// stretches of time are, so that no excursion disappears.
    pub fn thinned(&self, most: usize) -> Vec<ClockOffset> {
        let changes = without_repetitions(&self.offsets);
        if changes.len() <= most { changes } else { extremes(&changes, most) }
    }
}

/// Smaller differences, in milliseconds, are those of reading two clocks one after the other.
const NOISE_MS: f64 = 0.05;

fn without_repetitions(offsets: &[ClockOffset]) -> Vec<ClockOffset> {
    let mut kept: Vec<ClockOffset> = Vec::new();
    for (at, offset) in offsets.iter().enumerate() {
        let same = |other: &ClockOffset| {
            (other.wall_ms - offset.wall_ms).abs() < NOISE_MS
                && (other.monotonic_ms - offset.monotonic_ms).abs() < NOISE_MS
        };
        // Compared with what was kept, not with the neighbour: a slow drift is no repetition.
        if !(kept.last().is_some_and(same) && offsets.get(at + 1).is_some_and(same)) {
            kept.push(*offset);
        }
    }
    kept
}

/// At most `most` of these points, but at least the extremes of one stretch of time.
fn extremes(offsets: &[ClockOffset], most: usize) -> Vec<ClockOffset> {
    const EXTREMES: usize = 4;
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Vec::new() };
    let stretches = (most.saturating_sub(2) / EXTREMES).max(1) as u64;
    let length = (last.time - first.time) / stretches + 1;
    let mut kept = vec![*first];
    for stretch in
        offsets.chunk_by(|a, b| (a.time - first.time) / length == (b.time - first.time) / length)
    {
        let wall = |a: &&ClockOffset, b: &&ClockOffset| a.wall_ms.total_cmp(&b.wall_ms);
        let monotonic =
            |a: &&ClockOffset, b: &&ClockOffset| a.monotonic_ms.total_cmp(&b.monotonic_ms);
        let points = || stretch.iter();
        let chosen = [
            points().min_by(wall),
            points().max_by(wall),
            points().min_by(monotonic),
            points().max_by(monotonic),
        ];
        let mut chosen: Vec<ClockOffset> = chosen.into_iter().flatten().copied().collect();
        chosen.sort_by_key(|offset| offset.time);
        kept.extend(chosen);
    }
    kept.push(*last);
    kept.dedup_by_key(|offset| offset.time);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(walls: &[f64]) -> ClockTrack {
        let offset = |(at, wall_ms): (usize, &f64)| ClockOffset {
            time: at as u64 * 100_000_000,
            wall_ms: *wall_ms,
            monotonic_ms: 0.0,
        };
        ClockTrack { node: "n1".into(), offsets: walls.iter().enumerate().map(offset).collect() }
    }

    fn walls(offsets: &[ClockOffset]) -> Vec<f64> {
        offsets.iter().map(|offset| offset.wall_ms).collect()
    }

    #[test]
    fn a_jump_keeps_both_its_ends() {
        let track = track(&[0.0, 0.01, 0.0, 0.0, 500.0, 500.0, 500.01, 500.0, 0.0]);
        assert_eq!(walls(&track.thinned(100)), [0.0, 0.0, 500.0, 500.0, 0.0]);
    }

    #[test]
    fn a_drift_slower_than_the_noise_is_not_lost() {
        let drift: Vec<f64> = (0..100).map(|step| f64::from(step) * 0.02).collect();
        let thinned = track(&drift).thinned(100);
        assert_eq!(thinned.last().map(|offset| offset.wall_ms), Some(99.0 * 0.02));
        assert!(thinned.len() < 60, "{}", thinned.len());
        let steepest = thinned.windows(2).map(|pair| pair[1].wall_ms - pair[0].wall_ms);
        assert!(steepest.fold(0.0, f64::max) < 0.1);
    }

    #[test]
    fn a_long_track_keeps_its_excursions() {
        let mut walls: Vec<f64> = (0..10_000).map(|step| f64::from(step % 7)).collect();
        walls[4_321] = -30_000.0;
        let thinned = track(&walls).thinned(500);
        assert!(thinned.len() <= 500, "{}", thinned.len());
        assert!(thinned.iter().any(|offset| offset.wall_ms == -30_000.0));
        assert!(thinned.is_sorted_by_key(|offset| offset.time));
    }
}
