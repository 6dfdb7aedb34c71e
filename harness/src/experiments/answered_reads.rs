//! Reads beside the writes that were acknowledged before them, by the versions of both.

use std::collections::BTreeMap;

use checker::history::{EventType, Operations};

/// A read that was answered. Times are nanoseconds since the start of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnsweredRead {
    /// The node that answered.
    pub node: String,
    /// The time at which its client first asked.
    pub start: u64,
    /// The time at which it was answered.
    pub end: u64,
    /// True if a write of its key that was acknowledged before it began has a later version.
    pub stale: bool,
}

/// The reads that were answered, by the time at which they began. The version of each is that of the
/// state it was answered from, and versions of a key only grow.
pub(super) fn answered_reads(operations: &Operations) -> Vec<AnsweredRead> {
    let mut writes: BTreeMap<Option<&str>, Vec<(u64, u64)>> = BTreeMap::new();
    let mut reads = Vec::new();
    for operation in operations.iter() {
        let ended = operation.end().zip(operation.version());
        let Some((end, version)) = ended.filter(|_| operation.outcome() == EventType::Ok) else {
            continue;
        };
        match operation.f() {
            "read" => reads.push((operation, end, version)),
            _ => writes.entry(operation.key()).or_default().push((end, version)),
        }
    }
    // Of each key the latest version that was acknowledged by each time.
    for acknowledged in writes.values_mut() {
        acknowledged.sort_unstable();
        let mut latest = 0;
        for (_, version) in acknowledged {
            latest = latest.max(*version);
            *version = latest;
        }
    }
    let is_stale = |key: Option<&str>, start: u64, version: u64| {
        let Some(acknowledged) = writes.get(&key) else { return false };
        let before = acknowledged.partition_point(|(end, _)| *end < start);
        before > 0 && acknowledged[before - 1].1 > version
    };
    let mut answered: Vec<AnsweredRead> = reads
        .into_iter()
        .map(|(read, end, version)| AnsweredRead {
            node: read.node().unwrap_or_default().to_owned(),
            start: read.start(),
            end,
            stale: is_stale(read.key(), read.start(), version),
        })
        .collect();
    answered.sort_by_key(|read| read.start);
    answered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_stale_if_a_later_version_of_its_key_was_acknowledged_before_it() {
        let lines = r#"{"index":0,"time":1,"process":1,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":2,"process":1,"type":"ok","f":"write","key":"x","value":1,"version":7,"node":"n1"}
{"index":2,"time":3,"process":2,"type":"invoke","f":"read","key":"x","value":null}
{"index":3,"time":3,"process":3,"type":"invoke","f":"read","key":"y","value":null}
{"index":4,"time":3,"process":4,"type":"invoke","f":"read","key":"x","value":null}
{"index":5,"time":4,"process":2,"type":"ok","f":"read","key":"x","value":null,"version":6,"node":"n2"}
{"index":6,"time":4,"process":3,"type":"ok","f":"read","key":"y","value":null,"version":6,"node":"n2"}
{"index":7,"time":4,"process":4,"type":"ok","f":"read","key":"x","value":1,"version":7,"node":"n1"}
"#;
        let reading = checker::history::read(lines.as_bytes()).expect("it is a history");
        let reads = answered_reads(&reading.operations);
        let stale: Vec<bool> = reads.iter().map(|read| read.stale).collect();
        assert_eq!(stale, [true, false, false]);
        assert_eq!((&reads[0].node[..], reads[0].start, reads[0].end), ("n2", 3, 4));
    }
}
