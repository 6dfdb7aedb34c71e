//! The tree, held to its own rules: its style, its words, its arrows, and what its documents say.
//!
//! Each test reads files and starts nothing. Its complaints name file and line, and end with the
//! remedy.

mod book;
mod commands;
mod crates;
mod documents;
mod layout;
mod lists;
mod rust_source;
mod sources;
mod tree;
mod unsafe_code;
mod words;
