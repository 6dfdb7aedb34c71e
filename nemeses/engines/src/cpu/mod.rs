//! Slow processors: how much of one each node may use.
//!
//! Two kinds of engines do it. The kernel's is a quota of a cgroup, which holds for everything that
//! the node starts, wherever it goes. Where no cgroup can be made, as for most ordinary users, our
//! own engine watches how much a node's process group used, and stops it whenever that is more than
//! its share, as the kernel would.
//!
//! Both give a process its share anew every few milliseconds, so that it is slow throughout rather
//! than fast and then gone.

mod cgroup;
mod choice;
mod engine;
mod limiter;
mod throttle;

pub(crate) use choice::try_out;
pub use choice::{Choice, choose_engine};
pub use engine::CpuEngine;
pub(crate) use limiter::Limiter;
