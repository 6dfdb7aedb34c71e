//! The page of a simulated seed, on which its elections are played.

use results::event::{NodeEvent, NodeReport};
use results::report;

use super::seed_run::Ended;

/// The page of a seed that ran with a trace. `again` is the command that brings it back.
pub fn page(ended: &Ended, again: &str) -> String {
    let events: Vec<NodeEvent> = ended
        .told
        .iter()
        .filter_map(|told| {
            // What is told by other words is no event of a run either.
            let NodeReport { change, .. } = serde_json::from_value(told.line.clone()).ok()?;
            // It happened at this time; no clock has to be put right.
            let time = told.time.as_nanos() as u64;
            Some(NodeEvent { time, node: told.node.clone(), change, at: None })
        })
        .collect();
    let outcome = match &ended.violation {
        Some(violation) => format!("It breaks {}", violation.property),
        None => "No promise is broken".to_owned(),
    };
    report::simulated_html(&ended.nodes, &events, ended.time.as_nanos() as u64, again, &outcome)
}
