//! The connections to the servers of one cluster, and what NATS answers over them.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::{ConnectOptions, HeaderMap, Message, Request, RequestErrorKind};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::target::{CLIENT, OBSERVER};
use crate::targets::{ErrorRow, Member, Refusal, row};

/// The stream.
pub(super) const STREAM: &str = "stormproof";

/// The time that a connection may take to open: long on a machine that is busy, short beside the
/// time that a node is cut off for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Between two trials to connect.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// The time between two pings of a connection. After two without an answer it is opened anew,
/// sooner than TCP would send again after a long cut.
const PING_INTERVAL: Duration = Duration::from_secs(1);

/// The time that a question about a server may take that is no operation of a client.
const STATUS_TIMEOUT: Duration = Duration::from_millis(500);

/// The time for which JetStream remembers the ids of messages: longer than any run, also one in
/// which clocks jump.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most messages that one answer has; servers have a limit of bytes besides.
const PIECE: usize = 1_000;

/// Headers of what replicas tell.
const SUBJECT: &str = "Nats-Subject";
const SEQUENCE: &str = "Nats-Sequence";
/// The sequence of the message before, in the same answer; 0 of the first one.
const LAST_SEQUENCE: &str = "Nats-Last-Sequence";
/// The number of messages that are left behind this one.
const PENDING: &str = "Nats-Num-Pending";

/// Statuses of what replicas tell; messages have none.
const END_OF_PIECE: u16 = 204;
const NO_MESSAGE: u16 = 404;
const NO_RESPONDERS: u16 = 503;

/// Every error that a client reports.
pub(super) static ERRORS: [ErrorRow; 9] = [
    row("disconnected", true, "there was no connection to send it by"),
    row("no_responders", true, "the server knew nobody who takes it: the stream has no leader"),
    row("unsendable", true, "the client library refused to send it"),
    row("timeout", false, "no answer in time"),
    row("connection_lost", false, "the connection was given up after the request was sent"),
    row(
        "moved",
        true,
        "somebody else took the element, or an earlier request of the same operation",
    ),
    row("refused", false, "JetStream answered with an error, maybe after it proposed the message"),
    row("behind", false, "the node's replica did not tell a whole answer"),
    row("nonsense", false, "the answer could not be understood"),
];

/// Versions that read in batches under the lock of the stream and take it a second time, which is
/// for ever if a message is stored in between ([nats-server#7458]).
///
/// [nats-server#7458]: https://github.com/nats-io/nats-server/pull/7458
const DEADLOCKING: [&str; 2] = ["2.12.0", "2.12.1"];

/// To every member, where clients reach it, once somebody asks for it.
pub(super) struct Connections {
    members: Vec<Lines>,
    always_in_batches: bool,
}

/// To one member.
struct Lines {
    address: String,
    client: OnceCell<async_nats::Client>,
    observer: OnceCell<async_nats::Client>,
}

/// A message as the stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// Its subject.
    pub subject: String,
    /// Its sequence in the stream.
    pub sequence: u64,
    /// The message that was published.
    pub payload: Vec<u8>,
}

/// A message that is in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Published {
    /// Its sequence.
    pub sequence: u64,
    /// True if one with the same id was there already, and is meant.
    pub is_repeat: bool,
}

/// The answer to a publish.
#[derive(Deserialize)]
struct PublishAnswer {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    #[serde(default)]
    err_code: u64,
}

/// The error of a publish that expected another message to be the last one of its subject.
const WRONG_LAST_SEQUENCE: u64 = 10_071;

/// The answer to a request to JetStream's interface.
#[derive(Deserialize)]
struct InterfaceAnswer {
    error: Option<Value>,
}

/// The answer of a server to a question about itself.
#[derive(Deserialize)]
struct ServerAnswer<T> {
    data: T,
}

impl Connections {
    pub(super) fn new(cluster: &[Member], always_in_batches: bool) -> Self {
        let lines = |member: &Member| Lines {
            address: format!("nats://{}", member.for_clients),
            client: OnceCell::new(),
            observer: OnceCell::new(),
        };
        Connections { members: cluster.iter().map(lines).collect(), always_in_batches }
    }

