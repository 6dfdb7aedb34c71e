//! What became of the elements of queues: `jepsen.checker/total-queue`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounting::by_key;
use crate::history::{EventType, OperationRef, Operations};
use crate::model::{ValueId, Values};

/// What became of the elements of one queue. Each list names an element as often as the count says
/// so, in the order of its first occurrence in the history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueAccount {
    /// The key; none when the history names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Enqueues that somebody tried.
    pub attempts: u64,
    /// Enqueues that were acknowledged.
    pub acknowledged: u64,
    /// Dequeues that answered an element that somebody tried to enqueue, each attempt counted
    /// once.
    pub ok: u64,
    /// Elements that were acknowledged and that no dequeue answered. If the queue was not drained
    /// at the end, what is still in it is among them; so is what a dequeue of unknown outcome
    /// removed.
    pub lost: Vec<Value>,
    /// Elements that were dequeued more often than somebody tried to enqueue them.
    pub duplicated: Vec<Value>,
    /// Elements that were dequeued although nobody tried to enqueue them.
    pub unexpected: Vec<Value>,
    /// Elements that were dequeued although their enqueue was not acknowledged.
    pub recovered: Vec<Value>,
}

/// How often something happened with one value.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    attempts: u64,
    acknowledged: u64,
    dequeued: u64,
}

/// Counts what became of the elements of each queue in a history of `enqueue`s and `dequeue`s,
/// whatever their order. Other operations are not looked at.
pub fn total_queue(operations: &Operations) -> Vec<QueueAccount> {
    by_key(operations)
        .into_iter()
        .map(|(key, operations)| account(key.map(str::to_string), &operations))
        .collect()
}

fn account(key: Option<String>, operations: &[OperationRef<'_>]) -> QueueAccount {
    let mut values = Values::new();
    let mut counts: Vec<Counts> = Vec::new();
    for operation in operations {
        let (f, ok) = (operation.f(), operation.outcome() == EventType::Ok);
        let value = match f {
            "enqueue" => operation.input(),
            "dequeue" if ok && !operation.output().is_null() => operation.output(),
            _ => continue,
        };
        let number = values.id(value).0 as usize;
        if number >= counts.len() {
            counts.resize(number + 1, Counts::default());
        }
        let counts = &mut counts[number];
        if f == "dequeue" {
            counts.dequeued += 1;
        } else {
            counts.attempts += 1;
            counts.acknowledged += u64::from(ok);
        }
    }

    let mut account = QueueAccount { key, ..QueueAccount::default() };
    for (number, counts) in (0..).zip(counts) {
        let Counts { attempts, acknowledged, dequeued } = counts;
        let ok = dequeued.min(attempts);
        account.attempts += attempts;
        account.acknowledged += acknowledged;
        account.ok += ok;
        let note = |list: &mut Vec<Value>, times: u64| {
            let value = || values.value(ValueId(number)).to_value();
            list.extend((0..times).map(|_| value()));
        };
        note(&mut account.lost, acknowledged.saturating_sub(dequeued));
        note(&mut account.recovered, ok.saturating_sub(acknowledged));
        match attempts {
            0 => note(&mut account.unexpected, dequeued),
            _ => note(&mut account.duplicated, dequeued - ok),
        }
    }
    account
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history;

    #[test]
    fn elements_are_told_apart_by_what_became_of_them() {
        let log = "0 :invoke :enqueue 1\n0 :ok :enqueue 1\n0 :invoke :enqueue 2\n0 :ok :enqueue 2\n\
                   0 :invoke :enqueue 3\n0 :info :enqueue 3\n1 :invoke :enqueue 4\n1 :info :enqueue 4\n\
                   2 :invoke :dequeue nil\n2 :ok :dequeue 2\n2 :invoke :dequeue nil\n2 :ok :dequeue 2\n\
                   2 :invoke :dequeue nil\n2 :ok :dequeue 3\n2 :invoke :dequeue nil\n2 :ok :dequeue 9\n\
                   2 :invoke :dequeue nil\n2 :fail :dequeue nil\n";
        let reading = history::read(log.as_bytes()).expect("the log is a history");
        let account = QueueAccount {
            key: None,
            attempts: 4,
            acknowledged: 2,
            ok: 2,
            lost: vec![json!(1)],
            duplicated: vec![json!(2)],
            unexpected: vec![json!(9)],
            recovered: vec![json!(3)],
        };
        assert_eq!(total_queue(&reading.operations), [account]);
    }

    #[test]
    fn an_element_may_be_enqueued_twice_and_dequeued_twice() {
        let log = "0 :invoke :enqueue 1\n0 :ok :enqueue 1\n0 :invoke :enqueue 1\n0 :ok :enqueue 1\n\
                   1 :invoke :dequeue nil\n1 :ok :dequeue 1\n1 :invoke :dequeue nil\n1 :ok :dequeue 1\n";
        let reading = history::read(log.as_bytes()).expect("the log is a history");
        let [account] = &total_queue(&reading.operations)[..] else { panic!("there is one queue") };
        assert_eq!((account.ok, account.attempts, account.acknowledged), (2, 2, 2));
        assert_eq!(account.lost.len() + account.duplicated.len() + account.recovered.len(), 0);
    }
}
