//! Asks members for all that they hold, as the manifest tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use checker::oracle::divergence::{Contents, Held};
use serde_json::Value;
use tokio::time::timeout;

use super::answer::{Place, Reading, is_pointer, number};
use super::client::ManifestClient;
use super::node::of_member;
use super::order::{Prepared, Written, of_order};
use super::request::{Exchange, HttpResponse};
use super::schema;
use super::source::Source;
use super::step::SetUp;
use super::target::Service;
use super::template::Names;
use crate::targets::{BoxFuture, Dumper, Member};

/// The time that one answer may take: all members are asked at the same time on a machine that may
/// be small.
const PATIENCE: Duration = Duration::from_secs(10);

/// The question to a member for all that it holds.
#[derive(Debug)]
pub struct Dump {
    /// The question.
    pub asked: Prepared,
    entries: Place,
    key: Option<Reading>,
    key_after: Option<String>,
    value: Reading,
    version: Option<String>,
    revision: Option<Place>,
}

impl Dump {
    /// Understands `[dump]`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(
        source: &Source<'_>,
        dump: &schema::Dump,
        status: &schema::Status,
        names: &Names<'_>,
        set_ups: &[SetUp],
    ) -> Result<Dump> {
        let schema::Dump { first, request, command, headers, json, body, .. } = dump;
        let written = Written { first, request, command, headers, json, body };
        let asked = request.as_ref().map(toml::Spanned::span);
        let asked = asked.or(command.as_ref().map(toml::Spanned::span));
        let at = asked.unwrap_or_else(|| dump.entries.span());
        if status.applied.is_none() {
            let what = "members are compared when they are equally far: [status] must say by \
                        applied where a node tells how far it has applied its log";
            return Err(source.error(at, what));
        }
        let all = toml::Spanned::new(0..0, toml::Value::from(""));
        let reading = |value: &_| Reading::compile(source, value);
        let version = match &dump.version {
            Some(text) if !is_pointer(text.get_ref()) => {
                return Err(source.error(text.span(), "version is a JSON pointer into an element"));
            }
            version => version.as_ref().map(|text| text.get_ref().clone()),
        };
        Ok(Dump {
            asked: Prepared::compile(source, &written, at, names, set_ups)?,
            entries: Place::compile(source, &dump.entries)?,
            key: dump.key.as_ref().map(reading).transpose()?,
            key_after: dump.key_after.clone(),
            value: reading(dump.value.as_ref().unwrap_or(&all))?,
            version,
            revision: dump.revision.as_ref().map(|it| Place::compile(source, it)).transpose()?,
        })
    }

    /// The contents of the member, as an answer says.
    fn held(&self, heard: &HttpResponse) -> Result<BTreeMap<String, Held>, String> {
        // Services leave out a list that is empty.
        let entries = self.entries.find(heard).unwrap_or_default();
        match (entries, &self.key) {
            (Value::Null, _) => Ok(BTreeMap::new()),
            (Value::Array(elements), Some(key)) => {
                elements.iter().map(|it| self.entry(&key.read_in(it)?, it)).collect()
            }
            (Value::Object(fields), None) => {
                fields.iter().map(|(key, it)| self.entry(key, it)).collect()
            }
            (Value::Array(_), None) => Err("entries are a list, and key does not say where the \
                                            key of each is"
                .into()),
            (Value::Object(_), Some(_)) => {
                Err("entries are a map whose keys are the keys, but key is a place".into())
            }
            (other, _) => Err(format!("entries are neither a list nor a map: {other}")),
        }
    }

    fn entry(&self, key: &str, element: &Value) -> Result<(String, Held), String> {
        let name = self.key_after.as_ref().and_then(|mark| key.split_once(mark.as_str()));
        let name = name.map_or(key, |(_, name)| name).to_owned();
        let version = self.version.as_ref().and_then(|at| element.pointer(at)).and_then(number);
        Ok((name, Held { value: self.value.read_in(element)?, version }))
    }
}

/// Asks members where clients reach them.
pub struct ManifestDumper {
    client: ManifestClient,
    service: Arc<Service>,
    cluster: Vec<Member>,
    /// The addresses at which clients reach them.
    endpoints: Vec<String>,
}

