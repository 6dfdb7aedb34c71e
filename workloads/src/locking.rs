//! The clients of locks, mutexes and fenced ones alike.

use std::collections::BTreeMap;

use checker::history::{Event, EventType, Process};
use rand::rngs::ChaCha8Rng;
use serde_json::json;

use crate::generator::{Context, Generator, Invocation, Next};
use crate::rotation::Rotation;
use crate::{GeneratorOptions, Load, PRECONDITION_FAILED, stream};

/// Operations before a lock is replaced.
const OPERATIONS_PER_LOCK: u32 = 200;

/// Processes acquire locks that are drawn, and a process that holds one releases it next. The others
/// come upon it in the meantime and fail.
///
/// Once the outcome of an operation is unknown, its process may hold the lock and never acts
/// again: no other process would ever get it. So the lock is replaced.
pub(crate) struct Locking {
    rng: ChaCha8Rng,
    locks: Rotation<()>,
    /// The lock that each process holds.
    held: BTreeMap<u64, String>,
}

impl Locking {
    pub fn new(prefix: &'static str, options: &GeneratorOptions) -> Self {
        Locking {
            rng: stream(options.seed, "generator"),
            locks: Rotation::new(prefix, options.hot_keys, OPERATIONS_PER_LOCK),
            held: BTreeMap::new(),
        }
    }
}

/// An operation of that process, which is the owner it names.
fn operation(f: &'static str, lock: &str, process: u64) -> Invocation {
    Invocation::mutation(f, lock, json!(format!("p{process}")))
}

/// An acquisition and the release after it. Different processes carry them out, so the owner is
/// named after the lock.
pub(crate) fn probe(lock: &str) -> [Invocation; 2] {
    ["acquire", "release"].map(|f| Invocation::mutation(f, lock, json!(lock)))
}

/// Notes what a completion says about who holds which lock.
fn note(held: &mut BTreeMap<u64, String>, event: &Event) {
    let (Process::Client(process), Some(lock)) = (event.process, &event.key) else { return };
    match (event.kind, event.f.as_str(), event.error.as_deref()) {
        (EventType::Ok, "acquire", _) => {
            held.insert(process, lock.clone());
        }
        // A lock that the service says is not held cannot be released another time.
        (EventType::Ok, "release", _)
        | (EventType::Fail, "release", None | Some(PRECONDITION_FAILED))
        | (EventType::Info, ..) => {
            held.remove(&process);
        }
        _ => {}
    }
}

impl Generator for Locking {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || {
            let process = context.process(context.free()[0]);
            match self.held.get(&process) {
                Some(lock) => operation("release", lock, process),
                None => operation("acquire", &self.locks.draw(&mut self.rng).name, process),
            }
        })
    }

    fn update(&mut self, _context: &Context, event: &Event) {
        note(&mut self.held, event);
        if event.kind == EventType::Info
            && let Some(lock) = event.key.as_ref().and_then(|name| self.locks.find(name))
        {
            lock.retire();
        }
    }
}

impl Load for Locking {
    /// A process that still acts releases what it holds; then every lock is acquired once more. One
    /// that is held must not be had, and one that is had is released again.
    fn final_phase(&self) -> Box<dyn Generator> {
        let mut left: Vec<String> = self.locks.names().collect();
        left.reverse();
        FinalAcquisitions { left, held: self.held.clone() }.boxed()
    }
}

struct FinalAcquisitions {
    /// Locks that were not yet tried, the next one last.
    left: Vec<String>,
    held: BTreeMap<u64, String>,
}

impl Generator for FinalAcquisitions {
    fn next(&mut self, context: &Context) -> Next {
        let Some(&thread) = context.free().first() else { return Next::PENDING };
        // A process that acquired a lock releases it before anything else.
        let holder = context.free().iter().find_map(|thread| {
            let process = context.process(*thread);
            self.held.get(&process).map(|lock| (*thread, operation("release", lock, process)))
        });
        if let Some((thread, invocation)) = holder {
            return Next::Operation { thread, invocation };
        }
        match self.left.pop() {
            Some(lock) => {
                let invocation = operation("acquire", &lock, context.process(thread));
                Next::Operation { thread, invocation }
            }
            None if context.all_free() => Next::Exhausted,
            None => Next::PENDING,
        }
    }

    fn update(&mut self, _context: &Context, event: &Event) {
        note(&mut self.held, event);
        // One try: the lock would be tried for ever by a service that refuses everything.
        if let (EventType::Fail, "release", Process::Client(process)) =
            (event.kind, event.f.as_str(), event.process)
        {
            self.held.remove(&process);
        }
    }
}
