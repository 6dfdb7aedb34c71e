//! The client beside a running cluster: it adds one to a counter and reads it, in turn.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use checker::history::EventType;
use results::report::ClientOperation;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use workloads::attempts::{Attempts, Refused, Then};
use workloads::retry::{Backoff, RetryPolicy};
use workloads::route::Route;

use super::record::Record;
use crate::targets::{Client, Member, Reply, Request, refusal};

/// Between the beginnings of two operations, while they are answered in time.
const BETWEEN: Duration = Duration::from_millis(200);

/// Between two questions about the members.
const MEMBERS_BETWEEN: Duration = Duration::from_secs(1);

/// The time that such a question may take.
const STATUS_LIMIT: Duration = Duration::from_millis(400);

/// Operations are kept for so many nanoseconds, as the page shows them.
const KEPT: u64 = 60_000_000_000;

/// A client of a run waits three seconds. Here somebody looks on.
const POLICY: RetryPolicy = RetryPolicy {
    deadline: Duration::from_secs(2),
    attempt_timeout: Duration::from_millis(400),
    first_backoff: Duration::from_millis(10),
    longest_backoff: Duration::from_millis(300),
    backoff: Backoff::Random,
};

/// The knowledge of the client.
#[derive(Debug, Default)]
pub(crate) struct Counting(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    operations: VecDeque<ClientOperation>,
    members: Option<BTreeSet<String>>,
}

impl Counting {
    /// Its last operations.
    pub fn operations(&self) -> Vec<ClientOperation> {
        self.known().operations.iter().cloned().collect()
    }

    /// The voters, as the leader told of them last.
    pub fn members(&self) -> Option<BTreeSet<String>> {
        self.known().members.clone()
    }

    fn take(&self, operation: ClientOperation) {
        let operations = &mut self.known().operations;
        let horizon = operation.end.saturating_sub(KEPT);
        operations.push_back(operation);
        while operations.front().is_some_and(|first| first.end < horizon) {
            operations.pop_front();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts for as long as the cluster runs, and asks it meanwhile over `http` who votes.
pub(crate) async fn count(
    client: Arc<dyn Client>,
    http: reqwest::Client,
    members: Vec<Member>,
    record: Arc<Record>,
    counting: Arc<Counting>,
) {
    let nodes: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
    // Nothing has to come back: any seed will do.
    let mut rng = workloads::stream(1, "counting");
    let mut route = Route::roaming(0, nodes.len());
    let mut asked: Option<Instant> = None;
    // A cluster that kept its data knows the tokens of the page before.
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let session = format!("page-{}", begun.as_nanos());
    for number in 0_u64.. {
        let begun = Instant::now();
        if asked.is_none_or(|asked| asked.elapsed() >= MEMBERS_BETWEEN) {
            asked = Some(begun);
            tokio::spawn(learn_members(http.clone(), members.clone(), counting.clone()));
        }
        let f = if number % 2 == 0 { "add" } else { "read" };
        let request = Request {
            f,
            key: "counter".to_owned(),
            value: if f == "add" { json!(1) } else { Value::Null },
            mutates: f == "add",
            token: format!("{session}:{number}"),
        };
        let start = record.now();
        let settled = settle(&*client, &request, &mut route, &mut rng).await;
        let Settled { kind, node, value, error } = settled;
        let outcome = match kind {
            EventType::Ok => "ok",
            EventType::Fail => "fail",
            EventType::Info | EventType::Invoke => "info",
        };
        let node = node.map(|node| nodes[node].clone());
        let end = record.now();
        counting.take(ClientOperation { start, end, f, outcome, node, value, error });
        sleep_until(begun + BETWEEN).await;
    }
}

struct Settled {
    kind: EventType,
    node: Option<usize>,
    value: Option<i64>,
    error: Option<String>,
}

/// One operation, with its attempts: as a client of a run has them, but for the record.
async fn settle(
    client: &dyn Client,
    request: &Request,
    route: &mut Route,
    rng: &mut impl rand::Rng,
) -> Settled {
    let begin = Instant::now();
    let mut course = Attempts::default();
    let mut node = route.begin();
    loop {
        let limit = Attempts::limit(&POLICY, begin.elapsed());
        let reply = timeout(limit, client.attempt(node, request)).await;
        let refusal = match reply.unwrap_or_else(|_| refusal("timeout")) {
            Reply::Answer(answer) => {
                let value = answer.value.as_ref().and_then(Value::as_i64);
                let value = value.filter(|_| !request.mutates);
                return Settled { kind: EventType::Ok, node: Some(node), value, error: None };
            }
            Reply::Refusal(refusal) => refusal,
        };
        let definite = client.is_definite(&refusal.error);
        let refused = Refused {
            node,
            leader: refusal.leader,
            definite,
            may_repeat: !client.is_final(&refusal.error)
                && (definite || !request.mutates || client.honours_token(request.f)),
            elapsed: begin.elapsed(),
        };
        match course.refused(refused, &POLICY, route, rng) {
            Then::Ask { node: next, wait } => {
                sleep(wait).await;
                node = next;
            }
            Then::GiveUp(kind) => {
                let error = Some(refusal.error.into_owned());
                return Settled { kind, node: None, value: None, error };
            }
        }
    }
}

/// The part of a node's status that says who votes.
#[derive(Deserialize)]
struct Status {
    term: u64,
    leader: Option<String>,
    voters: BTreeSet<String>,
}

/// Asks all nodes who votes, and believes the leader of the highest term.
async fn learn_members(http: reqwest::Client, members: Vec<Member>, counting: Arc<Counting>) {
    let mut latest: Option<Status> = None;
    for member in &members {
        let asked = http.get(format!("http://{}/status", member.for_clients));
        let Ok(answer) = asked.timeout(STATUS_LIMIT).send().await else { continue };
        let Ok(status) = answer.json::<Status>().await else { continue };
        let leads = status.leader.as_ref() == Some(&member.name);
        if leads && latest.as_ref().is_none_or(|known| known.term < status.term) {
            latest = Some(status);
        }
    }
    if let Some(status) = latest {
        counting.known().members = Some(status.voters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_minute_is_kept() {
        let counting = Counting::default();
        let operation = |end: u64| ClientOperation {
            start: end - 1,
            end,
            f: "add",
            outcome: "ok",
            node: None,
            value: None,
            error: None,
        };
        for second in 1..=100 {
            counting.take(operation(second * 1_000_000_000));
        }
        let kept = counting.operations();
        assert_eq!((kept.len(), kept[0].end), (61, 40_000_000_000));
    }
}
