//! What a run leaves behind, and how people look at it.

pub mod event;
pub mod summary;
