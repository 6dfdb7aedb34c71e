//! History in, verdict out.
//!
//! This crate is pure: it does no IO and has no clock, no randomness, no async and no unsafe code.
//! Whoever calls it hands in a [`History`](history::History) and gets an
//! [`Analysis`](verdict::Analysis) back.

pub mod history;
pub mod verdict;
