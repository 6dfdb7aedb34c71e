//! The wires of a simulation: what is sent between nodes, and between them and clients, comes as
//! what its bytes are read as.

use super::message::Message;
use crate::core::{Reply, Response};
use crate::kv::{Operation, RequestBody};
use crate::server;
use crate::wire::{self, Endpoint, Malformed};

/// The message as its receiver reads it. The error is one of the codec: every message that the core
/// sends can be sent.
pub(super) fn through(message: &Message) -> Result<Message, Malformed> {
    Ok(match message {
        Message::Request(sent, request) => {
            let body = wire::request_body(request);
            Message::Request(*sent, Endpoint::of(request).request(&body)?)
        }
        Message::Response(sent, response) => {
            let endpoint = match response {
                Response::PreVote(_) => Endpoint::PreVote,
                Response::Vote(_) => Endpoint::RequestVote,
                Response::Append(_) => Endpoint::AppendEntries,
                Response::InstallSnapshot(_) => Endpoint::InstallSnapshot,
                Response::TimeoutNow(_) => Endpoint::TimeoutNow,
                Response::ReadIndex(_) => Endpoint::ReadIndex,
                Response::Clock(_) => Endpoint::Clock,
            };
            Message::Response(*sent, endpoint.response(&wire::response_body(response))?)
        }
    })
}

/// The operation that a client asks for, as the server reads it.
pub(super) fn asked(body: &[u8]) -> Result<Operation, String> {
    let body = serde_json::from_slice::<RequestBody>(body).map_err(|error| error.to_string())?;
    body.into_operation().map_err(|error| error.to_string())
}

/// The body of the server's answer to a client.
pub(super) fn answered(reply: Reply) -> Vec<u8> {
    server::body_of(reply, |_| None).1
}
