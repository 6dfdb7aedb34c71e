//! Liveness, asked for where it is owed: once healed, all nodes must agree on one leader, and a
//! write and a linearizable read, or what the workload has in their place, must succeed through
//! each of them, in time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use checker::history::EventType;
use checker::verdict::Verdict;
use results::summary::Liveness;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use workloads::Invocation;

use super::load::Clients;
use crate::targets::NodeStatus;

/// The distance of two looks at the cluster: short beside an election, long beside a request.
const POLL: Duration = Duration::from_millis(50);

/// The distance of two ticks of the control probe.
const PROBE: Duration = Duration::from_millis(20);

/// A controller that is this late itself cannot blame the cluster: ten heartbeats and more have
/// been missed by then on any machine that is as starved.
const STARVED: Duration = Duration::from_secs(1);

/// Makes the operations that a node must serve; see [`workloads::Workload::probe`].
type Probe = fn(&str) -> [Invocation; 2];

/// Measures how late the controller itself is served by the machine.
pub struct ControlProbe {
    worst: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl ControlProbe {
    /// Begins to measure.
    pub fn start() -> Self {
        let worst = Arc::new(AtomicU64::new(0));
        let record = worst.clone();
        let task = tokio::spawn(async move {
            loop {
                let due = Instant::now() + PROBE;
                sleep_until(due).await;
                let late = Instant::now().saturating_duration_since(due).as_nanos() as u64;
                record.fetch_max(late, Ordering::Relaxed);
            }
        });
        ControlProbe { worst, task }
    }

    /// Ends the measurement; returns the worst lateness.
    pub fn stop(self) -> Duration {
        self.task.abort();
        Duration::from_nanos(self.worst.load(Ordering::Relaxed))
    }
}

/// Waits until all nodes in `asked`, which are positions, name the same leader in the same term,
/// or, where it cannot be known who leads, until all answer; returns what they say. None when
/// `limit` is over first.
pub async fn agree_on_leader(
    clients: &Arc<Clients>,
    asked: &[usize],
    limit: Duration,
) -> Option<NodeStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = common_status(clients, asked).await {
            return Some(status);
        }
        if Instant::now() + POLL > deadline {
            return None;
        }
        sleep(POLL).await;
    }
}

async fn common_status(clients: &Arc<Clients>, asked: &[usize]) -> Option<NodeStatus> {
    let mut questions = JoinSet::new();
    for &node in asked {
        let clients = clients.clone();
        questions.spawn(async move { clients.client.status(node).await });
    }
    let answers = questions.join_all().await;
    let first = answers.first()?.clone()?;
    let agreed = answers.iter().all(|answer| answer.as_ref() == Some(&first));
    let led = first.leader.is_some() || !clients.client.knows_leader();
    (agreed && led).then_some(first)
}

/// Asks the healed cluster for liveness, by the workload's `probe` among others; `limit` is the
/// recovery limit. Nothing is asked of the
/// nodes in `damaged`, and nothing of anybody when they are a majority.
///
/// # Errors
/// When the history cannot be written.
pub async fn converge(
    clients: &Arc<Clients>,
    probe: Probe,
    damaged: &BTreeSet<String>,
    limit: Duration,
) -> Result<Liveness> {
    let nodes = clients.nodes.len();
    let sound: Vec<usize> =
        (0..nodes).filter(|node| !damaged.contains(&clients.nodes[*node])).collect();
    if sound.len() <= nodes / 2 {
        let names: Vec<&str> = damaged.iter().map(String::as_str).collect();
        return Ok(Liveness {
            verdict: Verdict::Valid,
            sentence: format!("nothing was owed: files of {} were damaged", names.join(", ")),
            recovery_seconds: None,
            probe_lateness_seconds: 0.0,
        });
    }
    let begin = Instant::now();
    let control = ControlProbe::start();
    let broken = served_by_all(clients, probe, &sound, begin + limit).await?;
    let lateness = control.stop();
    let seconds = begin.elapsed().as_secs_f64();
    let (verdict, sentence) = match &broken {
        None => {
            let who = if damaged.is_empty() { "every node" } else { "every undamaged node" };
            let named = match clients.client.knows_leader() {
                true => "named the same leader and ",
                false => "",
            };
            let sentence = format!("healed, {who} {named}served again within {seconds:.2} s");
            (Verdict::Valid, sentence)
        }
        Some(what) if lateness > STARVED => {
            let sentence = format!(
                "healed, {what} within {:.0} s, but the controller itself was {:.1} s late: this machine \
                 was starved, so the cluster cannot be blamed",
                limit.as_secs_f64(),
                lateness.as_secs_f64()
            );
            (Verdict::Unknown, sentence)
        }
        Some(what) => {
            let sentence = format!("healed, {what} within {:.0} s", limit.as_secs_f64());
            (Verdict::Invalid, sentence)
        }
    };
    Ok(Liveness {
        verdict,
        sentence,
        recovery_seconds: broken.is_none().then_some(seconds),
        probe_lateness_seconds: lateness.as_secs_f64(),
    })
}

/// The part that the cluster still failed to do at the deadline; none when it did everything.
async fn served_by_all(
    clients: &Arc<Clients>,
    probe: Probe,
    asked: &[usize],
    deadline: Instant,
) -> Result<Option<String>> {
    let left = deadline.saturating_duration_since(Instant::now());
    if agree_on_leader(clients, asked, left).await.is_none() {
        let broken = match clients.client.knows_leader() {
            true => "the nodes did not agree on one leader",
            false => "not every node answered",
        };
        return Ok(Some(broken.into()));
    }
    let mut services = JoinSet::new();
    for &node in asked {
        let clients = clients.clone();
        services.spawn(async move { served_by(&clients, probe, node, deadline).await });
    }
    for result in services.join_all().await {
        if let Some(broken) = result? {
            return Ok(Some(broken));
        }
    }
    Ok(None)
}

async fn served_by(
    clients: &Clients,
    probe: Probe,
    node: usize,
    deadline: Instant,
) -> Result<Option<String>> {
    let name = &clients.nodes[node];
    for attempt in 1.. {
        // What became of an earlier attempt's object may not be known.
        let mut refused = None;
        for invocation in probe(&format!("converge-{name}-{attempt}")) {
            let f = invocation.f;
            if clients.once(node, invocation).await?.kind != EventType::Ok {
                refused = Some(f);
                break;
            }
        }
        let Some(f) = refused else { break };
        if Instant::now() > deadline {
            return Ok(Some(format!("no {f} through {name} succeeded")));
        }
    }
    Ok(None)
}
