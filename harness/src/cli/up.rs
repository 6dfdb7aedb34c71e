//! `stormproof up`: the bundled cluster on loopback ports, to look at, to kill the leader of, and
//! to learn from; with `--watch` from a page in a browser.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use clap::Args;
use cluster::bugs::Bug;
use engines::loopback::LoopbackNetwork;
use engines::node_process::NodeOutput;
use engines::process_tree::LabContext;
use engines::{LocalHost, engine_for};
use faults::fault::Family;
use faults::host::Host;
use results::event::NodeChange;
use results::node_logs;

use super::node_settings::SettingFlags;
use super::node_snapshots::SnapshotFlags;
use super::node_timings::TimingFlags;
use crate::exit::{Exit, usage};
use crate::lab;
use crate::names;
use crate::plan::{LabChoice, node_names};
use crate::printing::out;
use crate::run::cluster::end_of_logs;
use crate::running::{Counting, Operator, Order, Record, SlowDisks, count, open, open_page};
use crate::targets::{Bundled, Member, PeerDoor, Target, http};

/// A node that ends this soon after its start did not start at all.
const STARTED: Duration = Duration::from_secs(1);

/// The time between two looks for Ctrl-C and for nodes that are due for a restart.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// The distance from a node's port for clients to the one for the other nodes.
const PEERS_ABOVE: u16 = 100;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The number of nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=50))]
    nodes: u16,
    /// The number of nodes beside them that wait to be added
    #[arg(long, value_name = "NUMBER", default_value_t = 0,
        value_parser = clap::value_parser!(u16).range(..=20))]
    spare: u16,
    /// The port of the first node; the others follow it. Those for each other are 100 higher
    #[arg(long, default_value_t = 7001, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The folder of the nodes' data [default: one of its own that is removed again]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Start a node that ended again after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(..=86_400))]
    restart_after: u64,
    /// Plant a bug; `list bugs` describes them
    #[arg(long, value_parser = names::bug())]
    bug: Option<String>,
    /// Serve a page at this port of this machine that shows elections as they happen, with buttons that
    /// kill nodes, cut them off and more, and open it in the browser of a desktop or of BROWSER; port 0
    /// takes a free one, and opens none [default with the flag: 8809]
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true,
        default_missing_value = "8809")]
    watch: Option<u16>,
    #[command(flatten)]
    timings: TimingFlags,
    #[command(flatten)]
    snapshots: SnapshotFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Something for the thread that has the cluster.
enum News {
    /// The output of a node, by name.
    Node(String, NodeOutput),
    /// A button was pressed.
    Pressed(Order),
}

pub fn main(place: LabContext, arguments: Arguments) -> Result<Exit> {
    let nodes = arguments.nodes + arguments.spare;
    let last = u32::from(arguments.port) + u32::from(PEERS_ABOVE) + u32::from(nodes) - 1;
    if last > u32::from(u16::MAX) {
        return Err(usage(format!(
            "--port {} leaves no ports for {nodes} nodes: the last would have {last}, and ports end at {}",
            arguments.port,
            u16::MAX
        )));
    }
    if place == LabContext::Outside {
        if let Some(port) = arguments.watch {
            open_page(port);
        }
        return Ok(super::run::exit_of(lab::enter(LabChoice::Loopback)?));
    }
    let temporary = std::env::temp_dir().join(format!("stormproof-up-{}", timestamp()));
    let data = arguments.data.as_ref().unwrap_or(&temporary);
    let ended = serve(&arguments, data);
    if arguments.data.is_none() {
        // What could not be removed is in the temporary directory anyway.
        let _ = std::fs::remove_dir_all(data);
    }
    ended.map(|()| Exit::Valid)
}

fn timestamp() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos()
}

