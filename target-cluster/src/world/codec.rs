//! The wire between simulated nodes: a message comes as what its bytes are read as.

use super::message::Message;
use crate::core::Response;
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
                Response::TimeoutNow(_) => Endpoint::TimeoutNow,
            };
            Message::Response(*sent, endpoint.response(&wire::response_body(response))?)
        }
    })
}
