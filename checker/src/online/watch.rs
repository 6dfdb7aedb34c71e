//! Watches a history while it is being recorded: every key has a [`Frontier`].

use std::collections::BTreeMap;

use crate::Options;
use crate::history::{Event, EventType, History, HistoryError, Operations, OwnedDatum, Process};
use crate::model::{self, Call, Conventions, Kind, Model, Values, WithModel};
use crate::online::{Frontier, Standing};

/// How many configurations a key may have before its frontier gives up. Of a register with unique
/// values there are a handful; a thousand keep a check within the time that an operation takes.
const CONFIGURATIONS: usize = 1_000;

/// Judges a history event by event.
///
/// Nothing that it cannot judge makes it fail: such a key is given up, which says nothing about
/// it, and is left to the offline checker.
pub struct Watch(Box<dyn Watcher>);

/// What a [`Watch`] knows of the events so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// Every key that was not given up has a legal order.
    Legal,
    /// The operations on this key have none; of a history without keys, on the object.
    Illegal {
        /// The key.
        key: Option<String>,
        /// The index of the event that made it so.
        index: u64,
    },
}

impl Watch {
    /// Watches by the model that `options` names. The budget of `options` is not looked at.
    ///
    /// # Errors
    /// When the options name no model that there is, or the initial value does not fit it.
    pub fn new(options: &Options) -> Result<Watch, HistoryError> {
        let name = options.model.as_deref().unwrap_or_default();
        let kind: Kind =
            model::find(name).ok_or_else(|| HistoryError::UnknownModel(name.to_string()))?;
        kind.apply(Open { options }).map(Watch)
    }

    /// Takes the next event.
    pub fn push(&mut self, event: &Event) -> &Sighting {
        self.0.push(event)
    }

    /// How many keys were given up.
    pub fn given_up(&self) -> usize {
        self.0.given_up()
    }
}

struct Open<'a> {
    options: &'a Options,
}

impl WithModel for Open<'_> {
    type Output = Result<Box<dyn Watcher>, HistoryError>;

    fn with<M: Model + Clone + Send + 'static>(self, model: M) -> Self::Output {
        let initial = OwnedDatum::from(&self.options.initial);
        let name = model.description().name;
        model
            .initial(initial.borrow(), &mut Values::new())
            .map_err(|reason| HistoryError::Initial { model: name, reason })?;
        Ok(Box::new(Keys {
            model,
            conventions: self.options.conventions,
            initial,
            keys: BTreeMap::new(),
            open: BTreeMap::new(),
            sighting: Sighting::Legal,
        }))
    }
}

/// A [`Keys`] of any model.
trait Watcher: Send {
    fn push(&mut self, event: &Event) -> &Sighting;
    fn given_up(&self) -> usize;
}

/// The keys of a history.
struct Keys<M: Model> {
    model: M,
    conventions: Conventions,
    initial: OwnedDatum,
    keys: BTreeMap<Option<String>, Watched<M>>,
    /// The invocations that have not completed, by process.
    open: BTreeMap<u64, Event>,
    sighting: Sighting,
}

struct Watched<M: Model> {
    frontier: Frontier<M>,
    values: Values,
    given_up: bool,
}

impl<M: Model + Clone + Send> Watcher for Keys<M> {
    fn push(&mut self, event: &Event) -> &Sighting {
        if let Process::Client(process) = event.process
            && self.sighting == Sighting::Legal
        {
            let invocation = match event.kind {
                EventType::Invoke => self.open.insert(process, event.clone()),
                _ => self.open.remove(&process),
            };
            self.take(event, invocation.as_ref());
        }
        &self.sighting
    }

    fn given_up(&self) -> usize {
        self.keys.values().filter(|watched| watched.given_up).count()
    }
}

impl<M: Model + Clone> Keys<M> {
    /// Takes an event of a client. `invocation` is the one that it completes; of an invocation
    /// there must be none.
    fn take(&mut self, event: &Event, invocation: Option<&Event>) {
        let well_formed = invocation.is_some() != (event.kind == EventType::Invoke);
        let key = match self.model.splits_by_key() {
            true => invocation.unwrap_or(event).key.clone(),
            false => None,
        };
        let model = &self.model;
        let initial = self.initial.borrow();
        let watched = self.keys.entry(key.clone()).or_insert_with(|| {
            let mut values = Values::new();
            let initial = model.initial(initial, &mut values).expect("it was a state before");
            let frontier = Frontier::new(model.clone(), initial, CONFIGURATIONS);
            Watched { frontier, values, given_up: false }
        });
        if watched.given_up {
            return;
        }
        let standing = match well_formed {
            true => watched.take(model, self.conventions, event, invocation),
            false => None,
        };
        match standing {
            Some(Standing::Legal) => {}
            Some(Standing::Illegal) => {
                self.sighting = Sighting::Illegal { key, index: event.index };
            }
            Some(Standing::GaveUp) | None => watched.given_up = true,
        }
    }
}

impl<M: Model> Watched<M> {
    /// Takes an event; none if it does not fit the model, or a history.
    fn take(
        &mut self,
        model: &M,
        conventions: Conventions,
        event: &Event,
        invocation: Option<&Event>,
    ) -> Option<Standing> {
        let events = invocation.into_iter().chain([event]).cloned().collect();
        let operations = Operations::of(&History { events }).ok()?;
        let operation = operations.iter().next()?;
        if event.kind == EventType::Fail && !operation.was_refuted() {
            return Some(self.frontier.forget(invocation?.index));
        }
        let call = model.call(operation, conventions, &mut self.values).ok()?;
        let Some(invocation) = invocation else {
            return match call {
                Call::Unknown(input) => Some(self.frontier.invoke(event.index, input)),
                Call::Known(..) | Call::Silent => None,
            };
        };
        let id = invocation.index;
        Some(match call {
            Call::Known(_, output) => self.frontier.complete(id, output),
            Call::Silent => self.frontier.forget(id),
            Call::Unknown(input) if model.is_observer(&input, None) => self.frontier.forget(id),
            Call::Unknown(_) => self.frontier.unknown(id),
        })
    }
}
