//! The judgement of what the clients saw: by the checker, as that of a run is judged.

use std::num::NonZeroUsize;

use checker::Options;
use checker::history::{History, Operations};
use checker::oracle::version::VersionSemantics;
use checker::verdict::Verdict;
use cluster::world::Violation;
use workloads::Workload;

/// The checker's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// The history is linearizable.
    Valid,
    /// The budget did not suffice.
    Unknown,
}

/// Judges a history; the error is the promise that it breaks.
pub(super) fn judge(workload: &Workload, history: &History) -> Result<Judged, Violation> {
    let broken = |detail| Violation::new("linearizability", "the checker", detail);
    let operations = Operations::of(history).map_err(|error| broken(error.to_string()))?;
    let options = Options {
        model: Some(workload.model.into()),
        versions: Some(VersionSemantics::LOG_INDEX),
        threads: NonZeroUsize::MIN,
        ..Options::default()
    };
    let analysis =
        checker::check(&operations, &options).map_err(|error| broken(error.to_string()))?;
    match analysis.verdict {
        Verdict::Valid => Ok(Judged::Valid),
        Verdict::Unknown => Ok(Judged::Unknown),
        Verdict::Invalid => {
            let sentence = analysis.sentence().unwrap_or("it is not linearizable");
            Err(broken(sentence.to_string()))
        }
    }
}
