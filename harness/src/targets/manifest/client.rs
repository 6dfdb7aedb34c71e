//! Speaks to a cluster as its manifest tells.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::Value;
use tokio::time::timeout;

use super::operation::{MISREAD, Meaning, Operations, Refused, SERVER_ERROR};
use super::request::{Exchange, HttpResponse};
use super::status::Roster;
use super::target::Service;
use crate::targets::http::{self, TRANSPORT_ERRORS};
use crate::targets::{
    Answer, BoxFuture, Client, ErrorRow, Member, NodeStatus, Refusal, Reply, Request, refusal,
};

/// The time that a status request may take.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

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
        let ours = TRANSPORT_ERRORS.into_iter().chain([SERVER_ERROR.clone(), MISREAD.clone()]);
        let own = service.refusals.iter().map(|refused| refused.row.clone());
        rows.extend(ours.chain(own).map(|row| (row.name.clone(), row)));
        Ok(ManifestClient {
            http: http::client()?,
            model,
            urls: cluster.iter().map(|member| format!("http://{}", member.for_clients)).collect(),
            roster: Roster::new(cluster),
            run: run.into(),
            errors: rows.into_values().collect(),
            service,
            last: Mutex::default(),
            misread: OnceLock::new(),
        })
    }

    fn operations(&self) -> &Operations {
        &self.service.models[self.model]
    }

    async fn send(&self, node: usize, request: &Request) -> Reply {
        let operation = &self.operations()[request.f];
        let scope = |name: &str| match name {
            "run" => self.run.as_str().into(),
            "key" => request.key.as_str().into(),
            "token" => request.token.as_str().into(),
            _ => request.value.clone(),
        };
        self.note(None);
        let mut exchange = operation.question.ask(&self.http, &self.urls[node], &scope).await;
        let reply = match &exchange.heard {
            Err(lost) => refusal(lost.error),
            Ok(heard) => match self.refused(heard) {
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

    /// The refusal that an answer is, if it is one.
    fn refused(&self, heard: &HttpResponse) -> Option<Refusal> {
        let refused: &Refused = self.service.refusals.iter().find(|refused| refused.is(heard))?;
        let leader = refused.leader(heard).and_then(|named: Value| self.roster.find(&named));
        Some(Refusal { error: refused.row.name.clone(), leader })
    }

    async fn ask_status(&self, node: usize) -> Option<NodeStatus> {
        let status = &self.service.status;
        let nothing = |_: &str| Value::Null;
        let asked = status.question.ask(&self.http, &self.urls[node], &nothing);
        let mut exchange = timeout(STATUS_TIMEOUT, asked).await.ok()?;
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
