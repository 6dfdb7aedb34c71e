//! The verdicts and their order.

use serde::{Deserialize, Serialize};

/// The judgement of a history or a run. `Invalid > Unknown > Valid` when merged, which is the
/// derived order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Some legal order explains everything that was seen.
    Valid,
    /// Not decided; never a pass.
    Unknown,
    /// No legal order explains what was seen.
    Invalid,
}
