//! The list of families. A family is one file beside this one and one line here; the compiler asks
//! for the rest.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{About, Held, Spec, State};
use crate::names::{self, UnknownName};

/// Makes the enums of the families, each with one variant a family: its name, the parameters of a
/// fault, and the state that one holds the cluster in.
macro_rules! families {
    ($($(#[$doc:meta])* $family:ident in $file:ident holds $held:ident as $field:literal;)*) => {
        /// A family of faults: what a user names with `--faults`.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "kebab-case")]
        pub enum Family {
            $($(#[$doc])* $family,)*
        }

        impl Family {
            /// Every family.
            pub const ALL: [Self; [$(Self::$family),*].len()] = [$(Self::$family),*];

            /// Its description.
            pub(crate) fn about(self) -> &'static About {
                match self {
                    $(Self::$family => &super::families::$file::ABOUT,)*
                }
            }
        }

        /// Something to do to the cluster for a while, in the words of a plan.
        ///
        /// In TOML: `family = "partition"` with `shape = "isolate-leader"`, or `family = "kill"`
        /// with `aim = "majority"`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "family", rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[$doc])* $family(super::families::$file::$family),)*
        }

        impl Fault {
            /// The family it belongs to.
            pub fn family(&self) -> Family {
                match self {
                    $(Self::$family(_) => Family::$family,)*
                }
            }

            pub(crate) fn spec(&self) -> &dyn Spec {
                match self {
                    $(Self::$family(fault) => fault,)*
                }
            }

            pub(super) fn spec_mut(&mut self) -> &mut dyn Spec {
                match self {
                    $(Self::$family(fault) => fault,)*
                }
            }
        }

        /// A state that a fault holds the cluster in, until its next step or its end.
        ///
        /// In JSON an object with one field, such as `{"grudge":{"n1":["n2"]}}`,
        /// `{"kill":["n1"]}` or `{"clocks":{"n1":{"wall_shift_ms":-5000,"rate":1.0}}}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Action {
            /// Nothing, as between two steps of a fault that comes and goes.
            #[serde(rename = "nothing")]
            Nothing,
            $($(#[$doc])* #[serde(rename = $field)] $family(super::families::$file::$held),)*
        }

        impl Action {
            /// The family whose fault it is; none for [`Nothing`](Self::Nothing).
            pub fn family(&self) -> Option<Family> {
                match self {
                    Self::Nothing => None,
                    $(Self::$family(_) => Some(Family::$family),)*
                }
            }

            pub(crate) fn state(&self) -> Option<&dyn State> {
                match self {
                    Self::Nothing => None,
                    $(Self::$family(state) => Some(state),)*
                }
            }

            pub(super) fn state_mut(&mut self) -> Option<&mut dyn State> {
                match self {
                    Self::Nothing => None,
                    $(Self::$family(state) => Some(state),)*
                }
            }
        }

        $(
            impl Held for super::families::$file::$held {
                fn of(action: &Action) -> Option<&Self> {
                    match action {
                        Action::$family(state) => Some(state),
                        _ => None,
                    }
                }
            }
        )*
    };
}

// A family's place numbers the random stream that its faults are drawn from: new ones go to the
// end. The last word of a line names the state in the history's JSON.
families! {
    /// Links drop packets.
    Partition in partition holds Grudge as "grudge";
    /// Links are slow, lossy or narrow.
    Packet in packet holds Shaping as "shape";
    /// Node processes are killed and started again.
    Kill in kill holds Killed as "kill";
    /// Node processes are stopped and continued.
    Pause in pause holds Paused as "pause";
    /// Node processes get a small share of a processor.
    Cpu in cpu holds CpuShares as "cpu";
    /// Clocks jump, strobe or drift.
    Clock in clock holds Clocks as "clocks";
    /// Disks are slow, stalled, full or failing.
    Disk in disk holds Disks as "disks";
    /// Nodes lose power, and with it what they had not synced.
    Power in power holds PowerFailure as "power";
    /// Synced data changes.
    Corruption in corruption holds FileDamage as "corrupt";
    /// The leader hands over.
    Leadership in leadership holds Transfer as "transfer";
    /// Nodes join and leave.
    Membership in membership holds MembersChanged as "membership";
    /// Nodes compact and defragment their stores.
    Maintenance in maintenance holds StoresMaintained as "maintain";
    /// Node processes are asked to end and started again.
    Stop in stop holds Stopped as "stop";
}

impl fmt::Display for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("fault family", name, &Self::ALL, Self::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_letter_of_its_own() {
        let letters: std::collections::BTreeSet<_> = Family::ALL.map(Family::letter).into();
        assert_eq!(letters.len(), Family::ALL.len());
    }

    #[test]
    fn every_family_is_found_by_its_name_and_only_by_it() {
        for family in Family::ALL {
            assert_eq!(family.name().parse(), Ok(family));
            assert_eq!(serde_json::to_value(family).unwrap(), family.name());
        }
        let error = "partitions".parse::<Family>().unwrap_err().to_string();
        assert!(error.contains("partition, packet, kill, pause"), "{error}");
    }
}