fn serve(arguments: &Arguments, data: &Path) -> Result<()> {
    let (members, proxies) = place(arguments, data)?;
    let bug: Option<Bug> = arguments.bug.as_ref().map(|bug| bug.parse()).transpose()?;
    let target = Bundled {
        bug,
        timings: arguments.timings.timings(),
        snapshots: arguments.snapshots.options(),
        spare: arguments.spare.into(),
        settings: arguments.settings.settings(),
    };
    // Requests to the cluster are made from it, and the client beside it lives on it.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let inside = runtime.enter();
    let record = Arc::new(Record::new());
    let (tell, news) = mpsc::channel();
    let heard = arguments.watch.is_some().then(|| (target.clone(), record.clone()));
    let mut host = host(proxies, heard, tell.clone())?;
    if let Some(administrator) = target.administrator(&members)? {
        host = host.with_administrator(administrator);
    }
    for (node, member) in members.iter().enumerate() {
        host.add_node(member.spec(target.launch(&members, node))?);
    }
    let disks = disks(arguments, &members, &mut host);
    for (node, result) in host.start(&members.iter().map(|member| member.name.clone()).collect()) {
        result.with_context(|| format!("cannot start {node}"))?;
    }
    introduce(&members, arguments.spare.into());
    let names: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
    let restart_after = Duration::from_secs(arguments.restart_after);
    let mut operator = Operator::new(host, record.clone(), names.clone(), disks, restart_after);
    let counting = Arc::new(Counting::default());
    if let Some(port) = arguments.watch {
        let client = target.client(&members, "page", "counter")?;
        let asks = http::client()?;
        runtime.spawn(count(client, asks, members.clone(), record.clone(), counting.clone()));
        let order = move |order| drop(tell.send(News::Pressed(order)));
        let address = open(port, names, record, counting.clone(), operator.shown(), order)
            .map_err(|error| usage(format!("{error:#}; --watch=PORT takes another")))?;
        out!("Watch it, and disturb it: http://{address}/\n");
    }
    drop(inside);

    let stopped = stop_signals()?;
    let mut watch = Watch { target: &target, members: &members, leader: None };
    let mut restart: BTreeMap<String, Instant> = BTreeMap::new();
    let begin = Instant::now();
    let mut turned = begin;
    loop {
        match news.recv_timeout(LOOK_AROUND) {
            Ok(News::Node(node, NodeOutput::Exited { status, .. })) => {
                if begin.elapsed() < STARTED && !operator.is_held(&node) {
                    let folder = data.join(&node);
                    let logs = end_of_logs(&folder, &node_logs::of_folder(&folder));
                    bail!("{node} did not start ({status}){logs}");
                }
                if operator.is_held(&node) {
                    out!("{node} ended ({status})");
                    continue;
                }
                let seconds = arguments.restart_after;
                out!("{node} ended ({status}); it starts again in {seconds} s");
                restart.insert(node, Instant::now() + restart_after);
            }
            Ok(News::Node(node, output)) => watch.hear(&node, output),
            Ok(News::Pressed(Order { press, answer })) => {
                // The page may have gone.
                let _ = answer.send(operator.press(press, counting.members().as_ref()));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => unreachable!("the host holds a sender"),
        }
        // Nodes may tell something all the time.
        if turned.elapsed() >= LOOK_AROUND {
            operator.turn();
            turned = Instant::now();
        }
        if stopped.try_recv().is_ok() {
            operator.undo_all();
            return Ok(());
        }
        let due: Vec<String> = restart
            .iter()
            .filter(|(_, at)| **at <= Instant::now())
            .map(|(node, _)| node.clone())
            .collect();
        for node in due {
            restart.remove(&node);
            operator.start(&node).with_context(|| format!("cannot start {node} again"))?;
        }
    }
}

/// The nodes with their places; watched, with proxies between them, by which links can be cut.
fn place(arguments: &Arguments, data: &Path) -> Result<(Vec<Member>, Option<LoopbackNetwork>)> {
    let names = node_names((arguments.nodes + arguments.spare).into());
    let addresses: Vec<(String, SocketAddr, SocketAddr)> = names
        .into_iter()
        .zip(0..)
        .map(|(name, offset)| {
            let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port + offset));
            (name, at(arguments.port), at(arguments.port + PEERS_ABOVE))
        })
        .collect();
    let proxies = arguments.watch.map(|_| LoopbackNetwork::between_peers(&addresses)).transpose();
    let proxies = proxies.with_context(|| {
        let first = addresses[0].2;
        format!("cannot listen between the nodes, at the ports from {first}; --port takes others")
    })?;
    let mut members = Vec::new();
    for (name, address, for_peers) in addresses {
        let proxied = proxies.as_ref().and_then(|proxies| proxies.addresses(&name));
        let doors = proxied.map_or_else(|| vec![PeerDoor::open(for_peers)], |it| it.peers);
        let member = Member::at(&name, address, data.join(&name)).with_peers_at(doors);
        std::fs::create_dir_all(&member.data)
            .with_context(|| format!("cannot make {}", member.data.display()))?;
        members.push(member);
    }
    Ok((members, proxies))
}

