//! Runs of a plan again and again, each in processes of its own: what each came to, several at a
//! time, and what is remembered of them.

mod jobs;
mod ledger;
mod outcome;
mod pool;
mod show;
mod tally;

pub(crate) use jobs::Jobs;
pub(crate) use ledger::{Ledger, Line, short_hash};
#[cfg(test)]
pub(crate) use outcome::tests;
pub(crate) use outcome::{Counted, Failing, RunOutcome};
pub(crate) use pool::{Go, Pool, Wanted, block_on};
pub(crate) use show::Show;
pub(crate) use tally::Tally;
