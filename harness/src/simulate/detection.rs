//! The time until planted bugs are found: the number that a harness is only as good as.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::bugs::Bug;

use super::settings::Settings;
use super::sweep::sweep;

/// Each bug is looked for so many times, from seeds far apart.
const ROUNDS: u64 = 5;

/// The distance between the seeds of two rounds.
const APART: u64 = 10_000_000;

/// The rounds in which a bug was looked for.
#[derive(Debug)]
pub struct Detection {
    /// The bug.
    pub bug: Bug,
    /// Seeds and seconds until it was found, for each round in which it was, from the fewest to the
    /// most.
    pub found: Vec<(u64, Duration)>,
    /// The number of rounds.
    pub rounds: u64,
    /// The promises that were broken, each with the number of rounds.
    pub by: BTreeMap<&'static str, u64>,
}

/// Looks for the bug of the settings, for up to so long in each round.
pub fn detect(bug: Bug, settings: &Settings, first: u64, limit: Duration) -> Detection {
    let settings = Settings { bug: Some(bug), ..settings.clone() };
    let mut detection = Detection { bug, found: Vec::new(), rounds: ROUNDS, by: BTreeMap::new() };
    for round in 0..ROUNDS {
        let start = first + round * APART;
        let swept = sweep(start..start + APART, &settings, Some(limit), &|_| {});
        if let Some((seed, violation)) = swept.failed {
            detection.found.push((seed - start + 1, swept.took));
            *detection.by.entry(violation.property).or_default() += 1;
        }
    }
    detection.found.sort_unstable();
    detection
}

impl Detection {
    /// Seeds and seconds of the round in the middle, if more rounds than not found the bug.
    pub fn median(&self) -> Option<(u64, Duration)> {
        let middle = (self.rounds / 2) as usize;
        let mut seconds: Vec<Duration> = self.found.iter().map(|(_, took)| *took).collect();
        seconds.sort_unstable();
        Some((self.found.get(middle)?.0, *seconds.get(middle)?))
    }

    /// The name, the rounds that found it, by what, seeds and seconds, as cells of a table.
    pub fn cells(&self) -> [String; 5] {
        let by: Vec<String> = self.by.keys().map(ToString::to_string).collect();
        let seconds = |time: &Duration| format!("{:.2}", time.as_secs_f64());
        let least = |it: Option<&(u64, Duration)>| it.map_or(0, |(seeds, _)| *seeds);
        let (seeds, time) = match self.median() {
            None => ("—".into(), "—".into()),
            Some((median, middle)) => {
                let times = || self.found.iter().map(|(_, took)| took);
                let ends = (times().min().map(seconds), times().max().map(seconds));
                (
                    format!(
                        "{median} ({}–{})",
                        least(self.found.first()),
                        least(self.found.last())
                    ),
                    format!(
                        "{} ({}–{})",
                        seconds(&middle),
                        ends.0.unwrap_or_default(),
                        ends.1.unwrap_or_default()
                    ),
                )
            }
        };
        [
            self.bug.name().into(),
            format!("{} of {}", self.found.len(), self.rounds),
            by.join(", "),
            seeds,
            time,
        ]
    }
}
