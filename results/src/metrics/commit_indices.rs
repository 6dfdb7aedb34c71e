//! The progress of each node's log over time.

use crate::event::{NodeChange, NodeEvent};

/// The progress of one node's log, each time it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitTrack {
    /// The node.
    pub node: String,
    /// The readings, by time.
    pub readings: Vec<CommitReading>,
}

/// The progress of a node's log at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitReading {
    /// Nanoseconds since the start of the run.
    pub time: u64,
    /// The highest committed index that the node knows.
    pub commit: u64,
    /// The highest index that it has applied, where it says so.
    pub applied: Option<u64>,
    /// The index of the last entry of its log, where it says so.
    pub last: Option<u64>,
}

/// The progress of those of `nodes` that told of it, in the order of `nodes`.
pub fn commit_tracks(nodes: &[String], events: &[NodeEvent]) -> Vec<CommitTrack> {
    let track = |node: &String| {
        let own = events.iter().filter(|event| event.node == *node);
        let readings = own.filter_map(|event| match event.change {
            NodeChange::Commit { index, applied, last } => {
                Some(CommitReading { time: event.time, commit: index, applied, last })
            }
            _ => None,
        });
        CommitTrack { node: node.clone(), readings: readings.collect() }
    };
    nodes.iter().map(track).filter(|track| !track.readings.is_empty()).collect()
}

impl CommitTrack {
    /// The same track in at most `most` readings and a few, evenly chosen; the first and the last
    /// are kept, and both ends of every pause of a second or more.
    pub fn thinned(&self, most: usize) -> Vec<CommitReading> {
        const PAUSE: u64 = 1_000_000_000;
        let readings = &self.readings;
        let every = readings.len().div_ceil(most.max(1)).max(1);
        let paused = |at: usize| {
            let next = readings.get(at + 1);
            next.is_none_or(|next| next.time.saturating_sub(readings[at].time) >= PAUSE)
        };
        let kept =
            (0..readings.len()).filter(|&at| at % every == 0 || paused(at) || paused(at - 1));
        kept.map(|at| readings[at]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_track_keeps_its_ends_and_those_of_its_pauses() {
        let reading = |tenth: u64, commit| CommitReading {
            time: tenth * 100_000_000,
            commit,
            applied: None,
            last: None,
        };
        let mut readings: Vec<_> = (0..100).map(|at| reading(at, at)).collect();
        readings.extend((0..100).map(|at| reading(200 + at, 100 + at)));
        let track = CommitTrack { node: "n1".into(), readings };
        let thinned = track.thinned(10);
        assert!(thinned.len() <= 14, "{}", thinned.len());
        let commits: Vec<u64> = thinned.iter().map(|reading| reading.commit).collect();
        for end in [0, 99, 100, 199] {
            assert!(commits.contains(&end), "{end} in {commits:?}");
        }
        assert_eq!(track.thinned(1_000), track.readings);
    }
}
