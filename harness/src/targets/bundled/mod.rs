//! The bundled Raft cluster: JSON over HTTP, every node a `stormproof node`.

mod administrator;
mod auditor;
mod bodies;
mod dumper;
mod member_changes;
mod target;
mod words;

pub(crate) use bodies::{AnswerBody, RequestBody};
pub use target::Bundled;
pub(crate) use target::{CLUSTER, ERRORS};
pub(crate) use words::{Kept, Words};
