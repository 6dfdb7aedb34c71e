//! Complaints about registers, each a proof by itself: it names every operation that it rests on.

mod afterwards;
mod before;
mod chain;
mod changes;
mod complain;
mod register;
mod replaced;

pub(super) use complain::complain;
