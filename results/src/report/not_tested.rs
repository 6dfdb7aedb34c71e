//! The panel with what the run leaves open.

use std::collections::{BTreeMap, BTreeSet};

use faults::coverage::{AtMoment, Coverage, Role, Situation};
use faults::trigger::TriggerKind;
use maud::{Markup, html};

use super::families::sign;
use super::heat::heat_table;
use super::report_data::ReportData;
use crate::metrics::FaultInterval;
use crate::page::panel::{Column, panel, table};
use crate::words;

pub(super) fn not_tested(data: &ReportData<'_>) -> Markup {
    let content = html! {
        (gaps(data))
        @if !data.summary.coverage.notes.is_empty() {
            ul.gaps { @for note in &data.summary.coverage.notes { li { (note) } } }
        }
        @match &data.summary.fault_coverage {
            Some(coverage) => { (reached(coverage)) (moments(&coverage.moments)) }
            None => { (roles_hit(data)) }
        }
    };
    panel("not-tested", "Not tested", content)
}

/// Everything that was asked for and left out, or had no effect.
fn gaps(data: &ReportData<'_>) -> Markup {
    let ineffective: Vec<&FaultInterval> =
        data.faults.iter().filter(|fault| !fault.took_effect()).collect();
    let gaps = &data.summary.coverage.gaps;
    let skipped = &data.summary.run.skipped;
    let known = &data.summary.run.known;
    if gaps.is_empty() && skipped.is_empty() && known.is_empty() && ineffective.is_empty() {
        return html! { p.empty { "Nothing that the plan asked for was left out." } };
    }
    html! {
        ul.gaps {
            @for gap in gaps { li { b { "gap" } " " (gap) } }
            @for known in known {
                @let result = words::known_after(known, data.summary.verdict, &data.faults);
                li { b { "known failure" } " " (linked(&result)) }
            }
            @for (what, why) in skipped { li { b { (what) } " left out: " (why) } }
            @for fault in ineffective {
                li {
                    b { (fault.outcome_name()) } " " (fault.name)
                    " at " (words::moment(fault.start)) " (event " (fault.index) ")"
                    @if let Some(reason) = fault.reason() { ": " (reason) }
                }
            }
        }
    }
}

/// A text whose addresses of the web are links.
fn linked(text: &str) -> Markup {
    let is_address = |word: &str| word.starts_with("https://") || word.starts_with("http://");
    html! {
        @for (place, word) in text.split(' ').enumerate() {
            @if place > 0 { " " }
            @let open = word.len() - word.trim_start_matches('(').len();
            @let close = word.trim_end_matches([')', ',', ';', '.']).len();
            @if open < close && is_address(&word[open..close]) {
                (word[..open]) a href=(word[open..close]) { (word[open..close]) } (word[close..])
            } @else { (word) }
        }
    }
}

/// The families that met roles in phases of the cluster, and those that could have.
fn reached(coverage: &Coverage) -> Markup {
    let cells = coverage.cells.iter();
    let reached: BTreeMap<Situation, u64> =
        cells.map(|c| ((c.family, c.role, c.phase), c.count)).collect();
    let missed: BTreeSet<Situation> =
        coverage.missed.iter().map(|m| (m.family, m.role, m.phase)).collect();
    let possible = (reached.len() + missed.len()) as u64;
    if possible == 0 {
        return Markup::default();
    }
    let combinations = words::counted(possible, "combination");
    let were = if reached.len() == 1 { "was" } else { "were" };
    html! {
        h3 { "What the faults met" }
        p.muted {
            "Of " (combinations) " of family, role and phase that this plan can reach, "
            (words::count(reached.len() as u64)) " " (were) " reached and "
            (words::count(missed.len() as u64)) " not."
        }
        div.scroll tabindex="0" role="region" aria-label="coverage" {
            (heat_table(&reached, &missed))
        }
        p.heat-key.muted {
            span.reached { "3" } " faults in effect "
            span.missed { "○" } " not reached "
            span { "·" } " out of this plan’s reach"
        }
    }
}

/// The faults that began at a moment, by the event they waited for and the role they met.
fn moments(moments: &[AtMoment]) -> Markup {
    let roles: BTreeSet<Role> = moments.iter().map(|cell| cell.role).collect();
    let triggers: BTreeSet<TriggerKind> = moments.iter().map(|cell| cell.trigger).collect();
    let met = |trigger: TriggerKind, role: Role| {
        let cells = moments.iter().filter(|cell| cell.trigger == trigger && cell.role == role);
        let met: Vec<_> = cells.map(|cell| format!("{} {}", cell.family, cell.count)).collect();
        met.join(", ")
    };
    if moments.is_empty() {
        return Markup::default();
    }
    html! {
        h3 { "The moments they began at" }
        div.scroll tabindex="0" role="region" aria-label="moments" {
            table {
                thead {
                    tr {
                        th scope="col" { "waited for" }
                        @for role in &roles { th scope="col" { (words::spaced(role.name())) } }
                    }
                }
                tbody {
                    @for trigger in triggers {
                        tr {
                            th scope="row" { (trigger.name()) }
                            @for role in &roles { td { (met(trigger, *role)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The number of times that each family of faults hit a node of each role.
fn roles_hit(data: &ReportData<'_>) -> Markup {
    let mut hits: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for family in &data.summary.run.faults {
        hits.entry(family).or_default();
    }
    for fault in data.faults.iter().filter(|fault| fault.took_effect()) {
        let roles = hits.entry(fault.family.name()).or_default();
        for node in &fault.nodes {
            *roles.entry(data.role_before(node, fault)).or_default() += 1;
        }
    }
    if hits.is_empty() {
        return Markup::default();
    }
    const ROLES: [&str; 3] = ["leader", "candidate", "follower"];
    let [leader, candidate, follower] = ROLES.map(Column::Number);
    let columns = [Column::Text("family"), leader, candidate, follower, Column::Number("other")];
    let other = |roles: &BTreeMap<&str, u64>| -> u64 {
        roles.iter().filter(|(role, _)| !ROLES.contains(role)).map(|(_, hits)| hits).sum()
    };
    let rows = html! {
        @for (family, roles) in &hits {
            tr {
                th scope="row" { (sign(family)) (family) }
                @for role in ROLES {
                    @match roles.get(role) {
                        Some(&hits) => { td.number { (words::count(hits)) } }
                        None => { td.number.muted { "not reached" } }
                    }
                }
                td.number { (words::count(other(roles))) }
            }
        }
    };
    html! { h3 { "Whom the faults hit" } (table(&columns, rows)) }
}
