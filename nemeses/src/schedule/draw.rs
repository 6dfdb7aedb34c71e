//! How a schedule is drawn from a seed.
//!
//! The frame is drawn first, always for every family: who is next, after which gap, overlapping
//! the fault before or not. Each family fills its own places from a random stream of its own. A
//! family that was not asked for leaves its places empty, so that leaving one out removes only its
//! own events and a failure can be looked for with fewer families.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};

use super::{Entry, Schedule};
use crate::fault::{Aim, Family, Fault, Kill, Partition, Pause};

/// What a schedule is drawn for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleOptions {
    /// How many nodes the cluster has.
    pub nodes: usize,
    /// The families that take part.
    pub families: BTreeSet<Family>,
    /// Equal seeds give equal schedules.
    pub seed: u64,
    /// How long the load lasts; every fault ends before it does.
    pub time_limit: Duration,
}

/// The families that take places in a schedule.
const DRAWN: [Family; 3] = [Family::Partition, Family::Kill, Family::Pause];

/// Without faults at the start: what the cluster does when nothing is wrong is the base line of
/// every plot, and connections must be warm.
const QUIET_START: Duration = Duration::from_secs(3);
/// Without faults at the end: the load itself should see the cluster recover.
const QUIET_TAIL: Duration = Duration::from_secs(3);
/// At most this share of a short run is quiet at the start, and as much at the end.
const QUIET_SHARE: f64 = 0.2;

/// Below an election timeout: nobody should notice but the requests in flight.
const SHORTEST_FAULT: f64 = 0.3;
/// Many election timeouts: whatever can time out does.
const LONGEST_FAULT: f64 = 8.0;
/// In a short run a fault takes at most this share of the time, so that several fit.
const LONGEST_SHARE: f64 = 1.0 / 6.0;
/// Lengths are drawn from thirds of this many equal ratios between shortest and longest.
const LENGTH_CLASSES: usize = 3;
/// A fault that leaves no majority stays shorter: while it lasts nothing else can be learnt.
const LONGEST_WITHOUT_MAJORITY: f64 = 3.0;

/// A leader that is parted from its majority stays so for an election, for the time-outs of its
/// clients, and for some reads and writes at either leader.
const SHORTEST_PARTING: f64 = 2.5;

/// Enough for a new leader and some commits.
const SHORTEST_GAP: f64 = 0.5;
/// Longer is time in which nothing is tested.
const LONGEST_GAP: f64 = 3.0;
/// In a short run a gap takes at most this share of the time.
const LONGEST_GAP_SHARE: f64 = 1.0 / 10.0;

/// How often a fault begins while the one before it lasts.
const OVERLAP_CHANCE: f64 = 0.2;

/// At least this share of the time the cluster can make progress; what would go beyond is aimed
/// at fewer nodes instead.
const PROGRESS_SHARE: f64 = 0.5;

impl Schedule {
    /// Draws a schedule. Equal options give equal schedules.
    ///
    /// In 60 s there are about 15 faults of three families, each family at least twice, of 0.3 to
    /// 8 s with gaps of 0.5 to 3 s; one in five overlaps the fault before it. Shorter runs get
    /// fewer and shorter ones. A single node gets no partitions.
    pub fn draw(options: &ScheduleOptions) -> Self {
        let mut entries = Frame::new(options).fill();
        entries.retain(|entry| options.families.contains(&entry.fault.family()));
        Self { entries }
    }
}

/// Draws one of `weights` that `fits`, each as often as its weight says.
///
/// # Panics
/// When none fits: the tables beside the families always hold one that does.
pub(crate) fn weighted<T: Copy>(
    weights: &[(T, u32)],
    fits: impl Fn(T) -> bool,
    random: &mut impl Rng,
) -> T {
    let fitting: Vec<_> = weights.iter().filter(|(choice, _)| fits(*choice)).collect();
    let mut left = random.random_range(0..fitting.iter().map(|(_, weight)| weight).sum());
    for (choice, weight) in fitting {
        if left < *weight {
            return *choice;
        }
        left -= weight;
    }
    unreachable!("what is left is below the sum of the weights")
}

/// The random stream numbered `number` of `seed`.
fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

