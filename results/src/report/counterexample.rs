//! The panel for an invalid run: the operations that no order explains, drawn as intervals.
//!
//! The order of beginnings and endings is what a contradiction rests on, and distances in time
//! range from microseconds to minutes, so the axis keeps the order exactly and squeezes distances.

use checker::history::EventType;
use checker::verdict::{Counterexample, Operation};

use super::effects::effect_label;
use super::facts::Facts;
use super::markup::Markup;
use super::tables::named;
use super::units;
use crate::words;

/// Space right of the last completion, as a share of the width, into which an operation of unknown
/// outcome fades: it has no end.
const FADE: f64 = 0.06;

/// Axis labels stand at least so far apart, as a share of the width.
const LABEL_DISTANCE: f64 = 0.16;

/// Which fault was on when the culprits ran, in one sentence; none without a counterexample.
pub(super) fn faults_at_the_time(facts: &Facts<'_>) -> Option<String> {
    let from = facts.culprits().map(|culprit| culprit.start).min()?;
    let to = facts.culprits().map(|culprit| culprit.end.unwrap_or(culprit.start)).max()?;
    let on: Vec<String> = facts
        .faults
        .iter()
        .filter(|fault| fault.overlaps(from, to))
        .map(|fault| {
            let since = units::duration(to.saturating_sub(fault.start));
            format!("{} (event {}), begun {since} earlier", quoted(&fault.name), fault.index)
        })
        .collect();
    if !on.is_empty() {
        let begun = on.join(", and ");
        return Some(format!("Fault at that time: {begun}."));
    }
    let before = facts.faults.iter().filter(|fault| fault.was_attempted());
    let last = before.filter_map(|fault| Some((fault.end?, fault))).filter(|(end, _)| *end < from);
    let sentence = match last.max_by_key(|(end, _)| *end) {
        None => "No fault had been on before that time.".to_owned(),
        Some((end, fault)) => format!(
            "No fault was on at that time; the last, {} (event {}), was undone {} earlier.",
            quoted(&fault.name),
            fault.index,
            units::duration(from - end)
        ),
    };
    Some(sentence)
}

fn quoted(name: &str) -> String {
    format!("“{name}”")
}

/// The panel; none when there is no counterexample.
pub(super) fn counterexample(facts: &Facts<'_>) -> Option<Markup> {
    let counterexample = facts.counterexample()?;
    let near = Scale::of(&counterexample.operations);
    let wide = Scale::of(counterexample.operations.iter().chain(&counterexample.neighbourhood));
    let scales = Scales { near, wide };
    let context = counterexample.neighbourhood.len() as u64;

    let mut out = Markup::new();
    out.raw("<section id=\"counterexample\" aria-labelledby=\"counterexample-title\">");
    out.raw("<h2 id=\"counterexample-title\">Counterexample");
    if let Some(key) = &counterexample.key {
        out.raw(" <small>key <code>").text(key).raw("</code></small>");
    }
    out.raw("</h2>");
    if counterexample.sentence != facts.summary.sentence {
        out.raw("<p class=\"lead\">").text(&counterexample.sentence).raw("</p>");
    }
    if context > 0 {
        out.raw("<input type=\"checkbox\" id=\"neighbourhood\"><label for=\"neighbourhood\">");
        out.text(format!(
            "show {} of this key around it",
            words::counted(context, "other operation")
        ));
        out.raw("</label>");
    }
    out.raw("<div class=\"intervals\">");
    out.piece(faults_row(facts, &scales));
    for row in rows(counterexample) {
        out.piece(operation_row(&row, &scales));
    }
    out.piece(axis(&scales));
    out.raw("</div><p class=\"muted\">Each bar reaches from invocation to completion. Left and ");
    out.raw("right are in true order; distances are squeezed. Take ");
    match counterexample.operations.len() as u64 {
        1 => out.raw("the operation"),
        several => out.text(format!("any of the {} operations", words::count(several))),
    };
    out.raw(" away, and a legal order exists. The numbers are indices of history.jsonl.</p>");
    out.raw("</section>");
    Some(out)
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
    let text = words::operation(operation);
    let unknown = operation.outcome == EventType::Info || operation.end.is_none();
    let mut out = Markup::new();
    out.raw("<div class=\"row");
    for (on, class) in [(row.culprit, " culprit"), (row.context, " context"), (unknown, " unknown")]
    {
        if on {
            out.raw(class);
        }
    }
    out.raw("\" tabindex=\"0\" title=\"").text(hover(operation)).raw("\"><div class=\"who\"><b>p");
    out.text(operation.process).raw("</b><span>").text(indices(operation));
    if let Some(node) = &operation.node {
        out.text(format!(" · {node}"));
    }
    out.raw("</span></div><div class=\"track\"><div class=\"what\" style=\"");
    let sign = if row.culprit { "✗ " } else { "" };
    let unsure = if unknown { " ?" } else { "" };
    let label = format!("{sign}{text}{unsure}");
    out.piece(scales.place("a", operation.start));
    out.raw("--n:").text(label.chars().count()).raw("\">").text(label);
    out.raw("</div><div class=\"bar\" style=\"").piece(scales.place("a", operation.start));
    match operation.end {
        Some(end) if !unknown => out.piece(scales.place("b", end)),
        _ => out.raw("--b:100%;--b-wide:100%"),
    };
    out.raw("\"></div></div><div class=\"remark\">").text(row.remark);
    out.raw("</div></div>");
    out
}

