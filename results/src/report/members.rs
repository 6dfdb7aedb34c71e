//! The panel of the divergence check: what each member held in the end, and where they differ.

use checker::oracle::divergence::{Difference, DivergenceReport, MemberFigures};
use checker::verdict::Verdict;

use super::facts::Facts;
use super::markup::Markup;
use super::tables::{head, number, section};
use crate::words;

/// The panel; none when the members were not asked.
pub(super) fn members(facts: &Facts<'_>) -> Option<Markup> {
    let report = facts.summary.safety.divergence.as_ref()?;
    let mut out = section("members", "Members");
    out.raw("<p class=\"lead\">");
    match &report.sentence {
        Some(sentence) => out.text(sentence).raw(".</p>"),
        None => out
            .text(format!(
                "All {} hold the same under {}.",
                report.members.len(),
                words::counted(report.names, "name")
            ))
            .raw("</p>"),
    };
    out.raw("<div class=\"scroll\">").piece(head(&[
        ("member", ""),
        ("applied", "number"),
        ("revision", "number"),
        ("names", "number"),
    ]));
    for member in &report.members {
        out.piece(figures(member));
    }
    out.raw("</tbody></table></div>").piece(differences(report)).raw("</section>");
    Some(out)
}

fn figures(member: &MemberFigures) -> Markup {
    let mut out = Markup::new();
    out.raw("<tr><th scope=\"row\">").text(&member.node).raw("</th>");
    let or_dash = |figure: Option<u64>| figure.map_or_else(|| "–".to_owned(), words::count);
    number(&mut out, or_dash(member.position));
    number(&mut out, or_dash(member.revision));
    number(&mut out, words::count(member.names));
    out.raw("</tr>");
    out
}

/// A table with a column for each member, and below each row who wrote what differs.
fn differences(report: &DivergenceReport) -> Markup {
    let mut out = Markup::new();
    if report.differences.is_empty() || report.verdict() != Verdict::Invalid {
        return out;
    }
    let columns = report.members.iter().map(|member| (member.node.as_str(), ""));
    let columns: Vec<_> =
        [("name", "")].into_iter().chain(columns).chain([("written by", "")]).collect();
    out.raw("<div class=\"scroll\">").piece(head(&columns));
    for difference in &report.differences {
        out.piece(row(difference));
    }
    out.raw("</tbody></table></div>");
    let more = report.differing.saturating_sub(report.differences.len() as u64);
    if more > 0 {
        out.raw("<p class=\"muted\">and ").text(words::counted(more, "more name"));
        out.raw("</p>");
    }
    out
}

fn row(difference: &Difference) -> Markup {
    let mut out = Markup::new();
    out.raw("<tr><th scope=\"row\">").text(&difference.name).raw("</th>");
    for held in &difference.held {
        match held {
            None => out.raw("<td class=\"muted\">nothing</td>"),
            Some(held) => {
                let at = held.version.map_or_else(String::new, |it| format!(" at {it}"));
                out.raw("<td>").text(format!("{}{at}", shortened(&held.value))).raw("</td>")
            }
        };
    }
    let writers = match difference.written_by.is_empty() {
        true => "not known".to_owned(),
        false => difference.written_by.join("; "),
    };
    out.raw("<td>").text(writers).raw("</td></tr>");
    out
}

/// Enough of a value to tell it from others, in a cell of a table.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 40;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
