//! `stormproof explore`: every interleaving of the bundled core within bounds.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use cluster::bugs::{Bug, Bugs};
use cluster::core::APPEND_ENTRIES;

use crate::exit::Exit;
use crate::explore::{Bounds, Counts, Findings, OperationKind, explore, serve};
use crate::names;
use crate::printing::{err, out};

/// The time between two lines of progress.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct Arguments {
    /// The number of nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=7))]
    nodes: u8,
    /// Let only so many of them stand for election [default: all]
    #[arg(long, value_parser = at_least_one)]
    candidates: Option<usize>,
    /// The highest term
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=15))]
    terms: u8,
    /// The most entries of a log, those with which leaders begin among them
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    entries: u8,
    /// The most crashes, of all nodes together; each may lose what was not durable
    #[arg(long, default_value_t = 0)]
    crashes: u8,
    /// The most times that a heartbeat of a leader is due
    #[arg(long, default_value_t = 0)]
    heartbeats: u8,
    /// The most entries of one append
    #[arg(long, default_value_t = APPEND_ENTRIES, value_parser = at_least_one)]
    batch: usize,
    /// Begin with a leader in term 1 whose first entry is committed on all nodes
    #[arg(long)]
    settled: bool,
    /// The most times that leaders step down because they hear no majority
    #[arg(long, default_value_t = 0)]
    step_downs: u8,
    /// The most times that leadership is handed over on request
    #[arg(long, default_value_t = 0)]
    transfers: u8,
    /// The operations of clients, one client each, on one register
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',')]
    operations: Vec<OperationKind>,
    /// The most attempts of a client
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=15))]
    attempts: u8,
    /// Keep messages that can change nothing any more: nodes with a bug may heed them
    #[arg(long)]
    keep_spent: bool,
    /// Plant a bug; `list bugs` describes them
    #[arg(long = "bug", value_name = "BUG", value_parser = names::bug())]
    bugs: Vec<String>,
    /// The number of threads [default: one a core]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
    threads: Option<u8>,
    /// Stop after this time, explored to the end or not
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time_limit: Option<Duration>,
    /// Serve stateright's explorer at this address, to walk through the states in a browser
    #[arg(long, value_name = "ADDRESS:PORT")]
    web: Option<SocketAddr>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("must be a number from 1".to_owned()),
    }
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let bugs: Result<Bugs, _> = arguments.bugs.iter().map(|bug| bug.parse::<Bug>()).collect();
    let bounds = Bounds {
        nodes: arguments.nodes.into(),
        candidates: arguments.candidates.unwrap_or(usize::MAX),
        keeps_spent: arguments.keep_spent,
        terms: arguments.terms.into(),
        entries: arguments.entries.into(),
        crashes: arguments.crashes,
        heartbeats: arguments.heartbeats,
        batch: arguments.batch,
        settled: arguments.settled,
        step_downs: arguments.step_downs,
        transfers: arguments.transfers,
        operations: arguments.operations,
        attempts: arguments.attempts,
        bugs: bugs?,
    };
    let threads = match arguments.threads {
        Some(threads) => threads.into(),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    if let Some(address) = arguments.web {
        let listener = std::net::TcpListener::bind(address);
        drop(listener.with_context(|| format!("cannot listen at {address}"))?);
        out!("http://{address}/   (Ctrl-C ends it)");
        serve(bounds, threads, address);
        return Ok(Exit::Valid);
    }
    let mut shown = Instant::now();
    let findings = explore(bounds, threads, arguments.time_limit, |counts: Counts| {
        if shown.elapsed() >= LINE_INTERVAL {
            shown = Instant::now();
            err!("{counts}");
        }
    });
    Ok(report(&findings))
}

/// Prints what was found, and says how the command ends.
fn report(findings: &Findings) -> Exit {
    for (promise, steps) in &findings.broken {
        out!("BROKEN: {promise}, after {} steps:", steps.len());
        for (at, step) in steps.iter().enumerate() {
            out!("{:>3}. {step}", at + 1);
        }
    }
    for (situation, depth) in &findings.met {
        out!("met: {situation} (on one way after {depth} steps)");
    }
    for situation in &findings.missing {
        out!("not met: {situation}");
    }
    out!("{}", findings.counts);
    if !findings.broken.is_empty() {
        return Exit::Invalid;
    }
    if !findings.is_complete {
        out!("unknown: the time was over before every state was looked at");
        return Exit::Unknown;
    }
    if !findings.missing.is_empty() {
        out!("unknown: the bounds leave no room for all that was to be seen");
        return Exit::Unknown;
    }
    out!("every promise is kept in every state within these bounds");
    Exit::Valid
}
