//! Operations as transactions of ZooKeeper: every object is a [document](documents), a znode of
//! its own.

use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use tokio::sync::OnceCell;
use workloads::Object;

use super::four_letters::{Role, role};
use super::messages::{Answer, BAD_VERSION, Change, NO_NODE, NODE_EXISTS, Outcome, Request, Znode};
use super::session::{Ensemble, errors};
use crate::target::documents::{self, Documents, Replaced, Replacement, Seen};
use crate::target::{BoxFuture, Client, ErrorRow, Member, NodeStatus, Refusal, Reply};

/// The znode below which all tokens stand; no run is called so.
pub(super) const TOKENS: &str = "/token";

/// A client of one cluster.
pub struct ZooKeeperClient {
    ensemble: Ensemble,
    names: Vec<String>,
    /// The znode below which all documents stand, named after the run.
    documents: String,
    model: String,
    /// Whether it and that of the tokens are there.
    parents: OnceCell<()>,
    /// What each server said last of its role.
    roles: Mutex<Vec<Option<Role>>>,
    errors: Vec<ErrorRow>,
}

impl ZooKeeperClient {
    /// # Errors
    /// When nobody knows objects of that model.
    pub fn new(cluster: &[Member], run: &str, model: &str) -> anyhow::Result<ZooKeeperClient> {
        if Object::of(model).is_none() {
            bail!("nobody knows how to keep a {model} in ZooKeeper");
        }
        Ok(ZooKeeperClient {
            ensemble: Ensemble::new(cluster),
            names: cluster.iter().map(|member| member.name.clone()).collect(),
            documents: format!("/{run}"),
            model: model.into(),
            parents: OnceCell::new(),
            roles: Mutex::new(vec![None; cluster.len()]),
            errors: errors(),
        })
    }

    fn document(&self, key: &str) -> String {
        format!("{}/{key}", self.documents)
    }

    fn token(&self, token: &str) -> String {
        format!("{TOKENS}/{token}")
    }

    /// Makes the znodes below which everything stands, unless they are there.
    async fn make_parents(&self, node: usize) -> Result<(), Refusal> {
        for path in [TOKENS, &self.documents] {
            match self.write(node, &[Change::Create { path, data: &[] }]).await?[..] {
                [Outcome::Changed { .. } | Outcome::Failed(NODE_EXISTS)] => {}
                _ => return Err(Refusal::of("nonsense")),
            }
        }
        Ok(())
    }

    async fn write(&self, node: usize, changes: &[Change<'_>]) -> Result<Vec<Outcome>, Refusal> {
        let answers = self.ensemble.ask(node, &[Request::Write(changes)]).await?;
        outcomes(answers.last())
    }
}

fn outcomes(answer: Option<&Answer>) -> Result<Vec<Outcome>, Refusal> {
    answer.and_then(Answer::outcomes).ok_or_else(|| Refusal::of("nonsense"))
}

/// The znode that a read found; none where there is none.
fn found(outcome: Outcome) -> Result<Option<Znode>, Refusal> {
    match outcome {
        Outcome::Found(znode) => Ok(Some(znode)),
        Outcome::Failed(NO_NODE) => Ok(None),
        _ => Err(Refusal::of("nonsense")),
    }
}

/// What tells a document that was never set since it was created from one that is absent, which is
/// 0: one more than its version.
fn state_of(document: &Znode) -> u64 {
    u64::from(document.version.cast_unsigned()) + 1
}

impl Documents for ZooKeeperClient {
    /// `sync`, and then both znodes, in one session: a server answers what a session asks in order.
    /// A plain read answers what the server has, however stale; ZooKeeper promises no more.
    ///
    /// The document is read before the token. Whoever sees what an earlier attempt of the same
    /// operation wrote sees then its token as well, which that attempt creates first, and which
    /// nobody removes. In the other order the token could be created between the two reads, and
    /// an operation that had taken effect would find its precondition failed. So it is not relied
    /// on that a server shows a transaction all at once.
    fn read<'a>(
        &'a self,
        node: usize,
        key: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Seen, Refusal>> {
        Box::pin(async move {
            let token = token.map(|token| self.token(token));
            let paths: Vec<String> = [self.document(key)].into_iter().chain(token).collect();
            let asked = [Request::Sync, Request::Read(&paths)];
            let answers = self.ensemble.ask(node, &asked).await?;
            let read = outcomes(answers.last())?;
            if read.len() != paths.len() {
                return Err(Refusal::of("nonsense"));
            }
            let mut read = read.into_iter().map(found);
            let document = read.next().transpose()?.flatten();
            let kept = read.next().transpose()?.flatten();
            Ok(Seen {
                state: document.as_ref().map_or(0, state_of),
                version: document.as_ref().map(|found| found.mzxid),
                document: document.map(|found| found.data),
                token: kept.map(|kept| (kept.data, Some(kept.mzxid))),
            })
        })
    }

    fn replace<'a>(
        &'a self,
        node: usize,
        new: Replacement<'a>,
    ) -> BoxFuture<'a, Result<Replaced, Refusal>> {
        Box::pin(async move {
            self.parents.get_or_try_init(|| self.make_parents(node)).await?;
            let (path, token) = (&self.document(new.key), &self.token(new.token));
            let data = new.document;
            let change = match new.state.checked_sub(1) {
                None => Change::Create { path, data },
                // It was made of a version.
                Some(version) => Change::Set { path, data, version: version as u32 as i32 },
            };
            let token = Change::Create { path: token, data: new.answer };
            match self.write(node, &[token, change]).await?[..] {
                [Outcome::Changed { zxid }, Outcome::Changed { .. }] => {
                    Ok(Replaced::Done(Some(zxid)))
                }
                // The first operation that failed tells why, each other one only that one did.
                [Outcome::Failed(NODE_EXISTS), _]
                | [_, Outcome::Failed(NODE_EXISTS | BAD_VERSION)] => Ok(Replaced::Conflict),
                _ => Err(Refusal::of("nonsense")),
            }
        })
    }
}

impl Client for ZooKeeperClient {
    fn attempt<'a>(
        &'a self,
        node: usize,
        request: &'a crate::target::Request,
    ) -> BoxFuture<'a, Reply> {
        Box::pin(documents::attempt(self, &self.model, node, request))
    }

    /// A follower does not tell whom it follows, and knows the epoch only of the last transaction.
    /// It is said to follow whoever leads in the highest epoch by what all servers said last.
    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(async move {
            let role = role(self.ensemble.address(node)).await?;
            let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
            roles[node] = Some(role);
            let known = roles.iter().zip(&self.names);
            let leaders =
                known.filter_map(|(role, name)| role.filter(|it| it.leads).zip(Some(name)));
            let leader = leaders.max_by_key(|(role, _)| role.epoch());
            Some(match leader {
                // It does not know yet that somebody else was established after it.
                Some((highest, _)) if role.leads && role.epoch() < highest.epoch() => {
                    NodeStatus { leader: Some(self.names[node].clone()), term: role.epoch() }
                }
                Some((highest, name)) => {
                    NodeStatus { leader: Some(name.clone()), term: highest.epoch() }
                }
                None => NodeStatus { leader: None, term: role.epoch() },
            })
        })
    }

    fn errors(&self) -> &[ErrorRow] {
        &self.errors
    }

    fn honours_token(&self, _f: &str) -> bool {
        true
    }
}
