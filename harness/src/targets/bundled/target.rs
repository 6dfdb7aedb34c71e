//! The bundled cluster as a target.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use checker::oracle::version::VersionSemantics;
use cluster::bugs::Bug;
use cluster::core::{Settings, SnapshotOptions, Timings};
use cluster::storage::Identity;
use faults::fault::{Abilities, Family, MembershipChange, StoreWork, TimerRange};
use faults::host::Administrator;
use results::event::NodeReport;
use serde::Deserialize;

use super::administrator::BundledAdministrator;
use super::auditor::BundledAuditor;
use super::bodies::{AnswerBody, RequestBody};
use super::dumper::BundledDumper;
use super::words::Words;
use crate::targets::http::{self, transport_error};
use crate::targets::{
    Auditor, BoxFuture, Client, Dumper, ErrorRow, Launch, Member, NodeStatus, Reply, Request,
    Target, refusal, row,
};

/// The time that a status request may take.
pub(super) const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

/// The name of a cluster that is given no other.
pub(crate) const CLUSTER: &str = "stormproof";

/// The number of election timeouts, the longest each, within which it serves wherever it can. Most
/// elections are won in the first two; that eight in a row are split is one in thousands.
const ELECTIONS: u32 = 8;

/// One row an error; `definite` means that the request had and will have no effect.
pub(crate) const ERRORS: &[ErrorRow] = &[
    row("connection_refused", true, "no process listens there"),
    row("connect_timeout", true, "no connection could be opened, so nothing was sent"),
    row("not_leader", true, "a follower refuses before it does anything"),
    row("overloaded", true, "the node refuses before it does anything"),
    row("request_timeout", true, "the node gave up waiting for the rest of the request"),
    row("transferring", true, "a leader that hands over refuses before it does anything"),
    row("bad_request", true, "the node did not understand the request"),
    row("no_quorum_for_read", true, "a read that no majority confirmed; reads change nothing"),
    row("leadership_lost", false, "the entry was appended; a later leader may commit it"),
    row("token_reused", true, "another command was applied under this token, and this one never"),
    row(
        "stale_token",
        false,
        "a later operation of the session was applied; this one may have been",
    ),
    row("timeout", false, "no answer in time, the node's own deadline included"),
    row("stopping", false, "the node is going down; the entry may commit later"),
    row("connection_lost", false, "the connection broke after the request was sent"),
    row("nonsense", false, "the answer could not be understood"),
];

/// The bundled cluster, with a bug planted or without.
#[derive(Debug, Clone, Default)]
pub struct Bundled {
    /// The planted bug that every node runs with.
    pub bug: Option<Bug>,
    /// The times that nodes wait for each other.
    pub timings: Timings,
    /// The times at which they take snapshots.
    pub snapshots: SnapshotOptions,
    /// The number of the last nodes that do not found the cluster, and wait to be added.
    pub spare: usize,
    /// The way in which they answer reads, and the switches that are off.
    pub settings: Settings,
}

impl Bundled {
    /// The settings of every node, as its command line has them.
    fn options(&self) -> Vec<String> {
        let mut command: Vec<String> = Vec::new();
        if let Some(bug) = self.bug {
            command.extend(["--bug".into(), bug.name().into()]);
        }
        let text = |time| humantime::format_duration(time).to_string().replace(' ', "");
        if self.timings != Timings::default() {
            let Timings { heartbeat, election_min, election_max } = self.timings;
            command.extend(["--heartbeat-interval".into(), text(heartbeat)]);
            command.extend(["--election-timeout".into(), text(election_min)]);
            command.extend(["--election-timeout-max".into(), text(election_max)]);
        }
        if self.snapshots != SnapshotOptions::DEFAULT {
            let SnapshotOptions { entries, bytes, interval, bytes_per_second, .. } = self.snapshots;
            command.extend(["--snapshot-entries".into(), entries.to_string()]);
            command.extend(["--snapshot-bytes".into(), bytes.to_string()]);
            command.extend(["--snapshot-interval".into(), text(interval)]);
            command.extend(["--snapshot-rate".into(), bytes_per_second.to_string()]);
        }
        let usual = Settings::default();
        let Settings { reads, drift_percent, append_entries, off } = &self.settings;
        if *reads != usual.reads {
            command.extend(["--reads".into(), reads.name().into()]);
        }
        if *drift_percent != usual.drift_percent {
            command.extend(["--clock-drift".into(), drift_percent.to_string()]);
        }
        if *append_entries != usual.append_entries {
            command.extend(["--append-entries".into(), append_entries.to_string()]);
        }
        for switch in off {
            command.extend(["--off".into(), switch.name().into()]);
        }
        command
    }
}