/// Everything about an operation, for the hover.
fn hover(operation: &Operation) -> String {
    let end = match operation.end {
        Some(end) if operation.outcome != EventType::Info => format!(
            "to {} ({})",
            units::moment(end),
            units::duration(end.saturating_sub(operation.start))
        ),
        _ => "and never known to have ended: it may take effect at any later time".to_owned(),
    };
    format!(
        "process {} {} · {} · from {} {end}",
        operation.process,
        words::operation(operation),
        indices(operation),
        units::moment(operation.start)
    )
}

fn indices(operation: &Operation) -> String {
    match operation.completed {
        Some(completed) => format!("#{}–{completed}", operation.invoked),
        None => format!("#{}", operation.invoked),
    }
}

/// The faults that were on meanwhile, above the operations.
fn faults_row(facts: &Facts<'_>, scales: &Scales) -> Markup {
    let (from, to) = (scales.wide.first(), scales.wide.last());
    let mut out = Markup::new();
    for fault in facts.faults.iter().filter(|fault| fault.overlaps(from, to)) {
        let near = fault.overlaps(scales.near.first(), scales.near.last());
        out.raw(if near {
            "<div class=\"row fault\">"
        } else {
            "<div class=\"row fault context\">"
        });
        out.raw("<div class=\"who\"><b>fault</b><span>#").text(fault.index);
        out.raw("</span></div><div class=\"track\"><div class=\"bar\" style=\"");
        out.piece(scales.place("a", fault.start));
        match fault.end {
            Some(end) => out.piece(scales.place("b", end)),
            None => out.raw("--b:100%;--b-wide:100%"),
        };
        out.raw("\"></div></div><div class=\"remark\">").piece(named(fault));
        let measured = effect_label(&fault.effect);
        if !measured.is_empty() {
            out.raw("<small> · ").text(measured).raw("</small>");
        }
        out.raw("</div></div>");
    }
    out
}

fn axis(scales: &Scales) -> Markup {
    let mut out = Markup::new();
    for (class, scale) in [("near", &scales.near), ("wide", &scales.wide)] {
        out.raw("<div class=\"row axis ").raw(class).raw("\" aria-hidden=\"true\">");
        out.raw("<div class=\"who\"></div><div class=\"track\">");
        for (number, time) in scale.labelled().into_iter().enumerate() {
            out.raw(if number % 2 == 0 { "<span" } else { "<span class=\"odd\"" });
            out.raw(" style=\"left:").text(percent(scale.position(time))).raw("\">");
            out.text(units::moment(time)).raw("</span>");
        }
        out.raw("</div><div class=\"remark\"></div></div>");
    }
    out
}

/// One scale for the conflict alone, one that has room for its neighbourhood.
struct Scales {
    near: Scale,
    wide: Scale,
}

