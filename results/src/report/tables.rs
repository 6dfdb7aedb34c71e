//! The panels that are tables: operations, recovery, what was not tested, schedule, environment.

use std::collections::BTreeMap;

use super::drawing_data::effect;
use super::facts::Facts;
use super::markup::Markup;
use super::units;
use crate::metrics::{
    AttemptError, FaultInterval, FaultOutcome, NodeState, Service, attempt_errors,
    operation_figures,
};

/// Rarer errors than the most frequent so many are only counted.
const ERRORS_SHOWN: usize = 12;

/// The beginning of a panel: its element, open, with its heading.
fn section(id: &'static str, title: &'static str) -> Markup {
    let mut out = Markup::new();
    out.raw("<section id=\"").raw(id).raw("\" aria-labelledby=\"").raw(id).raw("-title\">");
    out.raw("<h2 id=\"").raw(id).raw("-title\">").raw(title).raw("</h2>");
    out
}

/// The beginning of a table, up to its rows: the name and the class of each column.
fn head(columns: &[(&'static str, &'static str)]) -> Markup {
    let mut out = Markup::new();
    out.raw("<table><thead><tr>");
    for (name, class) in columns {
        out.raw("<th scope=\"col\" class=\"").raw(class).raw("\">").raw(name).raw("</th>");
    }
    out.raw("</tr></thead><tbody>");
    out
}

/// Operations by kind and outcome, and the errors of their attempts.
pub(super) fn operations(facts: &Facts<'_>) -> Markup {
    let mut out = section("operations", "Operations");
    let figures = operation_figures(&facts.operations);
    if figures.is_empty() {
        out.raw("<p class=\"empty\">No client invoked an operation.</p></section>");
        return out;
    }
    out.raw("<div class=\"scroll\">").piece(head(&[
        ("kind", ""),
        ("outcome", ""),
        ("count", "number"),
        ("p50", "number"),
        ("p99", "number"),
        ("max", "number"),
        ("retries", "number"),
        ("most attempts", "number"),
    ]));
    let mut last = "";
    for row in &figures {
        out.raw("<tr><th scope=\"row\">").text(if row.f == last { "" } else { &row.f });
        out.raw("</th><td><span class=\"outcome ").text(units::outcome(row.outcome)).raw("\">");
        out.text(units::outcome(row.outcome)).raw("</span></td>");
        number(&mut out, units::count(row.count));
        for latency in [row.p50, row.p99, row.max] {
            number(&mut out, latency.map_or_else(|| "–".to_owned(), units::duration));
        }
        number(&mut out, units::count(row.retries));
        number(&mut out, units::count(row.most_attempts));
        out.raw("</tr>");
        last = &row.f;
    }
    out.raw("</tbody></table></div>").piece(errors(&attempt_errors(&facts.operations)));
    out.raw("</section>");
    out
}

fn errors(errors: &[AttemptError]) -> Markup {
    let mut out = Markup::new();
    if errors.is_empty() {
        out.raw("<p class=\"empty\">No attempt met an error.</p>");
        return out;
    }
    out.raw("<h3>Errors of attempts</h3><div class=\"scroll\">").piece(head(&[
        ("error", ""),
        ("proves", ""),
        ("attempts", "number"),
        ("ok in the end", "number"),
    ]));
    for error in errors.iter().take(ERRORS_SHOWN) {
        out.raw("<tr><th scope=\"row\" class=\"error\">").text(&error.error).raw("</th><td>");
        out.raw(match error.definite {
            Some(true) => "no effect (definite)",
            Some(false) => "nothing (indefinite)",
            None => "–",
        });
        out.raw("</td>");
        number(&mut out, units::count(error.count));
        number(&mut out, units::count(error.then_ok));
        out.raw("</tr>");
    }
    out.raw("</tbody></table></div>");
    if let Some(rest) = errors.len().checked_sub(ERRORS_SHOWN).filter(|&rest| rest > 0) {
        let attempts = errors[ERRORS_SHOWN..].iter().map(|error| error.count).sum();
        out.raw("<p class=\"muted\">and ").text(units::counted(attempts, "attempt", "attempts"));
        out.raw(" that met ").text(units::counted(rest as u64, "rarer error", "rarer errors"));
        out.raw("</p>");
    }
    out
}

fn number(out: &mut Markup, text: String) {
    out.raw("<td class=\"number\">").text(text).raw("</td>");
}

