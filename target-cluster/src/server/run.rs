//! Starts the parts of a node and keeps them together.

use std::future::Future;
use std::net::TcpListener;

use anyhow::{Context, Result, anyhow};
use axum::serve::ListenerExt;

use super::events::say;
use super::{Config, disk_thread, events, http, peers, raft_loop};
use crate::core::Node;
use crate::storage::{FileDisk, WriteAheadLog};

/// The name of the write-ahead log within the data directory.
pub const LOG_FILE: &str = "raft.log";

/// Runs a node. Returns only when it cannot start or cannot go on: the address is taken, the data
/// directory cannot be written, the log is corrupt, the disk failed.
pub fn run(config: Config) -> Result<()> {
    let listener = TcpListener::bind(config.listen)
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    run_until(config, listener, std::future::pending())
}

/// As [`run`], on a listener that is bound already (`config.listen` is not looked at), until
/// `stop` is ready. What is on its way then is dropped, as in a crash.
pub fn run_until(
    config: Config,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    config.check()?;
    let opened = FileDisk::open(&config.data_dir, LOG_FILE)
        .with_context(|| format!("cannot open {}", config.data_dir.join(LOG_FILE).display()))
        .and_then(|disk| {
            WriteAheadLog::open(disk)
                .with_context(|| config.data_dir.join(LOG_FILE).display().to_string())
        })?;
    let recovered = format!(
        "{} records in the log: term {}, {} entries{}",
        opened.records,
        opened.recovered.term,
        opened.recovered.log.last_index(),
        match opened.torn_bytes {
            0 => String::new(),
            bytes => format!("; {bytes} bytes of a torn write cut off"),
        }
    );
    say(&config.id, recovered);
    for bug in &config.bugs {
        say(&config.id, format_args!("planted bug {bug} is on"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async move {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (inbox, events_in) = raft_loop::inbox();
        let disk = disk_thread::start(opened.wal, inbox.clone())?;
        let events = events::start()?;
        let peers = peers::Peers::start(&config, &inbox)?;
        let node = Node::new(config.options(), opened.recovered, Default::default());
        events.listening(address);
        say(&config.id, format_args!("listening on {address}"));
        let raft = raft_loop::run(node, events_in, disk, peers, events);
        let raft = tokio::spawn(raft);
        // Without it, each answer of a few hundred bytes could wait for an acknowledgement.
        let listener = listener.tap_io(|stream| {
            // A connection that is gone already fails here; its first read will tell.
            let _ = stream.set_nodelay(true);
        });
        let http = axum::serve(listener, http::router(config, inbox));
        tokio::select! {
            ended = raft => match ended {
                Ok(result) => result,
                Err(panic) => Err(anyhow!("the raft core failed: {panic}")),
            },
            ended = http => ended.context("the HTTP server ended"),
            () = stop => Ok(()),
        }
    })
}
