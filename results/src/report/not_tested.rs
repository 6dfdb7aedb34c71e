//! The panel that tells what the run leaves open.

use std::collections::{BTreeMap, BTreeSet};

use faults::coverage::{Coverage, Phase, Role, Situation};
use faults::fault::Family;

use super::facts::Facts;
use super::families::sign;
use super::markup::Markup;
use super::tables::{head, number, section};
use super::units;
use crate::metrics::FaultInterval;
use crate::words;

pub(super) fn not_tested(facts: &Facts<'_>) -> Markup {
    let summary = facts.summary;
    let mut out = section("not-tested", "Not tested");
    let ineffective: Vec<&FaultInterval> =
        facts.faults.iter().filter(|fault| !fault.took_effect()).collect();
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
            out.raw("<li><b>").text(fault.outcome_name()).raw("</b> ").text(&fault.name);
            out.text(format!(" at {} (event {})", units::moment(fault.start), fault.index));
            if let Some(reason) = fault.reason() {
                out.raw(": ").text(reason);
            }
            out.raw("</li>");
        }
        out.raw("</ul>");
    }
    match &summary.fault_coverage {
        Some(coverage) => out.piece(reached(coverage)),
        None => out.piece(roles_hit(facts)),
    };
    out.raw("</section>");
    out
}

/// How often a family of faults met a role in a phase.
type Reached = BTreeMap<Situation, u64>;

/// Which families met which roles in which phases of the cluster, and which could have.
fn reached(coverage: &Coverage) -> Markup {
    let mut out = Markup::new();
    let cells = coverage.cells.iter();
    let reached: Reached = cells.map(|c| ((c.family, c.role, c.phase), c.count)).collect();
    let missed: BTreeSet<Situation> =
        coverage.missed.iter().map(|m| (m.family, m.role, m.phase)).collect();
    let possible = (reached.len() + missed.len()) as u64;
    if possible == 0 {
        return out;
    }

    out.raw("<h3>What the faults met</h3><p class=\"muted\">");
    out.text(format!(
        "Of {} of family, role and phase that this plan can reach, {} reached and {} not.",
        words::counted(possible, "combination"),
        match reached.len() {
            1 => "1 was".to_owned(),
            count => format!("{} were", words::count(count as u64)),
        },
        words::count(missed.len() as u64)
    ));
    out.raw("</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"coverage\">");
    out.piece(heat_table(&reached, &missed)).raw("</div>");
    out.raw("<p class=\"heat-key muted\"><span class=\"reached\">3</span> faults in effect ");
    out.raw("<span class=\"missed\">○</span> not reached ");
    out.raw("<span>·</span> out of this plan’s reach</p>");
    out
}

fn heat_table(reached: &Reached, missed: &BTreeSet<Situation>) -> Markup {
    let places: Vec<&Situation> = reached.keys().chain(missed).collect();
    let families: BTreeSet<Family> = places.iter().map(|(family, ..)| *family).collect();
    let roles: BTreeSet<Role> = places.iter().map(|(_, role, _)| *role).collect();
    let phases: BTreeSet<Phase> = places.iter().map(|(.., phase)| *phase).collect();
    let most = reached.values().copied().max().unwrap_or(1);

    let mut out = Markup::new();
    out.raw("<table class=\"heat\"><thead><tr><td></td>");
    for role in &roles {
        out.raw("<th scope=\"colgroup\" colspan=\"").text(phases.len()).raw("\">").text(role);
        out.raw("</th>");
    }
    out.raw("</tr><tr><th scope=\"col\">family</th>");
    for _ in &roles {
        for phase in &phases {
            out.raw("<th scope=\"col\"><span>").text(phase).raw("</span></th>");
        }
    }
    out.raw("</tr></thead><tbody>");
    for family in families {
        out.raw("<tr><th scope=\"row\">").piece(sign(family.name())).text(family).raw("</th>");
        for role in &roles {
            for phase in &phases {
                let place = (family, *role, *phase);
                out.piece(heat_cell(place, reached.get(&place), most, missed.contains(&place)));
            }
        }
        out.raw("</tr>");
    }
    out.raw("</tbody></table>");
    out
}

fn heat_cell(
    (family, role, phase): Situation,
    count: Option<&u64>,
    most: u64,
    missed: bool,
) -> Markup {
    let mut out = Markup::new();
    let place = format!("{family}, {role}, {phase}");
    match count {
        Some(&count) => {
            // By its root, so that one is not lost beside a hundred.
            let heat = (count as f64 / most as f64).sqrt() * 60.0 + 12.0;
            let faults = words::counted(count, "fault");
            out.raw("<td class=\"reached\" style=\"--heat:").text(format!("{heat:.0}%"));
            out.raw("\" title=\"").text(format!("{place}: {faults}")).raw("\">");
            out.text(words::count(count));
        }
        None if missed => {
            out.raw("<td class=\"missed\" title=\"").text(format!("{place}: not reached"));
            out.raw(
                "\"><span aria-hidden=\"true\">○</span><span class=\"spoken\">not reached</span>",
            );
        }
        None => {
            out.raw("<td title=\"").text(format!("{place}: out of this plan’s reach"));
            out.raw("\"><span aria-hidden=\"true\">·</span>");
        }
    }
    out.raw("</td>");
    out
}

/// How often each family of faults hit a node of each role.
fn roles_hit(facts: &Facts<'_>) -> Markup {
    let mut hits: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for family in &facts.summary.run.faults {
        hits.entry(family).or_default();
    }
    for fault in facts.faults.iter().filter(|fault| fault.took_effect()) {
        let roles = hits.entry(fault.family.name()).or_default();
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
        out.raw("<tr><th scope=\"row\">").piece(sign(family)).text(family).raw("</th>");
        for role in ROLES {
            let hits = roles.get(role).copied().unwrap_or(0);
            if hits == 0 {
                out.raw("<td class=\"number muted\">not reached</td>");
            } else {
                number(&mut out, words::count(hits));
            }
        }
        let other = roles.iter().filter(|(role, _)| !ROLES.contains(role)).map(|(_, hits)| hits);
        number(&mut out, words::count(other.sum()));
        out.raw("</tr>");
    }
    out.raw("</tbody></table></div>");
    out
}
