//! Starts the parts of a node and keeps them together.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::{Pin, pin};

use anyhow::Context;

use super::events::say;
use super::failure::Failure;
use super::http::{ClientEndpoints, Service};
use super::limits::{PLACES_A_PEER, RequestLimits};
use super::peer_api::PeerEndpoints;
use super::{Config, connections, disk_thread, events, inbox, peers, raft_loop};
use crate::bugs::Bug;
use crate::core::{Node, NodeId};
use crate::storage::{FileDisk, OpenError, Opened, WriteAheadLog};

/// The name of the write-ahead log within the data directory.
pub const LOG_FILE: &str = "raft.log";

/// Runs a node. Returns only when it cannot start or cannot go on, and has then written the reason
/// to stderr: the address is taken, the data directory is in use or cannot be written, the log is
/// corrupt, the disk failed.
pub fn run(config: Config) -> Result<(), Failure> {
    let listen =
        |address| TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"));
    let listeners =
        Listeners { clients: listen(config.listen)?, peers: listen(config.peer_listen)? };
    run_until(config, listeners, std::future::pending())
}

/// The sockets of a node.
#[derive(Debug)]
pub struct Listeners {
    /// The one for clients.
    pub clients: TcpListener,
    /// The one for the other nodes.
    pub peers: TcpListener,
}

/// As [`run`], on sockets that are bound already, until `stop` is ready. What is on its way then is
/// dropped, as in a crash; when it returns, the data directory is free.
pub fn run_until(
    config: Config,
    listeners: Listeners,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    run_until_ready(config, listeners, pin!(stop))
}

/// As [`run_until`], but not generic, so that no caller compiles the whole server once more.
fn run_until_ready(
    config: Config,
    listeners: Listeners,
    stop: Pin<&mut dyn Future<Output = ()>>,
) -> Result<(), Failure> {
    let id = config.id.clone();
    let ended = config
        .check()
        .map_err(Failure::from)
        .and_then(|()| open(&config))
        .and_then(|opened| serve(config, opened, listeners, stop));
    if let Err(failure) = &ended {
        say(&id, failure);
    }
    ended
}

/// Opens the log and writes to stderr what is in it.
fn open(config: &Config) -> Result<Opened<FileDisk>, Failure> {
    let disk = FileDisk::open(&config.data_dir, LOG_FILE).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => Failure::InUse(error),
        _ => Failure::Disk(error),
    })?;
    config.identity().claim(&config.data_dir, disk.length() > 0)?;
    let opened = WriteAheadLog::open(disk, &config.bugs).map_err(|error| match error {
        OpenError::Io(error) => Failure::Disk(error),
        error => Failure::Corrupt { log: config.data_dir.join(LOG_FILE), error },
    })?;
    let recovered = format!(
        "{} records in the log: term {}, {} entries{}",
        opened.records,
        opened.recovered.term,
        opened.recovered.log.last_index(),
        match opened.torn_bytes {
            0 => String::new(),
            bytes if config.bugs.contains(&Bug::AppendAfterTornTail) => {
                format!("; {bytes} bytes of a torn write passed over")
            }
            bytes => format!("; {bytes} bytes of a torn write cut off"),
        }
    );
    say(&config.id, recovered);
    for bug in &config.bugs {
        say(&config.id, format_args!("planted bug {bug} is on"));
    }
    Ok(opened)
}

/// Starts the parts and waits until one ends, or `stop` is ready.
fn serve(
    config: Config,
    opened: Opened<FileDisk>,
    listeners: Listeners,
    stop: Pin<&mut dyn Future<Output = ()>>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let (inbox, events_in) = inbox::inbox();
    let (disk, disk_thread) = disk_thread::start(opened.wal, config.bugs.clone(), inbox.clone())
        .context("cannot start the disk thread")?;
    let ended = runtime.block_on(async move {
        let clients = non_blocking(listeners.clients).context("cannot listen for clients")?;
        let others = non_blocking(listeners.peers).context("cannot listen for other nodes")?;
        let address = clients.local_addr().context("cannot listen for clients")?;
        let events = events::start().context("cannot start the event stream")?;
        let peers = peers::Peers::start(&config, &inbox)?;
        let node = Node::new(config.options(), opened.recovered, Default::default());
        events.listening(address);
        say(&config.id, format_args!("listening on {address}"));
        let raft = raft_loop::run(node, events_in, disk, peers, events);
        let raft = tokio::spawn(raft);
        let id = NodeId::from(config.id.as_str());
        let (limits, for_clients) = (config.limits, config.limits.places(config.peers.len())?);
        let for_peers = PLACES_A_PEER * config.peers.len();
        let service = Service::new(config, inbox);
        let api = ClientEndpoints(service.clone());
        let clients = connections::serve(&id, clients, api, limits, for_clients);
        let others = connections::serve(
            &id,
            others,
            PeerEndpoints(service),
            RequestLimits::default(),
            for_peers,
        );
        tokio::select! {
            ended = raft => match ended {
                Ok(result) => result,
                Err(panic) => Err(Failure::Assertion(panic.to_string())),
            },
            never = clients => match never {},
            never = others => match never {},
            () = stop => Ok(()),
        }
    });
    // With the runtime everything ends that could send records to the disk, and with that the
    // thread, which has the log open and locked.
    drop(runtime);
    // A panic there has been reported, and closed the log as well.
    let _ = disk_thread.join();
    ended
}

fn non_blocking(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
