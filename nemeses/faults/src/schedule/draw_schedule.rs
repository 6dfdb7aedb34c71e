//! The drawing of a schedule from a seed.
//!
//! The timeline is drawn first, always for every family: a fault of which family or which
//! composition is next, after which gap, overlapping the one before or not. Each family fills its
//! own places from a random stream of its own. A family that was not asked for leaves its places
//! empty, so that leaving one out removes only its own events and a failure can be looked for with
//! fewer families. So does what triggers a known failure that is to be avoided.
//!
//! The profile `composed` alone is drawn for the families asked for and no others: it is for a bug
//! that is known to take these together.
//!
//! Families that most runs do not have, since they need a target that can or are outside of Raft's
//! fault model, have no places on the timeline, which would stay empty: they come on top, at times
//! of their own. So does the clean stop, of which a few a minute are enough.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::drawn_triggers;
use super::planned::{Planned, Streams, stream};
use super::profile::Parameters;
use super::shuffle_bag::ShuffleBag;
use super::{Composition, Entry, KnownFailure, Profile, Schedule, ScheduleOptions};
use crate::fault::{Aim, ClusterLimits, EVENLY, Family, Fault, Wanted, between, spread, weighted};
use crate::trigger::Trigger;

/// Without faults at the start: what the cluster does when nothing is wrong is the base line of
/// every plot, and connections must be warm.
const QUIET_START: Duration = Duration::from_secs(3);
/// Without faults at the end: the load itself should see the cluster recover.
const QUIET_TAIL: Duration = Duration::from_secs(3);
/// At most this share of a short run is quiet at the start, and as much at the end.
const QUIET_SHARE: f64 = 0.2;

/// In a short run a fault takes at most this share of the time, so that several fit.
const LONGEST_SHARE: f64 = 1.0 / 6.0;
/// In a short run a gap takes at most this share of the time.
const LONGEST_GAP_SHARE: f64 = 1.0 / 20.0;
/// Lengths are drawn from thirds of this many equal ratios between shortest and longest.
const LENGTH_CLASSES: usize = 3;

/// A leader that is parted from its majority stays so for an election, for the time-outs of its
/// clients, and for some reads and writes at either leader.
const SHORTEST_PARTING: f64 = 2.5;

/// So many faults or compositions in a row that have no place, and the schedule ends: the time that
/// is left is too short for most.
const LAST_TRIES: u32 = 16;

/// A family that comes on top does so after so many seconds, and again.
const ON_TOP: (f64, f64) = (4.0, 14.0);

impl Schedule {
    /// Draws a schedule. Equal options give equal schedules.
    ///
    /// In 60 s the nightly profile has about 28 faults of eight families, each family at least
    /// once, of 0.05 to 8 s. Shorter runs get fewer and shorter ones. A single node is parted from
    /// its clients alone.
    pub fn draw(options: &ScheduleOptions) -> Self {
        let mut entries = Timeline::new(options).fill();
        entries.retain(|entry| options.families.contains(&entry.fault.family()));
        let may_wait = |trigger: &Trigger| options.triggers.contains(&trigger.observed.kind());
        entries.iter_mut().for_each(|entry| entry.when = entry.when.take().filter(may_wait));
        let mut schedule = Self { entries };
        schedule.tie_up(options.nodes);
        schedule
    }
}

/// One or several faults that the timeline goes on with.
enum Next {
    /// One fault of a family.
    Single(Family),
    /// Several faults that belong together.
    Composition(Vec<Planned>),
}

/// The places of a schedule, filled one after the other.
struct Timeline<'a> {
    limits: ClusterLimits,
    parameters: Parameters,
    window_start: f64,
    window_end: f64,
    longest_fault: f64,
    longest_gap: f64,
    /// Seconds that faults may leave the cluster without a majority, in all.
    without_majority: f64,
    /// The seconds of the faults so far in which they get little done.
    halted: f64,
    random: ChaCha8Rng,
    streams: Streams,
    /// Of the moments of each family's faults.
    moments: Streams,
    families: ShuffleBag<Family>,
    /// The families that come on top.
    on_top: Vec<Family>,
    /// Those that the cluster and its families can have.
    compositions: Vec<(&'a Composition, u32)>,
    /// Every family has short, middling and long faults, however few it has.
    lengths: Vec<ShuffleBag<usize>>,
    /// The number of partitions that began while nothing else was on.
    lone_partings: u32,
    planned: Vec<Planned>,
    /// The failures whose triggers are left out in the end.
    avoided: &'a [KnownFailure],
}

