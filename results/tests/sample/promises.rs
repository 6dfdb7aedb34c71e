//! A made-up run of which something was promised.

use checker::verdict::Verdict;
use stormproof_results::availability::{Availability, PromiseResult};
use stormproof_results::metrics::{RunHistory, availability, fault_intervals, phases};

use super::run::{NODES, Sample};

/// The same run with the service around its faults, of which something was promised.
pub fn with_promises(mut run: Sample) -> Sample {
    let history = RunHistory::from(&run.history);
    let (faults, phases) = (fault_intervals(&history), phases(&history));
    let figures =
        availability(&history, &faults, &phases, &run.node_events, &NODES.map(String::from));
    let promise = |promise: &str, verdict, sentence: &str| PromiseResult {
        promise: promise.into(),
        verdict,
        sentence: sentence.into(),
    };
    let slow = "the slowest recovery over 3 faults was 5.9s (“isolate the leader (n3)”), \
                promised at most 2s";
    let promises = vec![
        promise("recovery_max=2s,faults=partition", Some(Verdict::Invalid), slow),
        promise("served=90%", Some(Verdict::Valid), "the share of the time with service was 93%"),
        promise("recovery_p99=1s,faults=power", None, "not put to the test"),
    ];
    run.summary.availability = Some(Availability {
        verdict: Some(Verdict::Invalid),
        sentence: Some(slow.into()),
        promises,
        ..figures
    });
    run
}
