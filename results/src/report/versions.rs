//! The panel of the version oracle: how many answers were compared, and which contradict another.

use checker::oracle::version::{Effect, MutationVersion, Rule, Scope, VersionReport, Witness};

use super::facts::Facts;
use super::markup::Markup;
use super::tables::{head, section};
use super::units;
use crate::words;

/// The panel; none when no versions were judged.
pub(super) fn versions(facts: &Facts<'_>) -> Option<Markup> {
    let report = facts.summary.safety.versions.as_ref()?;
    let mut out = section("versions", "Versions");
    out.raw("<p class=\"lead\">").text(words::counted(report.answers, "answer"));
    out.raw(" compared");
    match report.contradictions {
        0 => out.raw(": none contradicts another.</p>"),
        some => out.raw(": ").text(words::counted(some, "contradiction")).raw(".</p>"),
    };
    out.piece(contradictions(report));
    for era in &report.eras {
        out.raw("<p>").text(&era.sentence).raw("</p>");
    }
    out.raw("<p class=\"muted\">").text(claims(report)).raw("</p></section>");
    Some(out)
}

fn contradictions(report: &VersionReport) -> Markup {
    let mut out = Markup::new();
    if report.violations.is_empty() {
        return out;
    }
    out.raw("<ul class=\"violations\">");
    for violation in &report.violations {
        out.raw("<li><p><b>").raw(name(violation.rule)).raw("</b> ").text(&violation.sentence);
        out.raw("</p><div class=\"scroll\">").piece(head(&[
            ("answer", ""),
            ("version", "number"),
            ("from", "number"),
            ("to", "number"),
            ("by", ""),
            ("events", ""),
        ]));
        out.piece(witness(&violation.earlier)).piece(witness(&violation.later));
        out.raw("</tbody></table></div></li>");
    }
    out.raw("</ul>");
    let more = report.contradictions.saturating_sub(report.violations.len() as u64);
    if more > 0 {
        out.raw("<p class=\"muted\">and ");
        out.text(words::counted(more, "more contradiction")).raw("</p>");
    }
    out
}

fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Below => "went back",
        Rule::NotAbove => "did not rise",
        Rule::Shared => "shared",
        Rule::TwoValues => "two values",
    }
}

fn witness(answer: &Witness) -> Markup {
    let mut out = Markup::new();
    let key = answer.key.as_deref().unwrap_or_default();
    let failed =
        if answer.effect == Effect::FailedPrecondition { " (precondition failed)" } else { "" };
    out.raw("<tr><th scope=\"row\">")
        .text(format!("p{} {} {key}{failed}", answer.process, answer.f));
    out.raw("</th><td class=\"number\">").text(words::count(answer.version));
    out.raw("</td><td class=\"number\">").text(units::moment(answer.start));
    out.raw("</td><td class=\"number\">").text(units::moment(answer.end));
    out.raw("</td><td>").text(answer.node.as_deref().unwrap_or("–"));
    out.raw("</td><td>").text(format!("#{}–{}", answer.invoked, answer.completed));
    out.raw("</td></tr>");
    out
}

/// What the versions were taken to mean.
fn claims(report: &VersionReport) -> String {
    let scope = match report.claims.scope {
        Scope::Store => "the whole store",
        Scope::Stream => "each stream",
        Scope::Key => "each key",
    };
    let mutations = match report.claims.mutations {
        MutationVersion::NotBelow => "no mutation lowers it",
        MutationVersion::Above => "every mutation raises it",
        MutationVersion::Unique => "every mutation raises it to one of its own",
    };
    let left_out = match report.left_out + report.between_eras {
        0 => String::new(),
        some => format!(" Left out: {}.", words::counted(some, "answer")),
    };
    format!("The target claims one version for {scope}, which never falls; {mutations}.{left_out}")
}
