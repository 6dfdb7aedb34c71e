//! History in, verdict out.
//!
//! This crate is pure: it does no IO and has no clock, no randomness, no async and no unsafe code.
//! Whoever calls it hands in [`Operations`](history::Operations) and gets an
//! [`Analysis`](verdict::Analysis) back:
//!
//! ```
//! use checker::verdict::Verdict;
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
//! let reading = checker::history::read(&file[..])?;
//! let options = checker::Options::for_format(reading.format);
//! let analysis = checker::check(&reading.operations, &options)?;
//! assert_eq!(analysis.verdict, Verdict::Invalid);
//! assert_eq!(analysis.counterexample.unwrap().operations.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The way of a history: [`history::read`] makes events of bytes and has [`history::Pairing`] make
//! operations of events, the model splits them by key and gives them a meaning, the search looks
//! for a legal order of each key's operations, and for the first key that has none a minimal
//! counterexample is made.

// The recorder of test histories, which unit tests share with the others, calls the crate so.
#[cfg(test)]
extern crate self as checker;

pub mod accounting;
mod check;
mod counterexample;
mod decide;
pub mod history;
pub mod model;
pub mod online;
pub mod oracle;
mod partition;
mod search;
pub mod verdict;

pub use check::{
    Budget, Options, Progress, check, check_with_model, check_with_progress, check_with_records,
};
