//! The schedule as it really happened, which is also the timeline for those who cannot see it.

use faults::effect::Effect;
use faults::record::Seen;
use maud::{Markup, html};

use super::effects::effect_words;
use super::families::named;
use super::report_data::ReportData;
use crate::metrics::{FaultInterval, NodeSpan, NodeState};
use crate::page::panel::{Column, in_timeline, panel, tall_table};
use crate::words;

pub(super) fn schedule(data: &ReportData<'_>) -> Markup {
    let content = match rows(data).as_slice() {
        [] => html! {
            p.empty { "No phase, fault or change of leader was recorded." }
        },
        rows => table(rows),
    };
    panel("schedule", "Schedule, as it happened", content)
}

fn table(rows: &[(u64, Markup)]) -> Markup {
    let columns = [
        Column::Number("time"),
        Column::Text("event"),
        Column::Text("what"),
        Column::Text("nodes"),
        Column::Text("what came of it"),
        Column::Text("measured at once"),
        Column::Text("measured over its life"),
    ];
    tall_table("schedule", &columns, html! { @for (_, row) in rows { (row) } })
}

/// Phases, faults and what became of nodes, by time.
fn rows(data: &ReportData<'_>) -> Vec<(u64, Markup)> {
    let mut rows: Vec<(u64, Markup)> = Vec::new();
    for phase in &data.phases {
        let lasted = format!("lasted {}", words::duration(phase.end - phase.start));
        let name = words::phase(phase.phase);
        rows.push((phase.start, plain_row("phase", (phase.start, phase.end), name, &lasted)));
    }
    for fault in &data.faults {
        rows.push((fault.start, fault_row(data, fault)));
    }
    for (node, spans) in &data.nodes {
        rows.extend(spans.iter().filter_map(|span| Some((span.start, node_row(node, span)?))));
    }
    rows.sort_by_key(|(time, _)| *time);
    rows
}

/// A row about a node; none for what happens too often to be shown.
fn node_row(node: &str, span: &NodeSpan) -> Option<Markup> {
    let what = match &span.state {
        NodeState::Role(role) if role == "leader" => "leads",
        NodeState::Down => "is down",
        NodeState::Paused | NodeState::Silent | NodeState::Role(_) => return None,
    };
    let term = span.term.map_or_else(String::new, |term| format!(" in term {term}"));
    let lasted = format!("for {}", words::duration(span.end - span.start));
    Some(plain_row("node", (span.start, span.end), &format!("{node} {what}{term}"), &lasted))
}

/// A row about a phase or a node.
fn plain_row(kind: &str, (start, end): (u64, u64), what: &str, lasted: &str) -> Markup {
    html! {
        tr class=(kind) {
            td.number { (in_timeline(start, end, words::moment(start))) }
            td { (kind) }
            th scope="row" colspan="2" { (what) }
            td colspan="3" { (lasted) }
        }
    }
}

fn fault_row(data: &ReportData<'_>, fault: &FaultInterval) -> Markup {
    let others = fault.note.iter().chain(&fault.undo_problems).map(String::as_str);
    html! {
        tr.fault {
            @let end = fault.end.unwrap_or(data.end);
            td.number { (in_timeline(fault.start, end, words::moment(fault.start))) }
            td { (in_timeline(fault.start, end, format!("#{}", fault.index))) }
            th scope="row" {
                (named(fault))
                @if let Some(grudge) = &fault.grudge { small { (maud::display(grudge)) } }
                (steps(fault))
            }
            td { (nodes(data, fault)) }
            td {
                (fault.outcome_name())
                @for remark in fault.reason().into_iter().chain(others) {
                    small { (remark) }
                }
                @if let Some(seen) = &fault.trigger { small { (at_its_moment(seen)) } }
                @if fault.was_attempted() { small { (undone(fault)) } }
            }
            (measured(&fault.effect_at_injection))
            (measured(&fault.effect_over_life))
        }
    }
}

/// The moment at which a fault began: `applied 0.41 ms after an event …, which was held for 0.8 ms`.
fn at_its_moment(seen: &Seen) -> String {
    let milliseconds = |micros: u64| format!("{} ms", micros as f64 / 1e3);
    let applied = milliseconds(seen.applied_after_us);
    let held = match seen.held_us {
        Some(held) => format!(", which was held for {}", milliseconds(held)),
        None => String::new(),
    };
    format!("applied {applied} after {}{held}", seen.what)
}

fn undone(fault: &FaultInterval) -> String {
    match (fault.end, fault.undo_problems.is_empty()) {
        (Some(end), _) => format!("undone at {}", words::moment(end)),
        (None, true) => "never seen undone".to_owned(),
        (None, false) => "could not be undone".to_owned(),
    }
}

fn measured(effect: &Effect) -> Markup {
    html! {
        @if effect.is_empty() { td.muted { "–" } } @else { td { (effect_words(effect)) } }
    }
}

/// The number of changes of the fault while it was on, with their times.
fn steps(fault: &FaultInterval) -> Markup {
    let (Some(first), Some(last)) = (fault.steps.first(), fault.steps.last()) else {
        return Markup::default();
    };
    let from = words::moment(first.time);
    html! {
        small {
            (words::counted(fault.steps.len() as u64, "step"))
            @if fault.steps.len() == 1 { ", at " (from) " (#" (first.index) ")" }
            @else {
                ", from " (from) " to " (words::moment(last.time))
                " (#" (first.index) "–" (last.index) ")"
            }
        }
    }
}

fn nodes(data: &ReportData<'_>, fault: &FaultInterval) -> String {
    match fault.nodes.len() {
        0 => "–".to_owned(),
        count if count > 1 && count == data.nodes.len() => "all".to_owned(),
        _ => fault.nodes.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
