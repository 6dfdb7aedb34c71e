//! Whether what was seen proves a fault, and what of it the report tells. Pure.
//!
//! Every judgement is one-sided: a delay is proven by no packet having been faster, a loss by a
//! counter that rose. What can be seen only over time is indeterminate when the fault begins and
//! judged again when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::effect::{Effect, Measurement};
use crate::fault::{ClockCondition, DiskCondition, LinkCondition, PowerCut};
use crate::grudge::{Grudge, Link};
use crate::host::{
    ClockSeen, CpuSeen, DiskSeen, HostError, LinkCounts, LinkSeen, OpSeen, PartitionSeen, PerNode,
    PowerSeen,
};
use crate::outcome::Outcome;
use crate::shaping::Shaping;

/// A wall clock is read a moment after it was set, and may drift meanwhile.
const CLOCK_TOLERANCE_MS: f64 = 50.0;
/// The rate of a clock is read back as it was set, but for rounding.
const RATE_TOLERANCE: f64 = 1e-3;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judgement {
    pub outcome: Outcome,
    pub effect: Effect,
    /// Whether the effect may still be seen over time, when it was not seen at once.
    pub open: bool,
    /// What a reader should know besides.
    pub note: Option<String>,
}

impl Judgement {
    /// What was seen at once or not at all.
    pub fn settled((outcome, effect): (Outcome, Effect)) -> Self {
        Self { outcome, effect, open: false, note: None }
    }

    /// What may be seen later.
    pub fn open((outcome, effect): (Outcome, Effect)) -> Self {
        let open = matches!(outcome, Outcome::Indeterminate { .. });
        Self { outcome, effect, open, note: None }
    }
}

pub(super) fn skipped(reason: &str) -> Judgement {
    Judgement::settled((Outcome::Skipped { reason: reason.to_owned() }, Effect::new()))
}

pub(super) fn indeterminate(reason: impl Into<String>) -> Outcome {
    Outcome::Indeterminate { reason: reason.into() }
}

pub(super) fn without_effect(error: HostError) -> (Outcome, Effect) {
    let outcome = match error {
        HostError::Unavailable(reason) => Outcome::Skipped { reason },
        HostError::Failed(reason) => Outcome::Indeterminate { reason },
    };
    (outcome, Effect::new())
}

/// Whether every link of `grudge` was seen to drop packets and no other to be dead. A cut that no
/// probe met may be seen over time, when it comes and goes.
pub(super) fn cut(grudge: &Grudge, seen: &PartitionSeen) -> Judgement {
    let links: BTreeSet<_> = grudge.links().collect();
    let dropped = links.iter().filter_map(|link| seen.dropped.get(link)).sum();
    let effect = Effect::new()
        .counting("packets_dropped", dropped)
        .counting("links_cut", links.len() as u64)
        .with("cut_after", milliseconds(seen.took));
    let unproven: BTreeSet<_> = links.intersection(&seen.unproven).cloned().collect();
    if !seen.silent.is_empty() {
        let reason = format!("no packet passes on {}, which is not cut", join(&seen.silent));
        Judgement::settled((indeterminate(reason), effect))
    } else if !unproven.is_empty() {
        let reason = format!("no packet was seen dropped on {}", join(&unproven));
        Judgement::open((indeterminate(reason), effect))
    } else {
        Judgement::settled((Outcome::Installed, effect))
    }
}

/// How many packets the links of `grudge` dropped between two readings.
pub(super) fn dropped_between(
    grudge: &Grudge,
    before: &BTreeMap<Link, u64>,
    after: &BTreeMap<Link, u64>,
) -> u64 {
    let of = |counts: &BTreeMap<Link, u64>, link: &Link| counts.get(link).copied().unwrap_or(0);
    grudge.links().map(|link| of(after, &link).saturating_sub(of(before, &link))).sum()
}

