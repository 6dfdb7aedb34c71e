//! The judgement of a disk fault by what its disks were seen to do.

use std::collections::BTreeMap;

use super::disk::DiskCondition;
use crate::effect::{Effect, Measurement};
use crate::fault::indeterminate;
use crate::host::{DiskSeen, OpSeen};
use crate::outcome::Outcome;

/// Judges whether the disks in `asked` did to operations what was asked, as `seen` while it was on.
pub(super) fn judge(
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

/// Checks that a disk under `condition` was seen to meet all that it asks for.
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

/// The sum of the counters of a disk in two stretches of time, or of two disks.
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
