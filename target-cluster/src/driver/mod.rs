//! The decisions of a node's shell: what a turn of the loop takes in, and which records share a
//! barrier. Without threads, sockets and clocks, so that the server and the simulated world
//! drive the core alike.

mod log_writer;
mod turn;

pub(crate) use log_writer::{Batch, LogWriter};
pub(crate) use turn::Turn;
