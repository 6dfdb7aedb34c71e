//! Holds a run to a recorded order: says what may go through, and for how long the rest waits.

use std::collections::{BTreeMap, BTreeSet};

use super::before_fault::{self, Before, can_wait, open_calls};
use super::crossing::{CLIENTS, Crossing, End, FaultPoint, Word};
use super::followed::{Followed, MomentFollowed};
use super::likeness::Names;
use super::order_log::{FaultOrder, OrderLog};
use super::regular::regular;
use super::steps::{Steps, is_alike};

/// Something that is held.
pub type Ticket = u64;

/// The longest time for which a message or an fsync is held, in microseconds: less than any service
/// waits for one.
const LONGEST: u64 = 40_000;
/// The longest time for which an answer to a client is held.
const LONGEST_OF_ANSWERS: u64 = 100_000;
/// The longest time for which a client is held: nothing in the service waits for it.
const LONGEST_OF_CLIENTS: u64 = 700_000;
/// The longest time for which everything is held while a fault is applied.
const LONGEST_OF_FAULTS: u64 = 200_000;
/// The longest time for which anything is held, for all reasons together.
const LONGEST_OF_ALL: u64 = 900_000;
/// The longest time for which a fault waits for its moment.
const PATIENCE: u64 = 2_000_000;
/// From then on an answer to an operation of the same kind will do.
const STRICT: u64 = 700_000;
/// From then on the last gates will do: so many.
const SHORT: (u64, usize) = (1_300_000, 3);
/// A moment that does not go on for so long was another one.
const STUCK: u64 = 60_000;
/// The longest time for which the end of a fault waits for its moment.
const PATIENCE_WITH_END: u64 = 300_000;
/// By the time before a fault it is seen who does what.
const LOOK_BACK: u64 = 300_000;
/// The order is lost when so many more gates than were come to in order were not come to in time.
const MOST_MISSED: i32 = 20;

/// Follows a recorded order.
#[derive(Debug)]
pub struct Follower {
    recorded: OrderLog,
    regular: BTreeSet<Word>,
    now: OrderLog,
    names: Names,
    state: State,
    waiting: BTreeMap<Ticket, Waiting>,
    next_ticket: Ticket,
    released: Vec<Ticket>,
    /// Things that were held and never go on.
    dropped: Vec<Ticket>,
    /// The ends of faults that wait, each since then.
    ends: BTreeMap<u32, u64>,
    /// Crossings that nothing came to in time, less those that were come to in order.
    astray: i32,
    followed: Followed,
}

#[derive(Debug)]
enum State {
    /// Everything goes on.
    Free,
    /// A fault waits for its moment.
    Approach(Approach),
    /// A fault has begun.
    After {
        fault: u32,
        /// The fault of the recorded run whose order is followed.
        model: u32,
        steps: Steps,
        began: u64,
    },
}

#[derive(Debug)]
struct Approach {
    fault: u32,
    /// The fault of the recorded run whose moment it waits for.
    model: u32,
    /// The nodes that it would hit.
    hit: BTreeSet<End>,
    before: Before,
    /// So many gates of the pattern have been come to.
    next: usize,
    /// When the last of them was.
    progress: u64,
    since: u64,
    /// Set when the fault may begin.
    fired: bool,
    met: bool,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    gate: Crossing,
    since: u64,
    until: u64,
    /// The step that it has taken; none where a fault is waited for.
    step: Option<usize>,
}

impl Follower {
    /// Follows this order.
    pub fn new(recorded: OrderLog) -> Self {
        let (regular, now) = (regular(&recorded), recorded.emptied());
        Self {
            names: Names::same(recorded.node_count()),
            regular,
            now,
            recorded,
            state: State::Free,
            waiting: BTreeMap::new(),
            next_ticket: 0,
            released: Vec::new(),
            dropped: Vec::new(),
            ends: BTreeMap::new(),
            astray: 0,
            followed: Followed::default(),
        }
    }

    /// The order of this run, whose words have the numbers that they have in the recorded one.
    pub fn log(&mut self) -> &mut OrderLog {
        &mut self.now
    }

    /// Something has come to a gate, at `now` in microseconds. None lets it go on; with a ticket it
    /// waits until that is [released](Self::take_released).
    pub fn arrive(&mut self, now: u64, gate: Crossing) -> Option<Ticket> {
        let decision = self.decide(now, gate);
        match decision {
            None => {
                self.now.note(now, gate);
                self.look(now);
                None
            }
            Some(waiting) => {
                let ticket = self.next_ticket;
                self.next_ticket += 1;
                self.waiting.insert(ticket, waiting);
                self.look(now);
                Some(ticket)
            }
        }
    }

