//! The JSON gateway: keys and values in base64, numbers in strings, refusals by their texts.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::targets::http::{self, transport_error};
use crate::targets::{ErrorRow, LogProgress, Member, Refusal, row};

/// The time that a question about a node may take that is no operation of a client.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

/// Refusals by what their texts contain, besides those of any HTTP client. All that etcd says after
/// it proposed something may come true later.
static REFUSALS: &[(&str, ErrorRow)] = &[
    ("too many requests", row("overloaded", true, "refused before it was proposed")),
    ("database space exceeded", row("no_space", true, "refused when it was applied")),
    ("request timed out", row("request_timed_out", false, "proposed, and not applied in time")),
    ("leader changed", row("leader_changed", false, "the leader changed meanwhile")),
    ("no leader", row("no_leader", false, "nobody leads")),
    ("server stopped", row("stopping", false, "the node is going down")),
    ("proposal dropped", row("proposal_dropped", false, "the node had nobody to propose it to")),
    ("re-configuration failed", row("too_few_members", true, "too few members would be left")),
    ("unhealthy cluster", row("unhealthy", true, "not all members are connected")),
    ("corrupt", row("corrupt", false, "the cluster found itself corrupt")),
];

/// An error that is none of these.
static OTHER_REFUSAL: ErrorRow = row("unavailable", false, "any other refusal of etcd");
static NONSENSE: ErrorRow = row("nonsense", false, "the answer could not be understood");

/// Every error that the gateway gives.
pub fn errors() -> Vec<ErrorRow> {
    let refusals = REFUSALS.iter().map(|(_, row)| row.clone());
    http::TRANSPORT_ERRORS
        .into_iter()
        .chain(refusals)
        .chain([OTHER_REFUSAL.clone(), NONSENSE.clone()])
        .collect()
}

/// Speaks to the members of one cluster.
#[derive(Debug, Clone)]
pub struct Gateway {
    http: reqwest::Client,
    urls: Vec<String>,
}

/// A key that a range found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Vec<u8>,
    /// The data that it holds.
    pub value: Vec<u8>,
    /// The revision at which it was last put.
    pub mod_revision: u64,
}

/// The outcome of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxnAnswer {
    /// The revision of the store: of a transaction that changed something its own, else that of
    /// what was read.
    pub revision: u64,
    /// True if every compare held.
    pub succeeded: bool,
    /// The keys that each range of the branch that was taken found; other requests found nothing.
    pub found: Vec<Vec<KeyValue>>,
}

/// The status of a member, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its id.
    pub id: String,
    /// The id of the member that it follows; none if it follows none.
    pub leader: Option<String>,
    /// Its term.
    pub term: u64,
    /// The progress of its log.
    pub progress: Option<LogProgress>,
}

/// A member, as the cluster knows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name; empty until it has started.
    #[serde(default)]
    pub name: String,
    /// The addresses at which others reach it.
    #[serde(default, rename = "peerURLs")]
    pub peer_urls: Vec<String>,
}

#[derive(Deserialize)]
struct ListBody {
    members: Vec<Listed>,
}

impl Gateway {
    /// To the members of that cluster, where clients reach them.
    ///
    /// # Errors
    /// When there are no means for HTTP.
    pub fn new(cluster: &[Member]) -> anyhow::Result<Gateway> {
        let urls = cluster.iter().map(|member| format!("http://{}/v3", member.for_clients));
        Ok(Gateway { http: http::client()?, urls: urls.collect() })
    }

    /// The number of members.
    pub fn members(&self) -> usize {
        self.urls.len()
    }

