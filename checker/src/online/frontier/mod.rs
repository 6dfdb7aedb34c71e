//! Judges one partition event by event, and keeps no more of it than what is still open.
//!
//! A [`Frontier`] is told of every event and knows after each whether the events so far have a
//! legal order. It says of every prefix what the offline checker says of it: operations that are
//! open at its end are of unknown outcome.
//!
//! It is the just-in-time linearization of Lowe ("Testing for linearizability", Concurrency and
//! Computation 29(4), 2017). A configuration is a state and the set of operations that have been
//! put in the order but not returned yet; the frontier is the set of all configurations that can
//! have been reached. When an operation returns that a configuration does not have in its order
//! yet, open operations are put there until that one is (`extension.rs`).
//!
//! What an operation answers is known only when it returns, and by then the states in which it
//! could have answered that may be passed. Guessing the answers of everything open would take many
//! more configurations than the offline checker needs, which knows all answers beforehand. So the
//! frontier remembers for every operation that is in flight where it stood when the operation was
//! invoked. Once the operation returns, the events since then are gone through again, this time
//! with its answer. Until it returns, it is one of unknown outcome: a mutation that is applied only
//! where another operation needs it, or an observer that says nothing.
//!
//! What is kept: the operations in flight, those of unknown outcome, the events since the oldest
//! operation in flight was invoked, and for each operation in flight a frontier.

mod configuration;
mod extension;
mod optional;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::{Model, Transition};
use configuration::{Configuration, Configurations};
use optional::Optionals;

/// What is known of the events so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They have a legal order.
    Legal,
    /// They have none, and whatever comes cannot change that.
    Illegal,
    /// There were too many configurations. No verdict: nothing is known from here on.
    GaveUp,
}

/// All configurations that the events of one partition can have led to.
#[derive(Debug)]
pub struct Frontier<M: Model> {
    model: M,
    /// The most configurations that are kept or looked at for one event.
    limit: usize,
    standing: Standing,
    now: Arc<Vec<Configuration<M>>>,
    /// Operations in flight and those that an event of the log is about.
    operations: BTreeMap<u64, Operation<M>>,
    /// For each operation in flight, by position of its invocation, the configurations before it.
    in_flight: BTreeMap<u64, Arc<Vec<Configuration<M>>>>,
    optionals: Optionals<M>,
    /// The events since the oldest operation in flight was invoked.
    log: VecDeque<Moment>,
    /// The position of the first event of the log among all events.
    log_start: u64,
}

/// An event, by the operation that it is about.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Invoked(u64),
    Returned(u64),
}

/// An operation that returned or is in flight.
#[derive(Debug)]
struct Operation<M: Model> {
    input: M::Input,
    /// Position of the invocation.
    invoked: u64,
    /// What is known since it returned.
    returned: Option<Returned<M>>,
}

#[derive(Debug)]
struct Returned<M: Model> {
    output: M::Output,
    /// Position of the completion.
    at: u64,
    observer: bool,
    /// What it did, for models whose state is one value.
    transition: Option<Transition>,
}

impl<M: Model> Frontier<M> {
    /// A frontier before the first event. It gives up on more than `limit` configurations.
    pub fn new(model: M, initial: M::State, limit: usize) -> Frontier<M> {
        Frontier {
            model,
            limit,
            standing: Standing::Legal,
            now: Arc::new(vec![Configuration::new(initial)]),
            operations: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            optionals: Optionals::default(),
            log: VecDeque::new(),
            log_start: 0,
        }
    }

    /// What is known of the events so far.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// How many configurations the events so far can have led to.
    pub fn configurations(&self) -> usize {
        self.now.len()
    }

    /// An operation was invoked; no other may have this `id`, ever.
    ///
    /// # Panics
    /// If an operation in flight has it.
    pub fn invoke(&mut self, id: u64, input: M::Input) -> Standing {
        if self.standing == Standing::Legal {
            let invoked = self.append(Moment::Invoked(id));
            self.in_flight.insert(invoked, Arc::clone(&self.now));
            if !self.model.is_observer(&input, None) {
                self.optionals.add(&self.model, &input, invoked);
            }
            let operation = Operation { input, invoked, returned: None };
            let known = self.operations.insert(id, operation);
            assert!(known.is_none(), "operation {id} is in flight already");
        }
        self.standing
    }

    /// An operation returned, and answered this.
    ///
    /// # Panics
    /// If it is not in flight.
    pub fn complete(&mut self, id: u64, output: M::Output) -> Standing {
        if self.standing == Standing::Legal {
            let (invoked, before) = self.land(id);
            let at = self.append(Moment::Returned(id));
            let operation = self.operations.get_mut(&id).expect("it was in flight");
            if !self.model.is_observer(&operation.input, None) {
                self.optionals.remove(&operation.input, invoked);
            }
            let transition = self.model.transition(&operation.input, Some(&output));
            operation.returned = Some(Returned {
                at,
                observer: self.model.is_observer(&operation.input, Some(&output)),
                transition,
                output,
            });
            self.replay(invoked, before);
            self.trim();
        }
        self.standing
    }

