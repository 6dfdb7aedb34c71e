//! The manifest as it stands in the file. Its meaning is made of it elsewhere; here is
//! only its shape, with the places of all that may turn out wrong.

use std::collections::BTreeMap;

use checker::oracle::version::{MutationVersion, ReadVersion, Scope};
use serde::Deserialize;
use toml::Spanned;

/// A text with its place.
pub type Text = Spanned<String>;

impl Schema {
    /// The number of ports that a node has for its peers.
    pub fn peer_ports(&self) -> usize {
        self.node.as_ref().map_or(0, |node| node.peer_ports)
    }
}

/// A whole manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The name of the service in reports.
    pub name: Text,
    /// The version under test: a text, or a [`VersionCommand`].
    pub version: Spanned<toml::Value>,
    /// Placeholders of its own, with what `--set` may replace.
    #[serde(default)]
    pub variables: BTreeMap<String, Text>,
    /// The start of a node; without it the cluster runs already.
    pub node: Option<Node>,
    /// The question to a node for its state.
    pub status: Status,
    /// The common parts of answers.
    #[serde(default)]
    pub answers: Answers,
    /// The promises of the service about versions.
    pub versions: Option<Versions>,
    /// The rows of the error table.
    #[serde(default, rename = "refusal")]
    pub refusals: Vec<Refusal>,
    /// The operations of each workload.
    #[serde(default)]
    pub workload: BTreeMap<Text, BTreeMap<Text, Operation>>,
    /// The question to a member for all that it holds.
    pub dump: Option<Dump>,
    /// The times that its nodes wait for each other.
    pub timers: Option<Timers>,
    /// The failures that are known of it.
    #[serde(default)]
    pub known: Vec<Spanned<toml::Value>>,
    /// The requests before the first operation.
    #[serde(default)]
    pub setup: Vec<Step>,
    /// The way to have the leader hand over.
    pub leadership: Option<Order>,
    /// The ways to change the members.
    pub membership: Option<Membership>,
    /// The ways to have a node work on its store.
    #[serde(default)]
    pub maintenance: Maintenance,
}

/// A request that goes before others, and what it leaves for them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `POST /login`.
    pub request: Text,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Its body as JSON.
    pub json: Option<Spanned<toml::Value>>,
    /// Its body as text.
    pub body: Option<Text>,
    /// That it was done.
    pub ok: Option<Spanned<toml::Table>>,
    /// That the operation which it begins has failed.
    pub failed: Option<Spanned<toml::Table>>,
    /// The place of the value that must be the one of `expected`.
    pub value: Option<Spanned<toml::Value>>,
    /// The value without which the operation has failed.
    pub expected: Option<Text>,
    /// Parts of the answer that later requests send, by the names of their placeholders.
    #[serde(default)]
    pub keep: BTreeMap<Text, Spanned<toml::Value>>,
    /// The times that it is made, of a set-up.
    pub each: Option<Spanned<Each>>,
    /// The answer to an operation after which a set-up is made again.
    pub again: Option<Spanned<toml::Table>>,
}

/// The times that a set-up is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// Once.
    #[default]
    Run,
    /// Once at each node.
    Node,
    /// Once for each key.
    Key,
}

/// Something to have a cluster do, by a request or by a command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The requests before it.
    #[serde(default)]
    pub first: Vec<Step>,
    /// `POST /admin/transfer`.
    pub request: Option<Text>,
    /// The program and its arguments.
    pub command: Option<Spanned<Vec<Text>>>,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Its body as JSON.
    pub json: Option<Spanned<toml::Value>>,
    /// Its body as text.
    pub body: Option<Text>,
    /// That it was done.
    pub ok: Option<Spanned<toml::Table>>,
}

/// The ways to change the members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// Takes one out.
    pub remove: Order,
    /// Takes it in again.
    pub add: Order,
    /// The data of its life before.
    pub forget: Text,
}

/// The ways to have a node work on its store.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// It forgets old versions.
    pub compact: Option<Order>,
    /// It gives back the room of what it has forgotten.
    pub defragment: Option<Order>,
}

/// A command that prints the version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionCommand {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The text before the version, on the first line that has it.
    #[serde(default)]
    pub after: String,
}

/// The start of a node.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The program and its arguments.
    pub command: Spanned<Vec<Text>>,
    /// The same for every start after the first, where it differs.
    pub restart: Option<Spanned<Vec<Text>>>,
    /// Set in its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, Text>,
    /// Ports for peers, besides the one for clients.
    #[serde(default)]
    pub peer_ports: usize,
    /// The parts of `{peers}` and `{others}`.
    pub peers: Option<Peers>,
    /// The way in which its clocks can be its own.
    #[serde(default)]
    pub clocks: Clocks,
    /// Files that it finds before its first start.
    #[serde(default, rename = "file")]
    pub files: Vec<File>,
}

/// The parts of `{peers}` and `{others}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// One of them.
    pub each: Text,
    /// The text between two; without it each is an argument of its own.
    pub join: Option<String>,
}

