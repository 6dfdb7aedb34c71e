//! The command line, a file for each command.

mod bisect;
mod bugs;
mod catalogue;
mod check;
pub(crate) mod ci;
mod command_line;
mod doctor;
mod exercise;
mod experiment;
mod explain;
mod explore;
mod export;
mod history_input;
mod judging;
mod list;
mod merge;
mod nightly;
mod node;
mod node_settings;
mod node_snapshots;
mod node_timings;
mod output;
mod plan;
mod replay;
mod report;
pub(crate) mod run;
mod saved_run;
mod serve;
mod shrink;
mod shrink_schedule;
mod simulate;
mod table;
mod target;
mod up;

pub use command_line::{grammar, main};
