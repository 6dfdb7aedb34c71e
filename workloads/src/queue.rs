//! The queue workload: elements are enqueued and dequeued, and in the end every queue is drained.
//!
//! Draining shows what a dequeue alone cannot: an element that was acknowledged and never comes
//! out again was lost.

use std::collections::BTreeMap;

use checker::history::{Event, EventType};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use crate::generator::{Context, Generator, Invocation, Next};
use crate::rotation::Rotation;
use crate::values::{self, ValueSizes};
use crate::{GeneratorOptions, Load, PRECONDITION_FAILED, Workload, stream};

/// The workload that `--workload queue` runs.
pub(crate) const WORKLOAD: Workload = Workload {
    name: "queue",
    summary: "elements are enqueued and dequeued; in the end every queue is drained",
    model: "queue",
    kinds: &["enqueue", "dequeue"],
    generator: |options| Box::new(Queue::new(options)),
    probe: |queue| [Invocation::mutation("enqueue", queue, json!(1)), dequeue(queue)],
};

/// Operations before a queue is replaced.
const OPERATIONS_PER_QUEUE: u32 = 200;

/// Out of a hundred operations, how many enqueue. More than half dequeue, so that queues are empty
/// now and then and little is left to drain.
const ENQUEUES: u32 = 48;

/// The longest element, in bytes. A dequeue is answered with one, and a service that knows retries
/// keeps its answers: few keep large ones.
const LONGEST_ELEMENT: usize = 32 << 10;

/// The most trials at draining a queue before it is given up: the cluster has healed, so one failure
/// is rare already.
const DRAINING_TRIALS: u32 = 5;

struct Queue {
    rng: ChaCha8Rng,
    values: ValueSizes,
    /// Each with the number of elements enqueued; each element takes the next number.
    queues: Rotation<u64>,
}

impl Queue {
    fn new(options: &GeneratorOptions) -> Self {
        Queue {
            rng: stream(options.seed, "generator"),
            values: options.values.at_most(LONGEST_ELEMENT),
            queues: Rotation::new("q", options.hot_keys, OPERATIONS_PER_QUEUE),
        }
    }

    fn draw(&mut self) -> Invocation {
        let queue = self.queues.draw(&mut self.rng);
        if self.rng.random_range(0..100) >= ENQUEUES {
            return dequeue(&queue.name);
        }
        queue.state += 1;
        let element = self.values.value(queue.state, &mut self.rng);
        queue.grow(values::size(&element));
        Invocation::mutation("enqueue", &queue.name, element)
    }
}

fn dequeue(queue: &str) -> Invocation {
    Invocation::mutation("dequeue", queue, Value::Null)
}

impl Generator for Queue {
    fn next(&mut self, context: &Context) -> Next {
        Next::for_anyone(context, || self.draw())
    }
}

impl Load for Queue {
    fn final_phase(&self) -> Box<dyn Generator> {
        Drain::new(self.queues.names()).boxed()
    }
}

/// Dequeues from every queue until it is empty, one operation at a time for each: two that ask an
/// empty queue at once would be one too many.
struct Drain {
    /// The queues that are not known to be empty, with the trials they have left.
    left: BTreeMap<String, u32>,
    /// Those that may be asked now, the next one last.
    ready: Vec<String>,
}

impl Drain {
    fn new(queues: impl Iterator<Item = String>) -> Self {
        let mut ready: Vec<String> = queues.collect();
        ready.reverse();
        let left = ready.iter().map(|queue| (queue.clone(), DRAINING_TRIALS)).collect();
        Drain { left, ready }
    }
}

impl Generator for Drain {
    fn next(&mut self, context: &Context) -> Next {
        if self.left.is_empty() {
            return Next::Exhausted;
        }
        match (context.free().first(), self.ready.is_empty()) {
            (Some(&thread), false) => {
                let queue = self.ready.pop().expect("some queue is ready");
                Next::Operation { thread, invocation: dequeue(&queue) }
            }
            _ => Next::PENDING,
        }
    }

    fn update(&mut self, _context: &Context, event: &Event) {
        let Some(queue) = &event.key else { return };
        let Some(trials) = self.left.get_mut(queue) else { return };
        match (event.kind, event.error.as_deref()) {
            (EventType::Invoke, _) => return,
            (EventType::Ok, _) => {}
            (EventType::Fail, None | Some(PRECONDITION_FAILED)) => *trials = 0,
            (EventType::Fail | EventType::Info, _) => *trials -= 1,
        }
        if *trials == 0 {
            self.left.remove(queue);
        } else {
            self.ready.push(queue.clone());
        }
    }
}
