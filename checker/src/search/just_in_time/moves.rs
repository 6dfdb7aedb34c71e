//! Moves: the ways to get past the return of an operation.

use crate::search::by_value::Op;
use crate::search::just_in_time::configuration::Configuration;
use crate::search::just_in_time::meter::{Meter, Spent};
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{Event, EventIndex, Known};
use crate::search::just_in_time::window::Window;

/// Serves what an invocation can be served at once.
pub(super) fn at_invocation<S: SlotSet>(configuration: &mut Configuration<S>, operation: &Known) {
    let seen = match operation.op {
        Op::Read(value) => value == configuration.value,
        Op::SawAnother(value) => value != configuration.value,
        Op::Write(_) | Op::CompareAndSet { .. } => false,
    };
    if seen {
        configuration.done.insert(operation.slot as usize);
    }
}

/// Finds the ways past one return.
pub(super) struct Moves<'a, S> {
    window: &'a Window<'a, S>,
    /// The operation that returns.
    goal: Known,
    /// The most mutations of unknown outcome that a way may use.
    most_unknown: u32,
    /// The number that had been used before the way that is being looked for.
    used_before: u32,
    /// True if there may be ways that use more.
    pub(super) withheld: bool,
    found: &'a mut Vec<Configuration<S>>,
    meter: &'a mut Meter,
}

/// The state of a chain of compare-and-sets.
#[derive(Debug, Clone)]
struct Link {
    /// The value that it has led to.
    value: u32,
    /// The values before it from which steps of unknown outcome led on although no operation has
    /// seen what they left. An order that comes back to such a value can do without all those
    /// steps.
    idle: Vec<u32>,
}

impl Link {
    fn at(value: u32) -> Link {
        Link { value, idle: Vec::new() }
    }

    /// Returns whether the last step was of unknown outcome and no operation has seen what it left.
    fn is_idle(&self) -> bool {
        !self.idle.is_empty()
    }
}