    /// One call.
    ///
    /// # Errors
    /// The row of the error table.
    pub async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        node: usize,
        path: &str,
        body: &Value,
    ) -> Result<T, Refusal> {
        let refuse = |error: &reqwest::Error| Refusal::of(transport_error(error));
        let sent = self.http.post(format!("{}/{path}", self.urls[node])).json(body).send().await;
        let answer = sent.map_err(|error| refuse(&error))?;
        let (status, body) = (answer.status(), answer.bytes().await);
        let body = body.map_err(|error| refuse(&error))?;
        if !status.is_success() {
            return Err(refused(&String::from_utf8_lossy(&body)));
        }
        serde_json::from_slice(&body).map_err(|_| Refusal::of("nonsense"))
    }

    /// All keys from `from` up to but without `end`, or that key alone, with the revision of the
    /// store that was read. etcd answers linearizably through any member.
    ///
    /// # Errors
    /// The row of the error table.
    pub async fn range(
        &self,
        node: usize,
        from: &str,
        end: Option<Vec<u8>>,
    ) -> Result<(u64, Vec<KeyValue>), Refusal> {
        let mut question = json!({"key": encode(from)});
        if let Some(end) = end {
            question["range_end"] = encode(end).into();
        }
        let answer: RangeBody = self.call(node, "kv/range", &question).await?;
        let nonsense = || Refusal::of("nonsense");
        let revision = answer.header.revision.parse().map_err(|_| nonsense())?;
        Ok((revision, answer.understood().ok_or_else(nonsense)?))
    }

    /// A transaction.
    ///
    /// # Errors
    /// The row of the error table.
    pub async fn txn(&self, node: usize, txn: &Value) -> Result<TxnAnswer, Refusal> {
        let answer: TxnBody = self.call(node, "kv/txn", txn).await?;
        answer.understood().ok_or_else(|| Refusal::of("nonsense"))
    }

    /// Returns true if a refusal proves that nothing happened.
    pub fn is_definite(refusal: &Refusal) -> bool {
        errors().iter().any(|row| row.definite && row.name == refusal.error)
    }

    /// All members, as one of them knows them.
    ///
    /// # Errors
    /// The row of the error table.
    pub async fn listed(&self, node: usize) -> Result<Vec<Listed>, Refusal> {
        Ok(self.call::<ListBody>(node, "cluster/member/list", &json!({})).await?.members)
    }

    /// The status of a member, in its own words; none when it does not answer in time.
    pub async fn status(&self, node: usize) -> Option<MemberStatus> {
        let nothing = json!({});
        let asked = self.call::<StatusBody>(node, "maintenance/status", &nothing);
        let status = tokio::time::timeout(STATUS_TIMEOUT, asked).await.ok()?.ok()?;
        let leader = status.leader.filter(|leader| leader != "0");
        let number = |text: &Option<String>| text.as_ref()?.parse().ok();
        let applied = number(&status.raft_applied_index);
        let progress = number(&status.raft_index).map(|commit| LogProgress { commit, applied });
        Some(MemberStatus {
            id: status.header.member_id,
            leader,
            term: status.header.raft_term.parse().ok()?,
            progress,
        })
    }
}

/// Which refusal a text is.
fn refused(text: &str) -> Refusal {
    let known = REFUSALS.iter().find(|(part, _)| text.contains(part));
    let row = known.map_or(&OTHER_REFUSAL, |(_, row)| row);
    Refusal { error: row.name.clone(), leader: None }
}

/// A key or a value as the gateway wants it.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// That a key is absent.
pub fn is_absent(key: &str) -> Value {
    json!({"key": encode(key), "target": "CREATE", "create_revision": "0", "result": "EQUAL"})
}

/// That a key was last put at that revision; 0 if it is absent.
pub fn is_at(key: &str, revision: u64) -> Value {
    let revision = revision.to_string();
    json!({"key": encode(key), "target": "MOD", "mod_revision": revision, "result": "EQUAL"})
}

/// That a key holds that value.
pub fn holds(key: &str, value: &[u8]) -> Value {
    json!({"key": encode(key), "target": "VALUE", "value": encode(value), "result": "EQUAL"})
}

/// Puts a key.
pub fn put(key: &str, value: &[u8]) -> Value {
    json!({"request_put": {"key": encode(key), "value": encode(value)}})
}

/// Puts a key that goes with a lease.
pub fn put_with_lease(key: &str, value: &[u8], lease: &str) -> Value {
    json!({"request_put": {"key": encode(key), "value": encode(value), "lease": lease}})
}

