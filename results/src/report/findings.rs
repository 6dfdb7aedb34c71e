//! The panel with what was learnt about the target besides the verdict.

use super::facts::Facts;
use super::markup::Markup;
use super::tables::section;
use super::units;
use crate::words;

/// The panel; none when there is no finding.
pub(super) fn findings(facts: &Facts<'_>) -> Option<Markup> {
    let findings = &facts.summary.findings;
    if findings.is_empty() {
        return None;
    }
    let mut out = section("findings", "Findings about the target");
    out.raw("<ul class=\"findings\">");
    for finding in findings {
        out.raw("<li><p><span class=\"flag\" aria-hidden=\"true\">⚑</span> <b>");
        out.text(&finding.node).raw("</b> <span class=\"number\">");
        out.text(units::moment(units::nanoseconds(finding.seconds))).raw("</span> ");
        out.text(&finding.text).raw("</p>");
        if !finding.log.is_empty() {
            let lines = words::counted(finding.log.len() as u64, "line");
            out.raw("<details><summary>last ").text(lines).raw(" of its log</summary><pre>");
            for line in &finding.log {
                out.text(line).raw("\n");
            }
            out.raw("</pre></details>");
        }
        out.raw("</li>");
    }
    out.raw("</ul><p class=\"muted\">What a node did of itself while faults were on. None of it ");
    out.raw("decides the verdict; some of it may be what you want to know.</p></section>");
    Some(out)
}
