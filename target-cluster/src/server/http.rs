//! The endpoints for clients.

use std::sync::Arc;

use http::header::{ALLOW, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::addresses::Addresses;
use super::api::{
    JsonResponse, Response, bad_request, bytes_of, is_larger_than, json_response, refused,
    response_to, stopping,
};
use super::config::Config;
use super::connections::Endpoints;
use super::contents::contents;
use super::envelope::Envelope;
use super::inbox::{Health, Inbox, Incoming};
use super::large::{LARGE, elsewhere_if};
use super::members::MembersBody;
use super::memory::Memory;
use crate::core::{
    APPEND_ENTRIES, AppliedCommand, ApplyResult, Forgotten, NodeId, ReadMode, Reply, Settings,
    Status,
};
use crate::kv::{EncodedCommand, Operation, RequestBody};

/// The largest body of a client's request, in bytes: a value of some hundred kilobytes, and room for
/// what JSON adds.
const CLIENT_BODY_MAX: usize = 1024 * 1024;

/// About the most bytes that requests take together until the core takes them in. Far above what
/// clients send within the milliseconds that this takes; a bound while the core is kept waiting.
const REQUESTS_MAX: usize = 64 * 1024 * 1024;

/// The most bytes that large answers take together, from their encoding until they are read, estimated.
const ANSWERS_MAX: usize = 512 * 1024 * 1024;

/// The most commands that `/admin/applied` lists at once.
const APPLIED_PAGE: usize = 4_096;

/// The state that every handler needs.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) config: Arc<Config>,
    pub(super) inbox: Inbox,
    /// The headers of the messages of this cluster.
    pub(super) envelope: Arc<Envelope>,
    /// The addresses at which clients reach the nodes.
    pub(super) addresses: Addresses,
    /// The memory for requests that the core has not taken in.
    requests: Memory,
    /// The memory for large answers.
    large_answers: Memory,
}

impl Service {
    /// The state of the handlers of this node.
    pub(super) fn new(config: Config, inbox: Inbox) -> Service {
        let envelope = Arc::new(config.envelope());
        let addresses = Addresses::new(config.id.as_str().into(), config.clients_at());
        let (requests, large_answers) = (Memory::of(REQUESTS_MAX), Memory::of(ANSWERS_MAX));
        let config = Arc::new(config);
        Service { config, inbox, envelope, addresses, requests, large_answers }
    }
}

/// All endpoints for clients.
#[derive(Clone)]
pub(super) struct ClientEndpoints(pub(super) Service);

impl Endpoints for ClientEndpoints {
    fn body_max(&self, _path: &str) -> usize {
        CLIENT_BODY_MAX
    }

    async fn answer(&self, head: Parts, body: Bytes) -> Response {
        let service = &self.0;
        let path = head.uri.path();
        match (path, &head.method) {
            ("/kv", &Method::POST) => kv(service, body).await,
            ("/admin/transfer", &Method::POST) => transfer(service, &body).await,
            ("/admin/snapshot", &Method::POST) => snapshot(service).await,
            ("/admin/members", &Method::POST) => members(service, &body).await,
            ("/kv" | "/admin/transfer" | "/admin/snapshot" | "/admin/members", _) => {
                wrong_method(path, &Method::POST)
            }
            ("/status", &Method::GET | &Method::HEAD) => status(service).await,
            ("/health", &Method::GET | &Method::HEAD) => health(service, head.uri.query()).await,
            ("/admin/applied", &Method::GET) => applied(service, head.uri.query()).await,
            ("/admin/contents", &Method::GET) => contents(service, head.uri.query()).await,
            ("/status" | "/health" | "/admin/applied" | "/admin/contents", _) => {
                wrong_method(path, &Method::GET)
            }
            _ => nothing_here().into(),
        }
    }
}

async fn kv(service: &Service, body: Bytes) -> Response {
    let Some(memory) = service.requests.reserve(body.len()) else { return overloaded() };
    let asked = elsewhere_if(body.len() > LARGE, move || {
        let body = serde_json::from_slice::<RequestBody>(&body).map_err(|it| it.to_string())?;
        let operation = body.into_operation().map_err(|error| error.to_string())?;
        Ok::<_, String>(match operation {
            Operation::Query(query) => Err(query),
            Operation::Command(command) => Ok(EncodedCommand::new(&command)),
        })
    });
    let (reply, answer) = oneshot::channel();
    // A query changes nothing, answered or not.
    let (event, definite) = match asked.await {
        Ok(Err(query)) => (Incoming::Query { query, reply, _memory: memory }, true),
        Ok(Ok(command)) => (Incoming::Command { command, reply, _memory: memory }, false),
        Err(reason) => return bad_request(&reason).into(),
    };
    ask(service, event, answer, definite).await
}

