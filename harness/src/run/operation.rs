//! The way of one operation: recorded, sent, sent again, settled, recorded.

use std::borrow::Cow;

use anyhow::Result;
use checker::history::{Attempt, Event, EventType};
use rand::rngs::ChaCha8Rng;
use tokio::time::{Instant, sleep, timeout};
use workloads::attempts::{Attempts, Refused, Then};
use workloads::retry::RetryPolicy;
use workloads::route::Route;
use workloads::{Invocation, PRECONDITION_FAILED};

use super::order::OrderKeeper;
use super::recorder::Recorder;
use crate::targets::{Answer, Client, Reply, Request, refusal};

/// Everything that a process needs to act.
pub struct Actor<'a> {
    /// Writes down what it does.
    pub recorder: &'a Recorder,
    /// Speaks to the cluster.
    pub client: &'a dyn Client,
    /// The names of the nodes, by position.
    pub nodes: &'a [String],
    /// When it tries again and when it gives up.
    pub policy: RetryPolicy,
    /// Whom it asks.
    pub route: &'a mut Route,
    /// Its jitter.
    pub rng: &'a mut ChaCha8Rng,
    /// Its number, and the order that it keeps to; none of one that is no part of the load.
    pub order: Option<(u16, &'a OrderKeeper)>,
}

/// The end of an operation.
struct Settled {
    kind: EventType,
    answer: Option<(Answer, usize)>,
    error: Option<Cow<'static, str>>,
    attempts: Vec<Attempt>,
}

impl Actor<'_> {
    /// Carries out one operation as that process and returns its completion.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub async fn act(
        &mut self,
        process: u64,
        token: String,
        invocation: Invocation,
    ) -> Result<Event> {
        let mut event = invocation.event(process);
        event.token = Some(token.clone());
        let mut completion = self.recorder.record(event)?;

        let Invocation { f, key, value, mutates } = invocation;
        let request = Request { f, key, value, mutates, token };
        let settled = self.settle(&request).await;

        completion.kind = settled.kind;
        completion.error = settled.error.map(Cow::into_owned);
        completion.attempts = settled.attempts;
        if let Some((answer, node)) = settled.answer {
            completion.node = Some(self.nodes[node].clone());
            completion.version = answer.version;
            if let Some(value) = answer.value {
                completion.value = value;
            }
        }
        self.recorder.record(completion)
    }

    fn note_answer(&self, node: usize, request: &Request, refused: bool) {
        if let Some((client, order)) = self.order {
            order.answer(client, &self.nodes[node], || in_words(request), refused);
        }
    }

    async fn settle(&mut self, request: &Request) -> Settled {
        let begin = Instant::now();
        let mut attempts = Vec::new();
        let mut course = Attempts::default();
        let mut node = self.route.begin();
        loop {
            if let Some((client, order)) = self.order {
                order.call(client, &self.nodes[node], || in_words(request)).await;
            }
            let start = self.recorder.now();
            let limit = Attempts::limit(&self.policy, begin.elapsed());
            let reply = match timeout(limit, self.client.attempt(node, request)).await {
                Ok(reply) => reply,
                Err(_) => refusal("timeout"),
            };
            let mut attempt = Attempt {
                node: self.nodes[node].clone(),
                start,
                end: self.recorder.now(),
                error: None,
                definite: None,
            };
            let refusal = match reply {
                Reply::Answer(answer) => {
                    self.note_answer(node, request, false);
                    attempts.push(attempt);
                    let (kind, error) = match answer.value {
                        Some(_) => (EventType::Ok, None),
                        None => (EventType::Fail, Some(PRECONDITION_FAILED.into())),
                    };
                    return Settled { kind, answer: Some((answer, node)), error, attempts };
                }
                Reply::Refusal(refusal) => refusal,
            };
            let definite = self.client.is_definite(&refusal.error);
            if definite {
                self.note_answer(node, request, true);
            }
            attempt.error = Some(refusal.error.to_string());
            attempt.definite = Some(definite);
            attempts.push(attempt);

            let refused = Refused {
                node,
                leader: refusal.leader,
                definite,
                may_repeat: !self.client.is_final(&refusal.error)
                    && (definite || !request.mutates || self.client.honours_token(request.f)),
                elapsed: begin.elapsed(),
            };
            match course.refused(refused, &self.policy, self.route, self.rng) {
                Then::Ask { node: next, wait } => {
                    sleep(wait).await;
                    node = next;
                }
                Then::GiveUp(kind) => {
                    return Settled { kind, answer: None, error: Some(refusal.error), attempts };
                }
            }
        }
    }
}

/// `write k3`.
fn in_words(request: &Request) -> String {
    format!("{} {}", request.f, request.key)
}