/// The host of the nodes. What they tell goes to `heard` at once, and to the thread that has the cluster.
fn host(
    proxies: Option<LoopbackNetwork>,
    heard: Option<(Bundled, Arc<Record>)>,
    tell: Sender<News>,
) -> Result<LocalHost> {
    let listener = move |node: &str, output: NodeOutput| {
        if let Some((target, record)) = &heard {
            let report = match &output {
                NodeOutput::Started { pid } => Some(NodeChange::Started { pid: *pid }.into()),
                NodeOutput::Line(line) => target.node_report(line),
                NodeOutput::Exited { status, .. } => {
                    Some(NodeChange::Exited { status: status.clone() }.into())
                }
            };
            report.into_iter().for_each(|report| record.node(node, report));
        }
        // The channel is closed when the cluster is being stopped.
        let _ = tell.send(News::Node(node.to_owned(), output));
    };
    let host = LocalHost::new(None, Arc::new(listener)).context("cannot start nodes")?;
    Ok(match proxies {
        Some(proxies) => host.with_proxies(proxies),
        None => host,
    })
}

/// Gives the nodes disks that can be made slow, where there is a page to do that from.
fn disks(arguments: &Arguments, members: &[Member], host: &mut LocalHost) -> SlowDisks {
    if arguments.watch.is_none() {
        return SlowDisks::Cannot("there is no page".to_owned());
    }
    if arguments.data.is_some() {
        let why = "with --data, nodes write to this machine's disk, which stays as it is";
        return SlowDisks::Cannot(why.to_owned());
    }
    if let Err(why) = engine_for(Family::Disk, None) {
        return SlowDisks::Cannot(why);
    }
    for (member, seed) in members.iter().zip(1..) {
        if let Err(why) = host.mount_disk(&member.name, &member.data, seed) {
            return SlowDisks::Cannot(format!("{} has no disk of its own: {why}", member.name));
        }
    }
    SlowDisks::Can
}

fn introduce(members: &[Member], spare: usize) {
    for member in members {
        out!("{}  http://{}  data in {}", member.name, member.for_clients, member.data.display());
    }
    let first = members[0].for_clients;
    out!(
        "\nTry, in another terminal (a follower refuses and names the leader):\n  \
         curl -s {first}/status\n  \
         curl -s {first}/kv -d '{{\"f\":\"write\",\"key\":\"k\",\"value\":1,\"token\":\"me:1\"}}'\n  \
         curl -s {first}/kv -d '{{\"f\":\"read\",\"key\":\"k\"}}'\n\
         Kill the leader by its process id and see who follows. Ctrl-C ends the cluster.\n"
    );
    if let Some(newcomer) = members[members.len() - spare..].first() {
        let (name, address) = (&newcomer.name, newcomer.for_peers());
        let members = format!("curl -s {first}/admin/members -d");
        out!(
            "{name} waits to be added (a leader makes it a voter once it has caught up):\n  \
             {members} '{{\"add\":\"{name}\",\"address\":\"{address}\"}}'\n  \
             {members} '{{\"demote\":\"{name}\"}}'\n  \
             {members} '{{\"remove\":\"{name}\"}}'\n"
        );
    }
}

/// Prints what happens in the cluster, as it happens.
struct Watch<'a> {
    target: &'a Bundled,
    members: &'a [Member],
    /// The last leader that was printed, with its term.
    leader: Option<(String, u64)>,
}

impl Watch<'_> {
    fn hear(&mut self, node: &str, output: NodeOutput) {
        match output {
            NodeOutput::Started { pid } => out!("{node} runs as process {pid}"),
            NodeOutput::Line(line) => {
                let report = self.target.node_report(&line);
                if let Some(NodeChange::Role { role, term, .. }) = report.map(|it| it.change)
                    && role == "leader"
                    && self.leader.as_ref().is_none_or(|(_, known)| term > *known)
                {
                    let address = self.members.iter().find(|member| member.name == node);
                    let address = address.map(|it| it.for_clients.to_string()).unwrap_or_default();
                    out!("{node} ({address}) leads in term {term}");
                    self.leader = Some((node.to_owned(), term));
                }
            }
            NodeOutput::Exited { .. } => {}
        }
    }
}

/// Hears of SIGINT and SIGTERM.
pub fn stop_signals() -> Result<Receiver<()>> {
    let (stop, stopped) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let _ = stop.send(());
        });
    });
    Ok(stopped)
}
