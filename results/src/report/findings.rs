//! The panel with what was learnt about the target besides the verdict.

use maud::{Markup, html};

use super::report_data::ReportData;
use crate::page::panel::{excerpt, in_timeline, panel};
use crate::summary::Finding;
use crate::words;

/// The panel; none when there is no finding.
pub(super) fn findings(data: &ReportData<'_>) -> Option<Markup> {
    let findings = &data.summary.findings;
    if findings.is_empty() {
        return None;
    }
    let content = html! {
        ul.findings {
            @for finding in findings { li { (self::finding(finding)) } }
        }
        p.muted {
            "What a node did of itself while faults were on. None of it decides the verdict; some "
            "of it may be what you want to know."
        }
    };
    Some(panel("findings", "Findings about the target", content))
}

fn finding(finding: &Finding) -> Markup {
    let (text, rest) = words::headline(&finding.text);
    let time = words::nanoseconds(finding.seconds);
    let lines = words::counted(finding.log.len() as u64, "line");
    html! {
        p {
            span.flag aria-hidden="true" { "⚑" } " " b { (finding.node) } " "
            span.number { (in_timeline(time, time, words::moment(time))) } " "
            (text)
        }
        (excerpt(rest))
        @if !finding.log.is_empty() {
            details {
                summary { "last " (lines) " of its log" }
                pre { @for line in &finding.log { (line) "\n" } }
            }
        }
    }
}
