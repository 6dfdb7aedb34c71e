//! The answers to clients, as status code and JSON. Every body has `type`: `ok` says that it was
//! done, `fail` is the state machine's no, `refused` says why there is no answer and whether that
//! is `definite`.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::addresses::Addresses;
use crate::core::{Configuration, NodeId, Refusal, Reply};
use crate::kv::{Answer, OperationResult, SharedValue};

/// An HTTP response. Its body is in one piece.
pub(super) type Response = http::Response<Full<Bytes>>;

/// A status code with a JSON body.
#[derive(Debug, PartialEq)]
pub(super) struct JsonResponse(pub(super) StatusCode, pub(super) Value);

impl From<JsonResponse> for Response {
    fn from(JsonResponse(code, body): JsonResponse) -> Response {
        json_response(code, &body)
    }
}

/// A response with a body in JSON.
pub(super) fn json_response(code: StatusCode, body: &impl Serialize) -> Response {
    response_with(code, json(body))
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("it has text keys, and writing to memory succeeds")
}

fn response_with(code: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The core's reply to a client.
pub(super) fn response_to(addresses: &Addresses, reply: Reply) -> Response {
    let (code, body) = body_of(reply, |leader| addresses.of(leader));
    response_with(code, body)
}

/// The core's reply to a client, as status code and body.
pub(crate) fn body_of(
    reply: Reply,
    address_of: impl Fn(&NodeId) -> Option<String>,
) -> (StatusCode, Vec<u8>) {
    match reply {
        Reply::Answer(answer) => answered(answer),
        Reply::Transferred { leader, term } => {
            (StatusCode::OK, json(&json!({"type": "ok", "leader": leader, "term": term})))
        }
        Reply::Configured { configuration } => {
            let members = members_body(&configuration);
            (StatusCode::OK, json(&json!({"type": "ok", "members": members})))
        }
        Reply::SnapshotTaken { index } => {
            (StatusCode::OK, json(&json!({"type": "ok", "index": index})))
        }
        Reply::Refused(refusal) => {
            let code = match refusal {
                // The request came to a node that cannot serve it: another one can.
                Refusal::NotLeader { .. } => StatusCode::MISDIRECTED_REQUEST,
                Refusal::TokenReused | Refusal::StaleToken | Refusal::ChangeUnderWay => {
                    StatusCode::CONFLICT
                }
                Refusal::NotAVoter(_) | Refusal::BadChange(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            let mut response = refused(code, refusal.name(), refusal.is_definite());
            match refusal {
                Refusal::NotLeader { leader } => {
                    let address = leader.as_ref().and_then(address_of);
                    response.1["leader"] = json!(leader);
                    response.1["leader_address"] = json!(address);
                }
                Refusal::NotAVoter(node) => {
                    response.1["reason"] = json!(format!("{node} is not a voter"));
                }
                Refusal::BadChange(bad) => response.1["reason"] = json!(bad.to_string()),
                Refusal::NotCaughtUp { node } => {
                    let told = format!("{node} is too slow or silent to vote, and stays a learner");
                    response.1["reason"] = json!(told);
                }
                _ => {}
            }
            (response.0, json(&response.1))
        }
    }
}

/// The members of a cluster; `outgoing` only while two sets of voters are joint, and `addresses` of those
/// that a change brought with one.
pub(super) fn members_body(configuration: &Configuration) -> Value {
    serde_json::to_value(configuration).expect("it has a JSON form")
}

/// A refusal. `definite` promises that the request had no effect and never will.
pub(super) fn refused(code: StatusCode, error: &str, definite: bool) -> JsonResponse {
    JsonResponse(code, json!({"type": "refused", "error": error, "definite": definite}))
}

/// The request makes no sense; `reason` is a sentence that says why.
pub(super) fn bad_request(reason: &str) -> JsonResponse {
    let mut response = refused(StatusCode::BAD_REQUEST, "bad_request", true);
    response.1["reason"] = json!(reason);
    response
}

/// The node is going down. `definite` says whether the request surely changed nothing.
pub(super) fn stopping(definite: bool) -> JsonResponse {
    refused(StatusCode::SERVICE_UNAVAILABLE, "stopping", definite)
}

/// The body of an answer of the state machine.
#[derive(Serialize)]
struct AnswerBody {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<SharedValue>,
    version: u64,
}

fn answered(Answer { result, version }: Answer) -> (StatusCode, Vec<u8>) {
    let (error, value) = match result {
        OperationResult::Ok(value) => (None, Some(value)),
        OperationResult::PreconditionFailed { actual } => (Some("precondition_failed"), actual),
        OperationResult::WrongType { actual } => (Some("wrong_type"), actual),
        OperationResult::Empty => (Some("empty"), Some(Value::Null.into())),
        OperationResult::TooLarge => (Some("too_large"), None),
    };
    let (code, kind) = match error {
        None => (StatusCode::OK, "ok"),
        Some(_) => (StatusCode::PRECONDITION_FAILED, "fail"),
    };
    (code, json(&AnswerBody { kind, error, value, version }))
}

/// True if the reply takes more than about so many bytes. Looks at no more of it than that.
pub(super) fn is_larger_than(reply: &Reply, bytes: usize) -> bool {
    value_of(reply).is_some_and(|value| value.is_larger_than(bytes))
}

/// About how many bytes the reply takes.
pub(super) fn bytes_of(reply: &Reply) -> usize {
    value_of(reply).map_or(0, SharedValue::bytes)
}

/// The part of the reply that may be large: only what was read is, since answers to commands are kept.
fn value_of(reply: &Reply) -> Option<&SharedValue> {
    match reply {
        Reply::Answer(Answer { result: OperationResult::Ok(value), .. }) => Some(value),
        _ => None,
    }
}
