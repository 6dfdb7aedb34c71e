//! The operations of a history.

use stormproof_checker::history::{Event, EventType, History, Operations};
use stormproof_checker::verdict::Verdict;

/// The operations of a history that is well formed.
pub fn paired(history: &History) -> Operations {
    Operations::of(history).expect("the history is well formed")
}

/// The verdict on a history that some order explains: a pass, unless no answer came that an order
/// could fail to explain.
pub fn verdict_if_legal(history: &History) -> Verdict {
    // A failed dequeue saw that the queue was empty.
    let was_answered = |event: &Event| {
        event.kind == EventType::Ok || event.kind == EventType::Fail && event.f == "dequeue"
    };
    match history.events.iter().any(was_answered) {
        true => Verdict::Valid,
        false => Verdict::Unknown,
    }
}