/// Whether probes met on every link of `asked` what was asked of it. What befalls only some packets
/// is counted over time instead, so that stays open.
pub(super) fn shaped(asked: &Shaping, seen: &BTreeMap<Link, LinkSeen>) -> Judgement {
    let (mut sent, mut arrived, mut fastest) = (0, 0, None::<f64>);
    let (mut unproven, mut too_fast) = (BTreeSet::new(), Vec::new());
    for (link, condition) in asked.links() {
        let seen = seen.get(&link).copied().unwrap_or_default();
        sent += u64::from(seen.sent);
        arrived += u64::from(seen.arrived);
        if let Some(time) = seen.fastest_ms {
            fastest = Some(fastest.map_or(time, |fastest: f64| fastest.min(time)));
        }
        match seen.fastest_ms {
            Some(time) if time < condition.delay_ms => too_fast.push(format!("{link}: {time} ms")),
            Some(_) if condition.is_delay() => {}
            _ => _ = unproven.insert(link),
        }
    }
    let mut effect = Effect::new();
    if let Some(fastest) = fastest {
        effect.set("one_way", Measurement::Milliseconds(fastest));
    }
    effect = effect
        .counting("probes_arrived", arrived)
        .counting("probes_sent", sent)
        .counting("links_shaped", asked.links().count() as u64);
    if !too_fast.is_empty() {
        let reason = format!("a packet was faster than asked for ({})", too_fast.join(", "));
        return Judgement::settled((indeterminate(reason), effect));
    }
    let outcome = if unproven.is_empty() {
        Outcome::Installed
    } else {
        indeterminate(format!("probes alone do not show it on {}", join(&unproven)))
    };
    Judgement::open((outcome, effect))
}

/// What the links of `asked` did to packets between two readings, and whether that is all that was
/// asked of them: of each kind of trouble at least one packet.
pub(super) fn shaped_between(
    asked: &Shaping,
    before: &BTreeMap<Link, LinkCounts>,
    after: &BTreeMap<Link, LinkCounts>,
) -> (Outcome, Effect) {
    let mut whole = LinkCondition::default();
    let total = |count: fn(&LinkCounts) -> u64| -> u64 {
        let of =
            |counts: &BTreeMap<Link, LinkCounts>, link: &Link| counts.get(link).map_or(0, count);
        asked.links().map(|(link, _)| of(after, &link).saturating_sub(of(before, &link))).sum()
    };
    let counts = [
        ("packets_delayed", total(|counts| counts.delayed)),
        ("packets_lost", total(|counts| counts.lost)),
        ("packets_duplicated", total(|counts| counts.duplicated)),
        ("packets_reordered", total(|counts| counts.reordered)),
        ("packets_corrupted", total(|counts| counts.corrupted)),
    ];
    asked.links().for_each(|(_, condition)| whole = whole.and(&condition));
    let wanted = [
        whole.delay_ms > 0.0 || whole.jitter_ms > 0.0 || whole.rate_kbit.is_some(),
        whole.loss_percent > 0.0,
        whole.duplicate_percent > 0.0,
        whole.reorder_percent > 0.0,
        whole.corrupt_percent > 0.0,
    ];
    let missing: Vec<_> = counts
        .iter()
        .zip(wanted)
        .filter(|((_, count), wanted)| *wanted && *count == 0)
        .map(|((name, _), _)| name.replace('_', " "))
        .collect();
    let seen = counts.into_iter().zip(wanted).filter(|((_, count), wanted)| *wanted || *count > 0);
    let effect =
        seen.fold(Effect::new(), |effect, ((name, count), _)| effect.counting(name, count));
    let outcome = if missing.is_empty() {
        Outcome::Installed
    } else {
        indeterminate(format!("no {}", missing.join(", no ")))
    };
    (outcome, effect)
}

/// Installed when it was seen at every node; skipped when this host cannot do it at any.
pub(super) fn nodes<T>(results: &PerNode<T>) -> Outcome {
    let unavailable =
        |result: &Result<T, HostError>| matches!(result, Err(HostError::Unavailable(_)));
    let reason = failures(results).join("; ");
    if reason.is_empty() {
        Outcome::Installed
    } else if results.values().all(unavailable) {
        Outcome::Skipped { reason }
    } else {
        Outcome::Indeterminate { reason }
    }
}

/// Whether the kernel held processes back.
pub(super) fn throttled(results: &PerNode<CpuSeen>) -> (Outcome, Effect) {
    let seen: Vec<_> = results.values().filter_map(|result| result.as_ref().ok()).collect();
    let times = seen.iter().map(|seen| seen.throttled).sum();
    let held_back = seen.iter().map(|seen| seen.throttled_ms).sum();
    let effect = Effect::new()
        .with("throttled", Measurement::Milliseconds(held_back))
        .counting("throttled", times);
    let outcome = match nodes(results) {
        Outcome::Installed if times == 0 => indeterminate("no process wanted more than its share"),
        outcome => outcome,
    };
    (outcome, effect)
}

