//! A world driven by chance, from a seed: faults of every kind for a while, then peace, in which
//! everything must come to an end.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::World;
use super::clients::Clients;
use super::invariants::{self, Invariant};
use crate::bugs::Bugs;
use crate::core::{APPEND_ENTRIES_MAX, Node, NodeId, Reply, RoleName, Timings};

/// The number of clients: enough that operations overlap.
const CLIENTS: usize = 4;

/// Short timeouts, close to each other: elections are frequent and collide.
const TIMINGS: Timings = Timings {
    heartbeat: Duration::from_millis(50),
    election_min: Duration::from_millis(150),
    election_max: Duration::from_millis(250),
};

/// The virtual time that the nodes have, once all faults are over, to elect a leader and answer
/// every client. Dozens of election timeouts, in case of split votes.
const PEACE: Duration = Duration::from_secs(10);

/// The settings of a simulation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The number of steps under faults.
    pub steps: usize,
    /// The planted bugs that are on.
    pub bugs: Bugs,
}

/// The result of a simulation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Simulated {
    /// Everything that happened, a line each.
    pub trace: Vec<String>,
    /// The property that was broken; the simulation ends with it.
    pub violation: Option<Violation>,
    /// The number of writes that were acknowledged: a measure of how much was tested.
    pub acknowledged: u64,
    /// The highest term: a measure of how often leadership changed.
    pub term: u64,
    /// The number of transfers of leadership that succeeded.
    pub transferred: u64,
}

/// A broken property.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// Its name.
    pub property: &'static str,
    /// A sentence about what was seen.
    pub detail: String,
}

impl Violation {
    fn of_panic(panic: &(dyn Any + Send)) -> Violation {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Violation { property: "assertion", detail: text.unwrap_or_default() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.detail)
    }
}

/// Simulates a cluster of three or five nodes. The same seed and settings give the same result, to
/// the letter of the trace.
pub fn simulate(seed: u64, settings: &Settings) -> Simulated {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let nodes = if random.random_bool(0.6) { 3 } else { 5 };
    let append_entries_max = if random.random_bool(0.5) { 1 } else { APPEND_ENTRIES_MAX };
    let world = World::new(nodes, append_entries_max, TIMINGS, seed, &settings.bugs);
    let clients = Clients::new(CLIENTS, &world);
    let mut simulation = Simulation {
        random,
        world,
        clients,
        invariants: invariants::all(),
        trace: Vec::new(),
        transferred: 0,
    };
    // A node whose own assertion fails has found something wrong as well.
    let ended = catch_unwind(AssertUnwindSafe(|| simulation.run(settings.steps)));
    let violation = ended.unwrap_or_else(|panic| Err(Violation::of_panic(&*panic))).err();
    let term = simulation.world.nodes().map(|node| node.status().term).max().unwrap_or(0);
    Simulated {
        violation,
        acknowledged: simulation.clients.acknowledged(),
        term,
        transferred: simulation.transferred,
        trace: simulation.trace,
    }
}

struct Simulation {
    random: ChaCha8Rng,
    world: World,
    clients: Clients,
    invariants: Vec<Box<dyn Invariant>>,
    trace: Vec<String>,
    transferred: u64,
}

impl Simulation {
    fn run(&mut self, steps: usize) -> Result<(), Violation> {
        for _ in 0..steps {
            self.happen();
            self.check()?;
        }
        self.make_peace()
    }

    /// One thing happens, most often an ordinary one.
    fn happen(&mut self) {
        match self.random.random_range(0..1000) {
            0..300 => self.execute(),
            300..446 => {
                if let Some(id) = self.any(self.world.waiting_for_barrier()) {
                    self.world.sync(&id);
                }
            }
            446..449 => {
                if let Some(id) = self.any(self.world.unsynced()) {
                    self.world.sync(&id);
                }
            }
            449 => {
                if let Some(id) = self.any(self.world.unsynced()) {
                    self.world.fail_sync(&id);
                }
            }
            450..800 => {
                if let Some(position) = self.any_packet() {
                    self.world.deliver(position);
                }
            }
            800..900 => self.pass_time(),
            900..957 => self.clients.begin(&mut self.random, &mut self.world),
            957..960 => self.transfer(),
            960..966 => {
                if let Some(position) = self.any_packet() {
                    self.world.duplicate(position);
                }
            }
            966..972 => {
                if let Some(position) = self.any_packet() {
                    self.world.drop_packet(position);
                }
            }
            972..992 => {
                if let Some(id) = self.any(self.world.names()) {
                    self.world.start(&id);
                }
            }
            992..994 => self.crash(),
            994 => self.black_out(),
            995..997 => self.partition(),
            997 => self.cut(),
            _ => self.world.heal(),
        }
    }

