//! The progress of the nodes' logs and the lines that they wrote, as the timeline shows them.

use serde_json::{Value, json};

use crate::metrics::{CommitReading, CommitTrack};
use crate::page::columns::Column;
use crate::timed_logs::TimedLog;

/// Readings that a node gets on the page: more than a screen has columns.
const MOST_READINGS: usize = 2_000;

/// One object for each node that told of its progress: columns of times in microseconds and of
/// indices. Of the last entry, one more than its distance from the commit index; 0 if it was not told.
pub(super) fn commits(tracks: &[CommitTrack]) -> Value {
    let track = |track: &CommitTrack| {
        let readings = track.thinned(MOST_READINGS);
        let [mut time, mut commit, mut applied, mut last] = <[Column; 4]>::default();
        for CommitReading { time: at, commit: index, applied: known, last: written } in &readings {
            time.push_rising(at / 1_000);
            commit.push(*index);
            applied.push(known.unwrap_or(0));
            last.push(written.map_or(0, |written| written.saturating_sub(*index) + 1));
        }
        json!({
            "node": track.node,
            "count": readings.len(),
            "time": time.encode(),
            "commit": commit.encode(),
            "applied": applied.encode(),
            "last": last.encode(),
        })
    };
    tracks.iter().map(track).collect()
}

/// One object for each log: a column of times in microseconds, and the lines.
pub(super) fn logs(logs: &[TimedLog]) -> Value {
    let log = |log: &TimedLog| {
        let mut time = Column::default();
        log.lines.iter().for_each(|line| time.push_rising(line.time / 1_000));
        let lines: Vec<&str> = log.lines.iter().map(|line| line.text.as_str()).collect();
        json!({"node": log.node, "file": log.file, "time": time.encode(), "lines": lines})
    };
    logs.iter().map(log).collect()
}
