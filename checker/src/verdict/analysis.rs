//! The result of a check.

use serde::{Deserialize, Serialize};

use super::counterexample::Counterexample;
use crate::accounting::Accounting;
use crate::lattice::Verdict;
use crate::oracle::audit::{AuditReport, AuditViolation, Wrong};
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

/// The oracle to which a contradiction showed, and as what. Of several it is the plainest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Contradiction {
    /// The values have no legal order.
    NoOrder,
    /// An operation was acknowledged and has no effect.
    LostOperation,
    /// An operation was said to have failed and took effect.
    FalseFailure,
    /// An operation took effect more than once.
    RepeatedOperation,
    /// The nodes disagree about an operation.
    DisputedOperation,
    /// The versions of two answers contradict each other.
    Versions,
    /// The members did not hold the same in the end.
    Divergence,
    /// Elements of a set or a queue were lost or came from nowhere.
    Elements,
}

impl Contradiction {
    /// The contradiction in words: `a lost operation`.
    pub fn in_words(self) -> &'static str {
        match self {
            Contradiction::NoOrder => "no legal order",
            Contradiction::LostOperation => "a lost operation",
            Contradiction::FalseFailure => "a false failure",
            Contradiction::RepeatedOperation => "a repeated operation",
            Contradiction::DisputedOperation => "a disputed operation",
            Contradiction::Versions => "versions that contradict",
            Contradiction::Divergence => "members that differ",
            Contradiction::Elements => "elements lost or unknown",
        }
    }

    fn of_token(wrong: Wrong) -> Contradiction {
        match wrong {
            Wrong::Lost => Contradiction::LostOperation,
            Wrong::FalseFailure => Contradiction::FalseFailure,
            Wrong::Repeated => Contradiction::RepeatedOperation,
            Wrong::Disagreement => Contradiction::DisputedOperation,
        }
    }
}

impl Analysis {
    /// The plainest contradiction, and its sentence; none if nothing is Invalid.
    pub fn contradiction(&self) -> Option<(Contradiction, &str)> {
        if self.verdict != Verdict::Invalid {
            return None;
        }
        let violations = self.audit.as_ref().map_or(&[][..], |audit| &audit.violations);
        let of_token = |it: &AuditViolation| Contradiction::of_token(it.wrong);
        if let Some(found) = &self.counterexample {
            // That an acknowledged operation has no effect, or two, needs no argument. The one that
            // the counterexample is about comes first.
            let plainest = joined::about(found, violations).or(violations.first());
            return Some(match plainest {
                Some(violation) => (of_token(violation), &*violation.sentence),
                None => (Contradiction::NoOrder, &*found.sentence),
            });
        }
        let version = || Some(&*self.versions.as_ref()?.violations.first()?.sentence);
        let token = || violations.first().map(|it| (of_token(it), &*it.sentence));
        let element = || Some(&*self.accounting.as_ref()?.findings.first()?.sentence);
        self.divergent()
            .map(|sentence| (Contradiction::Divergence, sentence))
            .or_else(|| version().map(|sentence| (Contradiction::Versions, sentence)))
            .or_else(token)
            .or_else(|| element().map(|sentence| (Contradiction::Elements, sentence)))
    }

    /// The difference of the members in the end, in a sentence.
    fn divergent(&self) -> Option<&str> {
        self.divergence.as_ref()?.sentence.as_deref()
    }

    /// The contradiction, or what is not known, in a sentence; none if the verdict is Valid.
    pub fn sentence(&self) -> Option<&str> {
        match self.verdict {
            Verdict::Valid => None,
            Verdict::Unknown => self.reason.as_deref().or_else(|| self.divergent()),
            Verdict::Invalid => self.contradiction().map(|(_, sentence)| sentence),
        }
    }
}
