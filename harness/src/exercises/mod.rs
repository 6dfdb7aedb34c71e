//! Exercises: the learner writes a plan until an effect shows, which is looked for in what the run of it
//! left. An exercise is one file here and one line in [`list`].

mod doubled_write;
mod evidence;
mod exercise;
mod list;
mod lost_write;
mod pre_vote;
mod split_brain;
mod stale_read;
mod two_leaders;

pub(crate) use evidence::Evidence;
pub(crate) use exercise::Exercise;
pub(crate) use list::ALL;
