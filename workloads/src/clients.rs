//! The mix of the clients of a run: drawn from the seed, unless it is fixed.
//!
//! No mix of clients finds everything. Clients that roam stay with the leader, and never notice
//! what followers say; few hot keys make operations meet, many make the service large; a client
//! that gives up soon leaves operations of unknown outcome, one that waits sees the end of a
//! fault. So each run draws its own mix.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::retry::{Backoff, RetryPolicy};
use crate::route::Route;
use crate::{ValueSizes, stream};

/// Operations a second of a run for which no rate was chosen: the clients keep up with it on a
/// small machine while faults come and go, and the report stays quick.
const USUAL_RATE: f64 = 1000.0;

/// Objects in use at a time unless another number is chosen.
const USUAL_KEYS: usize = 5;

/// The short and the long deadline of a client.
const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(10);

/// The length of values in a run with long ones, and in one with very long ones, in bytes.
const LONG_VALUES: usize = 4 << 10;
const VERY_LONG_VALUES: usize = 300 << 10;

/// All clients of a run, and what they do.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientPlan {
    /// The clients that are pinned.
    pub routing: Routing,
    /// From the first byte of an operation to the moment it is given up, for each client.
    pub deadlines: Vec<Duration>,
    /// The longest time that one request may take.
    pub attempt_timeout: Duration,
    /// The course of the waits before they try again; never drawn.
    pub backoff: Backoff,
    /// The longest of these waits; never drawn.
    pub longest_backoff: Duration,
    /// Objects in use at a time.
    pub keys: usize,
    /// The sizes of written values.
    pub values: ValueSizes,
    /// Operations a second from all clients together (an open loop); none for as fast as they go
    /// (a closed loop).
    pub rate: Option<f64>,
}

/// The choice of the clients that are pinned to a node; the others roam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Routing {
    /// Every other one, to the nodes in turn.
    Half,
    /// All of them, to the nodes in turn.
    Pinned,
    /// None.
    Roaming,
}

impl Routing {
    /// All there are.
    pub const ALL: [Routing; 3] = [Routing::Half, Routing::Pinned, Routing::Roaming];

    /// The name that flags and plans have for it.
    pub fn name(self) -> &'static str {
        match self {
            Routing::Half => "half",
            Routing::Pinned => "pinned",
            Routing::Roaming => "roaming",
        }
    }

    /// The route of a client among so many nodes; both are numbered from 0.
    ///
    /// # Panics
    /// Without nodes.
    pub fn route(self, client: usize, nodes: usize) -> Route {
        assert!(nodes > 0, "a client needs a node to ask");
        match self {
            Routing::Half if client % 2 == 1 => Route::pinned(client / 2 % nodes, nodes),
            Routing::Half => Route::roaming(client / 2 % nodes, nodes),
            Routing::Pinned => Route::pinned(client % nodes, nodes),
            Routing::Roaming => Route::roaming(client % nodes, nodes),
        }
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no routing has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("clients are half, pinned or roaming, not {0}")]
pub struct ParseRoutingError(String);

impl FromStr for Routing {
    type Err = ParseRoutingError;

    fn from_str(name: &str) -> Result<Self, ParseRoutingError> {
        let found = Routing::ALL.into_iter().find(|routing| routing.name() == name);
        found.ok_or_else(|| ParseRoutingError(name.into()))
    }
}

impl ClientPlan {
    /// The plan that a seed gives for so many clients. Each choice has a random stream of its own,
    /// so that a caller who replaces one leaves the others as they were.
    pub fn draw(seed: u64, clients: usize) -> Self {
        let stream = |choice: &str| stream(seed, &format!("clients: {choice}"));
        ClientPlan {
            routing: routing(&mut stream("routing")),
            deadlines: deadlines(clients, &mut stream("deadlines")),
            attempt_timeout: attempt_timeout(&mut stream("attempts")),
            backoff: Backoff::default(),
            longest_backoff: RetryPolicy::default().longest_backoff,
            keys: keys(&mut stream("keys")),
            values: values(&mut stream("values")),
            rate: rate(&mut stream("rate")),
        }
    }

    /// The plan of so many clients when nothing is drawn: half of them are pinned, deadlines are
    /// three seconds, five keys are hot, values are numbers, a thousand operations a second.
    pub fn usual(clients: usize) -> Self {
        let usual = RetryPolicy::default();
        ClientPlan {
            routing: Routing::Half,
            deadlines: vec![usual.deadline; clients],
            attempt_timeout: usual.attempt_timeout,
            backoff: usual.backoff,
            longest_backoff: usual.longest_backoff,
            keys: USUAL_KEYS,
            values: ValueSizes::Numbers,
            rate: Some(USUAL_RATE),
        }
    }

    /// The number of clients.
    pub fn clients(&self) -> usize {
        self.deadlines.len()
    }

    /// The times at which a client tries again and gives up.
    pub fn policy(&self, client: usize) -> RetryPolicy {
        let deadline = self.deadlines[client];
        let attempt_timeout = self.attempt_timeout.min(deadline);
        let (backoff, longest_backoff) = (self.backoff, self.longest_backoff);
        let usual = RetryPolicy::default();
        RetryPolicy { deadline, attempt_timeout, backoff, longest_backoff, ..usual }
    }
}

/// An entry of a table, by weight.
fn weighted<T: Copy>(rng: &mut ChaCha8Rng, table: &[(u32, T)]) -> T {
    let mut ticket = rng.random_range(0..table.iter().map(|(weight, _)| weight).sum());
    for (weight, entry) in table {
        if ticket < *weight {
            return *entry;
        }
        ticket -= weight;
    }
    unreachable!("the ticket is below the sum of the weights")
}