/// Deletes a key.
pub fn delete(key: &str) -> Value {
    json!({"request_delete_range": {"key": encode(key)}})
}

/// Reads a key.
pub fn get(key: &str) -> Value {
    json!({"request_range": {"key": encode(key)}})
}

/// The first key behind all that begin with `prefix`, which is text and so has no byte 255.
pub fn end_of(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

#[derive(Default, Deserialize)]
struct Header {
    #[serde(default)]
    member_id: String,
    #[serde(default = "zero")]
    revision: String,
    #[serde(default = "zero")]
    raft_term: String,
}

/// A number as the gateway writes it: in a string, or left out if it is 0.
pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Null => Some(0),
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64(),
    }
}

/// The values that the gateway leaves out.
fn zero() -> String {
    "0".into()
}

#[derive(Deserialize)]
struct StatusBody {
    header: Header,
    leader: Option<String>,
    /// The index up to which its log is committed.
    #[serde(rename = "raftIndex")]
    raft_index: Option<String>,
    #[serde(rename = "raftAppliedIndex")]
    raft_applied_index: Option<String>,
}

#[derive(Deserialize)]
struct TxnBody {
    header: Header,
    #[serde(default)]
    succeeded: bool,
    #[serde(default)]
    responses: Vec<ResponseBody>,
}

#[derive(Deserialize)]
struct ResponseBody {
    response_range: Option<RangeBody>,
}

/// The keys that a range found.
#[derive(Deserialize)]
pub struct RangeBody {
    header: Header,
    #[serde(default)]
    kvs: Vec<KeyValueBody>,
}

#[derive(Deserialize)]
struct KeyValueBody {
    key: String,
    #[serde(default)]
    value: String,
    mod_revision: String,
}

impl TxnBody {
    fn understood(self) -> Option<TxnAnswer> {
        let found = self.responses.into_iter().map(|response| match response.response_range {
            Some(range) => range.understood(),
            None => Some(Vec::new()),
        });
        Some(TxnAnswer {
            revision: self.header.revision.parse().ok()?,
            succeeded: self.succeeded,
            found: found.collect::<Option<_>>()?,
        })
    }
}

impl RangeBody {
    /// The keys; none if it is not what etcd says.
    pub fn understood(self) -> Option<Vec<KeyValue>> {
        let understand = |body: KeyValueBody| {
            Some(KeyValue {
                key: BASE64_STANDARD.decode(body.key).ok()?,
                value: BASE64_STANDARD.decode(body.value).ok()?,
                mod_revision: body.mod_revision.parse().ok()?,
            })
        };
        self.kvs.into_iter().map(understand).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_text_and_an_unknown_one_proves_nothing() {
        let errors = errors();
        let definite = |text: &str| {
            let error = refused(text).error;
            errors.iter().find(|row| row.name == error).map(|row| row.definite)
        };
        assert_eq!(definite(r#"{"error":"etcdserver: too many requests","code":8}"#), Some(true));
        assert_eq!(definite(r#"{"error":"etcdserver: request timed out","code":14}"#), Some(false));
        assert_eq!(definite("all SubConns are in TransientFailure"), Some(false));
    }

    #[test]
    fn a_transaction_is_read_with_what_the_gateway_leaves_out() {
        let body = r#"{"header":{"member_id":"1","revision":"7","raft_term":"2"},"responses":[
            {"response_range":{"header":{"revision":"7"},
                "kvs":[{"key":"aw==","mod_revision":"5"}],"count":"1"}},
            {"response_put":{"header":{"revision":"7"}}}]}"#;
        let answer: TxnBody = serde_json::from_str(body).expect("it is JSON");
        let answer = answer.understood().expect("it is what etcd says");
        assert_eq!((answer.revision, answer.succeeded), (7, false));
        let found = KeyValue { key: b"k".into(), value: Vec::new(), mod_revision: 5 };
        assert_eq!(answer.found, [vec![found], vec![]]);
    }
}
