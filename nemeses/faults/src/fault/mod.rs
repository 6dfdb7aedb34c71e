//! The families of faults: everything that can go wrong, in the words of a plan.
//!
//! A [`Fault`] says what to do and to whom by role (`leader`, `minority`…), never by node name;
//! when it fires, it becomes an [`Action`], a state of named nodes and links. One family, one file:
//! what its faults take ([`Spec`]), how they are drawn, validated, resolved and put into words, the
//! [`State`] that they hold the cluster in, how that is brought about, judged and undone, and what
//! else there is to know ([`About`]). [`list`] names them all.

mod about;
mod acting;
mod aim;
mod bounds;
mod budget;
mod cluster_limits;
mod families;
mod judgement;
mod list;
mod role_draw;
mod spec;
mod state;
mod steps;
#[cfg(test)]
mod tests;

pub(crate) use about::{About, Steps, UndoneWith, Wanted};
pub use about::{Engine, Excuse, Processes};
pub(crate) use acting::{Acting, Active, FaultsOn, Probe, by_node, of};
pub use aim::Aim;
pub use budget::Budget;
pub use cluster_limits::{Abilities, TimerRange};
pub(crate) use cluster_limits::{
    ClusterLimits, EVENLY, MOMENT, between, seconds_to_show, spread, weighted, whole_between,
};
pub use families::clock::{Clock, ClockCondition, ClockError, Clocks};
pub use families::corruption::{Corruption, Damage, FileDamage};
pub use families::cpu::{Cpu, CpuShares};
pub use families::disk::{Disk, DiskCondition, DiskFault, Disks, OpCondition};
pub use families::kill::{Kill, Killed, Pattern};
pub use families::leadership::{Leadership, Transfer};
pub use families::maintenance::{Maintenance, StoreWork, StoresMaintained};
pub use families::membership::{MembersChanged, Membership, MembershipChange};
pub use families::packet::{Direction, LinkCondition, Packet};
pub use families::partition::{Partition, Shape};
pub use families::pause::{Pause, Paused};
pub use families::power::{Power, PowerCut, PowerFailure};
pub use families::stop::{Stop, Stopped};
pub(crate) use judgement::{
    Judgement, already_down, failures, indeterminate, join, milliseconds, outcome_of, slowest,
};
pub use list::{Action, Family, Fault};
pub(crate) use role_draw::RoleDraw;
pub use role_draw::Roles;
pub(crate) use spec::Spec;
pub(crate) use state::{Held, State};
pub use steps::Step;
pub(crate) use steps::{on_and_off, throughout};
