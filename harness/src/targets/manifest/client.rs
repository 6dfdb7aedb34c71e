//! Speaks to a cluster as its manifest tells.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::operation::{
    MISREAD, Meaning, NOT_SENT, NOT_SET_UP, Operations, Refused, SERVER_ERROR, common_errors,
};
use super::order::Prepared;
use super::request::{Exchange, HttpResponse};
use super::schema::Each;
use super::status::Roster;
use super::step::{Kept, SetUp, Step, Taken};
use super::target::Service;
use super::template::Scope;
use crate::targets::http;
use crate::targets::{
    Answer, BoxFuture, Client, ErrorRow, LogProgress, Member, NodeStatus, Refusal, Reply, Request,
    refusal,
};

/// The time that a status request may take.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

/// The values that set-ups left, or are about to, by their position and what each is for.
type SetUps = BTreeMap<(usize, String), Arc<OnceCell<Kept>>>;

/// A client of one cluster.
pub struct ManifestClient {
    http: reqwest::Client,
    service: Arc<Service>,
    /// Which of the service's models it speaks of.
    model: &'static str,
    urls: Vec<String>,
    roster: Roster,
    /// Begins every key.
    run: String,
    errors: Vec<ErrorRow>,
    set_up: Mutex<SetUps>,
    last: Mutex<Option<Exchange>>,
    misread: OnceLock<Exchange>,
}

impl ManifestClient {
    /// # Errors
    /// When the manifest has no operations of that model.
    pub fn new(service: Arc<Service>, cluster: &[Member], run: &str, model: &str) -> Result<Self> {
        let Some((&model, _)) = service.models.get_key_value(model) else {
            let workload = workloads::ALL.iter().find(|workload| workload.model == model);
            let name = workload.map_or(model, |workload| workload.name);
            return Err(anyhow!("{} has no [workload.{name}]", service.file));
        };
        let mut rows = BTreeMap::new();
        let own = service.refusals.iter().map(|refused| refused.row.clone());
        rows.extend(common_errors().chain(own).map(|row| (row.name.clone(), row)));
        Ok(ManifestClient {
            http: http::client()?,
            model,
            urls: cluster.iter().map(|member| format!("http://{}", member.for_clients)).collect(),
            roster: Roster::new(cluster),
            run: run.into(),
            errors: rows.into_values().collect(),
            service,
            set_up: Mutex::default(),
            last: Mutex::default(),
            misread: OnceLock::new(),
        })
    }

    fn operations(&self) -> &Operations {
        &self.service.models[self.model]
    }

    async fn send(&self, node: usize, request: &Request) -> Reply {
        let operation = &self.operations()[request.f];
        self.note(None);
        let mut kept = match self.ready(node, &request.key, |_| true).await {
            Ok(kept) => kept,
            Err(refusal) => return Reply::Refusal(refusal),
        };
        for step in &operation.first {
            let taken = {
                let scope = self.scope(request, &kept);
                self.take(node, &request.key, step, &scope).await
            };
            match taken {
                Ok(Taken::On(more)) => kept.extend(more),
                Ok(Taken::Failed) => return Reply::Answer(Answer { value: None, version: None }),
                // What only reads has no effect, so nothing happened yet.
                Err(refusal) if step.question.only_reads() && refusal.error != MISREAD.name => {
                    return Reply::Refusal(Refusal { error: NOT_SENT.name.clone(), ..refusal });
                }
                Err(refusal) => return Reply::Refusal(refusal),
            }
        }
        let scope = self.scope(request, &kept);
        let mut exchange = operation.question.ask(&self.http, &self.urls[node], &scope).await;
        let reply = match &exchange.heard {
            Err(lost) => refusal(lost.error),
            Ok(heard) => match self.void(node, &request.key, heard).or(self.refused(heard)) {
                Some(refusal) => Reply::Refusal(refusal),
                None => match operation.understand(heard) {
                    Ok(meaning) => {
                        let version = operation.version(heard).unwrap_or_else(|why| {
                            exchange.complaint = Some(why);
                            None
                        });
                        let value = match meaning {
                            Meaning::Done(value) => {
                                Some(value.unwrap_or_else(|| request.value.clone()))
                            }
                            Meaning::Failed => None,
                        };
                        Reply::Answer(Answer { value, version })
                    }
                    Err(_) if (500..600).contains(&heard.status) => {
                        Reply::Refusal(Refusal { error: SERVER_ERROR.name.clone(), leader: None })
                    }
                    Err(why) => {
                        exchange.complaint = Some(why);
                        self.misread.get_or_init(|| exchange.clone());
                        Reply::Refusal(Refusal { error: MISREAD.name.clone(), leader: None })
                    }
                },
            },
        };
        self.note(Some(exchange));
        reply
    }

