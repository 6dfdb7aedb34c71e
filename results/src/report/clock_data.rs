//! The clocks of the nodes, as the timeline draws them.

use serde_json::{Value, json};

use crate::metrics::{ClockOffset, ClockTrack};
use crate::page::columns::Column;

/// Points that a node's clocks get on the page: more than a screen has columns, and so few that
/// seven nodes of a night take a few hundred kilobytes.
const MOST_POINTS: usize = 4_000;

/// One object for each node whose clocks were read: columns of times and of offsets, all in
/// microseconds.
pub(super) fn clocks(tracks: &[ClockTrack]) -> Value {
    tracks.iter().map(track).collect()
}

fn track(track: &ClockTrack) -> Value {
    let points = track.thinned(MOST_POINTS);
    let (mut time, mut wall, mut monotonic) =
        (Column::default(), Column::default(), Column::default());
    for ClockOffset { time: at, wall_ms, monotonic_ms } in &points {
        time.push_rising(at / 1_000);
        // Rounded to what is drawn; a number that is none becomes 0.
        wall.push_signed((wall_ms * 1e3).round() as i64);
        monotonic.push_signed((monotonic_ms * 1e3).round() as i64);
    }
    json!({
        "node": track.node,
        "count": points.len(),
        "time": time.encode(),
        "wall": wall.encode(),
        "monotonic": monotonic.encode(),
    })
}
