//! The way of one operation: recorded, sent, sent again, settled, recorded.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Result;
use checker::history::{Attempt, Event, EventType};
use rand::rngs::ChaCha8Rng;
use tokio::time::{Instant, sleep, timeout};
use workloads::retry::RetryPolicy;
use workloads::route::Route;
use workloads::{Invocation, PRECONDITION_FAILED};

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

    async fn settle(&mut self, request: &Request) -> Settled {
        let deadline = Instant::now() + self.policy.deadline;
        let mut attempts = Vec::new();
        let mut node = self.route.begin();
        // Whether some attempt may have taken effect, or may yet.
        let mut in_doubt = false;
        let mut hints = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let start = self.recorder.now();
            let limit = self.policy.attempt_timeout.min(left);
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
            attempt.error = Some(refusal.error.to_string());
            attempt.definite = Some(definite);
            attempts.push(attempt);
            in_doubt |= !definite;

            let retry = attempts.len() as u32 - 1;
            let may_repeat = !self.client.is_final(&refusal.error)
                && (definite || !request.mutates || self.client.honours_token(request.f));
            // The first hint is news and worth following at once; a second one means that the
            // nodes have not agreed yet.
            hints += u32::from(refusal.leader.is_some());
            let wait = match refusal.leader {
                Some(leader) if leader != node && hints == 1 => Duration::ZERO,
                _ => self.policy.backoff(retry, self.rng),
            };
            if !may_repeat || Instant::now() + wait >= deadline {
                let kind = if in_doubt { EventType::Info } else { EventType::Fail };
                return Settled { kind, answer: None, error: Some(refusal.error), attempts };
            }
            sleep(wait).await;
            node = self.route.after_error(refusal.leader, self.rng);
        }
    }
}
