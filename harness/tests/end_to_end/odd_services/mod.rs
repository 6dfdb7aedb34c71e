//! Services with habits of their own, checked and run for real as clusters that run already.

mod by_manifest;
mod elsewhere;
mod service;
