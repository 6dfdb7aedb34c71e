//! Operations as transactions of ZooKeeper: every object is a [document](documents), a znode of
//! its own.

use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use tokio::sync::OnceCell;
use workloads::Object;

use super::four_letters::{Role, role};
use super::messages::{Answer, BAD_VERSION, Change, NO_NODE, NODE_EXISTS, Outcome, Request, Znode};
use super::session::{Ensemble, errors};
use super::target::Reads;
use crate::targets::documents::{self, Documents, Replaced, Replacement, Seen};
use crate::targets::{
    BoxFuture, Client, ErrorRow, LogProgress, Member, NodeStatus, Refusal, Reply,
};

/// The znode below which all tokens stand; no run is called so.
pub(super) const TOKENS: &str = "/token";

/// A client of one cluster.
pub struct ZooKeeperClient {
    ensemble: Ensemble,
    names: Vec<String>,
    /// The znode below which all documents stand, named after the run.
    documents: String,
    model: String,
    reads: Reads,
    /// True if that znode and the one of the tokens are there.
    parents: OnceCell<()>,
    /// The role of each server, as it said last.
    roles: Mutex<Vec<Option<Role>>>,
    errors: Vec<ErrorRow>,
}

impl ZooKeeperClient {
    /// # Errors
    /// When there are no objects of that model.
    pub fn new(
        cluster: &[Member],
        run: &str,
        model: &str,
        reads: Reads,
    ) -> anyhow::Result<ZooKeeperClient> {
        if Object::of(model).is_none() {
            bail!("nobody knows how to keep a {model} in ZooKeeper");
        }
        Ok(ZooKeeperClient {
            ensemble: Ensemble::new(cluster),
            names: cluster.iter().map(|member| member.name.clone()).collect(),
            documents: format!("/{run}"),
            model: model.into(),
            reads,
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
    async fn have_parents(&self, node: usize) -> Result<(), Refusal> {
        let make = async || {
            for path in [TOKENS, &self.documents] {
                match self.write(node, &[Change::Create { path, data: &[] }]).await?[..] {
                    [Outcome::Created | Outcome::Failed(NODE_EXISTS)] => {}
                    _ => return Err(Refusal::of("nonsense")),
                }
            }
            Ok(())
        };
        self.parents.get_or_try_init(make).await.copied()
    }

    /// Reads znodes in order, as freshly as was asked for: a server answers what a session asks in
    /// order.
    async fn look_up(&self, node: usize, paths: &[String]) -> Result<Vec<Outcome>, Refusal> {
        let read = Request::Read(paths);
        let touch = [Change::Set { path: &self.documents, data: &[], version: -1 }];
        let asked: &[Request<'_>] = match self.reads {
            Reads::Sync => &[Request::Sync, read],
            Reads::Quorum => {
                self.have_parents(node).await?;
                &[Request::Write(&touch), read]
            }
            Reads::Plain => &[read],
        };
        let answers = self.ensemble.ask(node, asked).await?;
        let written = |answer: &Answer| answer.outcomes().is_some_and(|it| cause(&it).is_none());
        if self.reads == Reads::Quorum && !answers.first().is_some_and(written) {
            return Err(Refusal::of("nonsense"));
        }
        outcomes(answers.last()).and_then(|read| match read.len() == paths.len() {
            true => Ok(read),
            false => Err(Refusal::of("nonsense")),
        })
    }

    async fn write(&self, node: usize, changes: &[Change<'_>]) -> Result<Vec<Outcome>, Refusal> {
        let answers = self.ensemble.ask(node, &[Request::Write(changes)]).await?;
        outcomes(answers.last())
    }
}

fn outcomes(answer: Option<&Answer>) -> Result<Vec<Outcome>, Refusal> {
    answer.and_then(Answer::outcomes).ok_or_else(|| Refusal::of("nonsense"))
}

/// The error code for which a transaction failed; none if it was made.
fn cause(outcomes: &[Outcome]) -> Option<i32> {
    let codes = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Failed(code) => Some(*code),
        _ => None,
    });
    codes.reduce(|cause, code| if cause == 0 { code } else { cause })
}

/// The znode that a read found; none where there is none.
fn found(outcome: Outcome) -> Result<Option<Znode>, Refusal> {
    match outcome {
        Outcome::Found(znode) => Ok(Some(znode)),
        Outcome::Failed(NO_NODE) => Ok(None),
        _ => Err(Refusal::of("nonsense")),
    }
}

/// The mark that tells a document that was never set since it was created from one that is absent,
/// which is 0: one more than its version.
fn state_of(document: &Znode) -> u64 {
    u64::from(document.version.cast_unsigned()) + 1
}

impl Documents for ZooKeeperClient {
    /// The document is read before the token. A client that sees what an earlier attempt of the
    /// same operation wrote sees then its token as well, which that attempt creates first, and
    /// which is never removed. In the other order the token could be created between the two reads,
    /// and an operation that had taken effect would find its precondition failed. So it is not
    /// relied on that a server shows a transaction all at once.
    fn read<'a>(
        &'a self,
        node: usize,
        key: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Seen, Refusal>> {
        Box::pin(async move {
            let token = token.map(|token| self.token(token));
            let paths: Vec<String> = [self.document(key)].into_iter().chain(token).collect();
            let mut read = self.look_up(node, &paths).await?.into_iter().map(found);
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
            self.have_parents(node).await?;
            let (path, token) = (&self.document(new.key), &self.token(new.token));
            let data = new.document;
            let set = |version| Change::Set { path, data, version };
            let mut changes = vec![Change::Create { path: token, data: new.answer }];
            match new.state.checked_sub(1) {
                // Only what is set tells the zxid of its transaction.
                None => changes.extend([Change::Create { path, data }, set(0)]),
                Some(version) => changes.push(set(version as u32 as i32)),
            }
            let outcomes = self.write(node, &changes).await?;
            match (cause(&outcomes), outcomes.last()) {
                (None, Some(Outcome::Set { zxid })) => Ok(Replaced::Done(Some(*zxid))),
                (Some(NODE_EXISTS | BAD_VERSION), _) => Ok(Replaced::Conflict),
                _ => Err(Refusal::of("nonsense")),
            }
        })
    }
}

impl Client for ZooKeeperClient {
    fn attempt<'a>(
        &'a self,
        node: usize,
        request: &'a crate::targets::Request,
    ) -> BoxFuture<'a, Reply> {
        Box::pin(documents::attempt(self, &self.model, node, request))
    }

    /// A follower does not tell whom it follows, and knows the epoch only of the last transaction.
    /// It is said to follow the server that leads in the highest epoch by what all servers said
    /// last.
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

    /// A server tells with its role the last transaction that it applied, which is committed by then.
    /// It logs each question, so there is none of its own for this.
    fn progress(&self, node: usize) -> Option<BoxFuture<'_, Option<LogProgress>>> {
        let role = self.roles.lock().unwrap_or_else(PoisonError::into_inner)[node];
        let progress = role.map(|role| LogProgress { commit: role.zxid, applied: None });
        Some(Box::pin(std::future::ready(progress)))
    }

    fn errors(&self) -> &[ErrorRow] {
        &self.errors
    }

    fn honours_token(&self, _f: &str) -> bool {
        true
    }
}
