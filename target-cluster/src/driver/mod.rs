//! The decisions of a node's shell: what a turn of the loop takes in, which records share a barrier, and
//! what is told of it all. Without threads, sockets and clocks, so that the server and the simulated world
//! drive the core alike.

mod account;
mod log_writer;
mod turn;

pub(crate) use account::Account;
pub(crate) use log_writer::{Batch, LogWriter};
pub(crate) use turn::Turn;
