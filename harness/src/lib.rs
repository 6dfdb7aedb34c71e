//! stormproof, the library: lab, targets, runner and command line.
//!
//! A program that wants to be its own controller calls [`dispatch`] first in `main`; see
//! [`embedded`].

mod auditing;
pub mod cli;
pub mod client_mix;
pub mod embedded;
pub mod exit;
pub mod lab;
pub mod plan;
pub mod progress;
pub mod run;
pub mod targets;
pub mod verdict_text;

pub use engines::process_tree::{Place, dispatch};
