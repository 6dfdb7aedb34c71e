//! The service around faults, in lines for terminals.

use checker::verdict::Verdict;

use super::{counted, seconds, spaced, verdict};
use crate::availability::{Availability, Group, percentile};

/// Groups of faults that interrupted service are shown, the slowest first, up to so many.
const SHOWN: usize = 4;

/// The verdict and the sentence, where something was promised.
pub(crate) fn promised(found: &Availability) -> Option<(Verdict, &str)> {
    found.verdict.zip(found.sentence.as_deref())
}

/// The name and the words of each line.
pub(crate) fn availability(found: &Availability) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some((judged, sentence)) = promised(found) {
        lines.push(("available", format!("{}: {sentence}", verdict(judged))));
    }
    let served = found.owed_seconds - found.unserved_seconds;
    if found.unserved_seconds > 0.0 {
        let [served, owed] = [served, found.owed_seconds].map(seconds);
        lines.push(("service", format!("came for {served} of {owed} in which it was owed")));
    }
    let mut groups: Vec<(f64, Group<'_>)> = found
        .groups()
        .into_iter()
        .filter_map(|group| {
            let slowest = group.faults.iter().filter_map(|fault| fault.recovery_seconds);
            Some((slowest.fold(0.0, f64::max), group)).filter(|(slowest, _)| *slowest > 0.0)
        })
        .collect();
    groups.sort_by(|one, other| other.0.total_cmp(&one.0));
    lines.extend(groups.iter().take(SHOWN).map(|(_, group)| ("recovery", of_group(group))));
    let more = groups.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        lines.push((
            "",
            format!("and after {} of faults; see the report", counted(more, "other kind")),
        ));
    }
    lines
}

/// `kill, leader: 4 faults · median 0.92 s · p99 1.4 s · …`
fn of_group(group: &Group<'_>) -> String {
    let recoveries = group.recoveries();
    let mut words = vec![counted(group.faults.len() as u64, "fault")];
    let mut tell = |name: &str, value: Option<f64>| {
        words.extend(value.map(|value| format!("{name} {}", seconds(value))));
    };
    tell("median", percentile(&recoveries, 50));
    tell("p99", percentile(&recoveries, 99));
    tell("election", percentile(&group.elections(), 50));
    let cut = group.faults.iter().filter(|fault| fault.cut_short).count();
    let mut count = |count: u64, what: &str| {
        words.extend((count > 0).then(|| format!("{count} {what}")));
    };
    count(cut as u64, "not seen to recover");
    count(group.sum(|fault| fault.failed), "failed");
    count(group.sum(|fault| fault.unknown), "unknown");
    format!("{}, {}: {}", group.family, spaced(group.role.name()), words.join(" · "))
}
