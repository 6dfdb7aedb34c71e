//! The accounting of all collections of a history.

use std::collections::BTreeMap;

use super::outcomes::Accounting;
use super::{queue, set};
use crate::history::Datum;
use crate::ledger::Ledger;
use crate::model::Collection;
use crate::oracle::kept::MAX_KEPT;

/// Counts what became of the elements of the sets or queues of a history, each of which held
/// `initial` before the first operation. None for lists, whose models show all that counts would.
pub(crate) fn account(collections: &[Ledger<'_>], initial: Datum<'_>) -> Option<Accounting> {
    let kind = collections.first()?.kind;
    let object = match kind {
        Collection::Set => set::account,
        Collection::Queue => queue::account,
        Collection::List => return None,
    };
    let (fates, findings) = (BTreeMap::new(), Vec::new());
    let mut accounting =
        Accounting { kind, attempted: 0, acknowledged: 0, fates, worst_staleness: None, findings };
    for ledger in collections {
        object(&mut accounting, ledger, initial);
    }
    accounting.findings.sort_by_key(|finding| finding.fate);
    accounting.findings.truncate(MAX_KEPT);
    Some(accounting)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;
    use crate::history::Operations;
    use crate::model::{AnyModel, Conventions, Queue, Set};

    fn of(kind: Collection, operations: &Operations, initial: Datum<'_>) -> Option<Accounting> {
        let model = match kind {
            Collection::Queue => AnyModel::of(&Queue),
            _ => AnyModel::of(&Set),
        };
        super::account(&Ledger::all(model, operations, Conventions::default()), initial)
    }

    /// The counts and the findings of a history of the object `x`, whose events, given as
    /// `process type f value`, are a second apart.
    pub(in crate::accounting) fn account(
        kind: Collection,
        initial: &str,
        log: &str,
    ) -> (String, Vec<String>) {
        let lines: String = (log.lines().map(str::trim).filter(|line| !line.is_empty()))
            .enumerate()
            .map(|(index, line)| {
                let [process, outcome, f, value] = line.splitn(4, ' ').collect::<Vec<_>>()[..]
                else {
                    panic!("not an event: {line}");
                };
                let value: Value = serde_json::from_str(value).expect("a value");
                let event = serde_json::json!({
                    "index": index, "time": (index + 1) * 1_000_000_000,
                    "process": process.parse::<u64>().expect("a number"), "type": outcome, "f": f,
                    "key": "x", "value": value,
                    "error": (outcome == "fail").then_some("precondition_failed"),
                });
                format!("{event}\n")
            })
            .collect();
        let reading = crate::history::read(lines.as_bytes()).expect("the log is a history");
        let mut buffer = String::new();
        let initial = Datum::parse(initial, &mut buffer).expect("it is JSON");
        let accounting = of(kind, &reading.operations, initial).expect("a set or a queue");
        let fates = accounting.fates.iter().map(|(fate, count)| format!("{count} {}", fate.name()));
        let fates: Vec<String> = fates.collect();
        let counts = format!(
            "{} attempted, {} acknowledged: {}",
            accounting.attempted,
            accounting.acknowledged,
            fates.join(", ")
        );
        (counts, accounting.findings.into_iter().map(|finding| finding.sentence).collect())
    }

    #[test]
    fn counts_can_be_saved() {
        let operations = crate::history::read(&b"0 :invoke :add 1\n0 :ok :add 1\n"[..])
            .expect("the log is a history")
            .operations;
        let accounting = of(Collection::Set, &operations, Datum::Null);
        let json = serde_json::to_string(&accounting).expect("it can be saved");
        assert!(json.contains(r#""fates":{"never-read":1}"#), "{json}");
        assert_eq!(
            serde_json::from_str::<Option<Accounting>>(&json).expect("and read"),
            accounting
        );
    }
}
