//! The keeper of the order of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use engines::order::{Gatekeeper, Wait};
use faults::fault::Family;
use faults::order::{Crossing, End, FaultOrder, FaultPoint, Followed, Follower, OrderLog, Ticket};
use results::run_directory::{ORDER, RunDirectory};
use tokio::sync::oneshot;

use crate::exit::{bad_input, usage};

/// Between two looks at what has waited long enough.
const LOOK: Duration = Duration::from_millis(1);

/// Knows the gates of a run, writes down what goes through them, and has wait what comes too early
/// by the order that the run is held to.
pub struct OrderKeeper {
    /// Set while the load goes on: what comes before and after is no part of the order.
    on: AtomicBool,
    made: Instant,
    began: OnceLock<Instant>,
    inner: Mutex<Inner>,
}

struct Inner {
    order: Order,
    waits: BTreeMap<Ticket, Wait>,
}

enum Order {
    Recorded(OrderLog),
    Followed(Box<Follower>),
}

/// Reads the order of the run in a directory; none if it was not recorded.
///
/// # Errors
/// When it cannot be read.
pub fn order_of(run: &Path) -> Result<Option<OrderLog>> {
    let path = run.join(ORDER);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let unreadable = |error| bad_input(format!("cannot read {}: {error}", path.display()));
    OrderLog::from_bytes(&bytes).map(Some).map_err(unreadable)
}

/// Reads the order of the run in a directory, and when its failure showed, if it has a verdict that
/// says so.
///
/// # Errors
/// When it has none, with what to do.
pub fn recorded_in(run: &Path) -> Result<OrderLog> {
    let log = order_of(run)?.ok_or_else(|| {
        usage(format!(
            "{} has no recorded order ({ORDER}): only runs with --record-order have; to get one of \
             this failure, stormproof replay {} --record-order --times 100 --until-failure",
            run.display(),
            run.display()
        ))
    })?;
    let summary = RunDirectory::open(run).and_then(|directory| directory.summary());
    let shown = summary.ok().flatten().and_then(|summary| summary.shown());
    Ok(match shown {
        Some(shown) => log.that_failed(shown.after.as_micros() as u64, shown.repeated),
        None => log,
    })
}

impl OrderKeeper {
    /// A keeper for a run of these nodes, which follows that order if there is one.
    pub fn new(nodes: &[String], follows: Option<OrderLog>) -> Arc<Self> {
        let order = match follows {
            Some(log) => Order::Followed(Box::new(Follower::new(log))),
            None => Order::Recorded(OrderLog::new(nodes.to_vec())),
        };
        let inner = Mutex::new(Inner { order, waits: BTreeMap::new() });
        let (on, made, began) = (AtomicBool::new(false), Instant::now(), OnceLock::new());
        Arc::new(Self { on, made, began, inner })
    }

    /// The load begins.
    pub fn begin(self: &Arc<Self>) {
        self.inner().log().begin();
        let _ = self.began.set(Instant::now());
        self.on.store(true, Ordering::Release);
        if self.follows() {
            let keeper = Arc::downgrade(self);
            std::thread::spawn(move || look_until_gone(&keeper));
        }
    }

    /// The load is over: everything goes on.
    pub fn end(&self) {
        self.on.store(false, Ordering::Release);
        let mut inner = self.inner();
        let now = self.now();
        if let Order::Followed(follower) = &mut inner.order {
            follower.end(now);
        }
        let free = inner.take_released();
        // What came while it ended waits for nothing any more.
        let left: Vec<_> = std::mem::take(&mut inner.waits).into_values().collect();
        drop(inner);
        free.into_iter().chain(left).for_each(|wait| wait.end());
    }

    /// Returns true if the run is held to an order.
    pub fn follows(&self) -> bool {
        matches!(self.inner().order, Order::Followed(_))
    }

    /// The order as a file, and how far that of another run could be followed.
    pub fn result(&self) -> (Vec<u8>, Option<Followed>) {
        let mut inner = self.inner();
        let followed = match &inner.order {
            Order::Followed(follower) => Some(follower.followed().clone()),
            Order::Recorded(_) => None,
        };
        (inner.log().to_bytes(), followed)
    }

    /// A client is about to send an operation to a node; returns when it may.
    pub async fn call(&self, client: u16, node: &str, operation: impl FnOnce() -> String) {
        let wait = self.arrive(|log| {
            let (node, what) = (log.end(node)?, log.word(&operation()));
            Some(Crossing::Call { client, node, what })
        });
        if let Some(wait) = wait {
            let (free, freed) = oneshot::channel();
            wait.then(move || {
                let _ = free.send(());
            });
            // Its sender is dropped only when it is let go.
            let _ = freed.await;
        }
    }

    /// A client has been answered, or refused.
    pub fn answer(
        &self,
        client: u16,
        node: &str,
        operation: impl FnOnce() -> String,
        refused: bool,
    ) {
        self.arrive(|log| {
            let node = log.end(node)?;
            Some(match refused {
                true => Crossing::Refused { client, node },
                false => Crossing::Answered { client, node, what: log.word(&operation()) },
            })
        });
    }

