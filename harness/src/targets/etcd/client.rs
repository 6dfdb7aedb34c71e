//! Operations as transactions of etcd.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::bail;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use workloads::Object;

use super::gateway::{
    Gateway, KeyValue, TxnAnswer, delete, end_of, errors, get, holds, is_absent, is_at, put,
    put_with_lease,
};
use crate::targets::documents::{self, Documents, Replaced, Replacement, Seen};
use crate::targets::{
    Answer, BoxFuture, Client, ErrorRow, LogProgress, Member, NodeStatus, Refusal, Reply, Request,
};

/// The time that a lease lasts, in seconds: longer than any run, so that a lock goes only by its
/// release. What happens to holders whose leases end is no fault of the service.
const LEASE_SECONDS: u64 = 24 * 60 * 60;

/// Begins the key of every token; no run is called so.
pub(super) const TOKENS: &str = "token";

/// Which requests an operation is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A key of its own.
    Register,
    /// A key for each element.
    Set,
    /// A key with a lease.
    Lock {
        /// True if an acquisition answers the revision at which it was made.
        fenced: bool,
    },
    /// A document.
    Document,
}

/// A client of one cluster.
pub struct EtcdClient {
    gateway: Gateway,
    names: Vec<String>,
    /// Begins every key.
    run: String,
    model: String,
    way: Way,
    errors: Vec<ErrorRow>,
    /// The lease of every lock.
    lease: OnceCell<String>,
    /// Positions of members by their ids, as far as they have told.
    ids: Mutex<BTreeMap<String, usize>>,
}

