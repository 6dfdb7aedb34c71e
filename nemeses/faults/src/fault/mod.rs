//! The families of faults: everything that can go wrong, in the words of a plan.
//!
//! A [`Fault`] says what to do and to whom by role (`leader`, `minority`…), never by node name;
//! when it fires, it becomes an [`Action`], a state of named nodes and links. One family, one file:
//! what its faults take ([`Spec`]), how they are drawn, validated, resolved and put into words, the
//! [`State`] that they hold the cluster in, how that is brought about, judged and undone, and what
//! else there is to know ([`About`]). [`list`] names them all.

mod about;
mod aim;
mod clock;
mod corruption;
mod cpu;
mod disk;
mod kill;
mod leadership;
mod limits;
mod list;
mod maintenance;
mod membership;
mod packet;
mod partition;
mod pause;
mod power;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use about::{About, Steps, UndoneWith, Wanted};
pub use about::{Engine, Excuse, Processes};
pub use aim::Aim;
pub use clock::{Clock, ClockCondition, ClockError, Clocks};
pub use corruption::{Corruption, Damage, FileDamage};
pub use cpu::{Cpu, CpuShares};
pub use disk::{Disk, DiskCondition, Disks, OpCondition, Trouble};
pub use kill::{Kill, Killed, Rhythm};
pub use leadership::{Leadership, Transfer};
pub use list::{Action, Family, Fault};
pub use maintenance::{Maintenance, StoresMaintained, Upkeep};
pub use membership::{MembersChanged, Membership, MembershipChange};
pub use packet::{Direction, LinkCondition, Packet};
pub use partition::{Partition, Shape};
pub use pause::{Pause, Paused};
pub use power::{Power, PowerCut, PowerFailure};
pub(crate) use spec::Spec;
pub(crate) use state::{Held, State};
