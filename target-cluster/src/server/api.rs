//! What a client is told, as status code and JSON. Every body has `type`: `ok` says that it was done,
//! `fail` is the state machine's no, `refused` says why there is no answer and whether that is
//! `definite`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::config::Config;
use crate::core::{Refusal, Reply};
use crate::kv::{Answer, Outcome};

/// A status code with a JSON body.
#[derive(Debug, PartialEq)]
pub(super) struct Told(pub(super) StatusCode, pub(super) Value);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// The core's reply to a client.
pub(super) fn told(config: &Config, reply: Reply) -> Told {
    match reply {
        Reply::Answer(answer) => answered(answer),
        Reply::Transferred { leader, term } => {
            Told(StatusCode::OK, json!({"type": "ok", "leader": leader, "term": term}))
        }
        Reply::Refused(refusal) => {
            let code = match refusal {
                // The request came to a node that cannot serve it: another one can.
                Refusal::NotLeader { .. } => StatusCode::MISDIRECTED_REQUEST,
                Refusal::StaleToken => StatusCode::CONFLICT,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            let mut told = refused(code, refusal.name(), refusal.is_definite());
            if let Refusal::NotLeader { leader } = refusal {
                let address = leader.as_ref().and_then(|id| config.address_of(id.as_str()));
                told.1["leader"] = json!(leader);
                told.1["leader_address"] = json!(address);
            }
            told
        }
    }
}

/// A refusal. `definite` promises that the request had no effect and never will.
pub(super) fn refused(code: StatusCode, error: &str, definite: bool) -> Told {
    Told(code, json!({"type": "refused", "error": error, "definite": definite}))
}

/// The request makes no sense; `reason` tells why.
pub(super) fn bad_request(reason: &str) -> Told {
    let mut told = refused(StatusCode::BAD_REQUEST, "bad_request", true);
    told.1["reason"] = json!(reason);
    told
}

fn answered(Answer { outcome, version }: Answer) -> Told {
    let fail = |error: &str, actual: Option<Value>| {
        let mut body = json!({"type": "fail", "error": error});
        if let Some(actual) = actual {
            body["value"] = actual;
        }
        body["version"] = version.into();
        Told(StatusCode::PRECONDITION_FAILED, body)
    };
    match outcome {
        Outcome::Ok(value) => {
            Told(StatusCode::OK, json!({"type": "ok", "value": value, "version": version}))
        }
        Outcome::PreconditionFailed { actual } => fail("precondition_failed", actual),
        Outcome::WrongType { actual } => fail("wrong_type", actual),
        Outcome::Empty => fail("empty", Some(Value::Null)),
        Outcome::TooLarge => fail("too_large", None),
    }
}
