//! The gates after a fault, one after the other, and what of this run has come to them.

use std::collections::{BTreeMap, BTreeSet};

use super::before_fault::can_wait;
use super::crossing::{Crossing, End, FaultPoint, Word};
use super::likeness::Names;
use super::order_log::{FaultOrder, OrderLog, Words};

/// Crossings that are still to come are looked through so far.
const LOOKAHEAD: usize = 32;

/// The order is followed until so long after a fault has ended, in microseconds: what it led to has
/// mostly been seen by then.
const TAIL: u64 = 500_000;

/// A gate to which nothing came by so long after its time is not waited for any more.
const OVERDUE: u64 = 700_000;

/// So many gates right before the end of a fault are waited for.
const BEFORE_END: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come to it.
    Open,
    /// Something has, and is held.
    Taken,
    /// Something went through, or is not waited for any more.
    Done,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    /// With the names of the recorded run.
    gate: Crossing,
    at: u64,
    state: State,
}

/// The gates from the beginning of a fault on.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// All before it are done.
    first: usize,
    /// When the fault began, in the recorded run.
    at: u64,
    /// By fault: the number of steps before its end.
    endings: BTreeMap<u32, usize>,
    /// The recorded nodes that are known to be who they are.
    bound: BTreeSet<End>,
}

impl Steps {
    /// The gates behind `place` of a log, where a fault began.
    pub fn after(
        log: &OrderLog,
        place: usize,
        FaultOrder { hit, ends_them, .. }: &FaultOrder,
        regular: &BTreeSet<Word>,
    ) -> Self {
        let at = log.passed.get(place).map_or(0, |passed| passed.at);
        let mut steps =
            Self { steps: Vec::new(), first: 0, at, endings: BTreeMap::new(), bound: hit.clone() };
        // The open call of each client.
        let mut calls: BTreeMap<u16, usize> = BTreeMap::new();
        let mut refused = BTreeSet::new();
        // What nodes do that are ending, or still to be cut off, is of the time before.
        let (mut begun, mut ended, mut until) = (false, *ends_them, u64::MAX);
        for passed in log.passed.range((place + 1).min(log.passed.len())..) {
            if passed.at > until {
                break;
            }
            match passed.gate {
                Crossing::Fault { moment: FaultPoint::Begun, .. } => begun = true,
                Crossing::Fault { fault, moment: FaultPoint::Ending } => {
                    ended = false;
                    steps.endings.insert(fault, steps.steps.len());
                }
                Crossing::Fault { moment: FaultPoint::Ended, .. } => until = passed.at + TAIL,
                // The next fault has its own.
                Crossing::Fault { moment: FaultPoint::Beginning, .. } => break,
                Crossing::Refused { client, .. } => refused.extend(calls.remove(&client)),
                gate if (!begun || ended) && gate.nodes().any(|end| hit.contains(&end)) => {}
                gate if can_wait(gate, regular) || matches!(gate, Crossing::Answered { .. }) => {
                    match gate {
                        Crossing::Call { client, .. } => {
                            calls.insert(client, steps.steps.len());
                        }
                        Crossing::Answered { client, .. } => drop(calls.remove(&client)),
                        _ => {}
                    }
                    steps.steps.push(Step { gate, at: passed.at, state: State::Open });
                }
                _ => {}
            }
        }
        // Who is refused comes again, here and there at other times.
        for step in refused {
            steps.steps[step].state = State::Done;
        }
        steps
    }

    /// Returns true if nothing is to come.
    pub fn is_over(&self) -> bool {
        self.first == self.steps.len()
    }

    /// The recorded gate of a step, and the time from the fault to it.
    pub fn step(&self, step: usize) -> (Crossing, u64) {
        (self.steps[step].gate, self.steps[step].at - self.at)
    }

    /// Takes the step that something has come to, which has to [pass](Self::pass) then.
    pub fn take(&mut self, gate: Crossing, names: &mut Names, words: &Words) -> Option<usize> {
        let step = self
            .find(|its| names.gate(its) == gate)
            .or_else(|| self.find(|its| is_alike(names.gate(its), gate, words, true)))
            .or_else(|| self.find(|its| is_alike(names.gate(its), gate, words, false)))
            .or_else(|| self.bind(gate, names))?;
        self.steps[step].state = State::Taken;
        self.bound.extend(self.steps[step].gate.nodes());
        Some(step)
    }

    /// Returns true if it is known who every node is, or nothing can say so any more.
    pub fn knows_all(&self) -> bool {
        let free = |step: usize| match self.steps[step].gate {
            Crossing::Message { from, .. } => !self.bound.contains(&from),
            _ => false,
        };
        !self.open().take(LOOKAHEAD).any(free)
    }

    fn find(&self, is_it: impl Fn(Crossing) -> bool) -> Option<usize> {
        self.open().take(LOOKAHEAD).find(|step| is_it(self.steps[*step].gate))
    }

    fn open(&self) -> impl Iterator<Item = usize> {
        (self.first..self.steps.len()).filter(|step| self.steps[*step].state == State::Open)
    }

    /// Finds that a node which was not heard of since the fault does here what another one did
    /// there, such as standing for election first.
    fn bind(&self, gate: Crossing, names: &mut Names) -> Option<usize> {
        let Crossing::Message { from, what, .. } = gate else { return None };
        let is_free = |recorded: End| !self.bound.contains(&recorded);
        let before = names.recorded(from);
        for step in self.open().take(LOOKAHEAD) {
            let Crossing::Message { from: other, what: its, .. } = self.steps[step].gate else {
                continue;
            };
            if its != what {
                continue;
            }
            // Only the first of the kind says who it is.
            if other == before || !is_free(before) || !is_free(other) {
                return None;
            }
            let mut bound = names.clone();
            bound.bind(other, from);
            if bound.gate(self.steps[step].gate) != gate {
                return None;
            }
            *names = bound;
            return Some(step);
        }
        None
    }

