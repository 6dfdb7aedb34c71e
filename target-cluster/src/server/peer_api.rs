//! The endpoints for the other nodes, on a port of their own.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::api::{JsonResponse, Response, bad_request, refused, stopping};
use super::connections::Endpoints;
use super::envelope::{Mismatch, put_stamp};
use super::http::{Service, wrong_method};
use super::inbox::Incoming;
use super::large::{LARGE, elsewhere_if};
use crate::wire::{self, Endpoint};

/// The largest body of another node's request, in bytes: an append takes up to about
/// `APPEND_BYTES_MAX` or one entry, whose text is at most some six times as long as the request of
/// 1 MiB that it came from (a character that needs escaping).
const PEER_BODY_MAX: usize = 16 * 1024 * 1024;

/// The longest time that another node's request waits for its answer, which may rest on a disk that
/// stalls. Far above the patience of those that ask.
const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// All endpoints for the other nodes.
#[derive(Clone)]
pub(super) struct PeerEndpoints(pub(super) Service);

impl Endpoints for PeerEndpoints {
    fn body_max(&self, _path: &str) -> usize {
        PEER_BODY_MAX
    }

    async fn answer(&self, head: Parts, body: Bytes) -> Response {
        let path = head.uri.path();
        let name = path.strip_prefix("/raft/").unwrap_or_default();
        match Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name) {
            None => nothing_here().into(),
            Some(_) if head.method != Method::POST => wrong_method(path, &Method::POST),
            Some(endpoint) => called(&self.0, endpoint, &head.headers, body).await,
        }
    }
}

/// Passes the request of another voter to the core and waits for the response. What no other voter
/// could have sent is refused here, so that the core may take it for granted.
async fn called(
    service: &Service,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Bytes,
) -> Response {
    let sender = match service.envelope.open(headers) {
        Ok(sender) => sender,
        Err(mismatch) => return not_from_here(&mismatch).into(),
    };
    let parsed = elsewhere_if(body.len() > LARGE, move || endpoint.request(&body));
    let request = match parsed.await {
        Ok(request) => request,
        Err(malformed) => return bad_request(&malformed.to_string()).into(),
    };
    if *request.sender() != sender.node {
        let told = format!("{} sends in the name of {}", sender.node, request.sender());
        return bad_request(&told).into();
    }
    service.addresses.learn(sender.node, sender.clients_at);
    let (reply, response) = oneshot::channel();
    let called = Incoming::Called { request, stamp: sender.stamp, reply };
    if service.inbox.send(called).await.is_err() {
        return stopping(false).into();
    }
    match timeout(CALL_DEADLINE, response).await {
        Ok(Ok((stamp, response))) => {
            let mut http = Response::new(Full::new(wire::response_body(&response).into()));
            let json = HeaderValue::from_static("application/json");
            http.headers_mut().insert(CONTENT_TYPE, json);
            put_stamp(http.headers_mut(), stamp);
            http
        }
        Ok(Err(_)) => stopping(false).into(),
        Err(_) => refused(StatusCode::GATEWAY_TIMEOUT, "timeout", false).into(),
    }
}

/// The refusal of what is not of this cluster.
fn not_from_here(mismatch: &Mismatch) -> JsonResponse {
    let mut response = refused(StatusCode::FORBIDDEN, mismatch.name(), true);
    response.1["reason"] = mismatch.to_string().into();
    response
}

fn nothing_here() -> JsonResponse {
    let paths: Vec<_> = Endpoint::ALL.map(|endpoint| format!("/raft/{}", endpoint.name())).into();
    let told = format!(
        "this port is for the other nodes of the cluster: POST {}; clients have another one",
        paths.join(", ")
    );
    let mut response = bad_request(&told);
    response.0 = StatusCode::NOT_FOUND;
    response
}
