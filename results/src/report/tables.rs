//! What panels and tables are made of, and the panels that are little more than a table: operations
//! and environment.

use super::facts::Facts;
use super::families::sign;
use super::markup::Markup;
use super::units;
use crate::metrics::{AttemptError, FaultInterval, attempt_errors, operation_figures};
use crate::words;

/// Rarer errors than the most frequent so many are only counted.
const ERRORS_SHOWN: usize = 12;

/// The beginning of a panel: its element, open, with its heading.
pub(super) fn section(id: &'static str, title: &'static str) -> Markup {
    let mut out = Markup::new();
    out.raw("<section id=\"").raw(id).raw("\" aria-labelledby=\"").raw(id).raw("-title\">");
    out.raw("<h2 id=\"").raw(id).raw("-title\">").raw(title).raw("</h2>");
    out
}

/// The beginning of a table, up to its rows: the name and the class of each column.
pub(super) fn head(columns: &[(&str, &'static str)]) -> Markup {
    let mut out = Markup::new();
    out.raw("<table><thead><tr>");
    for (name, class) in columns {
        out.raw("<th scope=\"col\" class=\"").raw(class).raw("\">").text(name).raw("</th>");
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
        number(&mut out, words::count(row.count));
        for latency in [row.p50, row.p99, row.max] {
            number(&mut out, latency.map_or_else(|| "–".to_owned(), units::duration));
        }
        number(&mut out, words::count(row.retries));
        number(&mut out, words::count(row.most_attempts));
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
        number(&mut out, words::count(error.count));
        number(&mut out, words::count(error.then_ok));
        out.raw("</tr>");
    }
    out.raw("</tbody></table></div>");
    if let Some(rest) = errors.len().checked_sub(ERRORS_SHOWN).filter(|&rest| rest > 0) {
        let attempts = errors[ERRORS_SHOWN..].iter().map(|error| error.count).sum();
        out.raw("<p class=\"muted\">and ").text(words::counted(attempts, "attempt"));
        out.raw(" that met ").text(words::counted(rest as u64, "rarer error"));
        out.raw("</p>");
    }
    out
}

pub(super) fn number(out: &mut Markup, text: String) {
    out.raw("<td class=\"number\">").text(text).raw("</td>");
}

/// A fault's name with the sign of its family.
pub(super) fn named(fault: &FaultInterval) -> Markup {
    let mut out = sign(fault.family.name());
    out.text(&fault.name);
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
    out.raw("</dl></div><div><h3>Engines</h3><dl class=\"pairs\">");
    for (family, engine) in &run.engines {
        out.raw("<dt>").piece(sign(family)).text(family).raw("</dt><dd>").text(engine);
        out.raw("</dd>");
    }
    for (family, reason) in &run.skipped {
        out.raw("<dt>").piece(sign(family)).text(family).raw("</dt><dd class=\"left-out\">");
        out.raw("left out: ").text(reason).raw("</dd>");
    }
    if run.engines.is_empty() && run.skipped.is_empty() {
        pair(&mut out, "none", "no fault was planned");
    }
    out.raw("</dl></div><div><h3>Lab</h3><dl class=\"pairs\">");
    pair(&mut out, "lab", &run.lab);
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
