//! Promises of availability: how a person writes them, and how a run is judged by them.

mod file;
mod judge;
mod promise;

pub(crate) use file::read;
pub(crate) use judge::judge;
pub(crate) use promise::{Promise, Promised};
