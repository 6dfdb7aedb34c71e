//! Depth first: one configuration at a time, and a memo of those that were tried.
//!
//! Mutations of unknown outcome are used sparingly: ways that use none come first, and where they do
//! not lead on, others that got to the same place without are tried before one is used.
//!
//! An early mistake can cost a search every order of what comes between it and the dead end. When
//! it gets no further for a while, it is asked whether there is a way at all (see
//! [`contradiction`]).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::search::fingerprint::{Memo, Seed};
use crate::search::just_in_time::configuration::Configuration;
use crate::search::just_in_time::contradiction;
use crate::search::just_in_time::ending::Ending;
use crate::search::just_in_time::meter::{Meter, Spent};
use crate::search::just_in_time::moves::{self, Moves};
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{Event, EventIndex, Timeline};
use crate::search::just_in_time::window::Window;
use crate::search::{Decision, Limits, Outcome};

/// Two unrelated families of fingerprints.
const SEEDS: [Seed; 2] = [Seed(0x1A7E_0000_0000_0003), Seed(0x1A7E_FFFF_0000_0004)];

/// Role of a configuration in a fingerprint.
const CONFIGURATION: u64 = 5;

/// Searches a timeline. An Invalid that a collision of fingerprints could have caused is confirmed
/// with other fingerprints.
pub(super) fn decide<S: SlotSet>(timeline: &Timeline, limits: Limits) -> Ending {
    let first = Search::<S>::new(timeline, limits, SEEDS[0]).run();
    if first.finding.decision.outcome != Outcome::Invalid || !first.doubtful {
        return first.finding;
    }
    let mut second = Search::<S>::new(timeline, limits, SEEDS[1]).run().finding;
    second.decision.steps += first.finding.decision.steps;
    second
}

/// The result of one pass.
struct Pass {
    finding: Ending,
    /// True if an Invalid rests on a memo that recognized something.
    doubtful: bool,
}

/// A configuration to go on from. The greater of two is the more promising.
struct Open<S> {
    moment: EventIndex,
    configuration: Configuration<S>,
    /// The number of mutations of unknown outcome that the ways past the next return use. Those
    /// that use fewer were tried.
    unknown: u32,
    /// The steps that had been taken when it was found.
    found: u64,
}

impl<S> Open<S> {
    fn rank(&self) -> (EventIndex, Reverse<u32>, u64) {
        (self.moment, Reverse(self.unknown), self.found)
    }
}

impl<S> Ord for Open<S> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<S> PartialOrd for Open<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S> PartialEq for Open<S> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<S> Eq for Open<S> {}

struct Search<'a, S> {
    timeline: &'a Timeline,
    window: Window<'a, S>,
    meter: Meter,
    memo: Memo,
    seed: Seed,
    /// Configurations to go on from; the most promising last.
    stack: Vec<Open<S>>,
    /// Those that would use more mutations of unknown outcome than they have to so far.
    deferred: BinaryHeap<Open<S>>,
    /// The furthest moment that was come to.
    furthest: EventIndex,
    /// The steps at which those that are deferred have their turn.
    turn_of_deferred: u64,
    /// The last return that some configuration came to without getting past it.
    deepest: Option<EventIndex>,
    /// The steps taken when that was found.
    stuck_since: u64,
    /// True if it was shown, without the memo, that nothing gets past that return.
    proven: bool,
    /// The number of steps to go on before it is asked whether that return is a dead end for all.
    patience: u64,
}

/// Steps without getting further after which a mutation of unknown outcome is used.
const THRIFT: u64 = 32;

/// A search that goes this many steps without getting further may be stuck for good.
const FIRST_PATIENCE: u64 = 1_000;

/// The growth of the patience after each look, and of a look beyond what
/// was waited for.
const MORE_PATIENCE: u64 = 4;

impl<S> Open<S> {
    fn new(moment: EventIndex, configuration: Configuration<S>) -> Open<S> {
        Open { moment, configuration, unknown: 0, found: 0 }
    }
}

