//! Runs in Rust: a builder for one, and a main function for a test binary of several.

mod binary;
mod test;

pub(crate) use binary::place;
pub use binary::{dispatch, test_main};
pub use test::Test;
