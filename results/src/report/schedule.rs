//! The schedule as it really happened, which is also the timeline for those who cannot see it.

use faults::effect::Effect;

use super::effects::effect_words;
use super::facts::Facts;
use super::markup::Markup;
use super::tables::{head, named, section};
use super::units;
use crate::metrics::{FaultInterval, NodeState};
use crate::words;

pub(super) fn schedule(facts: &Facts<'_>) -> Markup {
    let mut rows: Vec<(u64, Markup)> = Vec::new();
    for phase in &facts.phases {
        let lasted = format!("lasted {}", units::duration(phase.end - phase.start));
        let row = plain_row("phase", phase.start, &phase.name, &lasted);
        rows.push((phase.start, row));
    }
    for fault in &facts.faults {
        rows.push((fault.start, fault_row(facts, fault)));
    }
    for (node, spans) in &facts.nodes {
        for span in spans {
            let what = match &span.state {
                NodeState::Role(role) if role == "leader" => "leads",
                NodeState::Down => "is down",
                NodeState::Paused | NodeState::Silent | NodeState::Role(_) => continue,
            };
            let term = span.term.map_or_else(String::new, |term| format!(" in term {term}"));
            let lasted = format!("for {}", units::duration(span.end - span.start));
            rows.push((
                span.start,
                plain_row("node", span.start, &format!("{node} {what}{term}"), &lasted),
            ));
        }
    }
    rows.sort_by_key(|(time, _)| *time);

    let mut out = section("schedule", "Schedule, as it happened");
    if rows.is_empty() {
        out.raw(
            "<p class=\"empty\">No phase, fault or change of leader was recorded.</p></section>",
        );
        return out;
    }
    out.raw("<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" ");
    out.raw("aria-labelledby=\"schedule-title\">").piece(head(&[
        ("time", "number"),
        ("event", ""),
        ("what", ""),
        ("nodes", ""),
        ("what came of it", ""),
        ("measured at once", ""),
        ("measured over its life", ""),
    ]));
    for (_, row) in rows {
        out.piece(row);
    }
    out.raw("</tbody></table></div></section>");
    out
}

/// A row about a phase or a node.
fn plain_row(kind: &'static str, time: u64, what: &str, lasted: &str) -> Markup {
    let mut row = Markup::new();
    row.raw("<tr class=\"").raw(kind).raw("\"><td class=\"number\">").text(units::moment(time));
    row.raw("</td><td>").raw(kind).raw("</td><th scope=\"row\" colspan=\"2\">").text(what);
    row.raw("</th><td colspan=\"3\">").text(lasted).raw("</td></tr>");
    row
}

fn fault_row(facts: &Facts<'_>, fault: &FaultInterval) -> Markup {
    let mut out = Markup::new();
    out.raw("<tr class=\"fault\"><td class=\"number\">").text(units::moment(fault.start));
    out.raw("</td><td>#").text(fault.index).raw("</td><th scope=\"row\">").piece(named(fault));
    if let Some(grudge) = &fault.grudge {
        out.raw("<small>").text(grudge).raw("</small>");
    }
    out.piece(steps(fault)).raw("</th><td>").text(nodes(facts, fault)).raw("</td><td>");
    out.text(fault.outcome_name());
    let others = fault.note.iter().chain(&fault.undo_problems).map(String::as_str);
    let remarks = fault.reason().into_iter().chain(others);
    for remark in remarks {
        out.raw("<small>").text(remark).raw("</small>");
    }
    if fault.was_attempted() {
        out.raw("<small>").text(match (fault.end, fault.undo_problems.is_empty()) {
            (Some(end), _) => format!("undone at {}", units::moment(end)),
            (None, true) => "never seen undone".to_owned(),
            (None, false) => "could not be undone".to_owned(),
        });
        out.raw("</small>");
    }
    out.raw("</td>");
    for effect in [&fault.effect_at_injection, &fault.effect_over_life] {
        out.piece(measured(effect));
    }
    out.raw("</tr>");
    out
}

fn measured(effect: &Effect) -> Markup {
    let mut out = Markup::new();
    if effect.is_empty() {
        out.raw("<td class=\"muted\">–</td>");
    } else {
        out.raw("<td>").text(effect_words(effect)).raw("</td>");
    }
    out
}

/// How often the fault changed while it was on.
fn steps(fault: &FaultInterval) -> Markup {
    let mut out = Markup::new();
    if let (Some(first), Some(last)) = (fault.steps.first(), fault.steps.last()) {
        let steps = words::counted(fault.steps.len() as u64, "step");
        let from = units::moment(first.time);
        out.raw("<small>").text(match fault.steps.len() {
            1 => format!("{steps}, at {from} (#{})", first.index),
            _ => {
                let to = units::moment(last.time);
                format!("{steps}, from {from} to {to} (#{}–{})", first.index, last.index)
            }
        });
        out.raw("</small>");
    }
    out
}

fn nodes(facts: &Facts<'_>, fault: &FaultInterval) -> String {
    match fault.nodes.len() {
        0 => "–".to_owned(),
        count if count > 1 && count == facts.nodes.len() => "all".to_owned(),
        _ => fault.nodes.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