    /// The tickets of things that may go on, in this order, and had to wait.
    pub fn take_released(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.released)
    }

    /// The tickets of things that had to wait and are lost: messages that a process did not send any more when the recorded
    /// run ended it.
    pub fn take_dropped(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.dropped)
    }

    fn decide(&mut self, now: u64, gate: Crossing) -> Option<Waiting> {
        let wait = |step, longest| Waiting { gate, since: now, until: now + longest, step };
        match &mut self.state {
            State::Free => None,
            State::Approach(approach) => {
                if approach.fired {
                    // A process that waits for its disk cannot be ended, and answers have been given.
                    return match gate {
                        Crossing::Sync { .. }
                        | Crossing::Answered { .. }
                        | Crossing::Refused { .. }
                        | Crossing::Fault { .. } => None,
                        _ => Some(wait(None, LONGEST_OF_FAULTS)),
                    };
                }
                if approach.is_unanswered(gate, &self.names) {
                    return Some(wait(None, LONGEST_OF_ANSWERS));
                }
                let can_be_held = can_wait(gate, &self.regular);
                match approach.place(now, gate, &self.names, &self.recorded) {
                    Some(0) => {
                        self.go_on(now);
                        None
                    }
                    // Before the first has come, everything is of another time.
                    Some(_) => (can_be_held && approach.next > 0).then(|| wait(None, LONGEST)),
                    None => {
                        let in_vain = approach.before.in_vain.iter();
                        let mut in_vain = in_vain.map(|recorded| self.names.gate(*recorded));
                        let is_close =
                            approach.next > 0 && approach.next * 2 >= approach.before.pattern.len();
                        let waits = can_be_held && is_close && in_vain.any(|its| its == gate);
                        waits.then(|| wait(None, LONGEST))
                    }
                }
            }
            State::After { steps, .. } => {
                if matches!(gate, Crossing::Call { .. }) && !steps.knows_all() {
                    // It is not known yet who it is sent to.
                    return Some(wait(None, LONGEST_OF_CLIENTS));
                }
                let step = steps.take(gate, &mut self.names, &self.recorded.words)?;
                if matches!(gate, Crossing::Answered { .. })
                    || steps.blocking(step).next().is_none()
                {
                    self.pass_step(step);
                    return None;
                }
                let longest = match gate {
                    Crossing::Call { .. } => LONGEST_OF_CLIENTS,
                    _ => LONGEST,
                };
                Some(wait(Some(step), longest))
            }
        }
    }

    fn pass_step(&mut self, step: usize) {
        if let State::After { steps, .. } = &mut self.state {
            steps.pass(step);
            self.followed.gates += 1;
            self.followed.in_order += 1;
            self.astray = (self.astray - 1).max(0);
        }
    }

    fn miss_steps(&mut self, missed: &[usize]) {
        let State::After { model: fault, steps, .. } = &mut self.state else { return };
        for step in missed {
            steps.pass(*step);
            let (gate, after) = steps.step(*step);
            self.followed.gates += 1;
            *self.followed.missed.entry(gate.kind().to_owned()).or_default() += 1;
            self.astray += 1;
            self.followed.first_missed.get_or_insert_with(|| {
                let seconds = after as f64 / 1e6;
                let what = self.recorded.in_words(gate);
                format!("{what}, {seconds:.3} s after the beginning of fault {fault}")
            });
        }
    }

    /// Lets go what may go on by now.
    pub fn look(&mut self, now: u64) {
        match &mut self.state {
            State::Free => {}
            State::Approach(approach) => {
                if approach.fired {
                    self.release_where(now, |waiting| waiting.until <= now);
                    return;
                }
                if now.saturating_sub(approach.since) > PATIENCE {
                    approach.fired = true;
                } else if approach.next > 0 && now.saturating_sub(approach.progress) > STUCK {
                    // It was another operation. The next one may be it.
                    approach.next = 0;
                    self.release_where(now, |_| true);
                } else {
                    self.take_up_early(now);
                    self.release_where(now, |waiting| waiting.until <= now);
                }
            }
            State::After { .. } => self.look_at_steps(now),
        }
    }

    /// The next gate of the pattern has been come to. At the last one it is the moment, unless the failure
    /// is about operations that the fault left in doubt, and now it would leave none.
    fn go_on(&mut self, now: u64) {
        let State::Approach(approach) = &mut self.state else { return };
        let before = approach.progress;
        if !approach.advance(now) {
            return;
        }
        let open = || open_calls(&self.now, self.now.passed.iter(), before, &approach.hit);
        if self.recorded.of_doubt && !approach.before.open.is_subset(&open()) {
            approach.next = 0;
        } else {
            (approach.met, approach.fired) = (true, true);
        }
    }

    /// Lets through that had come too early to a gate of the pattern, when its turn has come.
    fn take_up_early(&mut self, now: u64) {
        loop {
            let State::Approach(approach) = &mut self.state else { return };
            let (names, log) = (&self.names, &self.recorded);
            let next = self
                .waiting
                .iter()
                .find(|(_, it)| approach.place(now, it.gate, names, log) == Some(0));
            let Some((ticket, _)) = next else { return };
            let ticket = *ticket;
            self.go_on(now);
            self.release(ticket, now);
        }
    }

    fn look_at_steps(&mut self, now: u64) {
        loop {
            let State::After { steps, began, .. } = &mut self.state else { return };
            let overdue = steps.overdue(now.saturating_sub(*began));
            if !overdue.is_empty() {
                self.miss_steps(&overdue);
                continue;
            }
            if steps.is_over() || self.astray >= MOST_MISSED {
                self.state = State::Free;
                self.release_where(now, |_| true);
                return;
            }
            let free = self.waiting.iter().find_map(|(ticket, waiting)| {
                let Some(step) = waiting.step else {
                    let goes_on = steps.knows_all() || waiting.until <= now;
                    return goes_on.then_some((*ticket, None, Vec::new()));
                };
                let blocking: Vec<usize> = steps.blocking(step).collect();
                let goes_on = blocking.is_empty() || waiting.until <= now;
                goes_on.then_some((*ticket, Some(step), blocking))
            });
            let Some((ticket, step, blocking)) = free else { return };
            self.miss_steps(&blocking);
            match step {
                Some(step) => {
                    self.pass_step(step);
                    self.release(ticket, now);
                }
                None => self.decide_again(now, ticket),
            }
        }
    }

    /// Gives something that waited for something else its place in the order, or lets it go on.
    fn decide_again(&mut self, now: u64, ticket: Ticket) {
        let Some(before) = self.waiting.get(&ticket).copied() else { return };
        let is_late = before.until <= now;
        match self.decide(now, before.gate).filter(|again| !is_late || again.step.is_some()) {
            Some(again) => {
                let (since, most) = (before.since, before.since + LONGEST_OF_ALL);
                let until = again.until.min(most);
                self.waiting.insert(ticket, Waiting { since, until, ..again });
            }
            None => self.release(ticket, now),
        }
    }

    fn release(&mut self, ticket: Ticket, now: u64) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            self.followed.held += 1;
            self.followed.held_ms += now.saturating_sub(waiting.since).div_ceil(1_000);
            self.now.note(now, waiting.gate);
            self.released.push(ticket);
        }
    }

    fn release_where(&mut self, now: u64, which: impl Fn(&Waiting) -> bool) {
        let tickets: Vec<_> =
            self.waiting.iter().filter(|(_, it)| which(it)).map(|(ticket, _)| *ticket).collect();
        tickets.into_iter().for_each(|ticket| self.release(ticket, now));
    }

    /// Returns true if a fault that is due, and would hit these nodes now, may begin. Asked again
    /// until it may; from then on everything is held until it [has begun](Self::begun).
    pub fn may_begin(&mut self, now: u64, fault: u32, facts: &FaultOrder) -> bool {
        let is_its = matches!(&self.state, State::Approach(approach) if approach.fault == fault);
        if !is_its {
            let model = self.recorded.model_of(fault, facts.family);
            let before = |model| before_fault::before(&self.recorded, model, &self.regular);
            let Some((model, before)) = model.and_then(|model| Some((model, before(model)?)))
            else {
                return true;
            };
            self.state = State::Free;
            self.release_where(now, |_| true);
            self.find_names(now, before.at);
            let fired = before.pattern.is_empty();
            self.state = State::Approach(Approach {
                fault,
                model,
                hit: facts.hit.clone(),
                before,
                next: 0,
                progress: now,
                since: now,
                fired,
                met: fired,
            });
        }
        if let State::Approach(approach) = &mut self.state {
            let model = &approach.model;
            approach.hit.clone_from(&facts.hit);
            // Who leads may be known by now, or be another one.
            let there = self.recorded.faults.get(model).map(|it| it.hit.clone());
            self.bind_hit(&there.unwrap_or_default(), &facts.hit);
        }
        self.look(now);
        matches!(&self.state, State::Approach(approach) if approach.fired)
    }

    /// Finds out who does what another one did before the fault.
    fn find_names(&mut self, now: u64, recorded: u64) {
        let last = |log: &'_ OrderLog, end: u64| {
            let range = end.saturating_sub(LOOK_BACK)..end;
            let first = log.passed.partition_point(|passed| passed.at < range.start);
            let behind = log.passed.partition_point(|passed| passed.at < range.end);
            first..behind
        };
        let (there, here) = (last(&self.recorded, recorded), last(&self.now, now));
        self.names = Names::most_alike(
            self.recorded.node_count(),
            self.recorded.passed.range(there),
            self.now.passed.range(here),
        );
    }

    /// A fault has begun, and hit these nodes.
    pub fn begun(&mut self, now: u64, fault: u32, facts: FaultOrder) {
        self.now.note(now, Crossing::Fault { fault, moment: FaultPoint::Begun });
        self.now.note_fault(fault, facts.clone());
        let State::Approach(approach) = &self.state else { return };
        if approach.fault != fault {
            return;
        }
        let waited_ms = (now.saturating_sub(approach.since)) / 1_000;
        let met = MomentFollowed { fault, met: approach.met, waited_ms, end: false };
        let (model, place) = (approach.model, approach.before.place);
        self.followed.moments.push(met);
        let recorded = self.recorded.faults.get(&model).cloned().unwrap_or_default();
        self.bind_hit(&recorded.hit, &facts.hit);
        self.astray = 0;
        let steps = Steps::after(&self.recorded, place, &recorded, &self.regular);
        self.state = State::After { fault, model, steps, began: now };
        let tickets: Vec<_> = self.waiting.keys().copied().collect();
        for ticket in tickets {
            let doer = self.waiting.get(&ticket).and_then(|waiting| waiting.gate.doer());
            if facts.ends_them && doer.is_some_and(|node| facts.hit.contains(&node)) {
                // In the recorded run its process had ended before it did that.
                self.waiting.remove(&ticket);
                self.dropped.push(ticket);
            } else {
                self.decide_again(now, ticket);
            }
        }
        self.look(now);
    }

    /// Has the nodes that the fault hit here stand for those that it hit there.
    fn bind_hit(&mut self, there: &BTreeSet<End>, here: &BTreeSet<End>) {
        if there.len() != here.len() {
            return;
        }
        for recorded in there {
            if here.contains(&self.names.of(*recorded)) {
                continue;
            }
            let names = &self.names;
            let free = here.iter().find(|node| !there.contains(&names.recorded(**node)));
            if let Some(node) = free.copied() {
                self.names.bind(*recorded, node);
            }
        }
    }

    /// Returns true if a fault whose end is due may end. Asked again until it may.
    pub fn may_end(&mut self, now: u64, fault: u32) -> bool {
        let State::After { fault: begun, model, steps, .. } = &self.state else { return true };
        let model = if fault == *begun { *model } else { fault };
        let Some(met) = steps.may_end(model) else { return true };
        let since = *self.ends.entry(fault).or_insert(now);
        let waited = now.saturating_sub(since);
        if !met && waited < PATIENCE_WITH_END {
            self.look(now);
            return false;
        }
        let waited_ms = waited / 1_000;
        if self.ends.remove(&fault).is_some() {
            self.followed.moments.push(MomentFollowed { fault, met, waited_ms, end: true });
        }
        true
    }

    /// The load is over: everything goes on.
    pub fn end(&mut self, now: u64) {
        self.state = State::Free;
        self.release_where(now, |_| true);
    }

    /// The account so far.
    pub fn followed(&self) -> &Followed {
        &self.followed
    }
}

