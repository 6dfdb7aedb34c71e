//! The catalogue: known defects, each looked for in real runs, and runs without one beside them. It
//! says how often a harness finds a defect, and how often it is wrong.

mod case;
mod row;
mod share;

pub(crate) use case::Case;
pub(crate) use row::{Row, false_alarms};
pub(crate) use share::runs_of;
