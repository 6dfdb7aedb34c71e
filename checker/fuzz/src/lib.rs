//! Fuzzes the readers of histories, and the judgement of what they read.

mod properties;

pub use properties::read_and_judge;