impl Scales {
    /// Two style properties with the place of a moment on either scale.
    fn place(&self, name: &'static str, time: u64) -> Markup {
        let mut out = Markup::new();
        out.raw("--").raw(name).raw(":").text(percent(self.near.position(time))).raw(";--");
        out.raw(name).raw("-wide:").text(percent(self.wide.position(time))).raw(";");
        out
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// Maps moments to places from 0 to 1: strictly rising, long waits squeezed.
struct Scale {
    /// Every beginning and ending, with its place.
    points: Vec<(u64, f64)>,
}

impl Scale {
    fn of<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Scale {
        let mut times: Vec<u64> = Vec::new();
        for operation in operations {
            times.push(operation.start);
            if operation.outcome != EventType::Info {
                times.extend(operation.end);
            }
        }
        times.sort_unstable();
        times.dedup();
        let mut gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let typical = gaps.get(gaps.len() / 2).copied().unwrap_or(1) as f64;
        let mut at = 0.0;
        let mut points = Vec::with_capacity(times.len());
        for (position, &time) in times.iter().enumerate() {
            if position > 0 {
                // At least a visible step, and little more for a wait a thousand times as long.
                at += 0.5 + (1.0 + (time - times[position - 1]) as f64 / typical).ln();
            }
            points.push((time, at));
        }
        let whole = if at > 0.0 { at } else { 1.0 };
        for point in &mut points {
            point.1 = point.1 / whole * (1.0 - FADE);
        }
        Scale { points }
    }

    fn first(&self) -> u64 {
        self.points.first().map_or(0, |point| point.0)
    }

    fn last(&self) -> u64 {
        self.points.last().map_or(0, |point| point.0)
    }

    /// The place of a moment; moments outside are put at the edge.
    fn position(&self, time: u64) -> f64 {
        match self.points.binary_search_by_key(&time, |point| point.0) {
            Ok(at) => self.points[at].1,
            Err(0) => 0.0,
            Err(at) if at == self.points.len() => 1.0,
            Err(at) => {
                let ((from, low), (to, high)) = (self.points[at - 1], self.points[at]);
                low + (high - low) * (time - from) as f64 / (to - from) as f64
            }
        }
    }

    /// The moments whose labels fit beside each other.
    fn labelled(&self) -> Vec<u64> {
        let mut labelled: Vec<(u64, f64)> = Vec::new();
        for &(time, at) in &self.points {
            let free = labelled.last().is_none_or(|(_, before)| at - before >= LABEL_DISTANCE);
            if free && at <= 1.0 - LABEL_DISTANCE / 2.0 {
                labelled.push((time, at));
            }
        }
        labelled.into_iter().map(|(time, _)| time).collect()
    }
}

#[cfg(test)]
mod tests {
    use checker::history::Process;
    use serde_json::Value;

    use super::*;

    fn operation(start: u64, end: u64) -> Operation {
        Operation {
            process: Process::Client(0),
            f: "read".into(),
            key: None,
            input: Value::Null,
            output: Value::Null,
            outcome: EventType::Ok,
            invoked: 0,
            completed: Some(1),
            start,
            end: Some(end),
            node: None,
            token: None,
            version: None,
            attempts: Vec::new(),
        }
    }

    #[test]
    fn the_scale_keeps_the_order_over_six_orders_of_magnitude() {
        let operations = [operation(0, 1_000), operation(1_001, 5_000_000_000), operation(2, 3)];
        let scale = Scale::of(&operations);
        let times = [0, 2, 3, 500, 1_000, 1_001, 2_000_000_000, 5_000_000_000, u64::MAX];
        let places: Vec<f64> = times.iter().map(|&time| scale.position(time)).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        assert!(places.iter().all(|place| (0.0..=1.0).contains(place)), "{places:?}");
        let step = scale.position(1_001) - scale.position(1_000);
        assert!(step > 0.005, "a gap of a nanosecond can be seen: {step}");
    }

    #[test]
    fn a_single_moment_has_a_place() {
        let scale = Scale::of(&[operation(7, 7)]);
        assert_eq!(scale.position(7), 0.0);
    }
}