impl EtcdClient {
    /// # Errors
    /// When there is no way to keep objects of that model.
    pub fn new(
        gateway: Gateway,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> anyhow::Result<EtcdClient> {
        let way = match model {
            "register" => Way::Register,
            "set" => Way::Set,
            "mutex" => Way::Lock { fenced: false },
            "fenced-lock" => Way::Lock { fenced: true },
            _ if Object::of(model).is_some() => Way::Document,
            _ => bail!("nobody knows how to keep a {model} in etcd"),
        };
        Ok(EtcdClient {
            gateway,
            names: cluster.iter().map(|member| member.name.clone()).collect(),
            run: run.into(),
            model: model.into(),
            way,
            errors: errors(),
            lease: OnceCell::new(),
            ids: Mutex::default(),
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}/{key}", self.run)
    }

    /// The key of a token: apart from all others, so that no read of a prefix finds it.
    fn token(&self, token: &str) -> String {
        format!("{TOKENS}/{token}")
    }

    async fn act(&self, node: usize, request: &Request) -> Result<Answer, Refusal> {
        match self.way {
            Way::Register => self.act_on_register(node, request).await,
            Way::Set => self.act_on_set(node, request).await,
            Way::Lock { fenced } => self.act_on_lock(node, request, fenced).await,
            Way::Document => match documents::attempt(self, &self.model, node, request).await {
                Reply::Answer(answer) => Ok(answer),
                Reply::Refusal(refusal) => Err(refusal),
            },
        }
    }

    async fn act_on_register(&self, node: usize, request: &Request) -> Result<Answer, Refusal> {
        let key = self.key(&request.key);
        match request.f {
            "read" => {
                let (revision, found) = self.gateway.range(node, &key, None).await?;
                let value = found.first().map_or(Ok(Value::Null), understand)?;
                Ok(Answer { value: Some(value), version: Some(revision) })
            }
            "write" => {
                let new = put(&key, request.value.to_string().as_bytes());
                let once = self.once(node, request, vec![], vec![new]).await?;
                // With nothing else to be wanted, only the token can be in the way.
                once.ok_or_else(|| Refusal::of("nonsense"))
            }
            _ => {
                let (old, new) = (request.value[0].to_string(), request.value[1].to_string());
                let wanted = vec![holds(&key, old.as_bytes())];
                self.settled(node, request, wanted, vec![put(&key, new.as_bytes())]).await
            }
        }
    }

    /// Adding an element twice adds it once, so a set needs no tokens.
    async fn act_on_set(&self, node: usize, request: &Request) -> Result<Answer, Refusal> {
        let elements = format!("{}/", self.key(&request.key));
        match request.f {
            "read" => {
                let end = end_of(&elements);
                let (revision, found) = self.gateway.range(node, &elements, Some(end)).await?;
                let value = found.iter().map(understand).collect::<Result<Value, _>>()?;
                Ok(Answer { value: Some(value), version: Some(revision) })
            }
            _ => {
                let element = request.value.to_string();
                // Long elements make long keys, which etcd takes.
                let new = put(&format!("{elements}{element}"), element.as_bytes());
                let answer = self.gateway.txn(node, &json!({"success": [new]})).await?;
                let value = Some(request.value.clone());
                Ok(Answer { value, version: Some(answer.revision) })
            }
        }
    }

    /// The revision at which a lock was acquired rises from holder to holder, so it fences.
    async fn act_on_lock(
        &self,
        node: usize,
        request: &Request,
        fenced: bool,
    ) -> Result<Answer, Refusal> {
        let key = self.key(&request.key);
        let owner = request.value.to_string();
        let answer = match request.f {
            "acquire" => {
                let lease = self.lease.get_or_try_init(|| self.grant(node)).await?;
                let new = put_with_lease(&key, owner.as_bytes(), lease);
                self.settled(node, request, vec![is_absent(&key)], vec![new]).await?
            }
            _ => {
                let wanted = vec![holds(&key, owner.as_bytes())];
                self.settled(node, request, wanted, vec![delete(&key)]).await?
            }
        };
        let value = match (fenced && request.f == "acquire", answer.value) {
            (true, Some(_)) => answer.version.map(Value::from),
            (_, value) => value,
        };
        Ok(Answer { value, ..answer })
    }

    /// Grants the lease of all locks.
    async fn grant(&self, node: usize) -> Result<String, Refusal> {
        let wanted = json!({"TTL": LEASE_SECONDS.to_string()});
        let granted: Granted = self.gateway.call(node, "lease/grant", &wanted).await?;
        Ok(granted.id)
    }

    /// As [`once`](Self::once), for a precondition that another operation can make true again.
    /// Then a transaction that failed must leave a trace as well: an earlier attempt that is still
    /// on its way must not take effect after it was answered that the precondition failed.
    async fn settled(
        &self,
        node: usize,
        request: &Request,
        wanted: Vec<Value>,
        changes: Vec<Value>,
    ) -> Result<Answer, Refusal> {
        if let Some(answer) = self.once(node, request, wanted, changes).await? {
            return Ok(answer);
        }
        let token = self.token(&request.token);
        let txn = json!({
            "compare": [is_absent(&token)],
            "success": [put(&token, FAILED)],
            "failure": [get(&token)],
        });
        let answer = self.gateway.txn(node, &txn).await?;
        match first(&answer, 0) {
            Some(kept) if !answer.succeeded => Ok(kept_answer(kept, request)),
            // It failed when the transaction above was carried out, and will not be tried again.
            _ => Ok(Answer { value: None, version: None }),
        }
    }

    /// Makes `changes` if `wanted` holds, once for the operation's token. None when what is wanted
    /// does not hold.
    async fn once(
        &self,
        node: usize,
        request: &Request,
        wanted: Vec<Value>,
        changes: Vec<Value>,
    ) -> Result<Option<Answer>, Refusal> {
        let token = self.token(&request.token);
        let compare: Vec<Value> = [is_absent(&token)].into_iter().chain(wanted).collect();
        let success: Vec<Value> = changes.into_iter().chain([put(&token, DONE)]).collect();
        let txn = json!({"compare": compare, "success": success, "failure": [get(&token)]});
        let answer = self.gateway.txn(node, &txn).await?;
        if answer.succeeded {
            let value = Some(request.value.clone());
            return Ok(Some(Answer { value, version: Some(answer.revision) }));
        }
        Ok(first(&answer, 0).map(|kept| kept_answer(kept, request)))
    }

    /// The position of the member of that id; its own answer tells.
    async fn position(&self, id: &str) -> Option<usize> {
        if let Some(position) = self.known(id) {
            return Some(position);
        }
        for node in 0..self.gateway.members() {
            if let Some(status) = self.gateway.status(node).await {
                self.learn(status.id, node);
            }
        }
        self.known(id)
    }

    fn known(&self, id: &str) -> Option<usize> {
        self.ids.lock().expect("nobody panics with it").get(id).copied()
    }

    fn learn(&self, id: String, node: usize) {
        self.ids.lock().expect("nobody panics with it").insert(id, node);
    }
}

/// The note with the token of an operation that took effect, and of one whose precondition
/// failed.
const DONE: &[u8] = b"done";
const FAILED: &[u8] = b"failed";

/// The answer of an operation whose token was there already. The token of a write, of a cas and of
/// a lock tells only whether it took effect: what it answers is what it was asked.
fn kept_answer(kept: &KeyValue, request: &Request) -> Answer {
    let done = kept.value == DONE;
    Answer {
        value: done.then(|| request.value.clone()),
        version: done.then_some(kept.mod_revision),
    }
}

/// The first key that a range found.
fn first(answer: &TxnAnswer, range: usize) -> Option<&KeyValue> {
    answer.found.get(range)?.first()
}

fn understand(found: &KeyValue) -> Result<Value, Refusal> {
    serde_json::from_slice(&found.value).map_err(|_| Refusal::of("nonsense"))
}

#[derive(Deserialize)]
struct Granted {
    #[serde(rename = "ID")]
    id: String,
}

impl Documents for EtcdClient {
    fn read<'a>(
        &'a self,
        node: usize,
        key: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Seen, Refusal>> {
        Box::pin(async move {
            let key = self.key(key);
            let (revision, document, kept) = match token {
                None => {
                    let (revision, found) = self.gateway.range(node, &key, None).await?;
                    (revision, found.into_iter().next(), None)
                }
                Some(token) => {
                    let both = json!({"success": [get(&key), get(&self.token(token))]});
                    let answer = self.gateway.txn(node, &both).await?;
                    let found = |range| first(&answer, range).cloned();
                    (answer.revision, found(0), found(1))
                }
            };
            Ok(Seen {
                state: document.as_ref().map_or(0, |found| found.mod_revision),
                document: document.map(|found| found.value),
                version: Some(revision),
                token: kept.map(|kept| (kept.value, Some(kept.mod_revision))),
            })
        })
    }

    fn replace<'a>(
        &'a self,
        node: usize,
        new: Replacement<'a>,
    ) -> BoxFuture<'a, Result<Replaced, Refusal>> {
        Box::pin(async move {
            let (key, token) = (self.key(new.key), self.token(new.token));
            let txn = json!({
                "compare": [is_absent(&token), is_at(&key, new.state)],
                "success": [put(&key, new.document), put(&token, new.answer)],
            });
            let answer = self.gateway.txn(node, &txn).await?;
            Ok(match answer.succeeded {
                true => Replaced::Done(Some(answer.revision)),
                false => Replaced::Conflict,
            })
        })
    }
}

impl Client for EtcdClient {
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(async move { self.act(node, request).await.into() })
    }

    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(async move {
            let status = self.gateway.status(node).await?;
            self.learn(status.id, node);
            let leader = match status.leader {
                Some(id) => self.position(&id).await.map(|leader| self.names[leader].clone()),
                None => None,
            };
            Some(NodeStatus { leader, term: status.term })
        })
    }

    fn progress(&self, node: usize) -> Option<BoxFuture<'_, Option<LogProgress>>> {
        Some(Box::pin(async move { self.gateway.status(node).await?.progress }))
    }

    fn errors(&self) -> &[ErrorRow] {
        &self.errors
    }

    fn honours_token(&self, _f: &str) -> bool {
        true
    }
}
