//! The panel of the version oracle: how many answers were compared, and which contradict another.

use checker::oracle::version::{
    Effect, MutationVersion, Rule, Scope, VersionReport, Violation, Witness,
};
use maud::{Markup, html};

use super::report_data::ReportData;
use crate::page::panel::{Column, in_timeline, more, panel, table};
use crate::words;

/// The panel; none when no versions were judged.
pub(super) fn versions(data: &ReportData<'_>) -> Option<Markup> {
    let report = data.summary.safety.versions.as_ref()?;
    let content = html! {
        p.lead { (words::versions(report)) "." }
        @if !report.violations.is_empty() {
            ul.violations {
                @for violation in &report.violations { li { (contradiction(violation)) } }
            }
            (more(report.contradictions, report.violations.len(), "more contradiction"))
        }
        @for era in &report.eras { p { (era.sentence) } }
        p.muted { (claims(report)) }
    };
    Some(panel("versions", "Versions", content))
}

fn contradiction(violation: &Violation) -> Markup {
    let columns = [
        Column::Text("answer"),
        Column::Number("version"),
        Column::Number("from"),
        Column::Number("to"),
        Column::Text("by"),
        Column::Text("events"),
    ];
    html! {
        p { b { (name(violation.rule)) } " " (violation.sentence) }
        (table(&columns, html! { (witness(&violation.earlier)) (witness(&violation.later)) }))
    }
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
    html! {
        tr {
            th scope="row" {
                "p" (maud::display(answer.process)) " " (answer.f) " "
                (answer.key.as_deref().unwrap_or_default())
                @if answer.effect == Effect::FailedPrecondition { " (precondition failed)" }
            }
            td.number { (words::count(answer.version)) }
            td.number { (words::moment(answer.start)) }
            td.number { (words::moment(answer.end)) }
            td { (answer.node.as_deref().unwrap_or("–")) }
            @let events = format!("#{}–{}", answer.invoked, answer.completed);
            td { (in_timeline(answer.start, answer.end, events)) }
        }
    }
}

/// The meaning that the versions were taken to have.
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
