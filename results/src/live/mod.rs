//! A run that goes on: read as far as it is written, and shown as it is.

mod document;
mod going_on;
mod tail;

pub use document::{Body, Watched, body, html};
pub use going_on::going_on;
pub use tail::Tail;
