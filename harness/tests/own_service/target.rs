//! The service as a target: its start, and its client.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use stormproof::anyhow::{self, ensure};
use stormproof::prelude::*;
use stormproof::tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use stormproof::tokio::net::TcpStream;

/// Makes this program a node.
pub const NODE: &str = "node";

/// The service.
pub struct Journal;

impl Target for Journal {
    fn name(&self) -> &str {
        "journal"
    }

    fn version(&self) -> anyhow::Result<String> {
        Ok("1".to_owned())
    }

    fn launch(&self, cluster: &[Member], node: usize) -> Launch {
        let Member { listens, data, .. } = &cluster[node];
        let data = data.display().to_string();
        Launch::of(vec!["/proc/self/exe".to_owned(), NODE.to_owned(), listens.to_string(), data])
    }

    fn knows_leader(&self) -> bool {
        false
    }

    fn client(
        &self,
        cluster: &[Member],
        run: &str,
        model: &str,
    ) -> anyhow::Result<Arc<dyn Client>> {
        ensure!(model == "register", "the service has registers, and no {model}");
        let addresses = cluster.iter().map(|member| member.for_clients).collect();
        Ok(Arc::new(Registers { addresses, run: run.to_owned() }))
    }
}

/// `definite` means that the request had and will have no effect.
const ERRORS: &[ErrorRow] = &[
    row("connection_refused", true, "no process listens there"),
    row("connection_lost", false, "the connection broke after the request was sent"),
    row("timeout", false, "no answer in time"),
    row("nonsense", false, "the answer could not be understood"),
];

struct Registers {
    addresses: Vec<SocketAddr>,
    run: String,
}

impl Registers {
    async fn ask(&self, node: usize, question: String) -> Result<String, Refusal> {
        let connection = TcpStream::connect(self.addresses[node]).await;
        let mut connection = connection.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => Refusal::of("connection_refused"),
            _ => Refusal::of("connection_lost"),
        })?;
        let lost = |_| Refusal::of("connection_lost");
        connection.write_all(format!("{question}\n").as_bytes()).await.map_err(lost)?;
        let mut answer = String::new();
        BufReader::new(connection).read_line(&mut answer).await.map_err(lost)?;
        match answer.strip_suffix('\n') {
            Some(answer) => Ok(answer.to_owned()),
            None => Err(Refusal::of("connection_lost")),
        }
    }

    async fn act(&self, node: usize, request: &Request) -> Result<Answer, Refusal> {
        let key = format!("{}/{}", self.run, request.key);
        let value = &request.value;
        let question = match request.f {
            "read" => format!("get {key}"),
            "write" => format!("set {key} {value}"),
            _ => format!("swap {key} {} {}", value[0], value[1]),
        };
        let answer = self.ask(node, question).await?;
        let value = match (answer.as_str(), answer.strip_prefix("value ")) {
            ("done", _) => Some(value.clone()),
            ("none", _) => Some(Value::Null),
            ("differs", _) => None,
            (_, Some(number)) => {
                Some(json!(number.parse::<i64>().map_err(|_| Refusal::of("nonsense"))?))
            }
            _ => return Err(Refusal::of("nonsense")),
        };
        Ok(Answer { value, version: None })
    }
}

impl Client for Registers {
    fn attempt<'a>(&'a self, node: usize, request: &'a Request) -> BoxFuture<'a, Reply> {
        Box::pin(async move { self.act(node, request).await.into() })
    }

    fn status(&self, node: usize) -> BoxFuture<'_, Option<NodeStatus>> {
        Box::pin(async move {
            self.ask(node, "get status".to_owned()).await.ok()?;
            Some(NodeStatus { leader: None, term: 0 })
        })
    }

    fn errors(&self) -> &[ErrorRow] {
        ERRORS
    }

    /// It has no tokens: a mutation is sent again only after it was surely not carried out.
    fn honours_token(&self, _f: &str) -> bool {
        false
    }
}
