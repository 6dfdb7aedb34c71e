//! `stormproof node`: one node of the bundled cluster.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use cluster::bugs::Bugs;
use cluster::core::Timings;
use cluster::server::{self, Config};

use crate::exit::Exit;
use crate::names;

const EXIT_CODES: &str = "\
Exit codes of a node: 65 the log is damaged · 70 an assertion failed · 74 the disk failed · \
75 the data directory is in use";

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// This node's name
    #[arg(long)]
    id: String,
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The folder of term, vote and log
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Every member of the cluster, this one included
    #[arg(long = "peer", value_name = "NAME=ADDRESS:PORT", required = true, value_parser = peer)]
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
    let (name, address) = text.split_once('=').ok_or("expected NAME=ADDRESS:PORT")?;
    address.parse::<SocketAddr>().map_err(|error| format!("{address}: {error}"))?;
    Ok((name.into(), address.into()))
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { id, listen, data: data_dir, peers, bugs, heartbeat_interval, election_timeout } =
        arguments;
    let peers: BTreeMap<String, String> = peers.into_iter().collect();
    let bugs: Result<Bugs, _> = bugs.iter().map(|bug| bug.parse()).collect();
    let Timings { heartbeat, election_min, .. } = Timings::default();
    let timings = Timings::of(
        heartbeat_interval.unwrap_or(heartbeat),
        election_timeout.unwrap_or(election_min),
    );
    let config = Config { id, listen, peers, data_dir, timings, bugs: bugs? };
    // A node that panics is a finding about the target, not a failure of the harness.
    drop(std::panic::take_hook());
    let Err(failure) = server::run(config) else { return Ok(Exit::Valid) };
    match failure.exit_code() {
        // The node has printed to standard error what is wrong.
        Some(code) => std::process::exit(code.into()),
        None => Err(failure.into()),
    }
}
