//! The lines of the nodes' logs with the time at which each was there, on the controller's clock.
//!
//! A node's own clock may be wrong, and many logs have no times at all: what counts is how long the
//! file was when, which the run recorded as [`NodeChange::Logged`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::event::{NodeChange, NodeEvent};
use crate::layout::NODES;

/// Of one stretch between two looks at a log, no more lines are kept.
const LINES_OF_A_STRETCH: usize = 40;

/// Longer lines are cut, in characters.
const LONGEST_LINE: usize = 240;

/// All logs of a run together get so many bytes on its page.
const ALL_LOGS: usize = 900_000;

/// A log of a node, with times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedLog {
    /// The node.
    pub node: String,
    /// The name of the file in the folder of the node.
    pub file: String,
    /// The lines, by time. A line in brackets says how many were left out.
    pub lines: Vec<TimedLine>,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedLine {
    /// When it was seen to be there, in nanoseconds since the start of the run.
    pub time: u64,
    /// The line.
    pub text: String,
}

/// The logs of the run at `run`, as far as its events say when they were written. A log that cannot
/// be read has no lines.
pub(crate) fn read(run: &Path, events: &[NodeEvent]) -> Vec<TimedLog> {
    let mut looks: BTreeMap<(&str, &str), Vec<(u64, u64)>> = BTreeMap::new();
    for event in events {
        if let NodeChange::Logged { file, bytes } = &event.change {
            looks.entry((&event.node, file)).or_default().push((event.time, *bytes));
        }
    }
    let share = ALL_LOGS / looks.len().max(1);
    let logs = looks.iter().map(|(&(node, file), looks)| {
        let lines = File::open(run.join(NODES).join(node).join(file))
            .map(|log| lines_at(BufReader::new(log), looks, LINES_OF_A_STRETCH, share))
            .unwrap_or_default();
        TimedLog { node: node.to_owned(), file: file.to_owned(), lines }
    });
    logs.filter(|log| !log.lines.is_empty()).collect()
}

/// The lines of a log, which had been so long at such times, in about `room` bytes; of each stretch
/// the first `most` at most.
fn lines_at(log: impl BufRead, looks: &[(u64, u64)], most: usize, room: usize) -> Vec<TimedLine> {
    let mut stretches: Vec<(u64, Vec<String>, usize)> =
        looks.iter().map(|(time, _)| (*time, Vec::new(), 0)).collect();
    let Some(last) = stretches.len().checked_sub(1) else { return Vec::new() };
    let (mut at, mut end) = (0, 0);
    for line in log.split(b'\n') {
        // What cannot be read ends the log.
        let Ok(line) = line else { break };
        end += line.len() as u64 + 1;
        while at < last && looks[at].1 < end {
            at += 1;
        }
        let (_, lines, left_out) = &mut stretches[at];
        match lines.len() < most {
            true => {
                let text = String::from_utf8_lossy(&line);
                lines.push(text.trim_end().chars().take(LONGEST_LINE).collect());
            }
            false => *left_out += 1,
        }
    }
    let most = fitting(&stretches, most, room);
    let mut lines = Vec::new();
    for (time, kept, mut left_out) in stretches {
        left_out += kept.len().saturating_sub(most);
        lines.extend(kept.into_iter().take(most).map(|text| TimedLine { time, text }));
        if left_out > 0 {
            lines.push(TimedLine { time, text: format!("[{left_out} more lines]") });
        }
    }
    lines
}

/// The most lines that each stretch may keep, so that all of them fit; at least one.
fn fitting(stretches: &[(u64, Vec<String>, usize)], most: usize, room: usize) -> usize {
    let size = |most: usize| -> usize {
        let kept = stretches.iter().flat_map(|(_, lines, _)| lines.iter().take(most));
        kept.map(|line| line.len() + 8).sum()
    };
    (1..=most).rev().find(|&most| size(most) <= room).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[TimedLine]) -> Vec<(u64, &str)> {
        lines.iter().map(|line| (line.time, line.text.as_str())).collect()
    }

    #[test]
    fn a_line_has_the_time_at_which_the_log_was_long_enough() {
        let log = b"one\ntwo\nthree\nfour\n";
        let lines = lines_at(&log[..], &[(10, 4), (20, 14)], 9, 1_000);
        // What came after the last look is not lost.
        assert_eq!(told(&lines), [(10, "one"), (20, "two"), (20, "three"), (20, "four")]);
        // A look may fall within a line, which was whole at the next one only.
        let lines = lines_at(&log[..], &[(10, 6), (20, 19)], 9, 1_000);
        assert_eq!(told(&lines)[..2], [(10, "one"), (20, "two")]);
    }

    #[test]
    fn of_a_flood_the_beginning_of_every_stretch_is_kept() {
        let log: String = (10..60).map(|number| format!("{number}\n")).collect();
        let lines = lines_at(log.as_bytes(), &[(1, 60), (2, 150)], 3, 1_000);
        let expected = [
            (1, "10"),
            (1, "11"),
            (1, "12"),
            (1, "[17 more lines]"),
            (2, "30"),
            (2, "31"),
            (2, "32"),
            (2, "[27 more lines]"),
        ];
        assert_eq!(told(&lines), expected);
        let lines = lines_at(log.as_bytes(), &[(1, 60), (2, 150)], 3, 25);
        assert_eq!(
            told(&lines),
            [(1, "10"), (1, "[19 more lines]"), (2, "30"), (2, "[29 more lines]")]
        );
    }
}