impl ManifestDumper {
    /// # Errors
    /// When there are no means for HTTP.
    pub fn new(service: Arc<Service>, cluster: &[Member]) -> Result<ManifestDumper> {
        let endpoint = |member: &Member| member.for_clients.to_string();
        let model = service.models.keys().next().context("a manifest has some workload")?;
        Ok(ManifestDumper {
            client: ManifestClient::new(service.clone(), cluster, "", model)?,
            service,
            endpoints: cluster.iter().map(endpoint).collect(),
            cluster: cluster.to_vec(),
        })
    }

    async fn dump(&self, node: usize) -> Result<Contents> {
        let dump = self.service.dump.as_ref().context("the manifest has no [dump]")?;
        let before = self.applied(node).await?;
        let scope = |name: &str| -> Value {
            let own = of_order(name, None, &self.endpoints[node], &self.endpoints);
            own.unwrap_or_else(|| of_member(&self.cluster, node, name))
        };
        let place = dump.asked.inquiry.place();
        let exchange = match timeout(PATIENCE, self.client.inquire(node, &dump.asked, &scope)).await
        {
            Ok(asked) => Some(asked.map_err(|why| anyhow!("{place}: {why}"))?),
            Err(_) => None,
        };
        let (held, revision) = read(place, exchange, |heard| {
            let revision = dump.revision.as_ref().and_then(|place| place.number(heard));
            Ok((dump.held(heard)?, revision))
        })?;
        if before != self.applied(node).await? {
            bail!("it still applied entries");
        }
        let node = self.cluster[node].name.clone();
        Ok(Contents { node, position: Some(before), revision, digest: None, held })
    }

    /// The position of a member in the log.
    async fn applied(&self, node: usize) -> Result<u64> {
        let status = &self.service.status;
        let place = status.applied.as_ref().context("[status] has no applied")?;
        let lacks =
            || format!("there is no number at {}, where applied is said to be", place.name());
        let heard = self.client.hear_status(node, PATIENCE).await;
        let asked = status.asked.inquiry.place();
        read(asked, heard, |heard| place.number(heard).ok_or_else(lacks))
    }
}

/// Reads the answer to what that place asks, if there is one.
fn read<T>(
    place: &str,
    exchange: Option<Exchange>,
    read: impl FnOnce(&HttpResponse) -> Result<T, String>,
) -> Result<T> {
    let exchange = exchange.with_context(|| format!("no answer to {place}"))?;
    let read = match &exchange.heard {
        Ok(heard) => read(heard),
        Err(lost) => Err(lost.text.clone()),
    };
    read.map_err(|why| anyhow!("{why}\n{exchange}"))
}

impl Dumper for ManifestDumper {
    fn contents(&self, node: usize) -> BoxFuture<'_, Result<Contents>> {
        Box::pin(self.dump(node))
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::names;
    use super::*;

    fn dump(text: &str) -> Dump {
        let status = "request = \"GET /\"\napplied = \"/applied\"";
        let status: schema::Status = toml::from_str(status).expect("it is a status");
        let schema: schema::Dump = toml::from_str(text).expect("it is a dump");
        let variables = BTreeMap::new();
        let source = Source { path: "dump.toml".as_ref(), text, variables };
        Dump::compile(&source, &schema, &status, &names(0), &[]).expect("it makes sense")
    }

    #[test]
    fn a_list_and_a_map_are_read_alike() {
        let list = dump(
            "request = \"GET /dump\"\nentries = \"/kvs\"\nkey = \"/k\"\nkey_after = \"/\"\n\
             value = { at = \"/v\", decode = [\"base64\"] }\nversion = \"/m\"",
        );
        let held =
            list.held(&HttpResponse::of(200, r#"{"kvs":[{"k":"r1/k3","v":"Nw==","m":"5"}]}"#));
        let seven = Held { value: "7".into(), version: Some(5) };
        assert_eq!(held, Ok([("k3".to_owned(), seven)].into()));
        assert_eq!(list.held(&HttpResponse::of(200, "{}")), Ok(BTreeMap::new()));

        let map = dump("request = \"GET /dump\"\nentries = \"\"");
        let held = map.held(&HttpResponse::of(200, r#"{"k3":[7]}"#));
        assert_eq!(
            held,
            Ok([("k3".to_owned(), Held { value: "[7]".into(), version: None })].into())
        );
        let wrong = map.held(&HttpResponse::of(200, "[7]")).expect_err("that is a list");
        assert!(wrong.contains("key does not say"), "{wrong}");
    }
}