impl<'a> Timeline<'a> {
    fn new(options: &'a ScheduleOptions) -> Self {
        let parameters = options.profile.parameters();
        let limit = options.time_limit.as_secs_f64();
        let window_start = QUIET_START.as_secs_f64().min(limit * QUIET_SHARE);
        let window_end = limit - QUIET_TAIL.as_secs_f64().min(limit * QUIET_SHARE);
        let window = window_end - window_start;
        let usual = |family: &Family| !family.about().comes_on_top;
        let (families, on_top) = match options.profile {
            Profile::Only(family) => (vec![family], Vec::new()),
            // Nothing comes beside what was asked for by name.
            Profile::Composed if !options.only.is_empty() => Default::default(),
            Profile::Composed => options.families.iter().copied().partition(usual),
            _ => Family::ALL.into_iter().partition(usual),
        };
        let compositions = options.possible_compositions();
        Self {
            limits: options.limits(),
            compositions: compositions.map(|it| (it, it.weight().max(1))).collect(),
            window_start,
            window_end,
            longest_fault: (window * LONGEST_SHARE).clamp(0.5, parameters.longest),
            longest_gap: parameters.gap.1.min(window * LONGEST_GAP_SHARE),
            without_majority: limit * (1.0 - parameters.progress_share),
            halted: 0.0,
            parameters,
            random: stream(options.seed, 0),
            streams: Streams::new(options.seed),
            moments: Streams::of_moments(options.seed),
            families: ShuffleBag::new(families),
            on_top,
            lengths: Family::ALL
                .map(|_| ShuffleBag::new((0..LENGTH_CLASSES).collect::<Vec<_>>()))
                .into(),
            lone_partings: 0,
            planned: Vec::new(),
            avoided: &options.avoided,
        }
    }

    fn fill(mut self) -> Vec<Entry> {
        if self.limits.nodes == 0 || self.window_end <= self.window_start {
            return Vec::new();
        }
        self.fill_timeline();
        self.add_on_top();
        self.planned.sort_by(|left, right| left.begins.total_cmp(&right.begins));
        let avoided = self.avoided;
        let numbered = self.planned.into_iter().zip(1..);
        let kept = numbered.filter(|(planned, _)| !is_avoided(planned, avoided));
        kept.map(|(planned, id)| planned.entry(id)).collect()
    }

    fn fill_timeline(&mut self) {
        // The fault that the next one may overlap: its family, start and end, until one did.
        let mut overlappable: Option<(Family, f64, f64)> = None;
        // The first moment at which every fault so far is over.
        let mut free = self.window_start;
        let mut tries = LAST_TRIES;
        while tries > 0 && !(self.families.all.is_empty() && self.compositions.is_empty()) {
            let gap = between(
                self.parameters.gap.0.min(self.longest_gap * 0.9),
                self.longest_gap,
                &mut self.random,
            );
            let overlaps = self.random.random_bool(self.parameters.overlap_chance);
            let depth = self.random.random_range(0.1..0.9);
            let next = self.draw_next();
            let at_rest = if self.planned.is_empty() { free } else { free + gap };
            let (at, family, placed) = match next {
                Some(Next::Single(family)) => {
                    let alone = self.families.all.len() == 1;
                    let before =
                        overlappable.filter(|(other, ..)| overlaps && (alone || *other != family));
                    let at =
                        before.map_or(at_rest, |(_, start, end)| start + (end - start) * depth);
                    let fault = self.draw_single(family, at, before.is_some());
                    let placed = fault.is_some_and(|fault| {
                        let later = Planned { begins: at_rest, ..fault.clone() };
                        self.place(vec![fault]) || before.is_some() && self.place(vec![later])
                    });
                    if !placed {
                        self.families.put_back(family);
                    }
                    if before.is_some() {
                        overlappable = None;
                    }
                    (at, before.is_none().then_some(family), placed)
                }
                None => (at_rest, None, false),
                Some(Next::Composition(mut planned)) => {
                    planned.iter_mut().for_each(|fault| fault.begins += at_rest);
                    (at_rest, None, self.place(planned))
                }
            };
            if !placed {
                tries -= 1;
                continue;
            }
            tries = LAST_TRIES;
            let end = self.planned.iter().map(end).fold(free, f64::max);
            if let Some(family) = family {
                overlappable = Some((family, at, end));
            }
            free = end;
        }
    }