    /// A node executes some of its effects; a crash may come before the rest.
    fn execute(&mut self) {
        if let Some(id) = self.any(self.world.busy()) {
            for _ in 0..self.random.random_range(1..8) {
                self.world.execute(&id);
            }
        }
    }

    fn pass_time(&mut self) {
        self.world.advance(Duration::from_micros(self.random.random_range(0..30_000)));
        for id in self.world.names() {
            if self.random.random_bool(0.8) {
                self.world.tick(&id);
            }
        }
        self.clients.retry(&mut self.random, &mut self.world);
    }

    /// One that leads, or believes to, is asked to hand over to any node.
    fn transfer(&mut self) {
        let leads = |node: &&Node| node.status().role == RoleName::Leader;
        let leaders = self.world.nodes().filter(leads).map(|node| node.options().id.clone());
        let leaders = leaders.collect();
        if let (Some(from), Some(to)) = (self.any(leaders), self.any(self.world.names())) {
            self.world.transfer(&from, &to);
        }
    }

    /// Power fails on one node.
    fn crash(&mut self) {
        if let Some(id) = self.any(self.world.names()) {
            self.lose_power(&id);
        }
    }

    /// Power fails on all nodes, more often than not, or on some.
    fn black_out(&mut self) {
        let share = if self.random.random_bool(0.6) { 1.0 } else { 0.6 };
        for id in self.world.names() {
            if self.random.random_bool(share) {
                self.lose_power(&id);
            }
        }
    }

    /// Writes that were not synced survive sector by sector; sectors about as long as a record tear
    /// more often than those of real disks.
    fn lose_power(&mut self, id: &NodeId) {
        let sector = [64, 512, 4096][self.random.random_range(0..3)];
        let share = [0.0, 0.5, 0.9, 1.0][self.random.random_range(0..4)];
        let random = &mut self.random;
        self.world.crash(id, sector, || random.random_bool(share));
    }

    fn partition(&mut self) {
        let mut names = self.world.names();
        names.shuffle(&mut self.random);
        let other = names.split_off(self.random.random_range(1..names.len()));
        self.world.partition(&[names, other]);
    }

    fn cut(&mut self) {
        let mut names = self.world.names();
        names.shuffle(&mut self.random);
        self.world.cut(&names[0], &names[1]);
    }

    /// Mostly the oldest packet, at times any: packets overtake each other, but not all the time.
    fn any_packet(&mut self) -> Option<usize> {
        match self.world.packets().len() {
            0 => None,
            _ if self.random.random_bool(0.7) => Some(0),
            count => Some(self.random.random_range(0..count)),
        }
    }

    fn any(&mut self, names: Vec<NodeId>) -> Option<NodeId> {
        names.choose(&mut self.random).cloned()
    }

    /// Checks everything after a step.
    fn check(&mut self) -> Result<(), Violation> {
        self.trace.extend(self.world.take_trace());
        // What has not changed has been checked, and most steps change nothing.
        if self.world.take_changed() {
            let nodes: Vec<_> = self.world.nodes().collect();
            for invariant in &mut self.invariants {
                invariant.check(&nodes).map_err(|detail| {
                    let property = invariant.name();
                    Violation { property, detail }
                })?;
            }
        }
        let replies = self.world.take_replies();
        let transferred = |reply: &&(_, _, Reply)| matches!(reply.2, Reply::Transferred { .. });
        self.transferred += replies.iter().filter(transferred).count() as u64;
        self.clients
            .receive(replies, &mut self.random, &self.world)
            .map_err(|detail| Violation { property: "client promises", detail })
    }

    /// Every fault ends and every node starts; then each client must get its answer, and the
    /// nodes agree.
    fn make_peace(&mut self) -> Result<(), Violation> {
        self.world.heal();
        for id in self.world.names() {
            self.world.start(&id);
        }
        let end = self.world.now() + PEACE;
        while self.world.now() < end {
            self.world.advance(Duration::from_millis(10));
            for id in self.world.names() {
                self.world.tick(&id);
            }
            self.clients.retry(&mut self.random, &mut self.world);
            self.world.settle(&self.world.names());
            self.check()?;
            let statuses: Vec<_> = self.world.nodes().map(|node| node.status()).collect();
            let (leader, commit) = (&statuses[0].leader, statuses[0].commit);
            let agree = leader.is_some()
                && statuses.iter().all(|one| one.leader == *leader && one.commit == commit);
            if agree && self.clients.are_idle() {
                return Ok(());
            }
        }
        let detail = format!("no agreement within {PEACE:?} after all faults ended");
        Err(Violation { property: "liveness", detail })
    }
}