    /// Publishes a message; with an id that was published before, that is not done again. With
    /// `after`, only if the message of that sequence is the last one of the subject, or for 0 if
    /// there is none.
    ///
    /// # Errors
    /// The row of the error table.
    pub(super) async fn publish(
        &self,
        node: usize,
        subject: String,
        id: Option<&str>,
        after: Option<u64>,
        payload: Vec<u8>,
    ) -> Result<Published, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_EXPECTED_STREAM, STREAM);
        if let Some(id) = id {
            headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        }
        if let Some(after) = after {
            let header = async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
            headers.insert(header, after.to_string());
        }
        let client = self.client(node).await?;
        let request = Request::new().headers(headers).payload(payload.into());
        let answer: PublishAnswer = ask(&client, subject, request).await?;
        match answer {
            PublishAnswer { error: Some(ApiError { err_code: WRONG_LAST_SEQUENCE }), .. } => {
                Err(Refusal::of("moved"))
            }
            PublishAnswer { error: Some(_), .. } => Err(Refusal::of("refused")),
            PublishAnswer { seq: 0, .. } => Err(Refusal::of("nonsense")),
            PublishAnswer { seq, duplicate, .. } => {
                Ok(Published { sequence: seq, is_repeat: duplicate })
            }
        }
    }

    /// All messages whose subjects match, in their order, as one replica after the other tells
    /// them: the node's own as long as it has one that serves. Each piece of the answer is from
    /// one replica, and holds all that it has up to its last message.
    ///
    /// # Errors
    /// The row of the error table.
    pub(super) async fn messages(&self, node: usize, filter: &str) -> Result<Vec<Stored>, Refusal> {
        let client = self.client(node).await?;
        let mut found: Vec<Stored> = Vec::new();
        loop {
            let from = found.last().map_or(1, |last| last.sequence + 1);
            let before = found.len();
            let deadlocks = DEADLOCKING.contains(&&*client.server_info().version);
            let left = match deadlocks && !self.always_in_batches {
                true => one(&client, filter, from, &mut found).await?,
                false => piece(&client, filter, from, &mut found).await?,
            };
            if left == 0 {
                return Ok(found);
            }
            if found.len() == before {
                return Err(Refusal::of("behind"));
            }
        }
    }

    /// Makes the stream, if it is not there.
    ///
    /// # Errors
    /// The word of JetStream, or the reason why there is none.
    pub(super) async fn make_stream(&self, node: usize) -> Result<(), Refusal> {
        let configuration = json!({
            "name": STREAM,
            "subjects": [format!("{STREAM}.>")],
            "storage": "file",
            "retention": "limits",
            "discard": "new",
            "num_replicas": self.members.len(),
            "duplicate_window": DUPLICATE_WINDOW.as_nanos() as u64,
            "allow_direct": true,
        });
        self.interface(node, "STREAM.CREATE", &configuration).await
    }

    /// Has the stream's leader hand over to the member of that name.
    ///
    /// # Errors
    /// The word of JetStream, or the reason why there is none.
    pub(super) async fn step_down(&self, node: usize, to: &str) -> Result<(), Refusal> {
        let wanted = json!({"placement": {"preferred": to}});
        self.interface(node, "STREAM.LEADER.STEPDOWN", &wanted).await
    }

    /// A request to JetStream's interface about the stream.
    async fn interface(&self, node: usize, what: &str, question: &Value) -> Result<(), Refusal> {
        let client = self.client(node).await?;
        let request = Request::new().payload(words(question).into());
        let asked = ask::<InterfaceAnswer>(&client, format!("$JS.API.{what}.{STREAM}"), request);
        let answer = timeout(STATUS_TIMEOUT, asked).await.map_err(|_| Refusal::of("timeout"))??;
        match answer.error {
            Some(_) => Err(Refusal::of("refused")),
            None => Ok(()),
        }
    }

    /// The status of a server, of that kind (`RAFTZ`, `JSZ`); none when it says nothing in
    /// time.
    pub(super) async fn told_by_server<T: for<'a> Deserialize<'a>>(
        &self,
        node: usize,
        kind: &str,
        question: &Value,
    ) -> Option<T> {
        let observer =
            connected(&self.members[node].address, &self.members[node].observer, OBSERVER);
        let observer = observer.await.ok()?;
        // Servers that were started again have another id.
        let id = observer.try_server_info()?.server_id;
        let subject = format!("$SYS.REQ.SERVER.{id}.{kind}");
        let request = Request::new().payload(words(question).into());
        let asked = ask::<ServerAnswer<T>>(&observer, subject, request);
        Some(timeout(STATUS_TIMEOUT, asked).await.ok()?.ok()?.data)
    }

    async fn client(&self, node: usize) -> Result<async_nats::Client, Refusal> {
        connected(&self.members[node].address, &self.members[node].client, CLIENT).await
    }
}