fn milliseconds(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1e3).round() as u64)
}

/// Values dealt like cards: every one once before any comes again.
struct Bag<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy> Bag<T> {
    fn new(all: impl Into<Vec<T>>) -> Self {
        Self { all: all.into(), left: Vec::new() }
    }

    fn draw(&mut self, random: &mut impl Rng) -> T {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
            self.left.shuffle(random);
        }
        self.left.pop().expect("a bag is made of at least one value")
    }
}

/// What one family draws its own places from.
struct FamilyStream {
    random: ChaCha8Rng,
    /// Every family has short, middling and long faults, however few it has.
    lengths: Bag<usize>,
    /// How many faults begin while no other is on.
    alone: u32,
}

/// The places of a schedule, filled one after the other.
struct Frame {
    nodes: usize,
    window_start: f64,
    window_end: f64,
    longest_fault: f64,
    longest_gap: f64,
    /// Seconds that faults may still leave the cluster without a majority.
    without_majority_left: f64,
    random: ChaCha8Rng,
    families: Bag<Family>,
    streams: Vec<(Family, FamilyStream)>,
}

impl Frame {
    fn new(options: &ScheduleOptions) -> Self {
        let limit = options.time_limit.as_secs_f64();
        let window_start = QUIET_START.as_secs_f64().min(limit * QUIET_SHARE);
        let window_end = limit - QUIET_TAIL.as_secs_f64().min(limit * QUIET_SHARE);
        let window = window_end - window_start;
        // A family's stream is numbered by its place in the list of all, never of those asked for.
        let streams = DRAWN.into_iter().zip(1..).map(|(family, number)| {
            let lengths = Bag::new((0..LENGTH_CLASSES).collect::<Vec<_>>());
            let random = stream(options.seed, number);
            (family, FamilyStream { random, lengths, alone: 0 })
        });
        Self {
            nodes: options.nodes,
            window_start,
            window_end,
            longest_fault: (window * LONGEST_SHARE).clamp(SHORTEST_FAULT * 2.0, LONGEST_FAULT),
            longest_gap: (window * LONGEST_GAP_SHARE).clamp(SHORTEST_GAP * 1.2, LONGEST_GAP),
            without_majority_left: limit * (1.0 - PROGRESS_SHARE),
            random: stream(options.seed, 0),
            families: Bag::new(DRAWN),
            streams: streams.collect(),
        }
    }

    fn fill(mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut id = 0;
        // The fault that the next one may overlap: family, start and end, until one did.
        let mut overlappable: Option<(Family, f64, f64)> = None;
        // The first moment at which every fault so far is over.
        let mut free = self.window_start;
        loop {
            let family = self.families.draw(&mut self.random);
            let gap = self.random.random_range(SHORTEST_GAP..self.longest_gap);
            let overlaps = self.random.random_bool(OVERLAP_CHANCE);
            let depth = self.random.random_range(0.1..0.9);
            let before = overlappable.filter(|(other, ..)| overlaps && *other != family);
            let at = match before {
                Some((_, start, end)) => start + (end - start) * depth,
                None if id == 0 => free,
                None => free + gap,
            };
            let (fault, lasts, pick) = self.draw_fault(family, before.is_some());
            let end = at + lasts;
            if end.max(free) > self.window_end {
                return entries;
            }
            id += 1;
            if let Some(fault) = fault {
                let (at, lasts) = (milliseconds(at), milliseconds(lasts));
                entries.push(Entry { id, at, lasts, pick, fault });
            }
            overlappable = before.is_none().then_some((family, at, end));
            free = free.max(end);
        }
    }

