//! A first-in-first-out queue for each key: enqueue, dequeue.

mod counted;
mod decide;
mod line;
mod repeating;
mod specification;
mod way;

pub use specification::{Found, Input, Output, Queue};
