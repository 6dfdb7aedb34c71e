//! Values that compare-and-sets made of each other.

use crate::counterexample::registers::register::Register;
use crate::model::ValueId;

/// So many compare-and-sets are followed.
const MOST_LINKS: usize = 64;

/// A value with those that it was made of, itself first, each with the operation that made the one
/// before of it.
pub(super) struct Chain {
    pub(super) values: Vec<ValueId>,
    pub(super) links: Vec<usize>,
}

impl Register<'_> {
    /// Follows a value back as long as one operation alone can have left it.
    pub(super) fn chain(&self, value: ValueId) -> Chain {
        let mut chain = Chain { values: vec![value], links: Vec::new() };
        while chain.links.len() < MOST_LINKS {
            let last = chain.values[chain.values.len() - 1];
            let Some(source) = self.only_source(last) else { break };
            let Some(before) = self.requires(source) else { break };
            if chain.values.contains(&before) {
                break;
            }
            chain.values.push(before);
            chain.links.push(source);
        }
        chain
    }
}

impl Chain {
    /// The operations that made the first value of another one; none if they did not.
    pub(super) fn since(&self, ancestor: ValueId) -> Option<&[usize]> {
        let at = self.values.iter().position(|it| *it == ancestor)?;
        Some(&self.links[..at])
    }
}
