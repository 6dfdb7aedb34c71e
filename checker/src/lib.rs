//! History in, verdict out.
//!
//! This crate is pure: it does no IO and has no clock, no randomness, no async and no unsafe code.
//!
//! # Operations in memory
//!
//! [`check_operations`] takes a model and operations with the times of their calls and returns:
//!
//! ```
//! use stormproof_checker::model::register::{Input, Output};
//! use stormproof_checker::prelude::*;
//!
//! let (one, two) = (ValueId(1), ValueId(2));
//! let operations = [
//!     Operation::new(0, Input::Write(one), 10, Output::Written),
//!     Operation::new(20, Input::Write(two), 30, Output::Written),
//!     // Stale: two had been acknowledged.
//!     Operation::new(40, Input::Read, 50, Output::Value(one)),
//! ];
//! let judgement = check_operations(&Register, &operations)?;
//! assert_eq!(judgement.verdict, Verdict::Invalid);
//! assert_eq!(judgement.contradiction, [0, 1, 2]);
//! # Ok::<(), OperationError>(())
//! ```
//!
//! A [`Model`](model::Model) of one's own needs an initial state and a step:
//!
//! ```
//! use stormproof_checker::prelude::*;
//!
//! /// Every ticket has the next number.
//! #[derive(Debug)]
//! struct TicketMachine;
//!
//! impl Model for TicketMachine {
//!     type State = u32;
//!     type Input = ();
//!     type Output = u32;
//!
//!     fn initial(&self) -> u32 {
//!         0
//!     }
//!
//!     fn apply(&self, last: &u32, _draw: &()) -> (u32, u32) {
//!         (last + 1, last + 1)
//!     }
//! }
//!
//! let operations = [Operation::new(0, (), 10, 2), Operation::new(20, (), 30, 1)];
//! assert_eq!(check_operations(&TicketMachine, &operations)?.verdict, Verdict::Invalid);
//! # Ok::<(), OperationError>(())
//! ```
//!
//! # Recorded histories
//!
//! [`check`] takes [`Operations`](history::Operations), as [`history::read`] makes them of a file,
//! and returns an [`Analysis`](verdict::Analysis):
//!
//! ```
//! use stormproof_checker::verdict::Verdict;
//!
//! // Process 1 reads 1 after the write of 2 was acknowledged.
//! let file = br#"
//! {"index":0,"time":10,"process":0,"type":"invoke","f":"write","key":"x","value":1}
//! {"index":1,"time":20,"process":0,"type":"ok","f":"write","key":"x","value":1}
//! {"index":2,"time":30,"process":0,"type":"invoke","f":"write","key":"x","value":2}
//! {"index":3,"time":40,"process":0,"type":"ok","f":"write","key":"x","value":2}
//! {"index":4,"time":50,"process":1,"type":"invoke","f":"read","key":"x","value":null}
//! {"index":5,"time":60,"process":1,"type":"ok","f":"read","key":"x","value":1}
//! "#;
//! let reading = stormproof_checker::history::read(&file[..])?;
//! let options = stormproof_checker::Options::for_format(reading.format);
//! let analysis = stormproof_checker::check(&reading.operations, &options)?;
//! assert_eq!(analysis.verdict, Verdict::Invalid);
//! assert_eq!(analysis.counterexample.unwrap().operations.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The way of a history: [`history::read`] makes events of bytes, of several pieces of the file at a
//! time, and has [`history::Pairing`] make operations of them, a hundred bytes each; the model splits them by key
//! and gives them a meaning; each key is decided, several at a time; and for the first key that has
//! no legal order a minimal counterexample is made.
//!
//! # Algorithms
//!
//! The first that can decides a key; [`Analysis::algorithm`](verdict::Analysis::algorithm) names
//! it.
//!
//! | algorithm | decides | in time |
//! |---|---|---|
//! | `zones` | registers whose every value is written once, with chains of compare-and-sets and unknown outcomes (Gibbons & Korach 1997) | linear |
//! | `longest-read` | lists and strings whose every element is appended once (Kingsbury & Alvaro 2020) | linear in what was read |
//! | `list-positions` | lists to which equal elements are appended | n log n, and linear in what was read |
//! | `set-levels` | growing sets | n log n |
//! | `queue-axioms` | queues whose every element is enqueued once (Henzinger et al. 2013, Abdulla et al. 2025) | n log n |
//! | `queue-line` | queues in which elements are equal | n log n in most cases |
//! | `lock-intervals`, `lock-intervals-by-token` | locks, with and without fencing tokens | n log n |
//! | `unique-subset-sums` | counters to which different powers of two are added, or the like | n log n |
//! | `sum-levels` | counters that only grow | linear in most cases |
//! | `sum-bounds` | of counters that may shrink, most that are wrong | n log n |
//! | `precedence-graph` | transactions whose every value is written once, or few times while others run (Adya 1999, Kingsbury & Alvaro 2020) | polynomial in most cases |
//! | `just-in-time`, `just-in-time-beam` | registers of few values (Lowe 2017) | exponential in the number of clients, at worst |
//! | `wing-gong-lowe` | everything (Wing & Gong 1993, Lowe 2017) | exponential in the history, at worst |
//!
//! The searches take turns under one [`Budget`] of steps and memory, in a fixed order: verdict and
//! algorithm do not depend on the machine. Where an argument is subtle it stands beside the code,
//! and each algorithm is compared with the others, and on small histories with stateright's tester
//! or with all orders, on tens of thousands of random histories.
//!
//! The cost: `cargo bench -p stormproof-checker --bench figures`, without the reading of the file.
//! The best of six runs on a machine of two cores on which five processes wanted to run at any
//! time; the memory is that of the whole process, the history included:
//!
//! | history of one key | milliseconds | megabytes | decided by |
//! |---|---|---|---|
//! | unique values, 100 clients, 1 % unknown: 1,000 operations | 0.3 | 4 | `zones` |
//! | … 10,000 | 1.2 | 7 | `zones` |
//! | … 100,000 | 18 | 26 | `zones` |
//! | … 1,000,000 | 296 | 216 | `zones` |
//! | … 1,000,000, one of the reads is stale | 1292 | 290 | `zones` |
//! | 5 values: 100,000 operations of 20 clients | 62 | 36 | `just-in-time` |
//! | 5 values: 10,000 operations of 50 clients | 4 | 10 | `just-in-time` |
//! | 5 values: 10,000 operations of 100 clients, 1 % unknown | 7 | 10 | `just-in-time` |
//!
//! The reading of the million operations (200 MB of JSON lines) takes 0.6 s of CPU time, shared by
//! all processors; `figures -- reading` times it with one thread and with all.
//!
//! Banks are decided by the search alone: each read shows all balances, so there is little to choose
//! between two of them.
//!
//! Three kinds of histories of more than a few thousand operations may get no verdict within the
//! default budget, each for a reason that no budget removes:
//!
//! - Sums. Which of several additions a read saw is a subset sum problem. Additions of few amounts
//!   that only grow are decided by the hundred thousand, with some of unknown outcome too. Amounts of
//!   many digits, of which many overlap, are NP-hard. Where additions may be negative, sums come
//!   back: reads have no order by what they saw, and additions of unknown outcome can bring the sum
//!   nearly anywhere. Bounds find nearly all that is wrong; that all is right has to be found by the
//!   search, which manages a thousand operations with 5 % unknown.
//! - Queues in which elements are equal. What is remembered is which enqueues of an element may have
//!   been those that are gone, and which dequeues without an answer took one. The choices multiply
//!   with the operations that overlap and those of unknown outcome: a hundred thousand operations of
//!   twenty clients with twenty values take a second with 1 % unknown, ten thousand of fifty clients
//!   too, and those of a hundred clients get no verdict.
//! - Registers and transactions of few values: which write of a value a read saw is NP-complete to
//!   decide (Gibbons & Korach 1997).
//!
//! Beside the models, [`oracle`] judges what values cannot show (the versions of answers, and how
//! often each token took effect), [`accounting`] counts what became of elements, and [`online`]
//! watches a history while it is recorded.

// The recorder of test histories, which unit tests share with the others, calls the crate so.
#[cfg(test)]
extern crate self as stormproof_checker;

/// Its example is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod accounting;
mod check;
mod counterexample;
mod decide;
pub mod history;
mod in_memory;
mod lattice;
mod ledger;
pub mod model;
mod object;
pub mod online;
mod options;
pub mod oracle;
mod parallel;
mod partition;
pub mod prelude;
mod scrambler;
mod search;
pub mod verdict;
mod words;

pub use check::{Progress, check, check_with_model, check_with_progress, check_with_records};
pub use in_memory::{
    Judgement, Operation, OperationError, check_operations, check_operations_within,
};
pub use options::{Budget, Options};
