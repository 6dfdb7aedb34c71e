//! Two runs side by side: their lanes below each other on one scale, and what differs.

mod differences;
mod document;
mod timelines;

pub use differences::{FlagDifference, Side};
pub use document::html;