    /// Returns true if a fault that is due, and would hit these nodes now, may begin. Asked again
    /// until it may.
    pub fn may_begin(&self, fault: u32, family: Family, hit: &BTreeSet<String>) -> bool {
        self.ask(|follower, now| {
            let facts = facts(follower.log(), family, hit);
            follower.may_begin(now, fault, &facts)
        })
    }

    /// The same of its end.
    pub fn may_end(&self, fault: u32) -> bool {
        self.ask(|follower, now| follower.may_end(now, fault))
    }

    fn ask(&self, question: impl FnOnce(&mut Follower, u64) -> bool) -> bool {
        if !self.is_on() {
            return true;
        }
        let mut inner = self.inner();
        let now = self.now();
        let answer = match &mut inner.order {
            Order::Followed(follower) => question(follower, now),
            Order::Recorded(_) => true,
        };
        release(inner);
        answer
    }

    /// A fault is at a point of its life.
    pub fn note_fault(&self, fault: u32, moment: FaultPoint) {
        self.arrive(|_| Some(Crossing::Fault { fault, moment }));
    }

    /// A fault of this family has begun, and hit these nodes.
    pub fn begun(&self, fault: u32, family: Family, hit: &BTreeSet<String>) {
        if !self.is_on() {
            return;
        }
        let mut inner = self.inner();
        let now = self.now();
        let facts = facts(inner.log(), family, hit);
        match &mut inner.order {
            Order::Followed(follower) => follower.begun(now, fault, facts),
            Order::Recorded(log) => {
                log.note(now, Crossing::Fault { fault, moment: FaultPoint::Begun });
                log.note_fault(fault, facts);
            }
        }
        release(inner);
    }

    /// Something has come to a gate; returns what it has to wait for.
    fn arrive(&self, gate: impl FnOnce(&mut OrderLog) -> Option<Crossing>) -> Option<Wait> {
        if !self.is_on() {
            return None;
        }
        let mut inner = self.inner();
        // Under the lock, so that it never goes back.
        let now = self.now();
        let gate = gate(inner.log())?;
        let ticket = match &mut inner.order {
            Order::Followed(follower) => follower.arrive(now, gate),
            Order::Recorded(log) => {
                log.note(now, gate);
                return None;
            }
        };
        let wait = ticket.map(|ticket| {
            let wait = Wait::default();
            inner.waits.insert(ticket, wait.clone());
            wait
        });
        release(inner);
        wait.filter(|wait| !wait.is_over())
    }

    /// Notes a message while there is no load yet.
    fn note_at_rest(&self, gate: impl FnOnce(&mut OrderLog) -> Option<Crossing>) {
        if self.began.get().is_none() {
            let now = self.made.elapsed().as_micros() as u64;
            let mut inner = self.inner();
            if let Some(gate) = gate(inner.log()) {
                inner.log().note(now, gate);
            }
        }
    }

    fn look(&self) {
        self.ask(|follower, now| {
            follower.look(now);
            true
        });
    }

    fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    /// Microseconds since the load began.
    fn now(&self) -> u64 {
        self.began.get().map_or(0, |began| began.elapsed().as_micros() as u64)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn log(&mut self) -> &mut OrderLog {
        match &mut self.order {
            Order::Recorded(log) => log,
            Order::Followed(follower) => follower.log(),
        }
    }

    fn take_released(&mut self) -> Vec<Wait> {
        let Order::Followed(follower) = &mut self.order else { return Vec::new() };
        for ticket in follower.take_dropped() {
            if let Some(wait) = self.waits.remove(&ticket) {
                wait.lose();
            }
        }
        let released = follower.take_released();
        released.into_iter().filter_map(|ticket| self.waits.remove(&ticket)).collect()
    }
}

/// Lets go what may go on by now, once the lock is free: what is let go may come to a gate at once.
fn release(mut inner: MutexGuard<'_, Inner>) {
    let free = inner.take_released();
    drop(inner);
    free.iter().for_each(Wait::end);
}

/// Lets go what has waited long enough, until the run is over.
fn look_until_gone(keeper: &Weak<OrderKeeper>) {
    while let Some(keeper) = keeper.upgrade() {
        if !keeper.is_on() {
            return;
        }
        keeper.look();
        drop(keeper);
        std::thread::sleep(LOOK);
    }
}

/// The facts about a fault of a family that hits nodes.
fn facts(log: &mut OrderLog, family: Family, hit: &BTreeSet<String>) -> FaultOrder {
    FaultOrder {
        hit: hit.iter().filter_map(|node| log.end(node)).collect(),
        ends_them: matches!(family, Family::Kill | Family::Stop | Family::Power),
        family: log.word(family.name()),
    }
}

/// The number of an end in the network, where the clients are the first.
fn end(place: usize) -> Option<End> {
    place.try_into().ok()
}

impl Gatekeeper for OrderKeeper {
    fn message(&self, from: usize, to: usize, what: &str) -> Option<Wait> {
        let gate = |log: &mut OrderLog| {
            Some(Crossing::Message { from: end(from)?, to: end(to)?, what: log.word(what) })
        };
        if !self.is_on() {
            self.note_at_rest(gate);
            return None;
        }
        self.arrive(gate)
    }

    fn sync(&self, node: &str) -> Option<Wait> {
        self.arrive(|log| Some(Crossing::Sync { node: log.end(node)? }))
    }
}