    /// What happens, for how many seconds, and the seed of what is picked when it fires.
    fn draw_fault(&mut self, family: Family, overlapping: bool) -> (Option<Fault>, f64, u32) {
        let nodes = self.nodes;
        let (_, own) = self
            .streams
            .iter_mut()
            .find(|(other, _)| *other == family)
            .expect("every family has a stream");
        let pick = own.random.random();
        let class = own.lengths.draw(&mut own.random) as f64;
        // Every other partition parts the leader from its majority, the first among them: so a
        // deposed leader that does not know it is a part of every run, however few partitions it
        // has. Not while another fault is on, which may have taken the leader away.
        let parts_leader = !overlapping && own.alone.is_multiple_of(2);
        own.alone += u32::from(!overlapping);
        let part = (class + own.random.random_range(0.0..1.0)) / LENGTH_CLASSES as f64;
        let mut lasts = SHORTEST_FAULT * (self.longest_fault / SHORTEST_FAULT).powf(part);
        if parts_leader && family == Family::Partition {
            lasts = lasts.max(SHORTEST_PARTING.min(self.longest_fault));
        }
        let random = &mut own.random;
        let mut fault = match family {
            Family::Partition => Partition::draw(nodes, parts_leader, random).map(Fault::Partition),
            Family::Kill => Some(Fault::Kill(Kill::draw(nodes, random))),
            Family::Pause => Some(Fault::Pause(Pause::draw(nodes, random))),
            _ => None,
        };
        let takes_majority =
            |fault: &Option<Fault>| fault.as_ref().is_some_and(|f| f.takes_majority(nodes));
        if takes_majority(&fault) {
            lasts = lasts.min(LONGEST_WITHOUT_MAJORITY);
        }
        // Two faults at once are counted as if they took the majority: together they often do.
        if takes_majority(&fault) || overlapping {
            if lasts > self.without_majority_left {
                fault = fault.map(gentlest);
            } else {
                self.without_majority_left -= lasts;
            }
        }
        (fault, lasts, pick)
    }
}

