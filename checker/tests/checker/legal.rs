//! The verdict that a history without a contradiction gets.

use stormproof_checker::history::{Event, EventType, History};
use stormproof_checker::verdict::Verdict;

/// The verdict on a history that some order explains: a pass, unless no operation came back.
pub fn verdict_if_legal(history: &History) -> Verdict {
    let came_back = |event: &Event| matches!(event.kind, EventType::Ok | EventType::Fail);
    match history.events.iter().any(came_back) {
        true => Verdict::Valid,
        false => Verdict::Unknown,
    }
}