impl Approach {
    /// Returns true for an answer to a client that the recorded run did not see any more before the
    /// fault.
    fn is_unanswered(&self, gate: Crossing, names: &Names) -> bool {
        let Crossing::Message { from, to: CLIENTS, .. } = gate else { return false };
        let rest = self.before.pattern.get(self.next..).unwrap_or_default();
        let answers = |recorded: &Crossing| matches!(names.gate(*recorded), Crossing::Answered { node, .. } if node == from);
        let is_close = self.next > 0 && self.next * 2 >= self.before.pattern.len();
        is_close && self.hit.contains(&from) && !rest.iter().any(answers)
    }

    /// The place of a gate among those that are still to come.
    fn place(&self, now: u64, gate: Crossing, names: &Names, log: &OrderLog) -> Option<usize> {
        let waited = now.saturating_sub(self.since);
        let rest = self.before.pattern.get(self.next..).unwrap_or_default();
        // In the end the last gates will do.
        let (after, short) = SHORT;
        let skipped = match self.next {
            0 if waited > after => rest.len().saturating_sub(short),
            _ => 0,
        };
        let is_it = |recorded: &Crossing| {
            is_alike(names.gate(*recorded), gate, &log.words, waited <= STRICT)
        };
        rest[skipped..].iter().position(is_it)
    }

    /// The next gate has been come to; returns true at the last one. What came between that and the
    /// fault came to nothing.
    fn advance(&mut self, now: u64) -> bool {
        let (after, short) = SHORT;
        if self.next == 0 && now.saturating_sub(self.since) > after {
            self.next = self.before.pattern.len().saturating_sub(short);
        }
        self.next += 1;
        self.progress = now;
        self.next == self.before.pattern.len()
    }
}