/// The same family, aimed at as few nodes as it can be.
fn gentlest(fault: Fault) -> Fault {
    fault.aimed_at(Aim::Leader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(nodes: usize, seed: u64, seconds: u64, families: &[Family]) -> Vec<Entry> {
        let families = families.iter().copied().collect();
        let time_limit = Duration::from_secs(seconds);
        Schedule::draw(&ScheduleOptions { nodes, families, seed, time_limit }).entries
    }

    /// The share of the time at which neither a fault that takes the majority nor two faults at
    /// once are on, by sampling every 10 ms.
    fn share_with_progress(entries: &[Entry], nodes: usize, seconds: u64) -> f64 {
        let samples = seconds * 100;
        let calm = (0..samples).filter(|sample| {
            let now = Duration::from_millis(sample * 10);
            let on = entries.iter().filter(|entry| entry.at <= now && now < entry.ends());
            let on: Vec<_> = on.collect();
            on.len() < 2 && !on.iter().any(|entry| entry.fault.takes_majority(nodes))
        });
        calm.count() as f64 / samples as f64
    }

    #[test]
    fn a_minute_has_a_dozen_or_more_faults_and_every_family_at_least_twice() {
        let mut total = 0;
        for seed in 0..500 {
            let entries = draw(5, seed, 60, &DRAWN);
            total += entries.len();
            assert!((8..=24).contains(&entries.len()), "seed {seed}: {}", entries.len());
            for family in DRAWN {
                let own = entries.iter().filter(|entry| entry.fault.family() == family);
                assert!(own.count() >= 2, "seed {seed}: {family}");
            }
        }
        let mean = total as f64 / 500.0;
        assert!((12.0..=18.0).contains(&mean), "{mean} faults a minute");
    }

    #[test]
    fn faults_keep_their_bounds_and_leave_start_and_end_quiet() {
        for seed in 0..500 {
            for seconds in [5, 10, 20, 60, 600] {
                let entries = draw(5, seed, seconds, &DRAWN);
                let quiet = Duration::from_secs(3).min(Duration::from_secs(seconds) / 5);
                let limit = Duration::from_secs(seconds);
                assert!(entries.iter().is_sorted_by_key(|entry| entry.id));
                for entry in &entries {
                    assert!(entry.at >= quiet, "seed {seed}, {seconds} s: {entry}");
                    assert!(entry.ends() + quiet <= limit + Duration::from_millis(1), "{entry}");
                    let lasts = entry.lasts.as_secs_f64();
                    assert!((SHORTEST_FAULT - 0.001..=LONGEST_FAULT).contains(&lasts), "{entry}");
                }
            }
        }
    }

    #[test]
    fn a_run_of_a_few_seconds_still_has_faults() {
        for seed in 0..500 {
            assert!(draw(3, seed, 5, &DRAWN).len() >= 2, "seed {seed}");
            assert!(draw(3, seed, 10, &DRAWN).len() >= 3, "seed {seed}");
        }
        assert!(draw(3, 1, 0, &DRAWN).is_empty());
    }

    #[test]
    fn the_cluster_can_make_progress_most_of_the_time() {
        for seed in 0..500 {
            for (nodes, seconds) in [(1, 60), (2, 60), (3, 60), (4, 30), (5, 60), (7, 10)] {
                let entries = draw(nodes, seed, seconds, &DRAWN);
                let share = share_with_progress(&entries, nodes, seconds);
                // A cluster of one or two loses its majority with any node.
                let least = if nodes <= 2 { 0.25 } else { 0.4 };
                assert!(share >= least, "seed {seed}, {nodes} nodes, {seconds} s: {share}");
            }
        }
    }

    #[test]
    fn at_most_two_faults_are_on_at_once_and_they_are_of_two_families() {
        let mut overlaps = 0;
        for seed in 0..200 {
            let entries = draw(5, seed, 60, &DRAWN);
            for (index, entry) in entries.iter().enumerate() {
                let earlier = entries[..index].iter().filter(|other| other.ends() > entry.at);
                let earlier: Vec<_> = earlier.collect();
                assert!(earlier.len() <= 1, "seed {seed}: {entry}");
                for other in earlier {
                    assert_ne!(other.fault.family(), entry.fault.family());
                    overlaps += 1;
                }
            }
        }
        assert!(overlaps > 200, "{overlaps} overlaps in 200 schedules");
    }

    #[test]
    fn leaving_a_family_out_removes_only_its_own_faults() {
        for seed in 0..100 {
            let all = draw(5, seed, 60, &DRAWN);
            for left_out in DRAWN {
                let families: Vec<_> =
                    DRAWN.into_iter().filter(|family| *family != left_out).collect();
                let expected: Vec<_> =
                    all.iter().filter(|entry| entry.fault.family() != left_out).cloned().collect();
                assert_eq!(draw(5, seed, 60, &families), expected);
            }
        }
    }

    #[test]
    fn equal_options_give_equal_schedules_and_other_seeds_others() {
        assert_eq!(draw(5, 7, 60, &DRAWN), draw(5, 7, 60, &DRAWN));
        assert_ne!(draw(5, 7, 60, &DRAWN), draw(5, 8, 60, &DRAWN));
    }

    #[test]
    fn leaders_are_aimed_at_most() {
        let entries: Vec<_> = (0..200).flat_map(|seed| draw(5, seed, 60, &DRAWN)).collect();
        let aimed = entries.iter().filter(|entry| entry.fault.to_string().contains("leader"));
        let share = aimed.count() as f64 / entries.len() as f64;
        assert!((0.35..0.65).contains(&share), "{share}");
    }

    #[test]
    fn nearly_every_minute_parts_a_leader_from_its_majority_undisturbed_for_seconds() {
        let mut without = 0;
        for seed in 0..500 {
            let entries = draw(5, seed, 60, &DRAWN);
            let parted = entries.iter().any(|entry| match entry.fault {
                Fault::Partition(partition) if partition.shape.parts_leader() => {
                    let begins_alone = entries
                        .iter()
                        .all(|other| other.at >= entry.at || other.ends() <= entry.at);
                    begins_alone && entry.lasts.as_secs_f64() >= SHORTEST_PARTING
                }
                _ => false,
            });
            without += u32::from(!parted);
        }
        assert!(without <= 10, "{without} of 500 schedules");
    }

    #[test]
    fn a_single_node_gets_no_partition_and_two_nodes_none_that_cuts_nothing() {
        for seed in 0..100 {
            assert!(draw(1, seed, 60, &[Family::Partition]).is_empty());
            for entry in draw(2, seed, 60, &[Family::Partition]) {
                let Fault::Partition(partition) = entry.fault else { panic!("{entry}") };
                assert!(partition.shape.smallest_cluster() <= 2, "{entry}");
            }
        }
    }
}
