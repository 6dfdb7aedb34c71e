//! `stormproof node`: one node of the bundled cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use cluster::bugs::Bugs;
use cluster::core::Timings;
use cluster::server::{self, Config, RequestLimits};

use crate::exit::Exit;
use crate::names;

const EXIT_CODES: &str = "\
Exit codes of a node: 65 the log is damaged · 70 an assertion failed · 74 the disk failed · \
75 the data directory is in use · 78 it belongs to another node or cluster";

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// This node's name
    #[arg(long)]
    id: String,
    /// The address to listen at for clients
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The address by which clients reach this node; other nodes send them there
    /// [default: --listen]
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    advertise: Option<String>,
    /// The address to listen at for the other nodes
    #[arg(long, value_name = "ADDRESS:PORT")]
    peer_listen: SocketAddr,
    /// The name of the cluster; nodes of another one are refused
    #[arg(long, value_name = "NAME", default_value = "stormproof")]
    cluster: String,
    /// The folder of term, vote and log
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Every member of the cluster, this one included, and where the others reach it
    #[arg(long = "peer", value_name = "NAME=HOST:PORT", required = true, value_parser = peer)]
    peers: Vec<(String, String)>,
    /// Plant a bug; `list bugs` describes them
    #[arg(long = "bug", value_name = "BUG", value_parser = names::bug())]
    bugs: Vec<String>,
    /// The time between two heartbeats of a leader [default: 50ms]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    heartbeat_interval: Option<Duration>,
    /// The shortest election timeout; the longest is twice as long [default: 400ms]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    election_timeout: Option<Duration>,
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
        peers,
        bugs,
        heartbeat_interval,
        election_timeout,
    } = arguments;
    let bugs: Result<Bugs, _> = bugs.iter().map(|bug| bug.parse()).collect();
    let Timings { heartbeat, election_min, .. } = Timings::default();
    let timings = Timings::of(
        heartbeat_interval.unwrap_or(heartbeat),
        election_timeout.unwrap_or(election_min),
    );
    let bugs = bugs?;
    let limits = RequestLimits::default();
    let config = Config {
        cluster,
        id,
        listen,
        advertise,
        peer_listen,
        peers,
        data_dir,
        timings,
        limits,
        bugs,
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
