//! The beam: a frontier that is kept narrow, and looks closer where it came up empty.
//!
//! At the end of a narrow frontier, either what was cut away would have got on, or nothing does.
//!
//! - **Nothing does.** Most often that can be shown from the last few events alone (see
//!   [`contradiction`]).
//! - **Something was cut away.** The beam goes back to an earlier checkpoint and passes the place
//!   with more width; from time to time further back and wider, until it gets past, or comes to
//!   the end of what it may spend, or ends without having cut anything away since the start.

use crate::search::just_in_time::contradiction;
use crate::search::just_in_time::ending::Ending;
use crate::search::just_in_time::frontier::{Breadth, Checkpoint, Frontier};
use crate::search::just_in_time::meter::{Meter, Spent};
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{EventIndex, Timeline};
use crate::search::{Decision, Limits, Outcome};

/// Events between two checkpoints.
const CHECKPOINT_EVERY: EventIndex = 64;

/// The reach of the beam back from a dead end at first, and of its width beyond it, in events.
const FIRST_REACH: EventIndex = 64;

/// The growth of that reach each time, and of the width.
const WIDENING: u32 = 4;

/// Mutations of unknown outcome that are used at one return at first; one more each time that the
/// beam goes back.
const FIRST_UNKNOWN: u32 = 1;

/// Steps for the proof that nothing gets past a dead end, besides as many as were taken already.
const ALLOWANCE: u64 = 100_000;

/// Searches a timeline with a beam of some width.
pub(super) fn decide<S: SlotSet>(timeline: &Timeline, width: usize, limits: Limits) -> Ending {
    assert!(width > 0, "a beam without width sees nothing");
    let mut meter = Meter::new(limits);
    let result = Beam::<S>::new(timeline, width).run(&mut meter);
    let (outcome, ended_at) = match result {
        Ok(None) => (Outcome::Valid, None),
        Ok(Some(place)) => (Outcome::Invalid, Some(timeline.step_at(place))),
        Err(spent) => (spent.into(), None),
    };
    Ending { decision: Decision { outcome, steps: meter.steps }, ended_at }
}

struct Beam<'a, S> {
    timeline: &'a Timeline,
    frontier: Frontier<'a, S>,
    width: usize,
    checkpoints: Vec<Checkpoint<S>>,
    /// The last dead end, and how often the beam went back from it.
    dead_end: Option<(EventIndex, u32)>,
}

impl<'a, S: SlotSet> Beam<'a, S> {
    fn new(timeline: &'a Timeline, width: usize) -> Beam<'a, S> {
        Beam {
            timeline,
            frontier: Frontier::new(timeline),
            width,
            checkpoints: Vec::new(),
            dead_end: None,
        }
    }

    /// The place at which every order ends; none if one gets to the end of the history.
    fn run(&mut self, meter: &mut Meter) -> Result<Option<EventIndex>, Spent> {
        while !self.frontier.at_end() {
            let place = self.frontier.place();
            if place.is_multiple_of(CHECKPOINT_EVERY) {
                self.checkpoints.push(self.frontier.checkpoint());
                meter.holds(self.checkpoints.iter().map(Checkpoint::size).sum())?;
            }
            if self.frontier.advance(self.breadth_at(place), meter)? {
                continue;
            }
            if !self.frontier.was_cut {
                return Ok(Some(place));
            }
            let is_new = self.dead_end.is_none_or(|(known, _)| known < place);
            let allowance = meter.steps + ALLOWANCE;
            if is_new && contradiction::ends_at::<S>(self.timeline, place, allowance, meter)? {
                return Ok(Some(place));
            }
            self.go_back();
        }
        Ok(None)
    }

    /// Wide up to the last dead end and some way beyond it.
    fn breadth_at(&self, place: EventIndex) -> Breadth {
        match self.dead_end {
            Some((dead_end, tries)) if place <= dead_end.saturating_add(FIRST_REACH) => Breadth {
                width: self.width.saturating_mul((WIDENING as usize).saturating_pow(tries)),
                unknown: FIRST_UNKNOWN + tries,
            },
            _ => Breadth { width: self.width, unknown: FIRST_UNKNOWN },
        }
    }

    /// Goes back from a dead end, each time further.
    fn go_back(&mut self) {
        let place = self.frontier.place();
        let (dead_end, tries) = match self.dead_end {
            Some((dead_end, tries)) if place <= dead_end.saturating_add(FIRST_REACH) => {
                (dead_end.max(place), tries + 1)
            }
            _ => (place, 1),
        };
        self.dead_end = Some((dead_end, tries));
        let reach = FIRST_REACH.saturating_mul(WIDENING.saturating_pow(tries));
        let back = dead_end.saturating_sub(reach);
        while self.checkpoints.len() > 1
            && self.checkpoints.last().is_some_and(|last| last.place > back)
        {
            self.checkpoints.pop();
        }
        let checkpoint = self.checkpoints.pop().expect("there is one at the start");
        self.frontier.go_back_to(&checkpoint);
    }
}
