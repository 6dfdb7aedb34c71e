//! Watches a history while it is being recorded, key by key.

use std::collections::BTreeMap;

use crate::history::{Event, EventType, HistoryError, OwnedDatum, Process};
use crate::model::{self, AnyModel, Conventions};
use crate::online::log::{Log, Step, Terms};
use crate::options::Options;

/// The most operations of a key that are kept: ten megabytes of them. A judgement of so many takes
/// some ten milliseconds, of sets and lists half a second.
const CAPACITY: usize = 100_000;

/// Events that have not been judged yet are looked for twice in a second of the history, in
/// nanoseconds…
const SWEEP_TIME: u64 = 500_000_000;

/// …and, since not every history has times, after so many events.
const SWEEP_EVENTS: u64 = 10_000;

/// A key of which so many sweeps in a row saw no event is dropped: ten seconds.
const QUIET_SWEEPS: u32 = 20;

/// Judges a history event by event.
///
/// It does not judge anew at each event, but it always knows how far it has judged
/// ([`legal_before`](Watch::legal_before)): a key is judged once there are sixteen new completions
/// and one for each 32 of its operations (and for each thousand steps that the last judgement took,
/// where a search is needed). Fewer than sixteen are judged twice in a second of the history's own
/// time, and all when the key has been quiet for half a second. To know at once, ask
/// for it ([`judge_now`](Watch::judge_now)).
///
/// Nothing that it cannot judge makes it fail: such a key is given up, which says nothing about
/// it, and is left to the offline checker. So is a key that has a hundred thousand operations, and
/// one that comes back after it was not used for some ten seconds.
#[derive(Debug)]
pub struct Watch {
    judge: Judge,
    capacity: usize,
    /// By key; none where the history has none.
    in_use: BTreeMap<Option<String>, InUse>,
    /// Keys of which nothing but this is known any more.
    done: BTreeMap<Option<String>, Done>,
    /// The invocations that have not completed, by process.
    open: BTreeMap<u64, Event>,
    next_index: u64,
    next_sweep: Sweep,
    verdict: OnlineVerdict,
}

/// The terms on which keys are judged.
#[derive(Debug)]
struct Judge {
    model: AnyModel<'static>,
    conventions: Conventions,
    initial: OwnedDatum,
}

impl Judge {
    fn terms(&self) -> Terms<'_> {
        let Judge { model, conventions, initial } = self;
        Terms { model: *model, conventions: *conventions, initial: initial.borrow() }
    }
}

/// The verdict of a [`Watch`] on the events so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnlineVerdict {
    /// Nothing is wrong that would be known.
    Legal,
    /// The operations on this key have no legal order; of a history without keys, those on the
    /// object.
    Illegal {
        /// The key.
        key: Option<String>,
        /// The index of the event that made it so: the events through this one are Invalid, and
        /// those before it are not, as far as the keys were not given up and could be decided.
        index: u64,
    },
}

impl Watch {
    /// Watches by the model that `options` names. The budget of `options` is not looked at.
    ///
    /// # Errors
    /// When the options name no model that there is, or the initial value does not fit it.
    pub fn new(options: &Options) -> Result<Watch, HistoryError> {
        Watch::with_capacity(options, CAPACITY)
    }

    /// Watches and keeps at most so many operations of a key. A key that has more is given up.
    ///
    /// # Errors
    /// As [`Watch::new`].
    pub fn with_capacity(options: &Options, capacity: usize) -> Result<Watch, HistoryError> {
        let name = options.model.as_deref().unwrap_or_default();
        let model =
            model::find(name).ok_or_else(|| HistoryError::UnknownModel(name.to_string()))?;
        let initial = OwnedDatum::from(&options.initial);
        if let Err(reason) = model.0.open(initial.borrow(), options.conventions) {
            let (model, reason) = (model.description().name, reason.to_string());
            return Err(HistoryError::Initial { model, reason });
        }
        Ok(Watch {
            judge: Judge { model, conventions: options.conventions, initial },
            capacity,
            in_use: BTreeMap::new(),
            done: BTreeMap::new(),
            open: BTreeMap::new(),
            next_index: 0,
            next_sweep: Sweep { time: SWEEP_TIME, index: SWEEP_EVENTS },
            verdict: OnlineVerdict::Legal,
        })
    }

    /// Takes the next event.
    pub fn push(&mut self, event: &Event) -> &OnlineVerdict {
        if self.verdict == OnlineVerdict::Legal {
            let comes_later = event.index >= self.next_index;
            self.next_index = event.index + 1;
            if let Process::Client(process) = event.process {
                let completed = match event.kind {
                    EventType::Invoke => self.open.insert(process, without_history(event)),
                    _ => self.open.remove(&process),
                };
                self.take(event, completed.as_ref(), comes_later);
            }
            if event.time >= self.next_sweep.time || event.index >= self.next_sweep.index {
                self.next_sweep =
                    Sweep { time: event.time + SWEEP_TIME, index: event.index + SWEEP_EVENTS };
                self.sweep();
            }
        }
        &self.verdict
    }

