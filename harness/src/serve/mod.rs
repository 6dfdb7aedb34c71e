//! Results to look at: the index of a folder.

mod index;

pub(crate) use index::{IndexPage, read, save, write};