    /// None where a composition came to nothing.
    fn draw_next(&mut self) -> Option<Next> {
        let composed = self.random.random_bool(self.parameters.composition_chance);
        // Where the families make no composition there are only their own faults.
        if !composed || self.compositions.is_empty() {
            return Some(Next::Single(self.families.draw(&mut self.random)));
        }
        let composition = weighted(&self.compositions, |_| true, &mut self.random);
        let planned = composition.draw(&self.limits, &mut self.random, &mut self.streams);
        // That it can be drawn was tried often when it was read.
        let mut planned = planned.ok()?;
        let name = || Some(composition.name().to_owned());
        planned.iter_mut().for_each(|fault| fault.composition = name());
        Some(Next::Composition(planned))
    }

    /// One fault of a family; none where it has none for this cluster, or no time is left.
    fn draw_single(&mut self, family: Family, at: f64, overlapping: bool) -> Option<Planned> {
        let about = family.about();
        let random = self.streams.of(family);
        let pick = random.random();
        let (shortest, longest) = about.lasts;
        let longest = longest.min(self.longest_fault).max(shortest);
        let class = self.lengths[family as usize].draw(random) as f64;
        let part = (class + random.random_range(0.0..1.0)) / LENGTH_CLASSES as f64;
        let mut lasts = spread(shortest, longest, false, part);
        // Not while another fault is on, which may have taken the leader away.
        let parts_leader =
            about.parts_leader && !overlapping && self.lone_partings.is_multiple_of(2);
        if parts_leader {
            lasts = lasts.max(SHORTEST_PARTING.min(self.longest_fault));
        }
        let left = self.window_end - at;
        if left < shortest {
            return None;
        }
        lasts = lasts.min(left);
        let wanted = Wanted { limits: self.limits, lasts, longest, parts_leader };
        let fault = (about.draw)(&wanted, random)?;
        lasts = lasts.max(fault.spec().least_seconds()).min(left);
        if fault.spec().lasts_like_a_timer() {
            let timers = self.limits.timers;
            let most = (timers.longest_ms / 1e3).min(self.longest_fault);
            let least = (timers.shortest_ms / 1e3).min(most / 2.0);
            lasts = spread(least, most, random.random_bool(EVENLY), part).min(left);
        }
        if about.parts_leader {
            self.lone_partings += u32::from(!overlapping);
        }
        if fault.takes_majority(self.limits.nodes) {
            lasts = lasts.min(self.parameters.longest_without_majority.min(longest));
        }
        let single = |when: Option<Trigger>, on: Option<String>| {
            let (named, composition) = (None, None);
            Planned { begins: at, lasts, pick, named, on, when, fault: fault.clone(), composition }
        };
        let moment = match about.comes_on_top {
            true => None,
            false => drawn_triggers::draw(&fault, overlapping, self.moments.of(family)),
        };
        let at_its_moment = moment.map(|it| single(Some(it.trigger), it.on));
        let in_time = at_its_moment.filter(|fault| fault.ends() <= self.window_end);
        Some(in_time.unwrap_or_else(|| single(None, None)))
    }

    /// Takes up faults that belong together, aimed at fewer nodes where they must be, or says that
    /// they have no place: that they would not end in time, or leave too little time to make
    /// progress, or take too many down.
    fn place(&mut self, together: Vec<Planned>) -> bool {
        if together.iter().any(|fault| fault.ends() > self.window_end + 1e-9) {
            return false;
        }
        let nodes = self.limits.nodes;
        let gentler = |planned: &Planned| Planned {
            fault: gentlest(&planned.fault, nodes),
            ..planned.clone()
        };
        let gentler = together.iter().map(gentler);
        for together in [together.clone(), gentler.collect()] {
            let from = together.iter().map(|fault| fault.begins).fold(f64::INFINITY, f64::min);
            let to = together.iter().map(end).fold(from, f64::max);
            // Nothing changes before and behind them.
            let mut near = clipped(&self.planned, from, to);
            let halted_before = without_majority(&near, nodes);
            near.extend(together.iter().cloned());
            let halted = self.halted - halted_before + without_majority(&near, nodes);
            if most_down(&near, nodes) <= self.limits.most_down && halted <= self.without_majority {
                self.planned.extend(together);
                self.halted = halted;
                return true;
            }
        }
        false
    }