/// The body of `/admin/transfer`.
#[derive(Deserialize)]
struct TransferBody {
    /// The voter that is to lead.
    to: NodeId,
}

/// Hands leadership over; answers when the other one leads, or gives the reason why it does not.
async fn transfer(service: &Service, body: &[u8]) -> Response {
    let to = match serde_json::from_slice::<TransferBody>(body) {
        Ok(TransferBody { to }) => to,
        Err(error) => return bad_request(&error.to_string()).into(),
    };
    let (reply, answer) = oneshot::channel();
    ask(service, Incoming::Transfer { to, reply }, answer, false).await
}

/// Changes the members; answers when that is committed, or gives the reason why it is not made.
async fn members(service: &Service, body: &[u8]) -> Response {
    let body = serde_json::from_slice::<MembersBody>(body).map_err(|error| error.to_string());
    let change = match body.and_then(MembersBody::into_change) {
        Ok(change) => change,
        Err(reason) => return bad_request(&reason).into(),
    };
    let (reply, answer) = oneshot::channel();
    ask(service, Incoming::ChangeMembers { change, reply }, answer, false).await
}

/// Takes a snapshot; answers when it is durable.
async fn snapshot(service: &Service) -> Response {
    let (reply, answer) = oneshot::channel();
    ask(service, Incoming::TakeSnapshot { reply }, answer, false).await
}

/// Passes a request to the core and waits for its reply. `definite` says whether a request that
/// has no reply in time surely changed nothing.
async fn ask(
    service: &Service,
    event: Incoming,
    answer: oneshot::Receiver<Reply>,
    definite: bool,
) -> Response {
    match service.inbox.try_send(event) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return overloaded(),
        Err(TrySendError::Closed(_)) => return stopping(true).into(),
    }
    match timeout(service.config.limits.deadline, answer).await {
        Ok(Ok(reply)) => {
            if !is_larger_than(&reply, LARGE) {
                return response_to(&service.addresses, reply);
            }
            let service = service.clone();
            elsewhere_if(true, move || {
                let Some(reserved) = service.large_answers.reserve(bytes_of(&reply)) else {
                    // Only queries have large answers.
                    return overloaded();
                };
                let mut response = response_to(&service.addresses, reply);
                response.extensions_mut().insert(reserved);
                response
            })
            .await
        }
        Ok(Err(_)) => stopping(definite).into(),
        Err(_) => refused(StatusCode::GATEWAY_TIMEOUT, "timeout", definite).into(),
    }
}

/// The refusal of a request that surely changed nothing.
fn overloaded() -> Response {
    refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded", true).into()
}

async fn status(service: &Service) -> Response {
    let Some(status) = ask_status(service).await else {
        return stopping(true).into();
    };
    let Status {
        role,
        term,
        leader,
        commit,
        applied,
        last_index,
        base,
        snapshot,
        configuration,
        incarnation,
        displaced,
        ..
    } = status;
    let mut body = json!({
        "id": service.config.id,
        "cluster": service.config.identity().cluster_id(),
        "role": role,
        "state": role,
        "term": term,
        "leader": leader,
        "commit": commit,
        "applied": applied,
        "last_index": last_index,
        "base": base,
        "snapshot": snapshot,
        "voters": configuration.voters(),
        "outgoing": configuration.outgoing(),
        "learners": configuration.learners(),
        "noted": configuration.noted().collect::<Vec<_>>(),
        "incarnation": incarnation,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let Settings { reads, drift_percent, append_entries, off } = service.config.settings();
    body["reads"] = json!(reads);
    if reads == ReadMode::Lease {
        body["clock_drift_percent"] = json!(drift_percent);
    }
    if append_entries != APPEND_ENTRIES {
        body["append_entries"] = json!(append_entries);
    }
    if let Some(displaced) = displaced {
        body["displaced"] = json!(displaced.advice(&service.config.id.as_str().into()));
    }
    if !off.is_empty() {
        body["off"] = json!(off);
    }
    if !service.config.bugs.is_empty() {
        body["bugs"] = json!(service.config.bugs);
    }
    json_response(StatusCode::OK, &body)
}

/// Healthy is a node that knows a leader, or can commit if it leads itself. With `?can=commit` or
/// `?can=read`, one that can do so itself.
async fn health(service: &Service, query: Option<&str>) -> Response {
    let (reply, health) = oneshot::channel();
    let asked = service.inbox.send(Incoming::Health { reply }).await;
    let health = if asked.is_ok() { health.await.ok() } else { None };
    let Some(Health { leader, can_commit, can_read }) = health else {
        return stopping(true).into();
    };
    let leads = leader.as_ref().is_some_and(|leader| leader.as_str() == service.config.id);
    let healthy = match query {
        None => leader.is_some() && (can_commit || !leads),
        Some("can=commit") => can_commit,
        Some("can=read") => can_read,
        Some(_) => return bad_request("the query is can=commit or can=read").into(),
    };
    let code = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "healthy": healthy,
        "leader": leader,
        "can_commit": can_commit,
        "can_read": can_read,
    });
    json_response(code, &body)
}