/// Whether clocks read as far off as was asked for: moved by what was asked since `before`, and
/// running at the rate that all faults together ask for.
pub(super) fn clocks(
    asked: &BTreeMap<String, ClockCondition>,
    composed: &BTreeMap<String, ClockCondition>,
    before: &PerNode<ClockSeen>,
    after: &PerNode<ClockSeen>,
) -> (Outcome, Effect) {
    let mut wrong = Vec::new();
    for (node, condition) in asked {
        let Some(Ok(seen)) = after.get(node) else { continue };
        let offset_before = match before.get(node) {
            Some(Ok(before)) => before.wall_offset_ms,
            _ => 0.0,
        };
        let moved = seen.wall_offset_ms - offset_before;
        if (moved - condition.wall_shift_ms as f64).abs() > CLOCK_TOLERANCE_MS {
            let asked = condition.wall_shift_ms;
            wrong.push(format!("{node}: the clock moved by {moved:.0} ms, not {asked} ms"));
        }
        let rate = composed.get(node).map_or(1.0, |condition| condition.rate);
        if (seen.rate - rate).abs() > RATE_TOLERANCE {
            wrong.push(format!("{node}: the clock runs at rate {}, not {rate}", seen.rate));
        }
    }
    let of_asked: PerNode<ClockSeen> = after
        .iter()
        .filter(|(node, _)| asked.contains_key(*node))
        .map(|(node, result)| (node.clone(), result.clone()))
        .collect();
    let outcome = match nodes(&of_asked) {
        Outcome::Installed if of_asked.is_empty() => indeterminate("no clock was read"),
        Outcome::Installed if !wrong.is_empty() => indeterminate(wrong.join("; ")),
        outcome => outcome,
    };
    (outcome, offsets(&of_asked))
}

/// The offsets and the rate of the clock that is the farthest off.
pub(super) fn offsets(seen: &PerNode<ClockSeen>) -> Effect {
    let seen = seen.values().filter_map(|result| result.as_ref().ok());
    let far = |seen: &&ClockSeen| seen.wall_offset_ms.abs() + (seen.rate - 1.0).abs();
    let Some(farthest) = seen.max_by(|left, right| far(left).total_cmp(&far(right))) else {
        return Effect::new();
    };
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    Effect::new()
        .with("wall", Measurement::Offset(rounded(farthest.wall_offset_ms)))
        .with("monotonic", Measurement::Offset(rounded(farthest.monotonic_offset_ms)))
        .with("rate", Measurement::Rate(rounded(farthest.rate)))
}

/// Whether the disks in `asked` did to operations what was asked, as `seen` while it was on.
pub(super) fn disks(
    asked: &BTreeMap<String, DiskCondition>,
    seen: &BTreeMap<String, DiskSeen>,
) -> (Outcome, Effect) {
    let mut total = DiskSeen::default();
    let mut unproven = Vec::new();
    for (node, condition) in asked {
        let seen = seen.get(node).copied().unwrap_or_default();
        total = together(&total, &seen);
        if let Err(what) = disk(condition, &seen) {
            unproven.push(format!("{node}: {what}"));
        }
    }
    let errors = operations(&total).iter().map(|op| op.errors).sum();
    let answered = operations(&total).iter().map(|op| op.count).sum();
    let mut effect = Effect::new()
        .counting("operations_failed", errors)
        .counting("fsyncs_stalled", total.stalled);
    let time = |ms: f64| Measurement::Milliseconds((ms * 1e3).round() / 1e3);
    for (name, op) in [("fsync", total.fsync), ("write", total.write), ("read", total.read)] {
        if op.count > 0 {
            effect.set(format!("{name}_fastest"), time(op.fastest_ms));
            effect.set(format!("{name}_mean"), time(op.mean_ms));
            effect.set(format!("{name}_slowest"), time(op.slowest_ms));
        }
    }
    effect.set("operations", Measurement::Count(answered));
    let outcome =
        if unproven.is_empty() { Outcome::Installed } else { indeterminate(unproven.join("; ")) };
    (outcome, effect)
}

fn operations(seen: &DiskSeen) -> [OpSeen; 4] {
    [seen.read, seen.write, seen.fsync, seen.metadata]
}

