//! Simulated clients: each has one operation outstanding, and retries it with the same token until
//! it is answered.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use super::World;
use super::invariants::ClientPromises;
use crate::core::{NodeId, Refusal, Reply, Time};
use crate::kv::{Answer, Command, Mutation, Operation, Outcome, Query, Token};

/// The counter that all clients add to.
const COUNTER: &str = "counter";

/// How long a client waits for an answer before it tries another node: about an election, so that
/// some retries overtake their first attempt and some do not.
const PATIENCE: Duration = Duration::from_millis(700);

/// All clients, and what they were promised.
pub(super) struct Clients {
    clients: Vec<Client>,
    /// Which client waits for the reply to a request; those given up stay, their answers count.
    asked: BTreeMap<u64, (usize, u64)>,
    promises: ClientPromises,
}

/// One client.
struct Client {
    name: String,
    /// Whom it asks next.
    node: NodeId,
    /// How many operations it has begun.
    number: u64,
    outstanding: Option<Outstanding>,
}

struct Outstanding {
    operation: Operation,
    /// How many adds were acknowledged when it began.
    floor: u64,
    /// When it is sent again.
    retry: Time,
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
        }
    }

    /// How many adds were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.promises.acknowledged()
    }

    /// Whether no operation is outstanding.
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
        let key = COUNTER.to_string();
        let operation = if random.random_bool(0.5) {
            self.promises.add_begins();
            let token = Token { session: client.name.clone(), number: client.number };
            let mutation = Mutation::Add { key, delta: 1 };
            Operation::Command(Command { mutation, token: Some(token) })
        } else {
            Operation::Query(Query::Counter { key })
        };
        let floor = self.promises.acknowledged();
        client.outstanding = Some(Outstanding { operation, floor, retry: world.now() });
        self.send(position, random, world);
    }

    /// Every client that has lost its patience tries again.
    pub(super) fn retry(&mut self, random: &mut ChaCha8Rng, world: &mut World) {
        for position in 0..self.clients.len() {
            let due = |waiting: &Outstanding| waiting.retry <= world.now();
            if self.clients[position].outstanding.as_ref().is_some_and(due) {
                self.send(position, random, world);
                // Where it goes if this attempt is not answered either; a refusal knows better.
                self.clients[position].node = any_node(random, world);
            }
        }
    }

    /// Takes in the replies that came; tells what breaks a promise.
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
                Reply::Answer(Answer { outcome: Outcome::Ok(value), .. }) => {
                    let value = value.as_u64().ok_or("a counter is a natural number")?;
                    let floor = waiting.floor;
                    client.node = from;
                    let add = matches!(waiting.operation, Operation::Command(_));
                    client.outstanding = None;
                    if add {
                        self.promises.add_answered(floor, value)?;
                    } else {
                        self.promises.read_answered(floor, value)?;
                    }
                }
                Reply::Answer(other) => return Err(format!("a counter answers {other:?}")),
                Reply::Transferred { .. } => return Err("nobody here asked who leads".to_string()),
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

fn any_node(random: &mut ChaCha8Rng, world: &World) -> NodeId {
    world.names().choose(random).expect("a world has nodes").clone()
}
