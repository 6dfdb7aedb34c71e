//! The families of faults, a file each, and how disks are judged. [`list`](super::list) names them all.

pub(super) mod clock;
pub(super) mod corruption;
pub(super) mod cpu;
pub(super) mod disk;
mod disk_seen;
pub(super) mod kill;
pub(super) mod leadership;
pub(super) mod maintenance;
pub(super) mod membership;
pub(super) mod packet;
pub(super) mod partition;
pub(super) mod pause;
pub(super) mod power;
pub(super) mod stop;
