//! A target in the same process that answers at once.

use std::future::ready;

use tokio::task::consume_budget;

use stormproof::targets::{Answer, BoxFuture, Client, ErrorRow, NodeStatus, Reply, Request, row};

const ERRORS: &[ErrorRow] = &[row("timeout", false, "no answer in time")];

/// It answers every request with the argument; a read finds what could have been written.
pub struct AtOnce;

impl Client for AtOnce {
    fn attempt<'a>(&'a self, _: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        let value = if request.mutates { request.value.clone() } else { 1.into() };
        Box::pin(async {
            // Clients that never wait would keep all others from acting.
            consume_budget().await;
            Reply::Answer(Answer { value: Some(value), version: Some(1) })
        })
    }

    fn status(&self, _: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(ready(None))
    }

    fn errors(&self) -> &[ErrorRow] {
        ERRORS
    }

    fn honours_token(&self, _f: &str) -> bool {
        true
    }
}
