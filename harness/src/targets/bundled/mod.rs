//! The bundled Raft cluster: JSON over HTTP, every node a `stormproof node`.

mod administrator;
mod auditor;
mod dumper;
mod target;
mod words;

pub use target::Bundled;
pub(crate) use target::ERRORS;
pub(crate) use words::{Kept, Words};
