//! The endpoints for the other nodes, on a port of their own.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::post;
use tokio::sync::oneshot;

use super::api::{JsonResponse, bad_request, refused};
use super::envelope::Mismatch;
use super::http::Service;
use super::inbox::Incoming;
use crate::wire::{self, Endpoint};

/// The largest body of another node's request, in bytes: an append takes up to about
/// `APPEND_BYTES_MAX` or one entry, whose text is at most some six times as long as the request of
/// 1 MiB that it came from (a character that needs escaping).
const PEER_BODY_MAX: usize = 16 * 1024 * 1024;

/// All endpoints.
pub(super) fn router(service: Service) -> Router {
    Router::new()
        .route("/raft/{endpoint}", post(called))
        .layer(DefaultBodyLimit::max(PEER_BODY_MAX))
        .fallback(nothing_here)
        .with_state(service)
}

/// Passes the request of another voter to the core and waits for the response. What no other voter
/// could have sent is refused here, so that the core may take it for granted.
async fn called(
    State(service): State<Service>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> HttpResponse {
    let Some(endpoint) = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name) else {
        return nothing_here().await.into_response();
    };
    let sender = match service.envelope.open(&headers) {
        Ok(sender) => sender,
        Err(mismatch) => return not_from_here(&mismatch).into_response(),
    };
    let request = match endpoint.request(&body) {
        Ok(request) => request,
        Err(malformed) => return bad_request(&malformed.to_string()).into_response(),
    };
    if *request.sender() != sender.node {
        let told = format!("{} sends in the name of {}", sender.node, request.sender());
        return bad_request(&told).into_response();
    }
    service.addresses.learn(sender.node, sender.clients_at);
    let (reply, response) = oneshot::channel();
    if service.inbox.send(Incoming::Called { request, reply }).await.is_ok()
        && let Ok(response) = response.await
    {
        let json = [(header::CONTENT_TYPE, "application/json")];
        return (json, wire::response_body(&response)).into_response();
    }
    refused(StatusCode::SERVICE_UNAVAILABLE, "stopping", false).into_response()
}

/// The refusal of what is not of this cluster.
fn not_from_here(mismatch: &Mismatch) -> JsonResponse {
    let mut response = refused(StatusCode::FORBIDDEN, mismatch.name(), true);
    response.1["reason"] = mismatch.to_string().into();
    response
}

async fn nothing_here() -> JsonResponse {
    let paths: Vec<_> = Endpoint::ALL.map(|endpoint| format!("/raft/{}", endpoint.name())).into();
    let told = format!(
        "this port is for the other nodes of the cluster: POST {}; clients have another one",
        paths.join(", ")
    );
    let mut response = bad_request(&told);
    response.0 = StatusCode::NOT_FOUND;
    response
}
