//! Decides counters that only grow, and finds what is wrong with others.
//!
//! Reads come in the order of their sums, and those of one sum together: a *level*. Before a level,
//! a set of additions is placed that makes its sum. The set contains every addition that returned
//! before a read of this or a lower level was invoked, and only such that were invoked before every
//! read of this or a higher level returned; with an addition it contains each that returned before
//! that one was invoked; and it contains the sets of lower levels. Conversely, sets like that make
//! a legal order.
//!
//! Bounds of the sums find most contradictions (`bounds.rs`). Where they find none, the levels are
//! passed one after the other (`beam.rs`). An addition of known outcome has a *window* of levels
//! (`levels.rs`): between the first that it may and the first that it must be placed before. What
//! is decided in between is which of the open ones a level holds. The sum that is missing then comes
//! from additions of unknown outcome, which lose nothing by waiting: of several ways to make a sum
//! of them those are tried that leave the most to choose from. Of additions of one amount that may
//! all come next, the one that returned first does, those of unknown outcome last: exchanging it
//! for another keeps the order legal.
//!
//! Which sets are placed before a level matters only until few additions overlap: then few of the
//! sets are left, often one. So a few dozen ways are enough nearly everywhere, if they are good
//! ones: those that leave out what is small and can wait, and use little of unknown outcome. Of the
//! ways that differ only in which additions of unknown outcome they used, one goes on. Where all
//! that went on lead nowhere, more do.
//!
//! If additions may be negative, sums come back, and reads have no order by what they saw. Only the
//! bounds apply then: they find most that is wrong, and never that all is right.
//!
//! Which of several additions a read saw is a subset sum problem. It is NP-hard if amounts have
//! many digits and many additions overlap; if they are small, or few overlap, few sets differ in
//! what they leave.

mod beam;
mod bounds;
mod coins;
mod decide;
mod highest;
mod levels;
mod local;
mod terms;
mod way;

pub(super) use decide::{decide, out_of_reach};
pub(super) use terms::{Addition, Read};
