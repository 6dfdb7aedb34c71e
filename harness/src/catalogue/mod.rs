//! The catalogue: planted bugs that real faults can reach, each looked for in real runs, and runs
//! without a bug beside them. It says how often this harness finds a bug, and how often it is wrong.

mod case;
mod row;

pub(crate) use case::Case;
pub(crate) use row::Row;