    /// An operation surely did not happen, or says nothing: it failed, or it is an observer of
    /// unknown outcome.
    ///
    /// # Panics
    /// If it is not in flight.
    pub fn forget(&mut self, id: u64) -> Standing {
        if self.standing == Standing::Legal {
            let (invoked, before) = self.land(id);
            let operation = self.operations.remove(&id).expect("it was in flight");
            if !self.model.is_observer(&operation.input, None) {
                self.optionals.remove(&operation.input, invoked);
                self.replay(invoked, before);
            }
            self.trim();
        }
        self.standing
    }

    /// It will never be known what became of an operation: it may take effect at any later time,
    /// or never.
    ///
    /// # Panics
    /// If it is not in flight.
    pub fn unknown(&mut self, id: u64) -> Standing {
        if self.standing == Standing::Legal {
            // A mutation stays among the optional ones, as which it has been treated all along.
            self.land(id);
            self.operations.remove(&id);
            self.trim();
        }
        self.standing
    }

    /// Adds an event to the log; answers its position.
    fn append(&mut self, moment: Moment) -> u64 {
        self.log.push_back(moment);
        self.log_start + self.log.len() as u64 - 1
    }

    /// Takes an operation out of those in flight; answers where it was invoked and the
    /// configurations before.
    fn land(&mut self, id: u64) -> (u64, Arc<Vec<Configuration<M>>>) {
        let invoked = self.operations.get(&id).map(|operation| operation.invoked);
        let landed = invoked.and_then(|invoked| self.in_flight.remove_entry(&invoked));
        landed.expect("an operation that ends is in flight")
    }

    /// Goes through the events from this position on, with all that is known by now.
    fn replay(&mut self, from: u64, before: Arc<Vec<Configuration<M>>>) {
        let mut now = before;
        let mut open: BTreeSet<u64> = self
            .operations
            .iter()
            .filter(|(_, operation)| operation.is_open_at(from))
            .map(|(id, _)| *id)
            .collect();
        for (position, moment) in (self.log_start..).zip(&self.log) {
            if position < from {
                continue;
            }
            match *moment {
                Moment::Invoked(id) => {
                    if let Some(before) = self.in_flight.get_mut(&position) {
                        *before = Arc::clone(&now);
                    } else if let Some(operation) = self.operations.get(&id)
                        && let Some(returned) = &operation.returned
                    {
                        open.insert(id);
                        if returned.observer {
                            let mut seen = now.as_ref().clone();
                            for configuration in &mut seen {
                                configuration.observe(&self.model, id, &operation.input, returned);
                            }
                            now = Arc::new(seen);
                        }
                    }
                }
                Moment::Returned(id) => {
                    match self.settle(&now, id, position, &open) {
                        Some(settled) => now = Arc::new(settled),
                        None => {
                            self.standing = Standing::GaveUp;
                            return;
                        }
                    }
                    open.remove(&id);
                    if now.is_empty() {
                        self.standing = Standing::Illegal;
                        return;
                    }
                }
            }
        }
        self.now = now;
    }

    /// The configurations after an operation returned that is among those `open`; none when there
    /// are too many.
    fn settle(
        &self,
        before: &[Configuration<M>],
        id: u64,
        position: u64,
        open: &BTreeSet<u64>,
    ) -> Option<Vec<Configuration<M>>> {
        let mut settled = Configurations::new(self.limit);
        let extension = extension::Extension {
            model: &self.model,
            operations: &self.operations,
            optionals: &self.optionals,
            open,
            returning: id,
            position,
            limit: self.limit,
        };
        for configuration in before {
            let mut configuration = configuration.clone();
            if configuration.returned(id) {
                settled.add(&configuration, ())?;
                continue;
            }
            if configuration.unhide(id) {
                settled.add(&configuration, ())?;
            }
            extension.extend(configuration, &mut settled)?;
        }
        Some(settled.into_list())
    }

    /// Drops what is before the oldest operation in flight.
    fn trim(&mut self) {
        let end = self.log_start + self.log.len() as u64;
        let oldest = self.in_flight.first_key_value().map_or(end, |(position, _)| *position);
        while self.log_start < oldest {
            let moment = self.log.pop_front().expect("the log reaches to the oldest");
            if let Moment::Returned(id) = moment {
                self.operations.remove(&id);
            }
            self.log_start += 1;
        }
    }
}

impl<M: Model> Operation<M> {
    /// Whether it had been invoked before the event at this position, and had not returned, but
    /// has by now.
    fn is_open_at(&self, position: u64) -> bool {
        let returned_later = self.returned.as_ref().is_some_and(|it| it.at > position);
        self.invoked < position && returned_later
    }
}
