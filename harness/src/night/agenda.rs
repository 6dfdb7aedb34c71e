//! The runs of a night, in order.

use std::collections::BTreeMap;

use faults::coverage::Phase;
use rand::RngExt;
use results::night::{Reached, Shard};
use workloads::stream;

use super::promise::{Promise, Promised};

/// Seeds of runs are below it: short enough to say aloud, and so many that two of them are hardly
/// ever the same.
const SEEDS: u64 = 1_000_000_000;

/// So many seeds are drawn for each run, and the one whose faults promise most that was seldom
/// covered is taken. More would promise little more, and each has a schedule to be drawn.
const TRIES: u64 = 6;

/// A cell as far as the order of runs depends on it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weighed {
    /// The name of its target.
    pub target: String,
    /// Its share of the runs compared with the others.
    pub weight: f64,
    /// The time that a run of it takes, in seconds.
    pub expected_seconds: f64,
}

/// A run of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its number in the whole night, from 0.
    pub number: u64,
    /// Its cell, by its place.
    pub cell: usize,
    /// Its seed.
    pub seed: u64,
    /// True if it is this machine's.
    pub ours: bool,
}

/// The runs of a night, without end: a function of the cells, the seed and what earlier nights
/// covered.
///
/// First comes every cell with every seed that the plan names. From then on each run goes to the
/// cell that is furthest behind its weight, with that one of a few seeds whose faults promise most
/// that was seldom covered: by earlier nights, and by the runs before it, as far as these have
/// promised it. That they hold it is not waited for: then the order would depend on the machine.
///
/// The runs are dealt out to shards as they come, each to the one that has least to do so far.
pub(crate) struct Agenda<P> {
    cells: Vec<Weighed>,
    fixed: Vec<u64>,
    seed: u64,
    promise: P,
    /// By target: what earlier nights reached.
    reached: BTreeMap<String, Reached>,
    /// By target: how often a run promised it so far.
    promised: BTreeMap<(String, Promised), u64>,
    /// The runs of each cell so far, but for those of fixed seeds.
    drawn: Vec<u64>,
    shard: Shard,
    /// The seconds of each shard's runs so far.
    loads: Vec<f64>,
    number: u64,
}

impl<P: FnMut(usize, u64) -> Promise> Agenda<P> {
    /// The runs of these cells; `promise` says what a run of a cell by a seed promises.
    pub fn new(
        cells: Vec<Weighed>,
        fixed: Vec<u64>,
        seed: u64,
        reached: BTreeMap<String, Reached>,
        shard: Option<Shard>,
        promise: P,
    ) -> Self {
        let shard = shard.unwrap_or(Shard { index: 1, of: 1 });
        Agenda {
            drawn: vec![0; cells.len()],
            loads: vec![0.0; shard.of as usize],
            cells,
            fixed,
            seed,
            promise,
            reached,
            promised: BTreeMap::new(),
            shard,
            number: 0,
        }
    }

    /// The next cell and seed.
    fn draw(&mut self) -> (usize, u64) {
        let count = self.cells.len() as u64;
        let (round, place) = (self.number / count, (self.number % count) as usize);
        if let Some(seed) = self.fixed.get(round as usize).copied() {
            let promise = (self.promise)(place, seed);
            self.note(place, promise);
            return (place, seed);
        }
        let behind = |cell: usize| (self.drawn[cell] + 1) as f64 / self.cells[cell].weight;
        let cells = 0..self.cells.len();
        let cell = cells.min_by(|one, other| behind(*one).total_cmp(&behind(*other)));
        let cell = cell.expect("a night has a cell");
        self.drawn[cell] += 1;
        let mut best: Option<(f64, u64, Promise)> = None;
        for attempt in 0..TRIES {
            let name = format!("night, run {}, seed {attempt}", self.number);
            let seed = stream(self.seed, &name).random_range(0..SEEDS);
            let promise = (self.promise)(cell, seed);
            let worth = self.worth(cell, &promise);
            if best.as_ref().is_none_or(|(most, ..)| worth > *most) {
                best = Some((worth, seed, promise));
            }
        }
        let (_, seed, promise) = best.expect("some were tried");
        self.note(cell, promise);
        (cell, seed)
    }

    fn note(&mut self, cell: usize, promise: Promise) {
        let target = &self.cells[cell].target;
        for promised in promise {
            *self.promised.entry((target.clone(), promised)).or_default() += 1;
        }
    }

    /// The worth of a promise: each situation counts the less, the more often it was reached.
    fn worth(&self, cell: usize, promise: &Promise) -> f64 {
        let target = &self.cells[cell].target;
        let reached = self.reached.get(target);
        let of = |promised: &Promised| {
            let before = self.promised.get(&(target.clone(), *promised)).copied().unwrap_or(0);
            let worth = |count: u64| 1.0 / (1 + count + before) as f64;
            let Some(reached) = reached else {
                let phases =
                    if matches!(promised, Promised::Hit(..)) { Phase::ALL.len() } else { 1 };
                return phases as f64 * worth(0);
            };
            match *promised {
                Promised::Hit(family, role) => {
                    let in_phase = |phase: Phase| {
                        let same = reached
                            .cells
                            .iter()
                            .find(|it| (it.family, it.role, it.phase) == (family, role, phase));
                        worth(same.map_or(0, |cell| cell.count))
                    };
                    Phase::ALL.into_iter().map(in_phase).sum()
                }
                Promised::Moment(trigger, family) => {
                    let same = reached
                        .moments
                        .iter()
                        .filter(|it| (it.trigger, it.family) == (trigger, family));
                    worth(same.map(|moment| moment.count).sum())
                }
                Promised::Pair(one, other) => {
                    let same = reached.pairs.iter().find(|it| (it.one, it.other) == (one, other));
                    worth(same.map_or(0, |pair| pair.count))
                }
            }
        };
        promise.iter().map(of).sum()
    }
}