impl<'a, S: SlotSet> Moves<'a, S> {
    /// At the return that comes next in the window. A way past it may use so many mutations of
    /// unknown outcome.
    pub(super) fn new(
        window: &'a Window<'a, S>,
        most_unknown: u32,
        found: &'a mut Vec<Configuration<S>>,
        meter: &'a mut Meter,
    ) -> Moves<'a, S> {
        let Event::Return(goal) = window.timeline.events[window.place as usize] else {
            unreachable!("only returns force a move");
        };
        let goal = window.timeline.known[goal as usize];
        Moves { window, goal, most_unknown, used_before: 0, withheld: false, found, meter }
    }

    /// Adds every configuration that `configuration` can be in after the return, except such as
    /// can be done without.
    pub(super) fn from(&mut self, mut configuration: Configuration<S>) -> Result<(), Spent> {
        self.used_before = configuration.used.total();
        if self.reached(&configuration) {
            self.keep(configuration);
            return Ok(());
        }
        if self.goal.retractable {
            self.keep(configuration.clone());
        }
        if self.goal.op == Op::Write(configuration.value) {
            let mut again = configuration.clone();
            again.overwritten = self.window.place;
            self.keep(again);
            let here = Link::at(configuration.value);
            return self.extend_now(&configuration, &here, false);
        }
        configuration.overwritten = self.window.earliest_alike(configuration.overwritten);
        if self.goal.invoked < configuration.overwritten {
            self.in_hindsight(&configuration)?;
        }
        let here = Link::at(configuration.value);
        self.now(&configuration, here, false)
    }

    fn reached(&self, configuration: &Configuration<S>) -> bool {
        configuration.done.contains(self.goal.slot as usize)
    }

    fn keep(&mut self, mut configuration: Configuration<S>) {
        configuration.done.remove(self.goal.slot as usize);
        self.found.push(configuration);
    }

    /// Orders that go on from the present value in the gap before the return, and end with the
    /// operation that returns.
    fn now(
        &mut self,
        configuration: &Configuration<S>,
        link: Link,
        written: bool,
    ) -> Result<(), Spent> {
        self.meter.step()?;
        let now = self.window.place;
        // What is idle here is no use to a write.
        if !written && !link.is_idle() {
            if let Op::Write(value) = self.goal.op {
                let mut next = configuration.clone();
                next.done.insert(self.goal.slot as usize);
                self.arrive(&mut next, value);
                self.keep(next);
            } else {
                for value in self.heads(configuration, now) {
                    let Some(mut next) = self.write(configuration, value, now) else { continue };
                    self.arrive(&mut next, value);
                    if self.reached(&next) {
                        self.keep(next);
                    } else {
                        self.now(&next, Link::at(value), true)?;
                    }
                }
            }
        }
        self.extend_now(configuration, &link, written)
    }

    /// A write that counts leaves `value` now.
    fn arrive(&self, configuration: &mut Configuration<S>, value: u32) {
        configuration.value = value;
        configuration.overwritten = self.window.place;
        self.serve(configuration, value, self.window.place);
    }

    /// The orders of [`now`](Self::now) that go on with a compare-and-set.
    fn extend_now(
        &mut self,
        configuration: &Configuration<S>,
        link: &Link,
        written: bool,
    ) -> Result<(), Spent> {
        let now = self.window.place;
        for edge in self.edges(configuration, link.value, now) {
            let mut next = configuration.clone();
            let Some(link) = self.follow(&mut next, link, edge, now) else { continue };
            next.value = link.value;
            if self.reached(&next) {
                self.keep(next);
            } else {
                self.now(&next, link, written)?;
            }
        }
        Ok(())
    }

    /// Orders that put the operation that returns before the last write that counts, after another
    /// write and perhaps some compare-and-sets that no operation could see otherwise.
    fn in_hindsight(&mut self, configuration: &Configuration<S>) -> Result<(), Spent> {
        let then = configuration.overwritten;
        if let Op::Write(value) = self.goal.op {
            let mut next = configuration.clone();
            next.done.insert(self.goal.slot as usize);
            self.serve(&mut next, value, then);
            return self.chain(next, Link::at(value), then);
        }
        for value in self.heads(configuration, then) {
            let Some(mut next) = self.write(configuration, value, then) else { continue };
            self.serve(&mut next, value, then);
            self.chain(next, Link::at(value), then)?;
        }
        Ok(())
    }

    /// A chain of compare-and-sets in hindsight: every chain that reaches the goal.
    fn chain(
        &mut self,
        configuration: Configuration<S>,
        link: Link,
        then: EventIndex,
    ) -> Result<(), Spent> {
        self.meter.step()?;
        for edge in self.edges(&configuration, link.value, then) {
            let mut next = configuration.clone();
            let Some(link) = self.follow(&mut next, &link, edge, then) else { continue };
            self.chain(next, link, then)?;
        }
        if self.reached(&configuration) && !link.is_idle() {
            self.keep(configuration);
        }
        Ok(())
    }

    /// The values with which an order can start that reaches the goal.
    fn heads(&self, configuration: &Configuration<S>, moment: EventIndex) -> Vec<u32> {
        let timeline = self.window.timeline;
        let mut heads = Vec::new();
        match self.goal.op {
            Op::Read(value) => heads.push(value),
            Op::CompareAndSet { from, .. } => heads.push(from),
            Op::SawAnother(_) => {
                for slot in self.window.all_writes.without(&configuration.done) {
                    if let Op::Write(value) = self.window.owner(slot).op {
                        heads.push(value);
                    }
                }
                for group in &timeline.groups {
                    if let Op::Write(value) = group.op {
                        heads.push(value);
                    }
                }
            }
            Op::Write(_) => unreachable!("a write starts an order by itself"),
        }
        for slot in self.window.sets.without(&configuration.done) {
            let set = self.window.owner(slot);
            if let Op::CompareAndSet { from, .. } = set.op
                && set.invoked < moment
            {
                heads.push(from);
            }
        }
        for (number, group) in timeline.groups.iter().enumerate() {
            if let Op::CompareAndSet { from, .. } = group.op
                && configuration.used.of(number as u32) < timeline.available(number as u32, moment)
            {
                heads.push(from);
            }
        }
        heads.sort_unstable();
        heads.dedup();
        heads
    }

    /// Uses the write of `value` that is best used at a moment: the one that returns first. One of
    /// unknown outcome never returns.
    fn write(
        &mut self,
        configuration: &Configuration<S>,
        value: u32,
        moment: EventIndex,
    ) -> Option<Configuration<S>> {
        let writes = self.window.writes[value as usize].without(&configuration.done);
        let best = writes
            .filter(|slot| self.window.owner(*slot).invoked < moment)
            .min_by_key(|slot| self.window.owner(*slot).returned);
        if let Some(slot) = best {
            let mut next = configuration.clone();
            next.done.insert(slot);
            return Some(next);
        }
        let group = self.window.timeline.unknown_writes[value as usize]?;
        if configuration.used.of(group) == self.window.timeline.available(group, moment)
            || !self.may_use_unknown(configuration)
        {
            return None;
        }
        let mut next = configuration.clone();
        next.used.add(group);
        Some(next)
    }

    /// The compare-and-sets that can come next when `value` is there. Of those that do the same,
    /// the one that returns first, and the first of those that need not happen: these cannot take
    /// the place of one that must.
    fn edges(
        &mut self,
        configuration: &Configuration<S>,
        value: u32,
        moment: EventIndex,
    ) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        for slot in self.window.sets.without(&configuration.done) {
            let set = self.window.owner(slot);
            let Op::CompareAndSet { from, to } = set.op else {
                unreachable!("only compare-and-sets are among them");
            };
            if from != value || set.invoked >= moment {
                continue;
            }
            let Known { returned, retractable, .. } = *set;
            let edge = Edge { to, by: By::Slot(slot), returned, retractable };
            match edges.iter_mut().find(|it| it.to == to && it.retractable == retractable) {
                Some(twin) if twin.returned <= set.returned => {}
                Some(twin) => *twin = edge,
                None => edges.push(edge),
            }
        }
        let timeline = self.window.timeline;
        for group in &timeline.unknown_sets[value as usize] {
            let Op::CompareAndSet { to, .. } = timeline.groups[*group as usize].op else {
                unreachable!("only compare-and-sets are among them");
            };
            if configuration.used.of(*group) < timeline.available(*group, moment)
                && edges.iter().all(|other| other.to != to)
                && self.may_use_unknown(configuration)
            {
                let by = By::Group(*group);
                edges.push(Edge { to, by, returned: EventIndex::MAX, retractable: true });
            }
        }
        edges
    }

    /// Returns whether the way may use another mutation of unknown outcome, of which there is one.
    fn may_use_unknown(&mut self, configuration: &Configuration<S>) -> bool {
        let may = configuration.used.total() - self.used_before < self.most_unknown;
        self.withheld |= !may;
        may
    }

    /// Takes a compare-and-set and serves who sees what it leaves; none if the chain can do without
    /// its last steps.
    fn follow(
        &self,
        configuration: &mut Configuration<S>,
        link: &Link,
        edge: Edge,
        moment: EventIndex,
    ) -> Option<Link> {
        match edge.by {
            By::Slot(slot) => configuration.done.insert(slot),
            By::Group(group) => configuration.used.add(group),
        }
        let seen = self.serve(configuration, edge.to, moment);
        if seen || matches!(edge.by, By::Slot(_)) {
            return Some(Link::at(edge.to));
        }
        let mut idle = link.idle.clone();
        idle.push(link.value);
        (!idle.contains(&edge.to)).then_some(Link { value: edge.to, idle })
    }

    /// Serves all open observers that see `value` at a moment; tells whether there were any.
    fn serve(&self, configuration: &mut Configuration<S>, value: u32, moment: EventIndex) -> bool {
        let window = self.window;
        let reads = &window.reads[value as usize];
        let mut served = false;
        if moment == window.place {
            served = configuration.done.unite(reads);
        } else {
            let done = configuration.done.clone();
            for slot in reads.without(&done) {
                if window.owner(slot).invoked < moment {
                    configuration.done.insert(slot);
                    served = true;
                }
            }
        }
        let done = configuration.done.clone();
        for slot in window.others.without(&done) {
            let other = window.owner(slot);
            if other.op != Op::SawAnother(value) && other.invoked < moment {
                configuration.done.insert(slot);
                served = true;
            }
        }
        served
    }
}

/// A compare-and-set that can come next.
#[derive(Debug, Clone, Copy)]
struct Edge {
    to: u32,
    by: By,
    returned: EventIndex,
    retractable: bool,
}

/// The operation that does it.
#[derive(Debug, Clone, Copy)]
enum By {
    /// The operation in this slot.
    Slot(usize),
    /// The next one of a group of unknown outcome.
    Group(u32),
}
