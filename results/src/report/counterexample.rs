//! The panel for an invalid run: the operations that no order explains, drawn as intervals.

use checker::history::EventType;
use checker::verdict::{Counterexample, Operation};
use maud::{Markup, html};

use super::effects::effect_label;
use super::families::named;
use super::report_data::ReportData;
use super::scale::Scale;
use crate::metrics::FaultInterval;
use crate::page::panel::{in_timeline, panel};
use crate::words;

/// The fault that was on when the culprits ran, in one sentence; none without a counterexample.
pub(super) fn faults_at_the_time(data: &ReportData<'_>) -> Option<Markup> {
    let from = data.culprits().map(|culprit| culprit.start).min()?;
    let to = data.culprits().map(|culprit| culprit.end.unwrap_or(culprit.start)).max()?;
    let on: Vec<&FaultInterval> =
        data.faults.iter().filter(|fault| fault.overlaps(from, to)).collect();
    if !on.is_empty() {
        return Some(html! {
            "Fault at that time: "
            @for (position, fault) in on.into_iter().enumerate() {
                @if position > 0 { ", and " }
                "“" (fault.name) "” (" (event(data, fault)) "), begun "
                (words::duration(to.saturating_sub(fault.start))) " earlier"
            }
            "."
        });
    }
    let before = data.faults.iter().filter(|fault| fault.was_attempted());
    let last = before.filter_map(|fault| Some((fault.end?, fault))).filter(|(end, _)| *end < from);
    let sentence = match last.max_by_key(|(end, _)| *end) {
        None => html! { "No fault had been on before that time." },
        Some((end, fault)) => html! {
            "No fault was on at that time; the last, “" (fault.name) "” (" (event(data, fault))
            "), was undone " (words::duration(from - end)) " earlier."
        },
    };
    Some(sentence)
}

fn event(data: &ReportData<'_>, fault: &FaultInterval) -> Markup {
    in_timeline(fault.start, fault.end.unwrap_or(data.end), format!("event {}", fault.index))
}

/// The panel; none when there is no counterexample.
pub(super) fn counterexample(data: &ReportData<'_>) -> Option<Markup> {
    let counterexample = data.counterexample()?;
    let near = Scale::of(&counterexample.operations);
    let wide = Scale::of(counterexample.operations.iter().chain(&counterexample.neighbourhood));
    let scales = Scales { near, wide };
    let title = html! {
        "Counterexample"
        @if let Some(key) = &counterexample.key { " " small { "key " code { (key) } } }
    };
    let content = html! {
        @if counterexample.sentence != data.summary.sentence {
            p.lead { (counterexample.sentence) }
        }
        @if !counterexample.neighbourhood.is_empty() {
            input #neighbourhood type="checkbox";
            label for="neighbourhood" {
                "show "
                (words::counted(counterexample.neighbourhood.len() as u64, "other operation"))
                " of this key around it"
            }
        }
        div.intervals {
            (faults_row(data, &scales))
            @for row in rows(counterexample) { (operation_row(&row, &scales)) }
            (axis("near", &scales.near))
            (axis("wide", &scales.wide))
        }
        p.muted {
            "Each bar reaches from invocation to completion. Left and right are in true order; "
            "distances are squeezed. Take "
            @match counterexample.operations.len() {
                1 => { "the operation" }
                several => { "any of the " (words::count(several as u64)) " operations" }
            }
            " away, and a legal order exists. The numbers are indices of history.jsonl."
        }
    };
    Some(panel("counterexample", title, content))
}

struct Row<'a> {
    operation: &'a Operation,
    culprit: bool,
    context: bool,
    remark: &'a str,
}

/// The conflict and its neighbourhood, by time of invocation.
fn rows(counterexample: &Counterexample) -> Vec<Row<'_>> {
    let conflict = counterexample.operations.iter().enumerate().map(|(position, operation)| Row {
        operation,
        culprit: counterexample.culprits.contains(&position),
        context: false,
        remark: counterexample.remarks.get(position).map_or("", String::as_str),
    });
    let context = counterexample.neighbourhood.iter().map(|operation| Row {
        operation,
        culprit: false,
        context: true,
        remark: "",
    });
    let mut rows: Vec<Row<'_>> = conflict.chain(context).collect();
    rows.sort_by_key(|row| row.operation.invoked);
    rows
}