/// The way in which a node's clocks can be its own.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clocks {
    /// Not at all.
    Shared,
    /// As for Go and Erlang.
    Plain,
    /// As for everything else.
    #[default]
    WithDeadlines,
}

/// A file that a node finds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The place.
    pub path: Text,
    /// The contents.
    pub text: Text,
}

/// The question to a node for its state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// `GET /status`.
    pub request: Text,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Its body as JSON.
    pub json: Option<Spanned<toml::Value>>,
    /// Its body as text.
    pub body: Option<Text>,
    /// The test that the node is ready.
    pub ready: Option<Spanned<toml::Table>>,
    /// The time within which all nodes of a fresh cluster are, such as `2m`.
    pub ready_within: Option<Text>,
    /// The leader, as this node believes.
    pub leader: Option<Spanned<toml::Value>>,
    /// The test that this node leads, where it does not name another.
    pub leads: Option<Spanned<toml::Table>>,
    /// Its term.
    pub term: Option<Text>,
    /// True if nodes agree that name the same leader, in whichever terms.
    #[serde(default)]
    pub terms_may_differ: bool,
    /// The name of this node among the others, if that is no address and no name.
    pub id: Option<Text>,
    /// The position up to which its log is committed.
    pub commit: Option<Text>,
    /// The position up to which it has applied the log.
    pub applied: Option<Text>,
}

/// The times that nodes wait for each other, and clients for them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timers {
    /// The interval of heartbeats, such as `100ms`.
    pub heartbeat: Text,
    /// The shortest election timeout.
    pub election: Text,
    /// The time after which clients of this service give up.
    pub client: Option<Text>,
}

/// The common parts of answers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// That the operation was done.
    pub ok: Option<Spanned<toml::Table>>,
    /// That its precondition did not hold.
    pub failed: Option<Spanned<toml::Table>>,
    /// That there is no such object yet.
    pub nothing: Option<Spanned<toml::Table>>,
    /// The place of the value.
    pub value: Option<Spanned<toml::Value>>,
}

/// The promises of the service about versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Their place in answers.
    pub at: Text,
    /// The scope of one sequence of them.
    pub scope: Scope,
    /// The effect of a mutation on them.
    pub mutations: MutationVersion,
    /// The meaning of that of a read.
    pub reads: ReadVersion,
    /// True if a failed precondition has one of its own.
    #[serde(default)]
    pub failures_are_numbered: bool,
}

/// A row of the error table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its name in histories.
    pub error: Text,
    /// The test by which it is known.
    pub when: Spanned<toml::Table>,
    /// True if it proves that nothing happened or ever will.
    pub definite: bool,
    /// The leader, as the answer says.
    pub leader: Option<Spanned<toml::Value>>,
    /// When it occurs, for people.
    #[serde(default)]
    pub meaning: String,
    /// False if what was refused is not sent again.
    #[serde(default = "yes")]
    pub retry: bool,
}

fn yes() -> bool {
    true
}

/// One operation of a workload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// `POST /kv`.
    pub request: Text,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Its body as JSON.
    pub json: Option<Spanned<toml::Value>>,
    /// Its body as text.
    pub body: Option<Text>,
    /// True if the service applies a token once, however often it is sent.
    #[serde(default)]
    pub honours_token: bool,
    /// Instead of what all answers have in common.
    pub ok: Option<Spanned<toml::Table>>,
    /// The same.
    pub failed: Option<Spanned<toml::Table>>,
    /// The same.
    pub nothing: Option<Spanned<toml::Table>>,
    /// The same.
    pub value: Option<Spanned<toml::Value>>,
    /// The place of the version.
    pub version: Option<Text>,
    /// The requests before it.
    #[serde(default)]
    pub first: Vec<Step>,
}

/// The place of a value, spelt out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The place.
    pub at: String,
    /// Of a list: where in each element.
    pub each: Option<String>,
    /// The text before it.
    pub after: Option<String>,
    /// The text behind it, or the end.
    pub until: Option<String>,
    /// The encodings to undo, in this order.
    #[serde(default)]
    pub decode: Vec<super::answer::Decoding>,
}

/// The question to a member for all that it holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dump {
    /// The requests before it.
    #[serde(default)]
    pub first: Vec<Step>,
    /// `GET /dump`.
    pub request: Option<Text>,
    /// The program and its arguments.
    pub command: Option<Spanned<Vec<Text>>>,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Its body as JSON.
    pub json: Option<Spanned<toml::Value>>,
    /// Its body as text.
    pub body: Option<Text>,
    /// The list or the map of what it holds.
    pub entries: Text,
    /// The key, in each element of a list.
    pub key: Option<Spanned<toml::Value>>,
    /// The text before the key as the history knows it.
    pub key_after: Option<String>,
    /// The value, in each element.
    pub value: Option<Spanned<toml::Value>>,
    /// The version, in each element.
    pub version: Option<Text>,
    /// The position that the member's state counts.
    pub revision: Option<Text>,
}
