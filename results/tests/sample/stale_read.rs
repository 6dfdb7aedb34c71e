//! The counterexample of the made-up run.

use checker::history::{Event, EventType, Process};
use checker::verdict::{Counterexample, Operation};
use serde_json::{Value, json};

use super::run::MILLISECOND;

/// A stale read among `events`, from `base` on.
pub(super) fn stale_read(events: &[Event], base: u64) -> Counterexample {
    let operation = |process,
                     f: &str,
                     input: Value,
                     output: Value,
                     start: u64,
                     end: Option<u64>,
                     node: &str| {
        let invoked = events.partition_point(|event| event.time < base + start) as u64;
        Operation {
            process: Process::Client(process),
            f: f.into(),
            key: Some("k3".into()),
            input,
            output,
            outcome: if end.is_some() { EventType::Ok } else { EventType::Info },
            invoked,
            completed: end
                .map(|end| events.partition_point(|event| event.time < base + end) as u64 + 1),
            start: base + start,
            end: end.map(|end| base + end),
            node: end.map(|_| node.to_owned()),
            token: None,
            version: None,
            attempts: Vec::new(),
        }
    };
    let ms = MILLISECOND;
    Counterexample {
        key: Some("k3".into()),
        sentence: format!(
            "Process 7 read k3 = 12 at {:.3} s, although process 5 had read 19 at {:.3} s, so 19 was in effect by then.",
            (base + 333 * ms) as f64 / 1e9,
            (base + 7 * ms) as f64 / 1e9
        ),
        operations: vec![
            operation(9, "write", json!(12), Value::Null, 0, Some(3 * ms), "n2"),
            operation(3, "cas", json!([12, 19]), Value::Null, 4 * ms, None, "n5"),
            operation(5, "read", Value::Null, json!(19), 5 * ms, Some(7 * ms), "n5"),
            operation(7, "read", Value::Null, json!(12), 332 * ms, Some(333 * ms), "n2"),
        ],
        culprits: vec![3],
        remarks: vec![
            "".into(),
            "no answer came, but it did take effect".into(),
            "saw 19, so it was in effect here".into(),
            "older value, after 19 was seen".into(),
        ],
        neighbourhood: vec![
            operation(11, "read", Value::Null, json!(8), 0, Some(ms), "n1"),
            operation(12, "read", Value::Null, json!(19), 120 * ms, Some(121 * ms), "n5"),
            operation(14, "write", json!(31), Value::Null, 410 * ms, Some(414 * ms), "n5"),
        ],
        witnesses: Vec::new(),
    }
}
