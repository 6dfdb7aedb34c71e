//! Which operation left each value, who found it, and so what took effect (rules 1 to 3).

use super::contradiction::Contradiction;
use super::places::MaybePlace;
use crate::search::by_value::{ByValue, Op, TimedOp};

/// The facts about a value.
#[derive(Clone, Copy)]
pub(super) struct Value {
    /// The one operation that leaves it.
    pub(super) writer: MaybePlace,
    /// An operation that took effect and found it.
    pub(super) finder: MaybePlace,
    /// The compare-and-set that took effect and found it, and so ended it.
    pub(super) successor: MaybePlace,
    /// Of the reads that saw it, the one that returned first.
    pub(super) first_read: MaybePlace,
    /// Of the reads that saw it, the one that was invoked last.
    pub(super) last_read: MaybePlace,
}

impl Value {
    const UNKNOWN: Value = Value {
        writer: MaybePlace::NONE,
        finder: MaybePlace::NONE,
        successor: MaybePlace::NONE,
        first_read: MaybePlace::NONE,
        last_read: MaybePlace::NONE,
    };
}

/// The values of a problem, with their origins.
pub(super) struct Origins<'a> {
    problem: &'a ByValue,
    /// By number of the value.
    pub(super) values: Vec<Value>,
}

impl<'a> Origins<'a> {
    /// Notes who leaves which value; none when two do.
    pub(super) fn new(problem: &'a ByValue) -> Option<Origins<'a>> {
        let mut values = vec![Value::UNKNOWN; problem.values as usize];
        for (place, step) in problem.steps.iter().enumerate() {
            match step.op {
                Op::Read(_) => {}
                Op::Write(left) | Op::CompareAndSet { to: left, .. } => {
                    let writer = &mut values[left as usize].writer;
                    if left == problem.initial || !writer.is_none() {
                        return None;
                    }
                    *writer = MaybePlace::at(place);
                }
                Op::SawAnother(_) => return None,
            }
        }
        Some(Origins { problem, values })
    }

    /// Follows every value that was found back to where it came from.
    pub(super) fn trace(&mut self) -> Result<(), Contradiction> {
        for (place, step) in self.problem.steps.iter().enumerate() {
            if step.returned().is_some()
                && let Some(value) = found_by(step)
            {
                self.found(value, place)?;
            }
        }
        Ok(())
    }

    /// Notes that an operation found a value and took effect; and so did, before it, what left
    /// the value.
    fn found(&mut self, mut value: u32, mut finder: usize) -> Result<(), Contradiction> {
        loop {
            let known = &mut self.values[value as usize];
            let was_found_before = !known.finder.is_none();
            if !was_found_before {
                known.finder = MaybePlace::at(finder);
            }
            self.note(value, finder)?;
            if was_found_before || value == self.problem.initial {
                return Ok(());
            }
            let Some(writer) = self.values[value as usize].writer.get() else {
                return Err(self.explain(&[finder]));
            };
            let step = &self.problem.steps[writer];
            // What returned is followed back by itself.
            let Some(before) = found_by(step).filter(|_| step.returned().is_none()) else {
                return Ok(());
            };
            (value, finder) = (before, writer);
        }
    }

    /// Notes an operation under the value that it found.
    fn note(&mut self, value: u32, finder: usize) -> Result<(), Contradiction> {
        let steps = &self.problem.steps;
        let known = &mut self.values[value as usize];
        if let Op::CompareAndSet { .. } = steps[finder].op {
            if let Some(other) = known.successor.get() {
                return Err(self.explain(&[other, finder]));
            }
            known.successor = MaybePlace::at(finder);
            return Ok(());
        }
        // Reads come by invocation.
        known.last_read = MaybePlace::at(finder);
        if known
            .first_read
            .get()
            .is_none_or(|first| returned(&steps[finder]) < returned(&steps[first]))
        {
            known.first_read = MaybePlace::at(finder);
        }
        Ok(())
    }

    /// Makes a contradiction of the operations that break a rule: adds what shows that those of
    /// unknown outcome took effect, and what left the values that were found.
    pub(super) fn explain(&self, breakers: &[usize]) -> Contradiction {
        let steps = &self.problem.steps;
        let mut places = breakers.to_vec();
        places.extend(breakers.iter().filter_map(|place| self.evidence(*place)));
        let writer = |place: &usize| {
            let value = found_by(&steps[*place])?;
            self.values[value as usize].writer.get()
        };
        let writers: Vec<usize> = places.iter().filter_map(writer).collect();
        places.extend(writers);
        places.sort_unstable();
        places.dedup();
        Contradiction(places)
    }

    /// An operation that returned and found what this one, of unknown outcome, left; or what
    /// others of unknown outcome made of it.
    fn evidence(&self, mut place: usize) -> Option<usize> {
        let steps = &self.problem.steps;
        steps[place].returned().is_none().then(|| {
            while steps[place].returned().is_none() {
                let left = left_by(&steps[place]).expect("only mutations have unknown outcomes");
                place = self.values[left as usize].finder.get().expect("it took effect");
            }
            place
        })
    }
}

/// The value that an operation finds, if it takes effect; a write finds any.
pub(super) fn found_by(step: &TimedOp) -> Option<u32> {
    match step.op {
        Op::Read(value) | Op::CompareAndSet { from: value, .. } => Some(value),
        Op::Write(_) | Op::SawAnother(_) => None,
    }
}

/// The value that an operation leaves, if it takes effect; a read leaves what it found.
pub(super) fn left_by(step: &TimedOp) -> Option<u32> {
    match step.op {
        Op::Write(value) | Op::CompareAndSet { to: value, .. } => Some(value),
        Op::Read(_) | Op::SawAnother(_) => None,
    }
}

/// By when an operation had taken effect; the end of time for one of unknown outcome.
pub(super) fn returned(step: &TimedOp) -> u64 {
    step.returned().unwrap_or(u64::MAX)
}