    fn add_on_top(&mut self) {
        let (frame, halted) = (self.planned.len(), self.halted);
        let mut on_top = Vec::new();
        for family in std::mem::take(&mut self.on_top) {
            // Of each other they know nothing: leaving one out must not move another.
            self.halted = halted;
            let mut now = self.window_start;
            loop {
                now += between(ON_TOP.0, ON_TOP.1, self.streams.of(family));
                if now >= self.window_end {
                    break;
                }
                if let Some(fault) = self.draw_single(family, now, true) {
                    now += fault.lasts;
                    self.place(vec![fault]);
                }
            }
            on_top.extend(self.planned.split_off(frame));
        }
        self.planned.extend(on_top);
    }
}

/// Returns true if a fault triggers a failure that is to be avoided.
fn is_avoided(planned: &Planned, avoided: &[KnownFailure]) -> bool {
    avoided.iter().any(|failure| {
        let composition = planned.composition.as_deref();
        failure.is_triggered_by(&planned.fault)
            || failure.compositions().any(|name| Some(name) == composition)
    })
}

/// When a fault is over. Of one that waits for what comes many times a second, others need not keep
/// away for the time that this may take at most.
fn end(planned: &Planned) -> f64 {
    match &planned.when {
        Some(trigger) if !trigger.observed.comes_often() => planned.ends(),
        _ => planned.begins + planned.lasts,
    }
}

/// The same fault, aimed at one node if it takes down more.
fn gentlest(fault: &Fault, nodes: usize) -> Fault {
    let fault = fault.clone();
    if fault.nodes_down(nodes) > 1 { fault.aimed_at(Aim::Leader) } else { fault }
}

/// The planned faults as far as they are on from `from` to `to`.
fn clipped(planned: &[Planned], from: f64, to: f64) -> Vec<Planned> {
    let near = planned.iter().filter(|fault| fault.begins < to && from < end(fault));
    let clip = |fault: &Planned| {
        let begins = fault.begins.max(from);
        Planned { begins, lasts: end(fault).min(to) - begins, when: None, ..fault.clone() }
    };
    near.map(clip).collect()
}

/// The stretches between two moments at which a fault begins or ends, each with the faults that are
/// on in it.
fn stretches(
    planned: &[Planned],
) -> impl Iterator<Item = (f64, impl Iterator<Item = &Fault> + Clone)> {
    let mut moments: Vec<f64> =
        planned.iter().flat_map(|fault| [fault.begins, end(fault)]).collect();
    moments.sort_by(f64::total_cmp);
    let pairs: Vec<_> = moments.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter(|(from, to)| to > from).map(move |(from, to)| {
        let on = planned.iter().filter(move |fault| fault.begins <= from && to <= end(fault));
        (to - from, on.map(|planned| &planned.fault))
    })
}

/// The most nodes that are down at once, if no two faults hit the same one.
fn most_down(planned: &[Planned], nodes: usize) -> usize {
    let down = stretches(planned).map(|(_, on)| on.map(|fault| fault.nodes_down(nodes)).sum());
    down.max().unwrap_or(0)
}

/// For how many seconds clients can get little done: a fault takes the majority or the leader from
/// them, or two at once, which together often do.
fn without_majority(planned: &[Planned], nodes: usize) -> f64 {
    let halted = stretches(planned).filter(|(_, on)| halts(on.clone(), nodes));
    halted.map(|(lasts, _)| lasts).sum()
}

pub(super) fn halts<'a>(on: impl Iterator<Item = &'a Fault>, nodes: usize) -> bool {
    let (mut hard, mut halts) = (0, false);
    for fault in on.map(Fault::spec) {
        hard += u32::from(fault.disturbs(nodes));
        halts |= fault.starves_clients() || fault.takes_majority(nodes);
    }
    halts || hard >= 2
}
