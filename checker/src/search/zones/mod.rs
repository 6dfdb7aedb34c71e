//! Decides a register whose written values are all different, in time linear in the operations.
//!
//! If every value is written once, an operation that saw a value saw the one operation that left
//! it, and no order has to be searched for: the operations that belong to a value stand together in
//! every legal order, and all that is left to ask is whether these blocks can be put one after the
//! other (Gibbons & Korach, "Testing shared memories", SIAM J. Comput. 26(4), 1997, the case in
//! which the read-mapping is known). Two things are added here: compare-and-sets, and mutations of
//! unknown outcome.
//!
//! 1. **What took effect.** Operations that returned did. So did a mutation of unknown outcome
//!    whose value was found by an operation that took effect, itself of unknown outcome or not:
//!    nothing else leaves that value. Every other mutation of unknown outcome is taken never to
//!    have happened, and no legal order is lost by it: say one leaves `v` in a legal order. Nothing
//!    that took effect found `v`; so what comes next in the order is a write, which does not care,
//!    or another such mutation, of whose value the same holds. Leave them all out. ([`origins`])
//! 2. **No value is seen that none left.** An operation that took effect and found a value that no
//!    operation leaves, and that was not there at first, is a contradiction. ([`origins`])
//! 3. **One successor.** Of two compare-and-sets that took effect, no two found the same value: the
//!    first makes an end of it, and it does not come back. ([`origins`])
//! 4. **Chains.** A compare-and-set that took effect comes right after the operations that belong
//!    to the value it found: any other mutation between them would have ended that value. So the
//!    values that compare-and-sets lead to one from the other are one block, and its operations are
//!    in order but for reads of the same value. Each chain begins with the initial value or with a
//!    write; one that bites its own tail is a contradiction. ([`chains`])
//! 5. **Order within a block.** No operation of a block returned before one was invoked that comes
//!    earlier in the block: this is how a read of a value before its write was invoked shows, or a
//!    read of a value after the compare-and-set that ended it. ([`chains`])
//! 6. **Order of blocks.** Block B comes before block C if an operation of B returned before one of
//!    C was invoked, that is, if B's *first return* is before C's *last invocation*; and the block
//!    of the initial value comes before all. If this has no circle, put the blocks one after the
//!    other accordingly: every operation comes after all that returned before it was invoked, so
//!    the order is legal. If it has a circle, there is no legal order. Two blocks that each come
//!    before the other are enough to look for: of the blocks on a circle take the one whose first
//!    return is first; it comes before all of them, the one before it included. In the words of the
//!    paper, a block's zone reaches from its first return to its last invocation; two forward zones
//!    overlap, or a backward zone lies within a forward one. ([`order`])
//!
//! **The parts of a contradiction.** Each rule is broken by one, two or four operations, or by
//! the compare-and-sets of a circle. Believing these alone is enough for there to be no legal
//! order, because of the values they found: if `v` was found, then so it was with each value that
//! compare-and-sets lead to `v` from, whether or not anybody is believed who says so, since nothing
//! else leaves them. An operation of unknown outcome cannot be believed by itself: one that
//! returned and shows it to have taken effect is told along with it. For the reader, so are the
//! operations that left the values found.

mod chains;
mod contradiction;
mod decide;
mod order;
mod origins;
mod places;
#[cfg(test)]
mod tests;

pub(crate) use decide::{NAME, decide};
