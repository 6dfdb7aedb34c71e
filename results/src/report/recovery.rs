//! The panel that tells what each fault did to the clients and to the nodes it hit.

use super::facts::Facts;
use super::markup::Markup;
use super::tables::{head, named, section};
use super::units;
use crate::metrics::{FaultInterval, NodeState, Service};

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
        ("nodes down", ""),
        ("first error after", ""),
        ("longest without an ok", ""),
        ("ok again after", ""),
    ]));
    for recovery in &facts.recoveries {
        let fault = &facts.faults[recovery.fault];
        out.raw("<tr><th scope=\"row\">").piece(named(fault));
        out.raw("<small>").text(units::moment(fault.start));
        if !fault.took_effect() {
            out.raw(" · ").text(fault.outcome_name());
        }
        out.raw("</small></th><td>").text(whom(facts, fault)).raw("</td><td>");
        out.piece(downtime(facts, fault)).raw("</td><td>");
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
    out.raw("“Ok again after” is when the longest time without an ok ended. ");
    out.raw("“Nodes down” counts the nodes that a fault was aimed at, until they ran again, ");
    out.raw("whatever else held them down.</p></section>");
    out
}

/// The nodes of a fault that were down at some time from its beginning to its undoing: how often,
/// and for how long in all, also beyond it. Times that other faults took part in are not left out.
fn downtime(facts: &Facts<'_>, fault: &FaultInterval) -> Markup {
    let mut out = Markup::new();
    let until = fault.end.unwrap_or(facts.end);
    let mut worst: Option<(u64, usize, &str)> = None;
    let mut hit = 0;
    for (node, spans) in facts.nodes.iter().filter(|(node, _)| fault.nodes.contains(node)) {
        let down = spans.iter().filter(|span| {
            span.state == NodeState::Down && (fault.start..=until).contains(&span.start)
        });
        let lengths: Vec<u64> = down.map(|span| span.end - span.start).collect();
        if lengths.is_empty() {
            continue;
        }
        hit += 1;
        let total: u64 = lengths.iter().sum();
        if worst.is_none_or(|(longest, _, _)| total > longest) {
            worst = Some((total, lengths.len(), node));
        }
    }
    let Some((total, times, node)) = worst else {
        out.raw("<span class=\"muted\">none</span>");
        return out;
    };
    out.text(units::duration(total)).raw("<small>");
    let often = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    match hit {
        1 => out.text(format!("{node}, {often}")),
        _ => out.text(format!("{node}, {often}; the longest of {hit} nodes")),
    };
    out.raw("</small>");
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