/// The open connection of that user; it is made the first time and kept up ever after.
async fn connected(
    address: &str,
    line: &OnceCell<async_nats::Client>,
    user: &str,
) -> Result<async_nats::Client, Refusal> {
    let client = line.get_or_try_init(|| {
        ConnectOptions::new()
            .user_and_password(user.into(), user.into())
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(|_| RECONNECT_PAUSE)
            // This line is to this node. Whom else it knows is of no interest.
            .ignore_discovered_servers()
            .retry_on_initial_connect()
            .connect(address)
    });
    let client = client.await.map_err(|_| Refusal::of("disconnected"))?;
    // What is sent without a connection would be kept and sent later on.
    match client.connection_state() {
        State::Connected => Ok(client.clone()),
        State::Pending | State::Disconnected => Err(Refusal::of("disconnected")),
    }
}

/// Sends a request and understands its answer.
async fn ask<T: for<'a> Deserialize<'a>>(
    client: &async_nats::Client,
    subject: String,
    request: Request,
) -> Result<T, Refusal> {
    let answer = send(client, subject, request).await?;
    serde_json::from_slice(&answer.payload).map_err(|_| Refusal::of("nonsense"))
}

async fn send(
    client: &async_nats::Client,
    subject: String,
    request: Request,
) -> Result<Message, Refusal> {
    // Whoever waits knows how long.
    client.send_request(subject, request.timeout(None)).await.map_err(|error| {
        Refusal::of(match error.kind() {
            RequestErrorKind::NoResponders => "no_responders",
            RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => "unsendable",
            RequestErrorKind::TimedOut | RequestErrorKind::Other => "connection_lost",
        })
    })
}

/// Adds messages from that sequence on, and tells how many are left.
async fn piece(
    client: &async_nats::Client,
    filter: &str,
    from: u64,
    found: &mut Vec<Stored>,
) -> Result<u64, Refusal> {
    let inbox = client.new_inbox();
    let subscribed = client.subscribe(inbox.clone()).await;
    let mut answers = subscribed.map_err(|_| Refusal::of("connection_lost"))?;
    let question = words(&json!({"seq": from, "batch": PIECE, "next_by_subj": filter}));
    let subject = format!("$JS.API.DIRECT.GET.{STREAM}");
    let sent = client.publish_with_reply(subject, inbox, question.into()).await;
    sent.map_err(|_| Refusal::of("connection_lost"))?;
    let mut last = 0;
    while let Some(answer) = answers.next().await {
        let status = answer.status.map_or(0, |status| status.as_u16());
        match status {
            0 => {
                let message = stored(answer, last)?;
                last = message.sequence;
                found.push(message);
            }
            END_OF_PIECE if number(&answer, LAST_SEQUENCE) == Some(last) => {
                return number(&answer, PENDING).ok_or_else(|| Refusal::of("nonsense"));
            }
            END_OF_PIECE => return Err(Refusal::of("behind")),
            NO_MESSAGE => return Ok(0),
            NO_RESPONDERS => return Err(Refusal::of("no_responders")),
            _ => return Err(Refusal::of("refused")),
        }
    }
    Err(Refusal::of("connection_lost"))
}

/// Adds the next message from that sequence on, and tells whether more may be left.
async fn one(
    client: &async_nats::Client,
    filter: &str,
    from: u64,
    found: &mut Vec<Stored>,
) -> Result<u64, Refusal> {
    let question =
        Request::new().payload(words(&json!({"seq": from, "next_by_subj": filter})).into());
    let answer = send(client, format!("$JS.API.DIRECT.GET.{STREAM}"), question).await?;
    match answer.status.map_or(0, |status| status.as_u16()) {
        0 => {
            found.push(understood(answer)?);
            Ok(1)
        }
        NO_MESSAGE => Ok(0),
        _ => Err(Refusal::of("refused")),
    }
}

/// A message of a piece, of which the one before had the sequence `last`. Pieces come over routes
/// that faults break, so what is missing must be noticed.
fn stored(answer: Message, last: u64) -> Result<Stored, Refusal> {
    if number(&answer, LAST_SEQUENCE) != Some(last) {
        return Err(Refusal::of("behind"));
    }
    understood(answer)
}

fn understood(answer: Message) -> Result<Stored, Refusal> {
    let stored = || {
        let subject = answer.headers.as_ref()?.get(SUBJECT)?.as_str().to_owned();
        let sequence = number(&answer, SEQUENCE)?;
        Some(Stored { subject, sequence, payload: answer.payload.to_vec() })
    };
    stored().ok_or_else(|| Refusal::of("nonsense"))
}

fn number(answer: &Message, header: &str) -> Option<u64> {
    answer.headers.as_ref()?.get(header)?.as_str().parse().ok()
}

fn words(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
