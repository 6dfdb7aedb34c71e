//! The common parts of the tests of the binary.

mod binary;

pub use binary::*;