impl<'a, S: SlotSet> Search<'a, S> {
    fn new(timeline: &'a Timeline, limits: Limits, seed: Seed) -> Search<'a, S> {
        let starts = Configuration::starts(timeline);
        Search {
            timeline,
            window: Window::new(timeline),
            meter: Meter::new(limits),
            memo: Memo::default(),
            seed,
            stack: starts.into_iter().map(|start| Open::new(0, start)).collect(),
            deferred: BinaryHeap::new(),
            furthest: 0,
            turn_of_deferred: THRIFT,
            deepest: None,
            stuck_since: 0,
            proven: false,
            patience: FIRST_PATIENCE,
        }
    }

    fn run(mut self) -> Pass {
        let outcome = match self.search() {
            Ok(true) => Outcome::Valid,
            Ok(false) => Outcome::Invalid,
            Err(spent) => spent.into(),
        };
        let ended_at = self.deepest.filter(|_| outcome == Outcome::Invalid);
        Pass {
            finding: Ending {
                decision: Decision { outcome, steps: self.meter.steps },
                ended_at: ended_at.map(|place| self.timeline.step_at(place)),
            },
            doubtful: self.memo.was_hit() && !self.proven,
        }
    }

    /// Returns whether some order gets to the end.
    fn search(&mut self) -> Result<bool, Spent> {
        let mut ways = Vec::new();
        while let Some(Open { moment, configuration, unknown, .. }) = self.next() {
            self.window.go_to(moment);
            let Some(configuration) = self.run_ahead(configuration) else { return Ok(true) };
            let (place, size) = (self.window.place, configuration.size());
            ways.clear();
            self.meter.step()?;
            let mut moves = Moves::new(&self.window, unknown, &mut ways, &mut self.meter);
            moves.from(configuration.clone())?;
            let withheld = moves.withheld;
            let used = configuration.used.total() + unknown;
            ways.retain(|way| way.used.total() == used);
            if withheld {
                let (unknown, found) = (unknown + 1, self.meter.steps);
                self.deferred.push(Open { moment: place, configuration, unknown, found });
            }
            if ways.is_empty() && self.deepest.is_none_or(|deepest| deepest < place) {
                self.deepest = Some(place);
                self.stuck_since = self.meter.steps;
                self.patience = FIRST_PATIENCE;
            }
            if self.is_stuck_for_good(place)? {
                self.proven = true;
                return Ok(false);
            }
            ways.sort_by_cached_key(|way| std::cmp::Reverse(way.cost(&self.window)));
            let kept = size * (self.stack.len() + self.deferred.len());
            self.meter.holds(self.memo.next_size() + kept)?;
            for way in ways.drain(..) {
                if self.memo.insert(self.seed.of(CONFIGURATION, &(place, &way))) {
                    self.stack.push(Open::new(place + 1, way));
                }
            }
        }
        Ok(false)
    }

    /// The configuration to go on from next. Where it takes a mutation of unknown outcome to get
    /// on, other ways to that place are looked for a while: they are needed more elsewhere.
    fn next(&mut self) -> Option<Open<S>> {
        if let Some(next) = self.stack.last().filter(|next| next.moment > self.furthest) {
            self.furthest = next.moment;
            self.turn_of_deferred = self.meter.steps + THRIFT;
        }
        if self.stack.is_empty() || self.meter.steps >= self.turn_of_deferred {
            self.stack.extend(self.deferred.pop());
            self.turn_of_deferred = self.meter.steps + THRIFT;
        }
        self.stack.pop()
    }

    /// Returns whether it can be shown that no order gets past the deepest return. Asked only from
    /// time to time, when the search still is before it.
    fn is_stuck_for_good(&mut self, present: EventIndex) -> Result<bool, Spent> {
        let Some(place) = self.deepest.filter(|deepest| present <= *deepest) else {
            return Ok(false);
        };
        if self.meter.steps < self.stuck_since + self.patience {
            return Ok(false);
        }
        let allowance = self.patience * MORE_PATIENCE;
        let proven = contradiction::ends_at::<S>(self.timeline, place, allowance, &mut self.meter)?;
        self.stuck_since = self.meter.steps;
        self.patience = allowance;
        Ok(proven)
    }

    /// Goes on as long as there is nothing to decide; none at the end of the history.
    fn run_ahead(&mut self, mut configuration: Configuration<S>) -> Option<Configuration<S>> {
        while let Some(event) = self.timeline.events.get(self.window.place as usize) {
            match *event {
                Event::Invocation(operation) => {
                    let operation = &self.timeline.known[operation as usize];
                    moves::at_invocation(&mut configuration, operation);
                }
                Event::Return(operation) => {
                    let slot = self.timeline.known[operation as usize].slot as usize;
                    if !configuration.done.contains(slot) {
                        return Some(configuration);
                    }
                    configuration.done.remove(slot);
                }
            }
            self.window.advance();
        }
        None
    }
}
