//! True if blocks can be put one after the other (rule 6).

use super::chains::Blocks;
use super::contradiction::Contradiction;
use super::origins::{Origins, returned};
use crate::search::by_value::ByValue;

/// Looks for two blocks that each come before the other, which is an error.
///
/// Blocks are taken by last invocation, the last of all first, and each is held against a single
/// one of those before it: the one whose first return is first. If block C is in conflict with any
/// block B taken earlier, it is with that one, G, or else B and G are in conflict and that was
/// found already. For C and B to be in conflict, B's first return is before C's last invocation, so
/// G's is; and C's first return is before B's last invocation. If C's first return is before G's
/// last invocation too, C and G are in conflict. If not, G's last invocation is before B's; but
/// then G's first return is before B's last invocation, and B's first return is before C's last
/// invocation, which is not after G's: B and G are in conflict.
pub(super) fn check(
    problem: &ByValue,
    origins: &Origins<'_>,
    blocks: &Blocks,
) -> Result<(), Contradiction> {
    let steps = &problem.steps;
    let first_return = |block: &Ends| returned(&steps[block.first_returned]);
    let last_invocation = |block: &Ends| steps[block.last_invoked].invoked;

    let mut guard: Option<Ends> = None;
    for (last_invoked, first_returned) in blocks.first_by_last.iter().enumerate().rev() {
        let Some(first_returned) = first_returned.get() else { continue };
        let block = Ends { first_returned, last_invoked };
        if let Some(last_of_initial) = blocks.last_of_initial.get()
            && first_return(&block) < steps[last_of_initial].invoked
        {
            return Err(origins.explain(&[first_returned, last_of_initial]));
        }
        if let Some(guard) = &guard
            && first_return(guard) < last_invocation(&block)
            && first_return(&block) < last_invocation(guard)
        {
            return Err(origins.explain(&[
                guard.first_returned,
                guard.last_invoked,
                first_returned,
                last_invoked,
            ]));
        }
        if guard.as_ref().is_none_or(|guard| first_return(&block) < first_return(guard)) {
            guard = Some(block);
        }
    }
    Ok(())
}

/// The two operations of a block that decide where it can stand.
struct Ends {
    first_returned: usize,
    last_invoked: usize,
}
