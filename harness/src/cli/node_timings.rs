//! The timings of the bundled cluster's nodes, as flags.

use std::time::Duration;

use clap::Args;
use cluster::core::Timings;

/// The times that the nodes of a cluster wait for each other. They should be those of all its nodes.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Timings")]
pub struct TimingFlags {
    /// The time between two heartbeats of a leader. Some round trips long, so that one that is late
    /// is not missed [default: 50ms, or an eighth of the shortest election timeout]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_HEARTBEAT_INTERVAL",
        value_parser = humantime::parse_duration)]
    heartbeat_interval: Option<Duration>,
    /// The shortest election timeout: a follower stands after it at the soonest, a leader that heard
    /// no majority for as long steps down, a call to another node is given up. Eight heartbeats, so
    /// that a busy machine or a slow disk deposes no one; the round trip to the slowest node should
    /// fit into it several times [default: 400ms, or eight heartbeats]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_ELECTION_TIMEOUT",
        value_parser = humantime::parse_duration)]
    election_timeout: Option<Duration>,
    /// The longest election timeout; each is drawn from between the two, so that rarely two nodes
    /// stand at a time [default: twice the shortest]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_ELECTION_TIMEOUT_MAX",
        value_parser = humantime::parse_duration)]
    election_timeout_max: Option<Duration>,
}

impl TimingFlags {
    /// The timings; what is not given goes by what is.
    pub fn timings(&self) -> Timings {
        let standard = Timings::default();
        let ratio = 8;
        let election = self
            .election_timeout
            .or(self.heartbeat_interval.map(|heartbeat| heartbeat * ratio))
            .unwrap_or(standard.election_min);
        let heartbeat = self.heartbeat_interval.unwrap_or(election / ratio);
        let mut timings = Timings::of(heartbeat, election);
        timings.election_max = self.election_timeout_max.unwrap_or(timings.election_max);
        timings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_that_are_not_given_go_by_those_that_are() {
        let ms = Duration::from_millis;
        for (heartbeat, election, max, expected) in [
            (None, None, None, (50, 400, 800)),
            (Some(100), None, None, (100, 800, 1600)),
            (None, Some(2000), None, (250, 2000, 4000)),
            (Some(100), Some(1000), None, (100, 1000, 2000)),
            (None, None, Some(1000), (50, 400, 1000)),
        ] {
            let flags = TimingFlags {
                heartbeat_interval: heartbeat.map(ms),
                election_timeout: election.map(ms),
                election_timeout_max: max.map(ms),
            };
            let Timings { heartbeat, election_min, election_max } = flags.timings();
            let found = (heartbeat, election_min, election_max);
            assert_eq!(found, (ms(expected.0), ms(expected.1), ms(expected.2)));
        }
        assert_eq!(Timings::default(), Timings::of(ms(50), ms(400)));
    }
}