/// What each fault did to the clients.
pub(super) fn recovery(facts: &Facts<'_>) -> Markup {
    let mut out = section("recovery", "Recovery");
    if facts.recoveries.is_empty() {
        out.raw("<p class=\"empty\">No fault was attempted during the load.</p></section>");
        return out;
    }
    let longest = facts.recoveries.iter().map(|recovery| recovery.longest_gap).max().unwrap_or(0);
    out.raw("<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" ");
    out.raw("aria-labelledby=\"recovery-title\">").piece(head(&[
        ("fault", ""),
        ("whom it hit", ""),
        ("first error after", ""),
        ("longest without an ok", ""),
        ("ok again after", ""),
    ]));
    for recovery in &facts.recoveries {
        let fault = &facts.faults[recovery.fault];
        out.raw("<tr><th scope=\"row\">").piece(named(fault));
        out.raw("<small>").text(units::moment(fault.start));
        if fault.outcome != FaultOutcome::Installed {
            out.raw(" · ").text(fault.outcome);
        }
        out.raw("</small></th><td>").text(whom(facts, fault)).raw("</td><td>");
        match &recovery.first_error {
            None => out.raw("<span class=\"muted\">none</span>"),
            Some(error) => out
                .text(units::duration(error.after))
                .raw("<small class=\"error\">")
                .text(&error.error)
                .text(format!(" #{}", error.index))
                .raw("</small>"),
        };
        let share = recovery.longest_gap as f64 * 100.0 / longest.max(1) as f64;
        out.raw("</td><td class=\"gap\"><span>").text(units::duration(recovery.longest_gap));
        out.raw("</span><i style=\"--share:").text(format!("{share:.1}%")).raw("\"></i></td><td>");
        match recovery.service {
            Service::Uninterrupted => out.raw("<span class=\"muted\">not interrupted</span>"),
            Service::AgainAfter(after) => out.text(units::duration(after)),
            Service::NotAgain => out.raw("not within the load"),
        };
        out.raw("</td></tr>");
    }
    out.raw("</tbody></table></div><p class=\"muted\">Measured from the moment a fault began ");
    out.raw("until the next one did or the load ended; faults that overlap share their effects. ");
    out.raw("Errors that occurred before the first fault are left out. ");
    out.raw("“Ok again after” is when the longest time without an ok ended.</p></section>");
    out
}

/// A fault's name with the sign of its family.
fn named(fault: &FaultInterval) -> Markup {
    let mut out = Markup::new();
    out.raw("<span class=\"family\" data-family=\"").text(&fault.family).raw("\"></span>");
    out.text(&fault.name);
    out
}

/// The nodes that a fault was aimed at with the role each had just before. Of a fault that was
/// aimed at all, only those that were more than followers are named.
fn whom(facts: &Facts<'_>, fault: &FaultInterval) -> String {
    let all = fault.nodes.len() > 1 && fault.nodes.len() == facts.nodes.len();
    let roles = fault.nodes.iter().map(|node| (node, facts.role_before(node, fault)));
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

/// What the run leaves open.
pub(super) fn not_tested(facts: &Facts<'_>) -> Markup {
    let summary = facts.summary;
    let mut out = section("not-tested", "Not tested");
    let ineffective: Vec<&FaultInterval> =
        facts.faults.iter().filter(|fault| fault.outcome != FaultOutcome::Installed).collect();
    let gaps = &summary.coverage.gaps;
    if gaps.is_empty() && summary.run.skipped.is_empty() && ineffective.is_empty() {
        out.raw("<p class=\"empty\">Nothing that the plan asked for was left out.</p>");
    } else {
        out.raw("<ul class=\"gaps\">");
        for gap in gaps {
            out.raw("<li><b>gap</b> ").text(gap).raw("</li>");
        }
        for (what, why) in &summary.run.skipped {
            out.raw("<li><b>").text(what).raw("</b> left out: ").text(why).raw("</li>");
        }
        for fault in ineffective {
            out.raw("<li><b>").text(fault.outcome).raw("</b> ").text(&fault.name);
            out.text(format!(" at {} (event {})", units::moment(fault.start), fault.index));
            if let Some(reason) = &fault.reason {
                out.raw(": ").text(reason);
            }
            out.raw("</li>");
        }
        out.raw("</ul>");
    }
    out.piece(roles_hit(facts)).raw("</section>");
    out
}

/// How often each family of faults hit a node of each role.
fn roles_hit(facts: &Facts<'_>) -> Markup {
    let mut hits: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for family in &facts.summary.run.faults {
        hits.entry(family).or_default();
    }
    for fault in facts.faults.iter().filter(|fault| fault.outcome == FaultOutcome::Installed) {
        let roles = hits.entry(&fault.family).or_default();
        for node in &fault.nodes {
            *roles.entry(facts.role_before(node, fault)).or_default() += 1;
        }
    }
    let mut out = Markup::new();
    if hits.is_empty() {
        return out;
    }
    const ROLES: [&str; 3] = ["leader", "candidate", "follower"];
    out.raw("<h3>Whom the faults hit</h3><div class=\"scroll\">").piece(head(&[
        ("family", ""),
        (ROLES[0], "number"),
        (ROLES[1], "number"),
        (ROLES[2], "number"),
        ("other", "number"),
    ]));
    for (family, roles) in hits {
        out.raw("<tr><th scope=\"row\"><span class=\"family\" data-family=\"").text(family);
        out.raw("\"></span>").text(family).raw("</th>");
        for role in ROLES {
            let hits = roles.get(role).copied().unwrap_or(0);
            if hits == 0 {
                out.raw("<td class=\"number muted\">not reached</td>");
            } else {
                number(&mut out, units::count(hits));
            }
        }
        let other = roles.iter().filter(|(role, _)| !ROLES.contains(role)).map(|(_, hits)| hits);
        number(&mut out, units::count(other.sum()));
        out.raw("</tr>");
    }
    out.raw("</tbody></table></div>");
    out
}

/// The schedule as it really happened, which is also the timeline for those who cannot see it.
pub(super) fn schedule(facts: &Facts<'_>) -> Markup {
    let mut rows: Vec<(u64, Markup)> = Vec::new();
    for phase in &facts.phases {
        let mut row = Markup::new();
        row.raw("<tr class=\"phase\"><td class=\"number\">").text(units::moment(phase.start));
        row.raw("</td><td>phase</td><th scope=\"row\">").text(&phase.name);
        row.raw("</th><td>lasted ").text(units::duration(phase.end - phase.start));
        row.raw("</td></tr>");
        rows.push((phase.start, row));
    }
    for fault in &facts.faults {
        rows.push((fault.start, fault_row(fault)));
    }
    for (node, spans) in &facts.nodes {
        for span in spans {
            let what = match &span.state {
                NodeState::Role(role) if role == "leader" => "leads",
                NodeState::Down => "is down",
                NodeState::Paused | NodeState::Silent | NodeState::Role(_) => continue,
            };
            let mut row = Markup::new();
            row.raw("<tr><td class=\"number\">").text(units::moment(span.start));
            row.raw("</td><td>node</td><th scope=\"row\">").text(node).text(" ").text(what);
            if let Some(term) = span.term {
                row.text(format!(" in term {term}"));
            }
            row.raw("</th><td>for ").text(units::duration(span.end - span.start));
            row.raw("</td></tr>");
            rows.push((span.start, row));
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
        ("what came of it", ""),
    ]));
    for (_, row) in rows {
        out.piece(row);
    }
    out.raw("</tbody></table></div></section>");
    out
}

fn fault_row(fault: &FaultInterval) -> Markup {
    let mut out = Markup::new();
    out.raw("<tr class=\"fault\"><td class=\"number\">").text(units::moment(fault.start));
    out.raw("</td><td>#").text(fault.index).raw("</td><th scope=\"row\">").piece(named(fault));
    if !fault.grudge.is_empty() {
        let grudge: Vec<String> = fault
            .grudge
            .iter()
            .map(|(node, dropped)| format!("{node} drops {}", dropped.join(" ")))
            .collect();
        out.raw("<small>").text(grudge.join("; ")).raw("</small>");
    }
    out.raw("</th><td>").text(fault.outcome);
    let effect = effect(fault);
    if !effect.is_empty() {
        out.text(format!(", {effect}"));
    }
    if let Some(reason) = &fault.reason {
        out.text(format!(": {reason}"));
    }
    if fault.was_attempted() {
        out.raw("<small>").text(match (fault.end, fault.undo_outcome.as_deref()) {
            (Some(end), None | Some("installed")) => format!("undone at {}", units::moment(end)),
            (Some(end), Some(outcome)) => format!("undo {outcome} at {}", units::moment(end)),
            (None, _) => "never seen undone".to_owned(),
        });
        out.raw("</small>");
    }
    out.raw("</td></tr>");
    out
}

/// Phases, lab, engines and machine.
pub(super) fn environment(facts: &Facts<'_>) -> Markup {
    let run = &facts.summary.run;
    let mut out = section("environment", "Environment");
    out.raw("<div class=\"lists\"><div><h3>Phases</h3><dl class=\"pairs\">");
    for (phase, seconds) in &facts.summary.phases {
        pair(&mut out, phase, &units::seconds(*seconds));
    }
    out.raw("</dl></div><div><h3>Lab and engines</h3><dl class=\"pairs\">");
    pair(&mut out, "lab", &run.lab);
    for (family, engine) in &run.engines {
        pair(&mut out, family, engine);
    }
    pair(&mut out, "nodes", &run.nodes.join(", "));
    pair(&mut out, "clients", &run.concurrency.to_string());
    out.raw("</dl></div><div><h3>Machine</h3><dl class=\"pairs\">");
    for (name, value) in &run.environment {
        pair(&mut out, name, value);
    }
    out.raw("</dl></div></div></section>");
    out
}

fn pair(out: &mut Markup, name: &str, value: &str) {
    out.raw("<dt>").text(name).raw("</dt><dd>").text(value).raw("</dd>");
}
