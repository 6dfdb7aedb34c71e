//! The list of exercises.

use super::exercise::Exercise;
use super::{doubled_write, lost_write, pre_vote, split_brain, stale_read};

/// Every exercise, from the easier ones to the harder ones.
pub(crate) const ALL: &[Exercise] = &[
    lost_write::EXERCISE,
    stale_read::EXERCISE,
    doubled_write::EXERCISE,
    pre_vote::EXERCISE,
    split_brain::EXERCISE,
];
