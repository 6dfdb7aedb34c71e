//! `stormproof node`: one node of the bundled cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use cluster::bugs::Bugs;
use cluster::core::Timings;
use cluster::server::{self, Config, RequestLimits};

use super::node_settings::SettingFlags;
use super::node_snapshots::SnapshotFlags;
use super::node_timings::TimingFlags;
use crate::exit::Exit;
use crate::names;
use crate::targets::bundled::CLUSTER;

const AFTER_HELP: &str = "\
Each flag can be given by the environment as well; the command line counts more.
Asked to end by SIGTERM or SIGINT, a leader hands over first.
Exit codes of a node: 65 the log is damaged · 70 an assertion failed · 71 its clock is wrong · 74 the disk failed · \
75 the data directory is in use · 78 it belongs to another node or cluster";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// This node's name
    #[arg(long, env = "STORMPROOF_NODE_ID")]
    id: String,
    /// The address to listen at for clients
    #[arg(long, value_name = "ADDRESS:PORT", env = "STORMPROOF_NODE_LISTEN")]
    listen: SocketAddr,
    /// The address at which clients reach this node; other nodes send them there
    /// [default: --listen]
    #[arg(long, value_name = "HOST:PORT", env = "STORMPROOF_NODE_ADVERTISE",
        value_parser = host_and_port)]
    advertise: Option<String>,
    /// The address to listen at for the other nodes
    #[arg(long, value_name = "ADDRESS:PORT", env = "STORMPROOF_NODE_PEER_LISTEN")]
    peer_listen: SocketAddr,
    /// The name of the cluster; nodes of another one are refused
    #[arg(
        long,
        value_name = "NAME",
        env = "STORMPROOF_NODE_CLUSTER",
        default_value = CLUSTER
    )]
    cluster: String,
    /// The folder of term, vote, log and snapshots
    #[arg(long, value_name = "DIR", env = "STORMPROOF_NODE_DATA")]
    data: PathBuf,
    /// Join the cluster of that id, which is `cluster` in the others' /status, instead of founding one:
    /// wait to be made a member (POST /admin/members). Then each --peer is a member and where to reach it
    #[arg(long, value_name = "ID", env = "STORMPROOF_NODE_JOIN")]
    join: Option<String>,
    /// Every founder of the cluster, this one included, and where the others reach it; one a flag, or
    /// several with commas between them. Members that come later are no reason to change this
    #[arg(long = "peer", value_name = "NAME=HOST:PORT", env = "STORMPROOF_NODE_PEERS",
        value_delimiter = ',', required_unless_present = "join", value_parser = peer)]
    peers: Vec<(String, String)>,
    /// Plant a bug; `list bugs` describes them
    #[arg(long = "bug", value_name = "BUG", env = "STORMPROOF_NODE_BUGS", value_delimiter = ',',
        value_parser = names::bug())]
    bugs: Vec<String>,
    /// Write no events to standard output
    #[arg(long, env = "STORMPROOF_NODE_NO_EVENTS")]
    no_events: bool,
    #[command(flatten)]
    timings: TimingFlags,
    #[command(flatten)]
    snapshots: SnapshotFlags,
    #[command(flatten)]
    settings: SettingFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

/// The limits of the requests of clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of clients")]
struct LimitFlags {
    /// The longest time that a request waits for its answer: an election and a commit after it, and
    /// less than clients wait [default: 3s, or four of the longest election timeouts]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_REQUEST_TIMEOUT",
        value_parser = humantime::parse_duration)]
    request_timeout: Option<Duration>,
    /// The longest time that the head of a request may take to come, and again its body: 1 MiB at
    /// 1 Mbit/s [default: 10s]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_RECEIVE_TIMEOUT",
        value_parser = humantime::parse_duration)]
    receive_timeout: Option<Duration>,
    /// The longest time that a client may take to read each 256 KiB of its answer, and the rest
    /// [default: 10s]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_SEND_TIMEOUT",
        value_parser = humantime::parse_duration)]
    send_timeout: Option<Duration>,
    /// The longest time that a connection is kept open without a request: as long as clients keep
    /// theirs, so that mostly they close it [default: 90s]
    #[arg(long, value_name = "TIME", env = "STORMPROOF_NODE_IDLE_TIMEOUT",
        value_parser = humantime::parse_duration)]
    idle_timeout: Option<Duration>,
    /// The most connections of clients at a time; each costs some 20 kB. Fewer where the process may
    /// not open so many descriptors (ulimit -n) [default: 4096]
    #[arg(long, value_name = "NUMBER", env = "STORMPROOF_NODE_MAX_CONNECTIONS")]
    max_connections: Option<usize>,
}

