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
use results::summary::{Degree, Liveness, NodeAtEnd};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use workloads::Invocation;
use workloads::retry::RetryPolicy;

use super::liveness::{Answers, Reaction};
use super::load::Clients;
use crate::targets::{Answer, NodeStatus, Refusal, Reply, Request};

/// The distance of two looks at the cluster: short beside an election, long beside a request.
const POLL: Duration = Duration::from_millis(50);

/// The distance of two ticks of the control probe.
const PROBE: Duration = Duration::from_millis(20);

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
/// or, where it cannot be known who leads, until all answer; returns what they say.
///
/// # Errors
/// The last answers, when `limit` is over first. They are asked until then, and at least twice.
pub async fn agree_on_leader(
    clients: &Arc<Clients>,
    asked: &[usize],
    limit: Duration,
) -> Result<NodeStatus, Answers> {
    let deadline = Instant::now() + limit;
    loop {
        let last_time = Instant::now() >= deadline;
        let answers = ask_all(clients, asked).await;
        let judged = match clients.terms_may_differ {
            true => answers.clone().in_the_highest_term(),
            false => answers.clone(),
        };
        match judged.agreed(clients.knows_leader) {
            Some(status) => return Ok(status),
            None if last_time => return Err(answers),
            None => sleep(POLL.min(deadline.saturating_duration_since(Instant::now()))).await,
        }
    }
}

/// The answers of all nodes in `asked`.
async fn ask_all(clients: &Arc<Clients>, asked: &[usize]) -> Answers {
    let mut questions = JoinSet::new();
    for &node in asked {
        let clients = clients.clone();
        questions.spawn(async move { (node, clients.client.status(node).await) });
    }
    let mut answers = questions.join_all().await;
    // They come in the order in which they ended.
    answers.sort_by_key(|(node, _)| *node);
    Answers(answers.into_iter().map(|(node, it)| (clients.nodes[node].clone(), it)).collect())
}

/// Asks the healed cluster for liveness, by the workload's `probe` among others; `limit` is the
/// recovery limit. Nothing is asked of the nodes in `damaged`, and nothing of any node when they
/// are a majority.
///
/// # Errors
/// When the history cannot be written.
pub async fn converge(
    clients: &Arc<Clients>,
    probe: Probe,
    damaged: &BTreeSet<String>,
    limit: Duration,
) -> Result<Liveness> {
    let sound = sound(clients, damaged);
    if sound.len() <= clients.nodes.len() / 2 {
        let names: Vec<&str> = damaged.iter().map(String::as_str).collect();
        return Ok(Liveness {
            verdict: Verdict::Valid,
            sentence: format!("nothing was owed: files of {} were damaged", names.join(", ")),
            recovery_seconds: None,
            probe_lateness_seconds: 0.0,
            load_lateness_seconds: 0.0,
            degree: None,
            nodes: Vec::new(),
        });
    }
    let begin = Instant::now();
    let control = ControlProbe::start();
    let broken = served_by_all(clients, probe, &sound, begin + limit).await?;
    let (took, lateness) = (begin.elapsed(), control.stop());
    let who = if damaged.is_empty() { "every node" } else { "every undamaged node" };
    let named = if clients.knows_leader { "named the same leader and " } else { "" };
    let done = format!("{who} {named}served again");
    let reaction = Reaction { broken, took, lateness };
    let (verdict, sentence) = reaction.judge(&done, limit);
    let served = reaction.broken.is_none();
    let nodes = match verdict {
        Verdict::Valid => Vec::new(),
        Verdict::Unknown | Verdict::Invalid => last_answers(clients).await,
    };
    Ok(Liveness {
        verdict,
        sentence,
        recovery_seconds: served.then_some(took.as_secs_f64()),
        probe_lateness_seconds: lateness.as_secs_f64(),
        load_lateness_seconds: 0.0,
        degree: served.then_some(Degree::ByItself),
        nodes,
    })
}

/// Returns true if every node that is not damaged serves within `limit`. Nothing of it is recorded.
pub async fn serves(
    clients: &Arc<Clients>,
    probe: Probe,
    damaged: &BTreeSet<String>,
    limit: Duration,
) -> bool {
    let deadline = Instant::now() + limit;
    let asked = sound(clients, damaged);
    if agree_on_leader(clients, &asked, limit).await.is_err() {
        return false;
    }
    let mut services = JoinSet::new();
    for node in asked {
        let clients = clients.clone();
        services.spawn(async move { node_serves(&clients, probe, node, deadline).await });
    }
    services.join_all().await.into_iter().all(|serves| serves)
}

async fn node_serves(clients: &Clients, probe: Probe, node: usize, deadline: Instant) -> bool {
    for attempt in 1.. {
        let object = format!("restarted-{}-{attempt}", clients.nodes[node]);
        let mut served = true;
        for (Invocation { f, key, value, mutates }, number) in probe(&object).into_iter().zip(0..) {
            let token = format!("{}:{object}:{number}", clients.run);
            let request = Request { f, key, value, mutates, token };
            served = served && answers(clients, node, &request).await;
        }
        if served || Instant::now() >= deadline {
            return served && Instant::now() <= deadline;
        }
        sleep(POLL).await;
    }
    unreachable!("there is always another attempt")
}

/// Sends one request to a node, and once more to the one that it names as the leader; returns true if
/// an answer came that is no refusal.
async fn answers(clients: &Clients, node: usize, request: &Request) -> bool {
    let patience = RetryPolicy::default().attempt_timeout;
    let ask = async |node| timeout(patience, clients.client.attempt(node, request)).await;
    let reply = match ask(node).await {
        Ok(Reply::Refusal(Refusal { leader: Some(leader), .. })) if leader != node => {
            ask(leader).await
        }
        reply => reply,
    };
    matches!(reply, Ok(Reply::Answer(Answer { value: Some(_), .. })))
}

/// The positions of the nodes that are not damaged.
fn sound(clients: &Clients, damaged: &BTreeSet<String>) -> Vec<usize> {
    let nodes = 0..clients.nodes.len();
    nodes.filter(|node| !damaged.contains(&clients.nodes[*node])).collect()
}

/// The last answer of every node, as a report shows it.
pub async fn last_answers(clients: &Arc<Clients>) -> Vec<NodeAtEnd> {
    let all: Vec<usize> = (0..clients.nodes.len()).collect();
    ask_all(clients, &all).await.nodes(clients.knows_leader)
}

/// The part that the cluster still failed to do at the deadline; none when it did everything.
async fn served_by_all(
    clients: &Arc<Clients>,
    probe: Probe,
    asked: &[usize],
    deadline: Instant,
) -> Result<Option<String>> {
    let left = deadline.saturating_duration_since(Instant::now());
    if let Err(answers) = agree_on_leader(clients, asked, left).await {
        return Ok(Some(answers.disagreement(clients.knows_leader).to_owned()));
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
        if Instant::now() >= deadline {
            return Ok(Some(format!("no {f} through {name} succeeded")));
        }
    }
    Ok(None)
}
