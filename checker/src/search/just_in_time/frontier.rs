//! Breadth first: all configurations of one moment, without those that another one covers.

use crate::search::just_in_time::configuration::Configuration;
use crate::search::just_in_time::meter::{Meter, Spent};
use crate::search::just_in_time::moves::{self, Moves};
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{Event, EventIndex, Timeline};
use crate::search::just_in_time::window::Window;

/// Comparisons of two configurations that cost as much as one step.
const COMPARISONS_PER_STEP: u64 = 16;

/// The configurations that orders can be in at one moment.
#[derive(Debug)]
pub(super) struct Frontier<'a, S> {
    window: Window<'a, S>,
    configurations: Vec<Configuration<S>>,
    /// True if configurations were given up for want of room.
    pub(super) was_cut: bool,
}

/// The reach of a frontier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Breadth {
    /// The most configurations at a time.
    pub(super) width: usize,
    /// The most mutations of unknown outcome that are used at one return.
    pub(super) unknown: u32,
}

impl Breadth {
    /// As many configurations, and no other bound.
    pub(super) fn of(width: usize) -> Breadth {
        Breadth { width, unknown: u32::MAX }
    }
}

/// A moment to come back to.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint<S> {
    pub(super) place: EventIndex,
    configurations: Vec<Configuration<S>>,
    was_cut: bool,
}

impl<S: SlotSet> Checkpoint<S> {
    /// Bytes that it takes at most.
    pub(super) fn size(&self) -> usize {
        size(&self.configurations)
    }
}

/// Bytes that configurations take at most; they may share some of them.
fn size<S: SlotSet>(configurations: &[Configuration<S>]) -> usize {
    configurations.first().map_or(0, |first| configurations.len() * first.size())
}

impl<'a, S: SlotSet> Frontier<'a, S> {
    pub(super) fn new(timeline: &'a Timeline) -> Frontier<'a, S> {
        let configurations = Configuration::starts(timeline);
        Frontier { window: Window::new(timeline), configurations, was_cut: false }
    }

    /// The place of the next event.
    pub(super) fn place(&self) -> EventIndex {
        self.window.place
    }

    /// Returns whether the whole history is explained.
    pub(super) fn at_end(&self) -> bool {
        self.window.place as usize == self.window.timeline.events.len()
    }

    #[cfg(test)]
    pub(super) fn configurations(&self) -> &[Configuration<S>] {
        &self.configurations
    }

    pub(super) fn checkpoint(&self) -> Checkpoint<S> {
        Checkpoint {
            place: self.window.place,
            configurations: self.configurations.clone(),
            was_cut: self.was_cut,
        }
    }

    pub(super) fn go_back_to(&mut self, checkpoint: &Checkpoint<S>) {
        self.window.go_to(checkpoint.place);
        self.configurations.clone_from(&checkpoint.configurations);
        self.was_cut = checkpoint.was_cut;
    }

    /// Goes past the next event with at most `breadth.width` configurations. False, and nothing
    /// changed, if none of them gets past it.
    pub(super) fn advance(&mut self, breadth: Breadth, meter: &mut Meter) -> Result<bool, Spent> {
        let timeline = self.window.timeline;
        match timeline.events[self.window.place as usize] {
            Event::Invocation(operation) => {
                let operation = &timeline.known[operation as usize];
                for configuration in &mut self.configurations {
                    moves::at_invocation(configuration, operation);
                }
            }
            Event::Return(operation) => {
                let slot = timeline.known[operation as usize].slot as usize;
                let ready = |it: &Configuration<S>| it.done.contains(slot);
                if self.configurations.iter().all(ready) {
                    for configuration in &mut self.configurations {
                        configuration.done.remove(slot);
                    }
                } else {
                    let mut ways = Vec::with_capacity(2 * self.configurations.len());
                    let mut moves = Moves::new(&self.window, breadth.unknown, &mut ways, meter);
                    for configuration in &self.configurations {
                        moves.from(configuration.clone())?;
                    }
                    self.was_cut |= moves.withheld;
                    if ways.is_empty() {
                        return Ok(false);
                    }
                    self.configurations = self.best_of(ways, breadth.width, meter)?;
                    meter.holds(size(&self.configurations))?;
                }
            }
        }
        self.window.advance();
        Ok(true)
    }

    /// The most promising configurations that no other one covers.
    fn best_of(
        &mut self,
        mut ways: Vec<Configuration<S>>,
        width: usize,
        meter: &mut Meter,
    ) -> Result<Vec<Configuration<S>>, Spent> {
        if ways.len() == 1 {
            return Ok(ways);
        }
        for way in &mut ways {
            way.overwritten = self.window.earliest_alike(way.overwritten);
        }
        // What covers another comes before it, or costs the same.
        ways.sort_by_cached_key(|way| (way.cost(&self.window), u32::MAX - way.overwritten));
        let mut kept: Vec<Configuration<S>> = Vec::new();
        let mut comparisons = 0;
        for way in ways {
            let covered = kept.iter().any(|other| {
                comparisons += 1;
                other.covers(&way, &self.window)
            });
            while comparisons >= COMPARISONS_PER_STEP {
                comparisons -= COMPARISONS_PER_STEP;
                meter.step()?;
            }
            if covered {
                continue;
            }
            if kept.len() == width {
                self.was_cut = true;
                break;
            }
            kept.push(way);
        }
        Ok(kept)
    }
}