fn routing(rng: &mut ChaCha8Rng) -> Routing {
    weighted(rng, &[(6, Routing::Half), (2, Routing::Pinned), (2, Routing::Roaming)])
}

/// The usual deadline for all of them, or a class for each client.
fn deadlines(clients: usize, rng: &mut ChaCha8Rng) -> Vec<Duration> {
    let usual = RetryPolicy::default().deadline;
    if rng.random() {
        return vec![usual; clients];
    }
    (0..clients).map(|_| weighted(rng, &[(1, SHORT), (2, usual), (1, LONG)])).collect()
}

/// As long as the shortest election, in most runs; sooner and later than any in the others.
fn attempt_timeout(rng: &mut ChaCha8Rng) -> Duration {
    let usual = RetryPolicy::default().attempt_timeout;
    weighted(rng, &[(6, usual), (2, usual / 2), (2, usual * 3)])
}

fn keys(rng: &mut ChaCha8Rng) -> usize {
    let range = weighted(rng, &[(7, (1, USUAL_KEYS)), (3, (20, 100))]);
    rng.random_range(range.0..=range.1)
}

fn values(rng: &mut ChaCha8Rng) -> ValueSizes {
    weighted(
        rng,
        &[
            (7, ValueSizes::Numbers),
            (1, ValueSizes::UpTo(LONG_VALUES)),
            (1, ValueSizes::All(LONG_VALUES)),
            (1, ValueSizes::UpTo(VERY_LONG_VALUES)),
        ],
    )
}

fn rate(rng: &mut ChaCha8Rng) -> Option<f64> {
    weighted(rng, &[(7, Some(USUAL_RATE)), (2, Some(USUAL_RATE / 4.0)), (1, None)])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NODES: usize = 5;
    const CLIENTS: usize = 10;

    fn plans() -> Vec<ClientPlan> {
        (0..100).map(|seed| ClientPlan::draw(seed, CLIENTS)).collect()
    }

    #[test]
    fn every_choice_appears_within_a_hundred_seeds() {
        let plans = plans();
        let routings: BTreeSet<Routing> = plans.iter().map(|plan| plan.routing).collect();
        assert_eq!(routings, BTreeSet::from(Routing::ALL));
        let deadlines: BTreeSet<Duration> =
            plans.iter().flat_map(|plan| &plan.deadlines).copied().collect();
        assert_eq!(deadlines, BTreeSet::from([SHORT, RetryPolicy::default().deadline, LONG]));
        let timeouts: BTreeSet<Duration> = plans.iter().map(|plan| plan.attempt_timeout).collect();
        assert_eq!(timeouts.len(), 3);
        let keys: BTreeSet<usize> = plans.iter().map(|plan| plan.keys).collect();
        assert!(keys.contains(&1) && keys.contains(&USUAL_KEYS));
        assert!(keys.iter().any(|keys| *keys >= 20));
        assert!(keys.iter().all(|keys| (1..=100).contains(keys)));
        let (long, very_long) = (ValueSizes::UpTo(LONG_VALUES), ValueSizes::UpTo(VERY_LONG_VALUES));
        for sizes in [ValueSizes::Numbers, long, very_long, ValueSizes::All(LONG_VALUES)] {
            assert!(plans.iter().any(|plan| plan.values == sizes), "never {sizes:?}");
        }
        for rate in [Some(USUAL_RATE), Some(USUAL_RATE / 4.0), None] {
            assert!(plans.iter().any(|plan| plan.rate == rate), "never {rate:?}");
        }
    }

    #[test]
    fn most_runs_are_moderate() {
        let plans = plans();
        let share = |it: &dyn Fn(&ClientPlan) -> bool| plans.iter().filter(|plan| it(plan)).count();
        assert!(share(&|plan| plan.rate == Some(USUAL_RATE)) > 50);
        assert!(share(&|plan| plan.values == ValueSizes::Numbers) > 50);
        assert!(share(&|plan| plan.keys <= USUAL_KEYS) > 50);
    }

    #[test]
    fn pinned_clients_cover_every_node() {
        for (routing, pinned_clients) in
            [(Routing::Half, CLIENTS / 2), (Routing::Pinned, CLIENTS), (Routing::Roaming, 0)]
        {
            let routes = (0..CLIENTS).map(|client| routing.route(client, NODES));
            let pinned: Vec<usize> = routes.filter_map(|route| route.home()).collect();
            assert_eq!(pinned.len(), pinned_clients);
            let nodes: BTreeSet<usize> = pinned.into_iter().collect();
            assert!(nodes.is_empty() || nodes.len() == NODES, "{routing}: {nodes:?}");
        }
    }

    #[test]
    fn routings_are_read_back_from_their_names() {
        for routing in Routing::ALL {
            assert_eq!(routing.to_string().parse(), Ok(routing));
            assert_eq!(serde_json::to_value(routing).unwrap(), routing.name());
        }
        assert!("everywhere".parse::<Routing>().is_err());
    }

    #[test]
    fn the_usual_clients_are_what_a_small_machine_keeps_up_with() {
        let usual = ClientPlan::usual(CLIENTS);
        assert_eq!((usual.clients(), usual.policy(0)), (CLIENTS, RetryPolicy::default()));
        let patient = ClientPlan { longest_backoff: LONG, ..usual.clone() };
        assert_eq!(patient.policy(0).longest_backoff, LONG, "what is told goes to every client");
        assert_eq!((usual.keys, usual.rate), (5, Some(1000.0)));
        assert_eq!((usual.routing, usual.values), (Routing::Half, ValueSizes::Numbers));
    }

    #[test]
    fn no_request_may_outlast_its_operation() {
        for plan in plans() {
            for client in 0..CLIENTS {
                let policy = plan.policy(client);
                assert!(policy.attempt_timeout <= policy.deadline);
            }
        }
    }
}