    /// The steps before one at the same nodes to which nothing went through yet.
    pub fn blocking(&self, step: usize) -> impl Iterator<Item = usize> {
        let gate = self.steps[step].gate;
        (self.first..step).filter(move |other| {
            let other = &self.steps[*other];
            other.state != State::Done && other.gate.meets(gate)
        })
    }

    /// Something goes through, or is waited for no more.
    pub fn pass(&mut self, step: usize) {
        self.steps[step].state = State::Done;
        while self.steps.get(self.first).is_some_and(|step| step.state == State::Done) {
            self.first += 1;
        }
    }

    /// Waits no more for steps that are long overdue, `since` microseconds after the fault; returns
    /// them.
    pub fn overdue(&mut self, since: u64) -> Vec<usize> {
        let late = |step: &usize| self.steps[*step].at - self.at + OVERDUE < since;
        let late: Vec<usize> = self.open().take_while(late).collect();
        late.iter().for_each(|step| self.pass(*step));
        late
    }

    /// Returns true if what came right before the end of a fault has come again; none where the
    /// fault does not end here.
    pub fn may_end(&self, fault: u32) -> Option<bool> {
        let end = *self.endings.get(&fault)?;
        let last = end.saturating_sub(BEFORE_END).max(self.first)..end;
        Some(last.into_iter().all(|step| self.steps[step].state == State::Done))
    }
}

/// Returns true if one is as good as the other, whichever client it is: the same operation, or at
/// least one of the same kind.
pub(super) fn is_alike(recorded: Crossing, gate: Crossing, words: &Words, same: bool) -> bool {
    match (recorded, gate) {
        (Crossing::Call { node, what, .. }, Crossing::Call { node: its, what: other, .. })
        | (
            Crossing::Answered { node, what, .. },
            Crossing::Answered { node: its, what: other, .. },
        ) => node == its && (what == other || !same && words.kind(what) == words.kind(other)),
        _ => recorded == gate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTE: Word = 0;
    const ANSWER: Word = 1;

    fn message(from: End, to: End, what: Word) -> Crossing {
        Crossing::Message { from, to, what }
    }

    fn steps(gates: &[Crossing]) -> Steps {
        let mut log = OrderLog::new(["n1", "n2", "n3"].map(str::to_owned).into());
        let facts = FaultOrder { hit: [1].into(), ..FaultOrder::default() };
        log.note(0, Crossing::Fault { fault: 1, moment: FaultPoint::Beginning });
        log.note(0, Crossing::Fault { fault: 1, moment: FaultPoint::Begun });
        (1..).zip(gates).for_each(|(at, gate)| log.note(at * 1_000, *gate));
        Steps::after(&log, 0, &facts, &BTreeSet::new())
    }

    #[test]
    fn what_came_before_at_the_same_node_blocks_until_it_is_done() {
        let mut names = Names::same(3);
        let mut steps =
            steps(&[message(2, 3, VOTE), Crossing::Sync { node: 1 }, message(3, 2, ANSWER)]);
        assert_eq!(steps.take(message(3, 2, ANSWER), &mut names, &Words::default()), Some(2));
        assert_eq!(steps.blocking(2).collect::<Vec<_>>(), [0]);
        assert_eq!(
            steps.take(message(3, 2, ANSWER), &mut names, &Words::default()),
            None,
            "there is one of it"
        );
        assert_eq!(steps.take(message(2, 3, VOTE), &mut names, &Words::default()), Some(0));
        assert_eq!(steps.blocking(0).count(), 0);
        steps.pass(0);
        assert_eq!(steps.blocking(2).count(), 0);
        steps.pass(2);
        assert!(!steps.is_over());
        assert_eq!(steps.overdue(OVERDUE + 2_001), [1]);
        assert!(steps.is_over());
    }

    #[test]
    fn the_first_to_stand_stands_for_the_first_that_stood() {
        let mut names = Names::same(3);
        let mut steps = steps(&[message(2, 3, VOTE), message(3, 2, ANSWER), message(3, 2, VOTE)]);
        assert_eq!(
            steps.take(message(3, 2, VOTE), &mut names, &Words::default()),
            Some(2),
            "its name is in the log"
        );
        let mut steps = steps_without_third();
        assert_eq!(steps.take(message(3, 2, VOTE), &mut names, &Words::default()), Some(0));
        assert_eq!((names.of(2), names.of(3)), (3, 2));
        assert_eq!(steps.take(message(2, 3, ANSWER), &mut names, &Words::default()), Some(1));
    }

    fn steps_without_third() -> Steps {
        steps(&[message(2, 3, VOTE), message(3, 2, ANSWER)])
    }

    #[test]
    fn a_call_that_was_refused_is_not_waited_for() {
        let call = |node, what| Crossing::Call { client: 4, node, what };
        let refused = Crossing::Refused { client: 4, node: 2 };
        let answered = Crossing::Answered { client: 4, node: 2, what: 7 };
        let mut steps = steps(&[call(2, 7), refused, message(2, 3, VOTE), call(2, 7), answered]);
        let mut names = Names::same(3);
        assert_eq!(steps.take(call(2, 7), &mut names, &Words::default()), Some(2));
        assert_eq!(steps.blocking(2).collect::<Vec<_>>(), [1]);
        let other = Crossing::Answered { client: 5, node: 2, what: 7 };
        assert_eq!(
            steps.take(other, &mut names, &Words::default()),
            Some(3),
            "one client is as good as another"
        );
    }
}
