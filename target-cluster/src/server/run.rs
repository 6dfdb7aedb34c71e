//! Starts the parts of a node and keeps them together.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::client_thread::ClientThread;
use super::events::say;
use super::failure::Failure;
use super::http::{ClientEndpoints, Service};
use super::inbox::{Inbox, Incoming};
use super::limits::RequestLimits;
use super::peer_api::PeerEndpoints;
use super::{Config, connections, disk_thread, events, inbox, peers, raft_loop};
use crate::bugs::Bug;
use crate::core::{APPEND_ENTRIES, Incarnation, Node, NodeId, ReadMode, Reply, Settings};
pub use crate::storage::LOG_FILE;
use crate::storage::{FileDisk, OpenError, Started, recover};

/// The time that a node which handed over waits before it ends, so that its clients hear of that.
const LAST_ANSWERS: Duration = Duration::from_millis(50);

/// Runs a node until the process is asked to end, by SIGTERM or SIGINT; a leader hands over first. An
/// error says why it cannot start or cannot go on, and has been written to stderr: the address is
/// taken, the data directory is in use or cannot be written, the log is corrupt, the disk failed.
pub fn run(config: Config) -> Result<(), Failure> {
    let listen =
        |address| TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"));
    let listeners =
        Listeners { clients: listen(config.listen)?, peers: listen(config.peer_listen)? };
    run_until_ready(config, listeners, Ending::HandOver, pin!(asked_to_end()))
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
    run_until_ready(config, listeners, Ending::AtOnce, pin!(stop))
}

/// As [`run_until`], but not generic, so that no caller compiles the whole server once more.
fn run_until_ready(
    config: Config,
    listeners: Listeners,
    ending: Ending,
    stop: Pin<&mut dyn Future<Output = ()>>,
) -> Result<(), Failure> {
    let id = config.id.clone();
    let ended = config.check().map_err(Failure::from).and_then(|()| open(&config)).and_then(
        |(incarnation, opened)| serve(config, incarnation, opened, listeners, ending, stop),
    );
    if let Err(failure) = &ended {
        say(&id, failure);
    }
    ended
}

/// The way in which a node ends when it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// As in a crash.
    AtOnce,
    /// A leader hands over first.
    HandOver,
}

/// Waits for a signal to end.
async fn asked_to_end() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // They end the process then as they do by default.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Waits until the node is to end and has done what is to be done before.
async fn end(
    node: &NodeId,
    stop: Pin<&mut dyn Future<Output = ()>>,
    ending: Ending,
    inbox: &Inbox,
) {
    stop.await;
    if ending == Ending::AtOnce {
        return;
    }
    say(node, "is asked to end");
    // The core answers within two election timeouts, whether or not another node takes over.
    let (reply, handed_over) = oneshot::channel();
    if inbox.send(Incoming::HandOver { reply }).await.is_ok()
        && let Ok(reply) = handed_over.await
    {
        match reply {
            Reply::Transferred { leader, term } => {
                say(node, format_args!("handed over to {leader}, which leads in term {term}"));
            }
            _ => say(node, "handed over, but heard of no other leader"),
        }
        sleep(LAST_ANSWERS).await;
    }
}

/// Opens the log and writes to stderr what is in it.
fn open(config: &Config) -> Result<(Incarnation, Started<FileDisk>), Failure> {
    let disk = FileDisk::open(&config.data_dir, LOG_FILE).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => Failure::InUse(error),
        _ => Failure::Disk(error),
    })?;
    let (identity, fresh) = (config.identity(), config.fresh_incarnation());
    let incarnation = identity.claim(&config.data_dir, disk.length() > 0, fresh)?;
    let opened = recover(disk, &config.bugs).map_err(|error| match error {
        OpenError::Io(error) => Failure::Disk(error),
        OpenError::Corrupt { ref file, .. } => {
            Failure::Corrupt { log: config.data_dir.join(file), error }
        }
        OpenError::NoSnapshot { .. } => Failure::Corrupt { log: config.data_dir.clone(), error },
    })?;
    for told in &opened.refused {
        let instead = "starts from an older one, or from the log alone";
        say(&config.id, format_args!("{}/{told}; {instead}", config.data_dir.display()));
    }
    let recovered = format!(
        "{} records in the log: term {}, {} entries{}{}",
        opened.records,
        opened.recovered.term,
        opened.recovered.log.last_index(),
        match &opened.recovered.snapshot {
            None => String::new(),
            Some(snapshot) => format!(", from a snapshot through {} on", snapshot.index()),
        },
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
    let Settings { reads, drift_percent, append_entries, off } = config.settings();
    match reads {
        ReadMode::ReadIndex => {}
        ReadMode::Lease => say(
            &config.id,
            format_args!("reads by lease, while clocks run within {drift_percent} % of each other"),
        ),
        _ => say(&config.id, format_args!("reads by {reads}: {}", reads.summary())),
    }
    if append_entries != APPEND_ENTRIES {
        say(&config.id, format_args!("an append carries {append_entries} entries at most"));
    }
    for switch in off {
        say(&config.id, format_args!("WARNING: {switch} is off: {}", switch.summary()));
    }
    Ok((incarnation, opened))
}

/// Starts the parts and waits until one ends, or `stop` is ready.
fn serve(
    config: Config,
    incarnation: Incarnation,
    opened: Started<FileDisk>,
    listeners: Listeners,
    ending: Ending,
    stop: Pin<&mut dyn Future<Output = ()>>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let (inbox, events_in) = inbox::inbox();
    let (disk, disk_thread) =
        disk_thread::start(opened.wal, &config.settings(), config.bugs.clone(), inbox.clone())
            .context("cannot start the disk thread")?;
    let (snapshots, snapshot_thread) =
        disk_thread::start_snapshots(&config.data_dir, inbox.clone())
            .context("cannot start the thread that writes snapshots")?;
    let ended = runtime.block_on(async move {
        let for_others = non_blocking(listeners.peers).context("cannot listen for other nodes")?;
        let address = listeners.clients.local_addr().context("cannot listen for clients")?;
        let events = events::start(config.events).context("cannot start the event stream")?;
        let peers = peers::Peers::start(&config, &inbox)?;
        let node = Node::new(config.options(incarnation), opened.recovered, Default::default());
        let id = NodeId::from(config.id.as_str());
        let others = config.peers.len().saturating_sub(1);
        let (limits, places) = (config.limits, config.limits.places(others)?);
        let service = Service::new(config, inbox.clone());
        let api = ClientEndpoints(service.clone());
        let (_clients, clients_ended) =
            ClientThread::start(id.clone(), listeners.clients, api, limits, places.clients)?;
        let peer_api = connections::serve(
            &id,
            for_others,
            PeerEndpoints(service),
            RequestLimits::default(),
            places.peers,
        );
        events.listening(address);
        say(&id, format_args!("listening on {address}"));
        let raft = tokio::spawn(raft_loop::run(node, events_in, disk, snapshots, peers, events));
        tokio::select! {
            ended = raft => match ended {
                Ok(result) => result,
                Err(panic) => Err(Failure::Assertion(panic.to_string())),
            },
            never = peer_api => match never {},
            _ = clients_ended => Err(anyhow!("the thread of the clients ended").into()),
            () = end(&id, stop, ending, &inbox) => Ok(()),
        }
    });
    // With the runtime everything ends that could send records to the disk, and with that the
    // thread, which has the log open and locked.
    drop(runtime);
    // A panic there has been reported, and closed the log as well.
    let _ = disk_thread.join();
    let _ = snapshot_thread.join();
    ended
}

fn non_blocking(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
