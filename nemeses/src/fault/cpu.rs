//! Slow processors: node processes get only a small share of one.

use serde::{Deserialize, Serialize};

use super::Aim;

/// Processes run on a small share of a processor while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// Whose processes.
    pub aim: Aim,
    /// How much of one processor each may use, in percent.
    pub percent: f64,
}