    /// The values of the placeholders of an operation.
    fn scope<'a>(&'a self, request: &'a Request, kept: &'a Kept) -> impl Fn(&str) -> Value + 'a {
        |name: &str| match name {
            "run" => self.run.as_str().into(),
            "key" => request.key.as_str().into(),
            "token" => request.token.as_str().into(),
            "value" => request.value.clone(),
            name => kept.get(name).cloned().unwrap_or_default(),
        }
    }

    /// The values that those set-ups leave which are `needed`, for an operation on that key through
    /// that node; those that are not made yet are made now, once, and all that need them wait.
    async fn ready(
        &self,
        node: usize,
        key: &str,
        needed: impl Fn(usize) -> bool + Send,
    ) -> Result<Kept, Refusal> {
        let mut kept = Kept::new();
        for (position, set_up) in self.service.setup.iter().enumerate() {
            if !needed(position) {
                continue;
            }
            let cell = {
                let mut cells = self.set_up.lock().unwrap_or_else(PoisonError::into_inner);
                cells.entry(self.set_up_for(position, node, key)).or_default().clone()
            };
            let made = cell.get_or_try_init(async || {
                let scope = |name: &str| match name {
                    "run" => self.run.as_str().into(),
                    "key" => key.into(),
                    name => kept.get(name).cloned().unwrap_or_default(),
                };
                match self.take(node, key, &set_up.step, &scope).await {
                    Ok(Taken::On(left)) => Ok(left),
                    Ok(Taken::Failed) => {
                        Err(Refusal { error: NOT_SET_UP.name.clone(), leader: None })
                    }
                    Err(refusal) => Err(Refusal { error: NOT_SET_UP.name.clone(), ..refusal }),
                }
            });
            let made = made.await?.clone();
            kept.extend(made);
        }
        Ok(kept)
    }

    /// The place of the values that a set-up left.
    fn set_up_for(&self, position: usize, node: usize, key: &str) -> (usize, String) {
        let what = match self.service.setup[position].each {
            Each::Run => String::new(),
            Each::Node => node.to_string(),
            Each::Key => key.to_owned(),
        };
        (position, what)
    }

    /// Forgets the set-ups that an answer says are over, such as a session; returns a refusal if
    /// there were any.
    fn void(&self, node: usize, key: &str, heard: &HttpResponse) -> Option<Refusal> {
        let over = |(_, set_up): &(usize, &SetUp)| set_up.is_void_by(heard);
        let over: Vec<usize> =
            self.service.setup.iter().enumerate().filter(over).map(|(at, _)| at).collect();
        let mut cells = self.set_up.lock().unwrap_or_else(PoisonError::into_inner);
        for position in &over {
            cells.remove(&self.set_up_for(*position, node, key));
        }
        (!over.is_empty()).then(|| Refusal { error: NOT_SET_UP.name.clone(), leader: None })
    }

    /// Sends a request that goes before others.
    async fn take(
        &self,
        node: usize,
        key: &str,
        step: &Step,
        scope: &(dyn Fn(&str) -> Value + Sync),
    ) -> Result<Taken, Refusal> {
        let mut exchange = step.question.ask(&self.http, &self.urls[node], scope).await;
        let taken = match &exchange.heard {
            Err(lost) => Err(Refusal::of(lost.error)),
            Ok(heard) => match self.void(node, key, heard).or(self.refused(heard)) {
                Some(refusal) => Err(refusal),
                None => step.understand(heard, scope).map_err(|why| {
                    let error = match heard.status {
                        500..600 => &SERVER_ERROR,
                        _ => &MISREAD,
                    };
                    exchange.complaint = Some(why);
                    Refusal { error: error.name.clone(), leader: None }
                }),
            },
        };
        if taken.as_ref().is_err_and(|refusal| refusal.error == MISREAD.name) {
            self.misread.get_or_init(|| exchange.clone());
        }
        self.note(Some(exchange));
        taken
    }

    /// The name by which others call that node, if it has told one.
    pub fn id_of(&self, node: usize) -> Option<String> {
        self.roster.id_of(node)
    }

    /// The refusal that an answer is, if it is one.
    fn refused(&self, heard: &HttpResponse) -> Option<Refusal> {
        let refused: &Refused = self.service.refusals.iter().find(|refused| refused.is(heard))?;
        let leader = refused.leader(heard).and_then(|named: Value| self.roster.find(&named));
        Some(Refusal { error: refused.row.name.clone(), leader })
    }

    /// Asks a node for its state, within so long a time.
    pub(super) async fn hear_status(&self, node: usize, limit: Duration) -> Option<Exchange> {
        let scope = |_: &str| Value::Null;
        let asked = self.inquire(node, &self.service.status.asked, &scope);
        timeout(limit, asked).await.ok()?.ok()
    }

    /// Asks a node something that is about no key. Set-ups whose values the inquiry sends are made
    /// before it, and once more when an answer says that they are over.
    ///
    /// # Errors
    /// The reason why it was not asked: what goes before it was not done.
    pub(super) async fn inquire(
        &self,
        node: usize,
        asked: &Prepared,
        scope: &Scope<'_>,
    ) -> Result<Exchange, String> {
        let first = self.inquire_once(node, asked, scope).await;
        let is_over = match &first {
            Ok(exchange) => {
                let heard = exchange.heard.as_ref();
                heard.is_ok_and(|heard| self.void(node, "", heard).is_some())
            }
            Err(refusal) => refusal.error == NOT_SET_UP.name,
        };
        let answer = match is_over && !asked.set_ups.is_empty() {
            true => self.inquire_once(node, asked, scope).await,
            false => first,
        };
        answer.map_err(|refusal| format!("what goes before it came to {}", refusal.error))
    }

    async fn inquire_once(
        &self,
        node: usize,
        asked: &Prepared,
        scope: &Scope<'_>,
    ) -> Result<Exchange, Refusal> {
        let mut kept = self.ready(node, "", |position| asked.set_ups.contains(&position)).await?;
        for step in &asked.first {
            let all = |name: &str| kept.get(name).cloned().unwrap_or_else(|| scope(name));
            match self.take(node, "", step, &all).await? {
                Taken::On(more) => kept.extend(more),
                Taken::Failed => return Err(Refusal::of("a failure")),
            }
        }
        let all = |name: &str| kept.get(name).cloned().unwrap_or_else(|| scope(name));
        Ok(asked.inquiry.ask(&self.http, &self.urls[node], &all).await)
    }

    /// Returns true if an answer proves that nothing was done, as the error table says.
    pub(super) fn surely_refuses(&self, heard: &HttpResponse) -> bool {
        let refused = self.service.refusals.iter().find(|refused| refused.is(heard));
        refused.is_some_and(|refused| refused.row.definite)
    }

    async fn ask_status(&self, node: usize) -> Option<NodeStatus> {
        let status = &self.service.status;
        let mut exchange = self.hear_status(node, STATUS_TIMEOUT).await?;
        let told = exchange.heard.as_ref().ok().map(|it| self.roster.understand(node, status, it));
        exchange.complaint = match &told {
            Some(Ok(NodeStatus { leader: None, .. })) => status.names_nobody(),
            Some(Err(why)) => Some(why.clone()),
            _ => None,
        };
        self.note(Some(exchange));
        told?.ok()
    }

    fn note(&self, exchange: Option<Exchange>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = exchange;
    }
}

impl Client for ManifestClient {
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(self.send(node, request))
    }

    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(self.ask_status(node))
    }

    fn progress(&self, node: usize) -> Option<BoxFuture<'_, Option<LogProgress>>> {
        let status = &self.service.status;
        let asked = async move {
            let heard = self.hear_status(node, STATUS_TIMEOUT).await?.heard.ok()?;
            status.progress(&heard)
        };
        status.commit.as_ref().map(|_| Box::pin(asked) as BoxFuture<'_, _>)
    }

    fn errors(&self) -> &[ErrorRow] {
        &self.errors
    }

    fn is_final(&self, error: &str) -> bool {
        self.service.refusals.iter().any(|refused| refused.is_final && refused.row.name == error)
    }

    fn honours_token(&self, f: &str) -> bool {
        self.operations().get(f).is_some_and(|operation| operation.honours_token)
    }

    fn last_exchange(&self) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(Exchange::to_string)
    }

    fn first_misread(&self) -> Option<String> {
        self.misread.get().map(Exchange::to_string)
    }
}
