//! `stormproof up`: the bundled cluster on loopback ports, to look at, to kill the leader of, and
//! to learn from.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use clap::Args;
use cluster::bugs::Bug;
use engines::LocalHost;
use engines::node_process::NodeOutput;
use engines::process_tree::LabContext;
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
use crate::targets::{Bundled, Member, PeerDoor, Target};

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
    #[command(flatten)]
    timings: TimingFlags,
    #[command(flatten)]
    snapshots: SnapshotFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

/// The output of a node, by name.
type News = (String, NodeOutput);

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

fn serve(arguments: &Arguments, data: &std::path::Path) -> Result<()> {
    let names = node_names((arguments.nodes + arguments.spare).into());
    let mut members = Vec::new();
    for (name, offset) in names.iter().zip(0..) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port + offset));
        let for_peers = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port() + PEERS_ABOVE));
        let member = Member::at(name, address, data.join(name))
            .with_peers_at(vec![PeerDoor::open(for_peers)]);
        std::fs::create_dir_all(&member.data)
            .with_context(|| format!("cannot make {}", member.data.display()))?;
        members.push(member);
    }
    let bug: Option<Bug> = arguments.bug.as_ref().map(|bug| bug.parse()).transpose()?;
    let target = Bundled {
        bug,
        timings: arguments.timings.timings(),
        snapshots: arguments.snapshots.options(),
        spare: arguments.spare.into(),
        settings: arguments.settings.settings(),
    };
    let (tell, news) = mpsc::channel();
    let mut host = start(&target, &members, tell.clone())?;
    introduce(&members, arguments.spare.into());

    let stopped = stop_signals()?;
    let mut watch = Watch { target: &target, members: &members, leader: None };
    let mut restart: BTreeMap<String, Instant> = BTreeMap::new();
    let begin = Instant::now();
    loop {
        match news.recv_timeout(LOOK_AROUND) {
            Ok((node, NodeOutput::Exited { status, .. })) => {
                if begin.elapsed() < STARTED {
                    let folder = data.join(&node);
                    let logs = end_of_logs(&folder, &node_logs::of_folder(&folder));
                    bail!("{node} did not start ({status}){logs}");
                }
                let seconds = arguments.restart_after;
                out!("{node} ended ({status}); it starts again in {seconds} s");
                restart.insert(node, Instant::now() + Duration::from_secs(seconds));
            }
            Ok((node, output)) => watch.hear(&node, output),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => unreachable!("we hold a sender"),
        }
        if stopped.try_recv().is_ok() {
            return Ok(());
        }
        let due: BTreeSet<String> = restart
            .iter()
            .filter(|(_, at)| **at <= Instant::now())
            .map(|(node, _)| node.clone())
            .collect();
        restart.retain(|node, _| !due.contains(node));
        for (node, result) in host.start(&due) {
            result.with_context(|| format!("cannot start {node} again"))?;
        }
    }
}

fn start(target: &Bundled, members: &[Member], tell: Sender<News>) -> Result<LocalHost> {
    let listener = move |node: &str, output| {
        // The channel is closed when the cluster is being stopped.
        let _ = tell.send((node.to_owned(), output));
    };
    let mut host = LocalHost::new(None, Arc::new(listener)).context("cannot start nodes")?;
    for (node, member) in members.iter().enumerate() {
        host.add_node(member.spec(target.launch(members, node))?);
    }
    let all = members.iter().map(|member| member.name.clone()).collect();
    for (node, result) in host.start(&all) {
        result.with_context(|| format!("cannot start {node}"))?;
    }
    Ok(host)
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
