//! A first-in-first-out queue for each key: enqueue, dequeue.

mod decide;
mod specification;

pub use specification::{Found, Input, Output, Queue};