impl Target for Bundled {
    fn name(&self) -> &'static str {
        "bundled"
    }

    fn version(&self) -> anyhow::Result<String> {
        Ok(env!("CARGO_PKG_VERSION").into())
    }

    fn peer_ports(&self) -> usize {
        1
    }

    fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let member = &cluster[node];
        // The running binary itself, also when its file was replaced meanwhile.
        let mut command: Vec<String> = ["/proc/self/exe", "node"].map(String::from).into();
        command.extend(["--id".into(), member.name.clone()]);
        command.extend(["--listen".into(), member.listens.to_string()]);
        command.extend(["--advertise".into(), member.for_clients.to_string()]);
        command.extend(["--peer-listen".into(), member.peers[0].listen.to_string()]);
        command.extend(["--data".into(), member.data.display().to_string()]);
        let (founders, spare) = cluster.split_at(cluster.len().saturating_sub(self.spare));
        let found: Vec<String> = founders.iter().flat_map(introduced).collect();
        let others = founders.iter().filter(|founder| founder.name != member.name);
        let join = ["--join".into(), cluster_id(founders)].into_iter();
        let join: Vec<String> = join.chain(others.flat_map(introduced)).collect();
        let options = self.options();
        let joins = [&command[..], &join, &options].concat();
        if spare.iter().any(|spare| spare.name == member.name) {
            return Launch::of(joins);
        }
        Launch { anew: Some(joins), ..Launch::of([command, found, options].concat()) }
    }

    fn prints_roles(&self) -> bool {
        true
    }

    fn timers(&self) -> Option<TimerRange> {
        let Timings { heartbeat, election_min, .. } = self.timings;
        Some(TimerRange::of(heartbeat, election_min))
    }

    fn serves_within(&self) -> Option<Duration> {
        Some(self.timings.election_max * ELECTIONS)
    }

    fn node_report(&self, line: &str) -> Option<NodeReport> {
        serde_json::from_str(line).ok()
    }

    fn asked_for(&self, family: Family) -> Option<&'static str> {
        match family {
            Family::Leadership => Some("POST /admin/transfer"),
            Family::Membership => Some("POST /admin/members"),
            Family::Maintenance => Some("POST /admin/snapshot"),
            _ => None,
        }
    }

    fn abilities(&self) -> Abilities {
        use MembershipChange::{Demote, Remove, Replace};
        Abilities { changes: &[Remove, Replace, Demote], work: &[StoreWork::Snapshot] }
    }

    fn spare(&self) -> usize {
        self.spare
    }

    fn administrator(&self, cluster: &[Member]) -> anyhow::Result<Option<Box<dyn Administrator>>> {
        Ok(Some(Box::new(BundledAdministrator::new(http::client()?, cluster)?)))
    }

    fn versions(&self) -> Option<VersionSemantics> {
        Some(VersionSemantics::LOG_INDEX)
    }

    fn auditor(&self, cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Auditor>>> {
        Ok(Some(Arc::new(BundledAuditor::new(http::client()?, cluster))))
    }

    fn dumper(&self, cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Dumper>>> {
        Ok(Some(Arc::new(BundledDumper::new(http::client()?, cluster))))
    }

    fn client(
        &self,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> anyhow::Result<Arc<dyn Client>> {
        let words = Words::of(model);
        Ok(Arc::new(BundledClient {
            http: http::client()?,
            words: words.with_context(|| format!("the bundled cluster has no {model}"))?,
            names: cluster.iter().map(|member| member.name.clone()).collect(),
            urls: cluster.iter().map(|member| format!("http://{}", member.for_clients)).collect(),
            run: run.into(),
        }))
    }
}

/// The words that tell a node of another.
fn introduced(peer: &Member) -> [String; 2] {
    ["--peer".into(), format!("{}={}", peer.name, peer.for_peers())]
}

/// The id of the cluster that these nodes found.
fn cluster_id(founders: &[Member]) -> String {
    let names = founders.iter().map(|member| member.name.clone());
    Identity::new(CLUSTER, &founders[0].name, names).cluster_id()
}

struct BundledClient {
    http: reqwest::Client,
    names: Vec<String>,
    urls: Vec<String>,
    run: String,
    words: Words,
}

#[derive(Deserialize)]
struct StatusBody {
    term: u64,
    leader: Option<String>,
}

impl BundledClient {
    async fn send(&self, node: usize, request: &Request) -> Reply {
        let Some(word) = self.words.word(request.f) else { return refusal("bad_request") };
        let key = format!("{}/{}", self.run, request.key);
        let body = RequestBody::of(word, &key, &request.value, Some(&request.token));
        let sent = self.http.post(format!("{}/kv", self.urls[node])).json(&body).send().await;
        let body = match sent {
            Ok(response) => response.json::<AnswerBody>().await,
            Err(error) => return refusal(transport_error(&error)),
        };
        match body {
            Ok(body) => body.understood(word.kept, &request.value, &self.names),
            Err(error) if error.is_decode() => refusal("nonsense"),
            Err(error) => refusal(transport_error(&error)),
        }
    }
}

impl Client for BundledClient {
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(self.send(node, request))
    }

    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(async move {
            let url = format!("{}/status", self.urls[node]);
            let response = self.http.get(url).timeout(STATUS_TIMEOUT).send().await.ok()?;
            let status: StatusBody = response.json().await.ok()?;
            Some(NodeStatus { leader: status.leader, term: status.term })
        })
    }

    fn errors(&self) -> &[ErrorRow] {
        ERRORS
    }

    fn honours_token(&self, _f: &str) -> bool {
        true
    }
}