    /// Judges what has not been judged yet.
    pub fn judge_now(&mut self) -> &OnlineVerdict {
        let terms = self.judge.terms();
        let judged = self.in_use.iter_mut().map(|(name, it)| (name.clone(), it.log.judge(terms)));
        let judged: Vec<_> = judged.collect();
        self.conclude(judged);
        &self.verdict
    }

    /// The index up to which the history is known to be legal: of the events before it the offline
    /// checker says Valid, keys aside that were given up.
    pub fn legal_before(&self) -> u64 {
        match self.verdict {
            OnlineVerdict::Illegal { index, .. } => index,
            OnlineVerdict::Legal => {
                let unjudged = self.in_use.values().filter_map(|it| it.log.first_unjudged());
                unjudged.min().unwrap_or(self.next_index)
            }
        }
    }

    /// The number of keys given up.
    pub fn given_up(&self) -> usize {
        self.done.values().filter(|done| **done == Done::GivenUp).count()
    }

    /// The number of keys in use, of which more than the name is kept.
    pub fn in_use(&self) -> usize {
        self.in_use.len()
    }

    /// Takes an event of a client. `invocation` is the one that it completes; of an invocation
    /// there must be none. It must come later than all others.
    fn take(&mut self, event: &Event, invocation: Option<&Event>, comes_later: bool) {
        let Watch { in_use, done, judge, capacity, .. } = self;
        let name = invocation.unwrap_or(event).key.clone();
        if let Some(done) = done.get_mut(&name) {
            *done = Done::GivenUp;
            return;
        }
        let terms = judge.terms();
        let watched = in_use.entry(name.clone()).or_default();
        watched.quiet_for = 0;
        let step = match (event.kind, invocation) {
            _ if !comes_later => Step::GiveUp,
            (EventType::Invoke, None) => {
                watched.open += 1;
                watched.log.take(event, *capacity, terms)
            }
            (EventType::Ok | EventType::Fail | EventType::Info, Some(_)) => {
                watched.open -= 1;
                watched.log.take(event, *capacity, terms)
            }
            _ => Step::GiveUp,
        };
        if step != Step::GoOn {
            self.conclude([(name, step)]);
        }
    }

    /// Judges what is worth it, and drops the keys that are not used any more.
    fn sweep(&mut self) {
        let Watch { in_use, judge, .. } = self;
        let terms = judge.terms();
        let mut judged = Vec::new();
        for (name, watched) in in_use {
            // What is too little for its cost is judged once nothing more comes.
            if watched.quiet_for > 0 || watched.log.is_worth_it() {
                judged.push((name.clone(), watched.log.judge(terms)));
            }
            watched.quiet_for += 1;
        }
        self.conclude(judged);
        let done = &mut self.done;
        self.in_use.retain(|name, watched| {
            let is_over = watched.open == 0 && watched.quiet_for >= QUIET_SWEEPS;
            if is_over {
                let judged = match watched.log.first_unjudged() {
                    None => Done::Legal,
                    Some(_) => Done::GivenUp,
                };
                done.insert(name.clone(), judged);
            }
            !is_over
        });
    }

    /// Draws the conclusions from what keys came to.
    fn conclude(&mut self, steps: impl IntoIterator<Item = (Option<String>, Step)>) {
        let mut first: Option<(u64, Option<String>)> = None;
        for (name, step) in steps {
            match step {
                Step::GoOn => {}
                Step::GiveUp => {
                    self.in_use.remove(&name);
                    self.done.insert(name, Done::GivenUp);
                }
                Step::Illegal(index) => {
                    first = first.into_iter().chain([(index, name)]).min();
                }
            }
        }
        let Some(mut first) = first else { return };
        // Another key may have been illegal before, and was not looked at.
        let Watch { in_use, judge, .. } = self;
        let terms = judge.terms();
        for (name, watched) in in_use {
            let may_be_earlier = watched.log.first_unjudged().is_some_and(|it| it < first.0);
            if may_be_earlier
                && let Step::Illegal(index) = watched.log.judge(terms)
                && index < first.0
            {
                first = (index, name.clone());
            }
        }
        let (index, key) = first;
        self.verdict = OnlineVerdict::Illegal { key, index };
        self.in_use.clear();
        self.open.clear();
    }
}

#[derive(Debug, Default)]
struct InUse {
    log: Log,
    /// Operations in flight.
    open: usize,
    /// The number of sweeps since its last event.
    quiet_for: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// All its operations had a legal order.
    Legal,
    GivenUp,
}

/// The time at which unjudged events are looked for: whichever comes first.
#[derive(Debug)]
struct Sweep {
    time: u64,
    index: u64,
}

/// The part of an event that is looked at; the way to the answer is not.
fn without_history(event: &Event) -> Event {
    Event { token: None, attempts: Vec::new(), ..event.clone() }
}