async fn ask_status(service: &Service) -> Option<Status> {
    let (reply, status) = oneshot::channel();
    service.inbox.send(Incoming::Status { reply }).await.ok()?;
    status.await.ok()
}

/// One element of the answer of `/admin/applied`.
#[derive(Serialize)]
struct AppliedBody {
    /// The index of the entry.
    index: u64,
    /// The token of the command, if it has one.
    token: Option<String>,
    /// True if the mutation took effect here.
    applied: bool,
    /// The result of applying it.
    result: ApplyResult,
}

/// Lists the commands that this node applied, with their results.
async fn applied(service: &Service, query: Option<&str>) -> Response {
    let after = match query {
        None => Some(0),
        Some(query) => query.strip_prefix("after=").and_then(|index| index.parse().ok()),
    };
    let Some(after) = after else {
        return bad_request("the query is after=INDEX").into();
    };
    let (reply, page) = oneshot::channel();
    let asked = service.inbox.send(Incoming::Applied { after, limit: APPLIED_PAGE, reply }).await;
    let page = if asked.is_ok() { page.await.ok() } else { None };
    match page {
        // There may be thousands.
        Some(Ok(commands)) => {
            elsewhere_if(true, move || {
                let bodies =
                    commands.iter().map(|AppliedCommand { index, token, result }| AppliedBody {
                        index: *index,
                        token: token.as_ref().map(ToString::to_string),
                        applied: *result == ApplyResult::Ok,
                        result: *result,
                    });
                json_response(StatusCode::OK, &bodies.collect::<Vec<_>>())
            })
            .await
        }
        Some(Err(Forgotten { first })) => {
            let mut response = refused(StatusCode::GONE, "forgotten", true);
            response.1["first"] = first.into();
            response.into()
        }
        None => stopping(true).into(),
    }
}

/// The endpoint is one of another method: says which.
pub(super) fn wrong_method(path: &str, takes: &Method) -> Response {
    let example = if *takes == Method::POST { " -d '{…}'" } else { "" };
    let told = format!("{path} takes {takes}, as by: curl http://ADDRESS{path}{example}");
    let mut response = bad_request(&told);
    response.0 = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = Response::from(response);
    let takes = HeaderValue::from_str(takes.as_str()).expect("a method is plain text");
    response.headers_mut().insert(ALLOW, takes);
    response
}

fn nothing_here() -> JsonResponse {
    let mut response = bad_request(
        "the endpoints are GET /status, GET /health, POST /kv, POST /admin/transfer, \
         POST /admin/members, POST /admin/snapshot, GET /admin/applied, GET /admin/contents",
    );
    response.0 = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;
    use crate::server::inbox;

    /// A node of whose requests the core takes none in.
    #[tokio::test]
    async fn requests_that_wait_for_the_core_are_bounded_in_bytes() {
        let (inbox, mut waiting) = inbox::inbox();
        let mut config = Config::of_one_node();
        config.limits.deadline = Duration::from_millis(1);
        let service = Service::new(config, inbox);
        let ask = async |size: usize| {
            let value = "x".repeat(size);
            let body = json!({"f": "write", "key": "k", "value": value}).to_string();
            let body = kv(&service, body.into()).await.into_body().collect().await;
            serde_json::from_slice::<Value>(&body.unwrap().to_bytes()).unwrap()
        };
        let timeout = json!({"type": "refused", "error": "timeout", "definite": false});
        let overloaded = json!({"type": "refused", "error": "overloaded", "definite": true});
        let size = 1_000_000;
        for _ in 0..REQUESTS_MAX / (size + 1024) {
            assert_eq!(ask(size).await, timeout);
        }
        assert_eq!(ask(size).await, overloaded);
        assert_eq!(ask(10).await, timeout, "there is room for a small one");
        // The client waits no longer; what it sent is still there until the core takes it in.
        drop(waiting.recv().await);
        assert_eq!(ask(size).await, timeout);
        assert_eq!(ask(size).await, overloaded);
    }
}
