//! The panel of phases, engines, lab and machine.

use maud::{Markup, html};

use super::families::sign;
use super::report_data::ReportData;
use crate::page::panel::panel;
use crate::words;

pub(super) fn environment(data: &ReportData<'_>) -> Markup {
    let run = &data.summary.run;
    let content = html! {
        div.lists {
            (list("Phases", html! {
                @for (phase, seconds) in &data.summary.phases {
                    dt { (words::phase(*phase)) } dd { (words::seconds(*seconds)) }
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