fn operation_row(row: &Row<'_>, scales: &Scales) -> Markup {
    let operation = row.operation;
    let end = operation.end.filter(|_| operation.outcome != EventType::Info);
    let sign = if row.culprit { "✗ " } else { "" };
    let unsure = if end.is_none() { " ?" } else { "" };
    let label = format!("{sign}{}{unsure}", words::operation(operation));
    let place = scales.place("a", operation.start);
    html! {
        div.row.culprit[row.culprit].context[row.context].unknown[end.is_none()]
            tabindex="0" title=(hover(operation)) {
            div.who {
                b { "p" (maud::display(operation.process)) }
                span {
                    (in_timeline(operation.start, end.unwrap_or(operation.start), indices(operation)))
                    @if let Some(node) = &operation.node { " · " (node) }
                }
            }
            div.track {
                div.what style={ (place) "--n:" (label.chars().count()) } { (label) }
                div.bar style={ (place) (scales.end(end)) } {}
            }
            div.remark { (row.remark) }
        }
    }
}

/// Everything about an operation, for the hover.
fn hover(operation: &Operation) -> String {
    let end = match operation.end {
        Some(end) if operation.outcome != EventType::Info => format!(
            "to {} ({})",
            words::moment(end),
            words::duration(end.saturating_sub(operation.start))
        ),
        _ => "and never known to have ended: it may take effect at any later time".to_owned(),
    };
    format!(
        "process {} {} · {} · from {} {end}",
        operation.process,
        words::operation(operation),
        indices(operation),
        words::moment(operation.start)
    )
}

fn indices(operation: &Operation) -> String {
    match operation.completed {
        Some(completed) => format!("#{}–{completed}", operation.invoked),
        None => format!("#{}", operation.invoked),
    }
}

/// The faults that were on meanwhile, above the operations.
fn faults_row(data: &ReportData<'_>, scales: &Scales) -> Markup {
    let (from, to) = (scales.wide.first(), scales.wide.last());
    let near = |fault: &FaultInterval| fault.overlaps(scales.near.first(), scales.near.last());
    html! {
        @for fault in data.faults.iter().filter(|fault| fault.overlaps(from, to)) {
            div.row.fault.context[!near(fault)] {
                div.who {
                    b { "fault" }
                    @let end = fault.end.unwrap_or(data.end);
                    span { (in_timeline(fault.start, end, format!("#{}", fault.index))) }
                }
                div.track {
                    div.bar style={ (scales.place("a", fault.start)) (scales.end(fault.end)) } {}
                }
                div.remark {
                    (named(fault))
                    @let measured = effect_label(&fault.effect);
                    @if !measured.is_empty() { small { " · " (measured) } }
                }
            }
        }
    }
}

fn axis(class: &str, scale: &Scale) -> Markup {
    html! {
        div class={ "row axis " (class) } aria-hidden="true" {
            div.who {}
            div.track {
                @for (number, time) in scale.labelled().into_iter().enumerate() {
                    span.odd[number % 2 == 1] style={ "left:" (percent(scale.position(time))) } {
                        (words::moment(time))
                    }
                }
            }
            div.remark {}
        }
    }
}

/// One scale for the conflict alone, one that has room for its neighbourhood.
struct Scales {
    near: Scale,
    wide: Scale,
}

impl Scales {
    /// Two style properties with the place of a moment on either scale.
    fn place(&self, name: &str, time: u64) -> String {
        let (near, wide) = (self.near.position(time), self.wide.position(time));
        format!("--{name}:{};--{name}-wide:{};", percent(near), percent(wide))
    }

    /// The place of an end; what never ended reaches the right edge.
    fn end(&self, end: Option<u64>) -> String {
        match end {
            Some(end) => self.place("b", end),
            None => "--b:100%;--b-wide:100%".to_owned(),
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
