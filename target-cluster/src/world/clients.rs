//! Simulated clients: each has one operation outstanding, and retries it with the same token until
//! it is answered.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use super::World;
use super::invariants::{ClientPromises, Floor};
use crate::core::{NodeId, Refusal, Reply, Time};
use crate::kv::{Answer, Operation, OperationResult, RequestBody};

/// The counter that all clients add to.
const COUNTER: &str = "counter";

/// The list that the transactions of all clients append to.
const LIST: &str = "list";

/// The time that a client waits for an answer before it tries another node: about an election, so
/// that some retries overtake their first attempt and some do not.
const PATIENCE: Duration = Duration::from_millis(700);

/// All clients, and what they were promised.
pub(super) struct Clients {
    clients: Vec<Client>,
    /// The client that waits for the reply to a request; those given up stay, their answers count.
    asked: BTreeMap<u64, (usize, u64)>,
    promises: ClientPromises,
    /// The number of operations drawn: every one has a number of its own.
    drawn: u64,
}

/// One client.
struct Client {
    name: String,
    /// The node that it asks next.
    node: NodeId,
    /// The number of operations that it has begun.
    number: u64,
    outstanding: Option<Outstanding>,
}

struct Outstanding {
    operation: Operation,
    expects: Expects,
    /// The effects that were acknowledged when it began.
    floor: Floor,
    /// The time at which it is sent again.
    retry: Time,
}

/// The kind of answer that an operation gets.
#[derive(Debug, Clone, Copy)]
enum Expects {
    /// The counter after an add.
    Sum,
    /// The counter.
    Count,
    /// The list with the element that the transaction appended to it.
    ListWith(u64),
    /// The list.
    List,
}

impl Expects {
    /// True if the operation changes anything.
    fn is_command(self) -> bool {
        matches!(self, Expects::Sum | Expects::ListWith(_))
    }
}

impl Clients {
    /// Clients that have done nothing yet.
    pub(super) fn new(count: usize, world: &World) -> Clients {
        let node = world.names()[0].clone();
        let client = |number| Client {
            name: format!("client{number}"),
            node: node.clone(),
            number: 0,
            outstanding: None,
        };
        Clients {
            clients: (1..=count).map(client).collect(),
            asked: BTreeMap::new(),
            promises: ClientPromises::default(),
            drawn: 0,
        }
    }

    /// The number of commands that were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.promises.acknowledged()
    }

    /// True if no operation is outstanding.
    pub(super) fn are_idle(&self) -> bool {
        self.clients.iter().all(|client| client.outstanding.is_none())
    }

    /// One of the clients begins an operation, if it has none.
    pub(super) fn begin(&mut self, random: &mut ChaCha8Rng, world: &mut World) {
        let position = random.random_range(0..self.clients.len());
        let client = &mut self.clients[position];
        if client.outstanding.is_some() {
            return;
        }
        client.number += 1;
        self.drawn += 1;
        let expects = match random.random_range(0..8) {
            0..3 => Expects::Sum,
            3..6 => Expects::Count,
            6 => Expects::ListWith(self.drawn),
            _ => Expects::List,
        };
        let (f, key, value) = match expects {
            Expects::Sum => ("add", Some(COUNTER.to_string()), json!(1)),
            Expects::Count => ("counter", Some(COUNTER.to_string()), json!(null)),
            Expects::ListWith(element) => {
                ("txn", None, json!([["append", LIST, element], ["r", LIST, null]]))
            }
            Expects::List => ("txn", None, json!([["r", LIST, null]])),
        };
        if matches!(expects, Expects::Sum) {
            self.promises.add_begins();
        }
        let token = Some(format!("{}:{}", client.name, client.number));
        let operation = RequestBody { f: f.to_string(), key, value, token }.into_operation();
        let operation = operation.expect("these clients know what they may ask");
        let floor = self.promises.floor();
        client.outstanding = Some(Outstanding { operation, expects, floor, retry: world.now() });
        self.send(position, random, world);
    }

    /// Every client that has lost its patience tries again.
    pub(super) fn retry(&mut self, random: &mut ChaCha8Rng, world: &mut World) {
        for position in 0..self.clients.len() {
            let due = |waiting: &Outstanding| waiting.retry <= world.now();
            if self.clients[position].outstanding.as_ref().is_some_and(due) {
                self.send(position, random, world);
                // It goes there if this attempt is not answered either; a refusal knows better.
                self.clients[position].node = any_node(random, world);
            }
        }
    }

    /// Takes in the replies that came; the error is a sentence about the promise that one breaks.
    pub(super) fn receive(
        &mut self,
        replies: Vec<(NodeId, u64, Reply)>,
        random: &mut ChaCha8Rng,
        world: &World,
    ) -> Result<(), String> {
        for (from, request, reply) in replies {
            let Some((position, number)) = self.asked.remove(&request) else { continue };
            let client = &mut self.clients[position];
            let Some(waiting) = client.outstanding.as_mut().filter(|_| client.number == number)
            else {
                continue;
            };
            match reply {
                Reply::Answer(Answer { result: OperationResult::Ok(value), version }) => {
                    let value = value.to_value();
                    let (expects, floor) = (waiting.expects, waiting.floor.clone());
                    client.node = from;
                    client.outstanding = None;
                    self.promises.version_answered(&floor, expects.is_command(), version)?;
                    match expects {
                        Expects::Sum => self.promises.add_answered(&floor, number_in(&value)?)?,
                        Expects::Count => {
                            self.promises.counter_answered(&floor, number_in(&value)?)?;
                        }
                        Expects::ListWith(element) => {
                            let list = list_in(&value[1])?;
                            self.promises.append_answered(&floor, element, list)?;
                        }
                        Expects::List => {
                            self.promises.list_answered(&floor, list_in(&value[0])?)?;
                        }
                    }
                }
                Reply::Answer(other) => {
                    return Err(format!("no client asked for what {other:?} answers"));
                }
                Reply::Transferred { .. } => return Err("no client asked who leads".to_string()),
                Reply::Refused(Refusal::StaleToken) => {
                    return Err("a token is stale though its operation is outstanding".to_string());
                }
                // After a while, so that the simulation does not consist of refusals.
                Reply::Refused(refusal) => {
                    waiting.retry = world.now() + Duration::from_millis(20);
                    client.node = match refusal {
                        Refusal::NotLeader { leader: Some(leader) } => leader,
                        _ => any_node(random, world),
                    };
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, position: usize, random: &mut ChaCha8Rng, world: &mut World) {
        let client = &mut self.clients[position];
        let Some(waiting) = &mut client.outstanding else { return };
        waiting.retry = world.now() + PATIENCE.mul_f64(random.random_range(0.5..1.5));
        let request = world.submit(&client.node, waiting.operation.clone());
        self.asked.insert(request, (position, client.number));
    }
}

fn number_in(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| format!("{value} is not a natural number"))
}

/// The list in the answer to a micro-operation that read it; empty before the first append.
fn list_in(read: &Value) -> Result<Vec<u64>, String> {
    match &read[2] {
        Value::Array(elements) => elements.iter().map(number_in).collect(),
        Value::Null => Ok(Vec::new()),
        other => Err(format!("{other} is not a list")),
    }
}

fn any_node(random: &mut ChaCha8Rng, world: &World) -> NodeId {
    world.names().choose(random).expect("a world has nodes").clone()
}