/// Whether a disk under `condition` was seen to meet all that it asks for.
fn disk(condition: &DiskCondition, seen: &DiskSeen) -> Result<(), &'static str> {
    let conditions = [condition.read, condition.write, condition.fsync, condition.metadata];
    let pairs = || conditions.into_iter().zip(operations(seen));
    let slow = || pairs().filter(|(condition, _)| condition.delay_ms + condition.jitter_ms > 0.0);
    if slow().any(|(condition, op)| op.count > 0 && op.fastest_ms < condition.delay_ms) {
        return Err("an operation was faster than asked for");
    }
    if slow().next().is_some() && slow().all(|(_, op)| op.count == 0) {
        return Err("no operation came by that would have been slow");
    }
    let fails = || pairs().filter(|(condition, _)| condition.error_percent > 0.0);
    if fails().next().is_some() && fails().all(|(_, op)| op.errors == 0) {
        return Err("no operation failed");
    }
    if condition.fsync_stalled && seen.stalled == 0 {
        return Err("no fsync was stalled");
    }
    // What was written before is refused its fsync too, and its process may end there and then.
    let synced = if condition.read_only { seen.fsync.errors } else { 0 };
    let refuses = condition.full_after_kib.is_some() || condition.read_only;
    if refuses && seen.write.errors + seen.metadata.errors + synced == 0 {
        return Err("no write was refused");
    }
    if let Some(kib) = condition.kib_per_second {
        // How long a KiB takes: no proof of the whole rate, but of being held back.
        let least = 1e3 / kib.max(1) as f64;
        if seen.read.slowest_ms.max(seen.write.slowest_ms) < least {
            return Err("no read or write was held back");
        }
    }
    Ok(())
}

/// What a disk did in two stretches of time, or what two disks did.
pub(super) fn together(left: &DiskSeen, right: &DiskSeen) -> DiskSeen {
    DiskSeen {
        read: both(left.read, right.read),
        write: both(left.write, right.write),
        fsync: both(left.fsync, right.fsync),
        metadata: both(left.metadata, right.metadata),
        stalled: left.stalled + right.stalled,
    }
}

fn both(left: OpSeen, right: OpSeen) -> OpSeen {
    let (few, many) = if left.count <= right.count { (left, right) } else { (right, left) };
    if few.count == 0 {
        return OpSeen { errors: left.errors + right.errors, ..many };
    }
    let count = left.count + right.count;
    let sum = left.mean_ms * left.count as f64 + right.mean_ms * right.count as f64;
    OpSeen {
        count,
        errors: left.errors + right.errors,
        fastest_ms: left.fastest_ms.min(right.fastest_ms),
        mean_ms: sum / count as f64,
        slowest_ms: left.slowest_ms.max(right.slowest_ms),
    }
}

/// Whether a power failure took anything that was not synced.
pub(super) fn power(cut: &PowerCut, results: &PerNode<PowerSeen>) -> (Outcome, Effect) {
    let seen = || results.values().filter_map(|result| result.as_ref().ok());
    let total = |count: fn(&PowerSeen) -> u64| seen().map(count).sum::<u64>();
    let counts = [
        ("sectors_lost", total(|seen| seen.sectors_lost)),
        ("sectors_kept", total(|seen| seen.sectors_kept)),
        ("names_lost", total(|seen| seen.names_lost)),
        ("names_kept", total(|seen| seen.names_kept)),
    ];
    let [(_, sectors_lost), (_, sectors_kept), (_, names_lost), (_, names_kept)] = counts;
    let lost = sectors_lost + names_lost;
    let lost_and_kept = [counts[0], counts[2], counts[1], counts[3]];
    let effect = lost_and_kept
        .into_iter()
        .fold(Effect::new(), |effect, (name, count)| effect.counting(name, count))
        .counting("nodes_off", seen().count() as u64);
    let outcome = match nodes(results) {
        Outcome::Installed if lost > 0 => Outcome::Installed,
        Outcome::Installed if sectors_kept + names_kept == 0 => {
            indeterminate("nothing was unsynced, so nothing could be lost")
        }
        Outcome::Installed if cut.keep_percent >= 100.0 => Outcome::Installed,
        Outcome::Installed => indeterminate("all that was unsynced happened to survive"),
        outcome => outcome,
    };
    (outcome, effect)
}

pub(super) fn failures<T>(results: &PerNode<T>) -> Vec<String> {
    let failed = results.iter().filter_map(|(node, result)| {
        let error = result.as_ref().err()?;
        Some(format!("{node}: {error}"))
    });
    failed.collect()
}

/// How many nodes it was done to, and how long it took at the slowest.
pub(super) fn slowest(count: &str, time: &str, results: &PerNode<Duration>) -> Effect {
    let times: Vec<_> = results.values().filter_map(|result| result.as_ref().ok()).collect();
    let mut effect = Effect::new().counting(count, times.len() as u64);
    if let Some(slowest) = times.into_iter().max() {
        effect.set(time, milliseconds(*slowest));
    }
    effect
}

/// To the microsecond.
pub(super) fn milliseconds(time: Duration) -> Measurement {
    Measurement::Milliseconds(time.as_micros() as f64 / 1e3)
}

pub(super) fn join(links: &BTreeSet<Link>) -> String {
    links.iter().map(Link::to_string).collect::<Vec<_>>().join(", ")
}