impl<P: FnMut(usize, u64) -> Promise> Iterator for Agenda<P> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let (cell, seed) = self.draw();
        let number = self.number;
        self.number += 1;
        let shards = 0..self.loads.len();
        let least = shards.min_by(|one, other| self.loads[*one].total_cmp(&self.loads[*other]));
        let least = least.expect("there is a shard");
        self.loads[least] += self.cells[cell].expected_seconds;
        Some(Part { number, cell, seed, ours: least as u64 + 1 == self.shard.index })
    }
}

#[cfg(test)]
mod tests {
    use faults::coverage::{Cell, Role};
    use faults::fault::Family;

    use super::*;

    fn cell(weight: f64, expected_seconds: f64) -> Weighed {
        Weighed { target: "bundled".to_owned(), weight, expected_seconds }
    }

    fn nothing(_: usize, _: u64) -> Promise {
        Promise::new()
    }

    /// The family that a seed brings, one of three.
    fn by_seed(_: usize, seed: u64) -> Promise {
        let families = [Family::Kill, Family::Pause, Family::Clock];
        [Promised::Hit(families[(seed % 3) as usize], Role::Leader)].into()
    }

    fn agenda<P: FnMut(usize, u64) -> Promise>(
        cells: &[Weighed],
        seed: u64,
        promise: P,
    ) -> Agenda<P> {
        Agenda::new(cells.to_vec(), Vec::new(), seed, BTreeMap::new(), None, promise)
    }

    #[test]
    fn cells_get_runs_by_their_weights_and_none_waits_long() {
        let cells = [cell(1.0, 10.0), cell(4.0, 10.0), cell(0.5, 10.0)];
        let order: Vec<usize> = agenda(&cells, 7, nothing).take(11).map(|part| part.cell).collect();
        assert_eq!(order, [1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 2]);
        let mut counts = [0; 3];
        agenda(&cells, 7, nothing).take(1100).for_each(|part| counts[part.cell] += 1);
        assert_eq!(counts, [200, 800, 100]);
    }

    #[test]
    fn the_order_follows_from_the_seed_and_numbers_have_no_gaps() {
        let cells = [cell(1.0, 10.0), cell(2.0, 10.0)];
        let of = |seed| agenda(&cells, seed, by_seed).take(50).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).iter().zip(0..).all(|(part, number)| part.number == number && part.ours));
        // What came before does not depend on how far one looks.
        assert_eq!(agenda(&cells, 1, by_seed).take(20).collect::<Vec<_>>(), of(1)[..20]);
    }

    #[test]
    fn named_seeds_come_first_in_every_cell() {
        let cells = [cell(1.0, 10.0), cell(9.0, 10.0)];
        let agenda = Agenda::new(cells.to_vec(), vec![5, 6], 1, BTreeMap::new(), None, nothing);
        let parts: Vec<_> = agenda.take(6).collect();
        let first: Vec<_> = parts[..4].iter().map(|part| (part.cell, part.seed)).collect();
        assert_eq!(first, [(0, 5), (1, 5), (0, 6), (1, 6)]);
        assert_eq!((parts[4].cell, parts[5].cell), (1, 1));
    }

    #[test]
    fn what_was_never_covered_is_drawn_rather_than_what_was() {
        let hit =
            |family| Phase::ALL.map(|phase| Cell { family, role: Role::Leader, phase, count: 9 });
        let cells = [hit(Family::Kill), hit(Family::Pause)].concat();
        let reached = Reached { cells, ..Reached::default() };
        let reached = BTreeMap::from([("bundled".to_owned(), reached)]);
        let agenda = Agenda::new(vec![cell(1.0, 10.0)], Vec::new(), 3, reached, None, by_seed);
        let mut counts = [0; 3];
        agenda.take(9).for_each(|part| counts[(part.seed % 3) as usize] += 1);
        // All but those runs in which none of the seeds that were drawn brings it.
        assert!(counts[2] >= 7, "{counts:?}");
        // Once it was promised as often as the others were reached, they are even.
        let mut counts = [0; 3];
        let even =
            Agenda::new(vec![cell(1.0, 10.0)], Vec::new(), 3, BTreeMap::new(), None, by_seed);
        even.take(60).for_each(|part| counts[(part.seed % 3) as usize] += 1);
        assert!(counts.iter().all(|count| (18..=22).contains(count)), "{counts:?}");
    }

    #[test]
    fn shards_share_out_the_same_night_and_have_as_long_to_do() {
        let cells = [cell(1.0, 10.0), cell(2.0, 90.0), cell(1.0, 31.0)];
        let of = 3;
        let whole: Vec<Part> = agenda(&cells, 5, by_seed).take(300).collect();
        let mut taken = vec![0; whole.len()];
        let mut seconds = vec![0.0; of as usize];
        for index in 1..=of {
            let shard = Some(Shard { index, of });
            let shard = Agenda::new(cells.to_vec(), Vec::new(), 5, BTreeMap::new(), shard, by_seed);
            for (part, same) in shard.take(300).zip(&whole) {
                assert_eq!(Part { ours: true, ..part }, *same);
                if part.ours {
                    taken[part.number as usize] += 1;
                    seconds[index as usize - 1] += cells[part.cell].expected_seconds;
                }
            }
        }
        assert!(taken.iter().all(|count| *count == 1), "none is lost, none made twice");
        let (least, most) = seconds.iter().fold((f64::MAX, 0.0_f64), |(least, most), seconds| {
            (least.min(*seconds), most.max(*seconds))
        });
        assert!(most - least <= 90.0, "{seconds:?}");
    }
}
