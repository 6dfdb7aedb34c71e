//! The decision by zones.

use crate::search::by_value::ByValue;
use crate::search::zones::contradiction::Contradiction;
use crate::search::zones::origins::Origins;
use crate::search::zones::{chains, order};

/// The name in verdicts.
pub(crate) const NAME: &str = "zones";

/// The decision by the zones of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zones {
    /// The operations that contradict each other; none when there is a legal order.
    pub(crate) contradiction: Option<Contradiction>,
    /// Operations looked at.
    pub(crate) steps: u64,
}

/// Decides whether there is a legal order. None when zones cannot tell: two operations leave the
/// same value or one leaves the initial value, so that it is not known what a read saw; or a
/// compare-and-set saw that it was *not* some value, which zones do not express.
pub(crate) fn decide(problem: &ByValue) -> Option<Zones> {
    let origins = Origins::new(problem)?;
    let steps = problem.steps.len() as u64;
    Some(Zones { contradiction: contradiction(problem, origins).err(), steps })
}

/// Looks for a contradiction, which is the error.
fn contradiction(problem: &ByValue, mut origins: Origins<'_>) -> Result<(), Contradiction> {
    origins.trace()?;
    let blocks = chains::walk(problem, &origins)?;
    order::check(problem, &origins, &blocks)
}
