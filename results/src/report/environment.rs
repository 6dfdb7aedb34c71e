//! The panel of phases, engines, lab and machine.

use maud::{Markup, html};

use super::facts::Facts;
use super::families::sign;
use super::panel::panel;
use crate::words;

pub(super) fn environment(facts: &Facts<'_>) -> Markup {
    let run = &facts.summary.run;
    let content = html! {
        div.lists {
            (list("Phases", html! {
                @for (phase, seconds) in &facts.summary.phases {
                    dt { (phase) } dd { (words::seconds(*seconds)) }
                }
            }))
            (list("Engines", html! {
                @for (family, engine) in &run.engines {
                    dt { (sign(family)) (family) } dd { (engine) }
                }
                @for (family, reason) in &run.skipped {
                    dt { (sign(family)) (family) } dd.left-out { "left out: " (reason) }
                }
                @if run.engines.is_empty() && run.skipped.is_empty() {
                    dt { "none" } dd { "no fault was planned" }
                }
            }))
            (list("Lab", html! {
                dt { "lab" } dd { (run.lab) }
                dt { "nodes" } dd { (run.nodes.join(", ")) }
                dt { "clients" } dd { (run.concurrency) }
            }))
            (list("Machine", html! {
                @for (name, value) in &run.environment { dt { (name) } dd { (value) } }
            }))
        }
    };
    panel("environment", "Environment", content)
}

fn list(title: &str, pairs: Markup) -> Markup {
    html! { div { h3 { (title) } dl.pairs { (pairs) } } }
}
