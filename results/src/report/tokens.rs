//! The panel of the idempotency audit: how often each token took effect, against what its client
//! learned.

use checker::history::{Attempt, EventType};
use checker::oracle::audit::{AuditReport, AuditViolation, Outcome, Row};
use maud::{Markup, html};

use super::report_data::ReportData;
use crate::page::panel::{self, Column, count_cell, in_timeline, panel, table};
use crate::words;

/// The panel; none when nothing showed what became of tokens.
pub(super) fn tokens(data: &ReportData<'_>) -> Option<Markup> {
    let audit = data.summary.safety.audit.as_ref()?;
    let columns = [
        Column::Text("the client was told"),
        Column::Number("never took effect"),
        Column::Number("once"),
        Column::Number("repeatedly"),
        Column::Number("once or more"),
        Column::Number("not known"),
    ];
    let rows = html! { @for row in &audit.table { (self::row(row)) } };
    let content = html! {
        p.lead { (words::tokens(audit)) "." }
        (table(&columns, rows))
        (unknown(audit))
        @let (first, others) = audit.violations.split_at(audit.violations.len().min(OPEN));
        @if !first.is_empty() { (violations(first)) }
        @if !others.is_empty() {
            details {
                summary { "show " (words::counted(others.len() as u64, "more token")) }
                (violations(others))
            }
        }
        @let left = audit.broken.saturating_sub(audit.violations.len() as u64);
        @if left > 0 {
            p.muted {
                (words::counted(left, "more token")) " broke their promise later: counted above, not listed"
            }
        }
    };
    Some(panel("tokens", "Tokens", content))
}

/// The number of broken promises that are shown at once; the others are folded away.
const OPEN: usize = 10;

fn violations(some: &[AuditViolation]) -> Markup {
    html! {
        ul.violations {
            @for violation in some {
                li {
                    p { b { (words::broken(violation.wrong)) } " " (violation.sentence) }
                    (attempts(violation))
                }
            }
        }
    }
}

fn row(row: &Row) -> Markup {
    let told = match row.told {
        Outcome::Ok => EventType::Ok,
        Outcome::Fail => EventType::Fail,
        Outcome::Info => EventType::Info,
    };
    // A lost effect or one too many is what a reader looks for; an unknown outcome excuses either
    // of none and one.
    let counts = [
        (row.never, told == EventType::Ok),
        (row.once, told == EventType::Fail),
        (row.repeatedly, true),
        (row.at_least_once, told == EventType::Fail),
        (row.unobservable, false),
    ];
    html! {
        tr {
            th scope="row" { (panel::outcome(told)) }
            @for (count, wrong) in counts { (count_cell(count, wrong)) }
        }
    }
}

fn unknown(audit: &AuditReport) -> Markup {
    let reasons: Vec<String> = audit
        .unobservable
        .iter()
        .map(|unknown| format!("{} ({})", words::count(unknown.tokens), unknown.reason))
        .collect();
    html! {
        @if !reasons.is_empty() {
            p.muted { "Not known exactly: " (reasons.join(", ")) "." }
        }
    }
}

/// The requests of an operation as bars, from the first one's beginning to the last one's end.
fn attempts(violation: &AuditViolation) -> Markup {
    let starts = violation.attempts.iter().map(|attempt| attempt.start);
    let ends = violation.attempts.iter().map(|attempt| attempt.end);
    let (Some(from), Some(to)) = (starts.min(), ends.max()) else {
        return Markup::default();
    };
    let share = |time: u64| (time - from) as f64 * 100.0 / (to - from).max(1) as f64;
    html! {
        ol.attempts {
            @for Attempt { node, start, end, error, .. } in &violation.attempts {
                li class=(if error.is_some() { "unanswered" } else { "answered" }) {
                    span {
                        (node) " " (in_timeline(*start, *end, words::moment(*start))) ": "
                        (error.as_deref().unwrap_or("answered"))
                    }
                    i style=(format!("--from:{:.1}%;--share:{:.1}%", share(*start), share(*end) - share(*start))) {}
                }
            }
        }
    }
}
