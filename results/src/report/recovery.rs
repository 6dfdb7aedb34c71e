//! The panel with what each fault did to the clients and to the nodes it hit.

use maud::{Markup, html};

use super::families::named;
use super::report_data::ReportData;
use crate::metrics::{FaultInterval, NodeState, Recovery, Service};
use crate::page::panel::{Column, in_timeline, panel, tall_table};
use crate::words;

pub(super) fn recovery(data: &ReportData<'_>) -> Markup {
    let content = match data.recoveries.as_slice() {
        [] => html! { p.empty { "No fault was attempted during the load." } },
        recoveries => table(data, recoveries),
    };
    panel("recovery", "Recovery", content)
}

fn table(data: &ReportData<'_>, recoveries: &[Recovery]) -> Markup {
    let longest = recoveries.iter().map(|recovery| recovery.longest_gap).max().unwrap_or(0);
    let columns = [
        Column::Text("fault"),
        Column::Text("whom it hit"),
        Column::Text("nodes down"),
        Column::Text("first error after"),
        Column::Text("longest without an ok"),
        Column::Text("ok again after"),
    ];
    let rows = html! { @for recovery in recoveries { (row(data, recovery, longest)) } };
    html! {
        (tall_table("recovery", &columns, rows))
        p.muted {
            "Measured from the moment a fault began until the next one did or the load ended; "
            "faults that overlap share their effects. Errors that occurred before the first fault "
            "are left out. “Ok again after” is when the longest time without an ok ended. “Nodes "
            "down” counts the nodes that a fault was aimed at, until they ran again, whatever else "
            "held them down."
        }
    }
}

fn row(data: &ReportData<'_>, recovery: &Recovery, longest: u64) -> Markup {
    let fault = &data.faults[recovery.fault];
    let share = recovery.longest_gap as f64 * 100.0 / longest.max(1) as f64;
    html! {
        tr {
            th scope="row" {
                (named(fault))
                small {
                    @let end = fault.end.unwrap_or(data.end);
                    (in_timeline(fault.start, end, words::moment(fault.start)))
                    @if !fault.took_effect() { " · " (fault.outcome_name()) }
                }
            }
            td { (whom(data, fault)) }
            td { (downtime(data, fault)) }
            td {
                @match &recovery.first_error {
                    None => { span.muted { "none" } }
                    Some(error) => {
                        (words::duration(error.after))
                        small.error {
                            @let time = fault.start + error.after;
                            (error.error) " "
                            (in_timeline(time, time, format!("#{}", error.index)))
                        }
                    }
                }
            }
            td.gap {
                span { (words::duration(recovery.longest_gap)) }
                i style={ "--share:" (format!("{share:.1}%")) } {}
            }
            td {
                @match recovery.service {
                    Service::Uninterrupted => { span.muted { "not interrupted" } }
                    Service::AgainAfter(after) => { (words::duration(after)) }
                    Service::NotAgain => { "not within the load" }
                }
            }
        }
    }
}

/// The nodes of a fault that were down at some time from its beginning to its undoing: how often,
/// and for how long in all, also beyond it. Times that other faults took part in are not left out.
fn downtime(data: &ReportData<'_>, fault: &FaultInterval) -> Markup {
    let until = fault.end.unwrap_or(data.end);
    let mut worst: Option<(u64, usize, &str)> = None;
    let mut hit = 0;
    for (node, spans) in data.nodes.iter().filter(|(node, _)| fault.nodes.contains(node)) {
        let down = spans.iter().filter(|span| {
            span.state == NodeState::Down && (fault.start..=until).contains(&span.start)
        });
        let lengths: Vec<u64> = down.map(|span| span.end - span.start).collect();
        if lengths.is_empty() {
            continue;
        }
        hit += 1;
        let total: u64 = lengths.iter().sum();
        if worst.is_none_or(|(longest, _, _)| total > longest) {
            worst = Some((total, lengths.len(), node));
        }
    }
    let Some((total, times, node)) = worst else {
        return html! { span.muted { "none" } };
    };
    html! {
        (words::duration(total))
        small {
            (node) ", "
            @if times == 1 { "once" } @else { (times) " times" }
            @if hit > 1 { "; the longest of " (hit) " nodes" }
        }
    }
}

/// The nodes that a fault was aimed at with the role each had just before. Of a fault that was
/// aimed at all, only those that were more than followers are named.
fn whom(data: &ReportData<'_>, fault: &FaultInterval) -> String {
    let all = fault.nodes.len() > 1 && fault.nodes.len() == data.nodes.len();
    let roles = fault.nodes.iter().map(|node| (node, data.role_before(node, fault)));
    let named: Vec<String> = roles
        .filter(|(_, role)| !all || !["follower", "unknown"].contains(role))
        .map(|(node, role)| match role {
            "unknown" => node.clone(),
            role => format!("{node} ({role})"),
        })
        .collect();
    match (all, named.is_empty()) {
        (true, true) => "all nodes".to_owned(),
        (true, false) => format!("all nodes: {}", named.join(", ")),
        (false, true) => "–".to_owned(),
        (false, false) => named.join(", "),
    }
}
