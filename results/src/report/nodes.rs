//! The panel with the last that was heard of each node, when the cluster did not serve in the end.

use checker::verdict::Verdict;
use maud::{Markup, html};

use super::report_data::ReportData;
use crate::page::panel::panel;
use crate::summary::NodeAtEnd;

/// The panel; none when the cluster served.
pub(super) fn nodes(data: &ReportData<'_>) -> Option<Markup> {
    let liveness = &data.summary.liveness;
    if liveness.nodes.is_empty() {
        return None;
    }
    let content = html! {
        ul.findings {
            @for node in &liveness.nodes { li { (last_of(node, liveness.verdict)) } }
        }
        p.muted { "The whole logs stand in the folder " a href="nodes" { "nodes" } " beside this page." }
    };
    Some(panel("nodes-at-end", "The nodes in the end", content))
}

fn last_of(node: &NodeAtEnd, verdict: Verdict) -> Markup {
    html! {
        p {
            b { (node.node) } " "
            (node.answer.as_deref().unwrap_or("was not asked"))
        }
        @for log in &node.logs {
            details open[verdict == Verdict::Invalid] {
                summary { "the end of " (log.file) }
                pre { @for line in &log.lines { (line) "\n" } }
            }
        }
        @if node.logs.is_empty() { p.muted { "It logged nothing." } }
    }
}