impl LimitFlags {
    /// The limits of a node with these timings.
    fn limits(&self, timings: &Timings) -> RequestLimits {
        let standard = RequestLimits::default();
        let elections = timings.election_max * 4;
        RequestLimits {
            deadline: self.request_timeout.unwrap_or(standard.deadline.max(elections)),
            request: self.receive_timeout.unwrap_or(standard.request),
            answer: self.send_timeout.unwrap_or(standard.answer),
            idle: self.idle_timeout.unwrap_or(standard.idle),
            connections: self.max_connections.unwrap_or(standard.connections),
        }
    }
}

fn peer(text: &str) -> Result<(String, String), String> {
    let (name, address) = text.split_once('=').ok_or("expected NAME=HOST:PORT")?;
    Ok((name.into(), host_and_port(address)?))
}

/// A host, by name or address, and a port. The name is looked up when it is needed: that of a
/// container may not exist yet.
fn host_and_port(text: &str) -> Result<String, String> {
    let (host, port) =
        text.rsplit_once(':').ok_or_else(|| format!("{text}: expected HOST:PORT"))?;
    let is_bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || is_bare_ipv6 {
        return Err(format!("{text}: expected HOST:PORT, an IPv6 address in brackets"));
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.into()),
        _ => Err(format!("{text}: the port must be a number from 1 to 65535")),
    }
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments {
        id,
        listen,
        advertise,
        peer_listen,
        cluster,
        data: data_dir,
        join,
        peers,
        bugs,
        no_events,
        timings,
        snapshots,
        settings,
        limits,
    } = arguments;
    let bugs: Result<Bugs, _> = bugs.iter().map(|bug| bug.parse()).collect();
    let timings = timings.timings();
    let limits = limits.limits(&timings);
    let bugs = bugs?;
    let config = Config {
        cluster,
        id,
        listen,
        advertise,
        peer_listen,
        join,
        peers,
        data_dir,
        timings,
        snapshots: snapshots.options(),
        settings: settings.settings(),
        limits,
        bugs,
        events: !no_events,
    };
    // A node that panics is a finding about the target, not a failure of the harness.
    drop(std::panic::take_hook());
    let Err(failure) = server::run(config) else { return Ok(Exit::Valid) };
    match failure.exit_code() {
        // The node has printed to standard error what is wrong.
        Some(code) => std::process::exit(code.into()),
        None => Err(failure.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_at_a_host_and_a_port() {
        for (text, address) in [
            ("n1=10.0.0.1:7101", "10.0.0.1:7101"),
            ("n1=node-1:1", "node-1:1"),
            ("n1=[::1]:7", "[::1]:7"),
        ] {
            assert_eq!(peer(text), Ok(("n1".into(), address.into())));
        }
        for (text, complaint) in [
            ("node-1:7101", "NAME=HOST:PORT"),
            ("n1=node-1", "HOST:PORT"),
            ("n1=:7101", "HOST:PORT"),
            ("n1=::1:7101", "in brackets"),
            ("n1=node-1:0", "from 1 to 65535"),
            ("n1=node-1:http", "from 1 to 65535"),
        ] {
            let refused = peer(text).unwrap_err();
            assert!(refused.contains(complaint), "{text}: {refused}");
        }
    }
}
