//! The result of a check.

use serde::{Deserialize, Serialize};

use super::counterexample::Counterexample;
use crate::accounting::Accounting;
use crate::lattice::Verdict;
use crate::oracle::audit::AuditReport;
use crate::oracle::divergence::DivergenceReport;
use crate::oracle::joined;
use crate::oracle::version::VersionReport;

/// The result of the checker for a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Analysis {
    /// The worst judgement of values, versions, tokens and elements.
    pub verdict: Verdict,
    /// The name of the model that judged.
    pub model: String,
    /// The algorithm that decided, such as `zones`. If several decided keys of a valid history,
    /// all, each with the number of its keys: `zones (34), just-in-time (2)`.
    pub algorithm: String,
    /// Operations judged: those that were ok, and mutations of unknown outcome.
    pub operations: u64,
    /// Keys judged.
    pub keys: u64,
    /// Search steps spent.
    pub steps: u64,
    /// The reason why the verdict is Unknown: which budget ran out, and on which keys, or that
    /// nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The proof, when the values have no legal order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<Counterexample>,
    /// The findings about the versions of the answers; none if there are none, or it is not known
    /// what they mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionReport>,
    /// The number of effects of each token; none if nothing shows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReport>,
    /// True if the members held the same in the end; none if they were not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<DivergenceReport>,
    /// The outcomes of the elements of sets and queues; none for other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounting: Option<Accounting>,
}

impl Analysis {
    /// The contradiction, or what is not known, in a sentence; none if the verdict is Valid.
    pub fn sentence(&self) -> Option<&str> {
        let counterexample = || {
            let found = self.counterexample.as_ref()?;
            // That an acknowledged operation has no effect, or two, needs no argument. The one that
            // the counterexample is about comes first.
            let violations = self.audit.as_ref().map_or(&[][..], |audit| &audit.violations);
            let plainest = joined::about(found, violations).or(violations.first());
            Some(plainest.map_or(&*found.sentence, |violation| &*violation.sentence))
        };
        let version = || Some(&*self.versions.as_ref()?.violations.first()?.sentence);
        let token = || Some(&*self.audit.as_ref()?.violations.first()?.sentence);
        let members = || self.divergence.as_ref()?.sentence.as_deref();
        let element = || Some(&*self.accounting.as_ref()?.findings.first()?.sentence);
        let sees = || members().or_else(version).or_else(token).or_else(element);
        match self.verdict {
            Verdict::Valid => None,
            Verdict::Unknown => self.reason.as_deref().or_else(members),
            Verdict::Invalid => counterexample().or_else(sees),
        }
    }
}
