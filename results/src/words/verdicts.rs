//! Verdicts and outcomes.

use checker::history::EventType;
use checker::verdict::Verdict;

/// The name of a verdict.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Unknown => "unknown",
        Verdict::Invalid => "invalid",
    }
}

/// A sign for a verdict, so that colour is never the only mark of it.
pub(crate) fn verdict_sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "✓",
        Verdict::Unknown => "?",
        Verdict::Invalid => "✗",
    }
}

/// The name of an outcome.
pub(crate) fn outcome(outcome: EventType) -> &'static str {
    match outcome {
        EventType::Invoke => "invoke",
        EventType::Ok => "ok",
        EventType::Fail => "fail",
        EventType::Info => "info",
    }
}
