//! The roughness of a schedule: named profiles, each with its parameters.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Budget;
use crate::fault::Family;
use crate::names::UnknownName;

/// The roughness of a schedule, by name: `gentle`, `nightly`, `brutal`, `composed`, or the name of
/// a family.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(into = "String", try_from = "String")]
pub enum Profile {
    /// One node at a time, short, nothing overlaps.
    Gentle,
    /// Never more than a minority down; faults overlap and come in compositions.
    #[default]
    Nightly,
    /// No budget: long and dense, majorities and whole clusters fail.
    Brutal,
    /// Nothing but compositions of all the families asked for or some of them, one after the other,
    /// with no budget.
    Composed,
    /// One family alone, dense, at every aim, with no budget.
    Only(Family),
}

/// The parameters of a profile. Times are in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parameters {
    /// The number of nodes that may be down at once, unless the options say otherwise.
    pub budget: Budget,
    /// The number of nodes that a fault may be aimed at, whether it takes them down or not.
    pub most: Budget,
    /// The longest fault.
    pub longest: f64,
    /// The longest time without a majority in one go.
    pub longest_without_majority: f64,
    /// From the end of a fault or composition to the next.
    pub gap: (f64, f64),
    /// The chance that a fault begins while the one before it lasts.
    pub overlap_chance: f64,
    /// The chance that a composition comes next rather than a fault alone.
    pub composition_chance: f64,
    /// At least this share of the time the cluster can make progress.
    pub progress_share: f64,
}

impl Profile {
    /// The profiles that are no family's.
    pub const MIXED: [Self; 4] = [Self::Gentle, Self::Nightly, Self::Brutal, Self::Composed];

    /// Every profile.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::MIXED.into_iter().chain(Family::ALL.into_iter().map(Self::Only))
    }

    /// The name used in plans and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gentle => "gentle",
            Self::Nightly => "nightly",
            Self::Brutal => "brutal",
            Self::Composed => "composed",
            Self::Only(family) => family.name(),
        }
    }

    /// One sentence for `stormproof list profiles`.
    pub fn description(self) -> &'static str {
        match self {
            Self::Gentle => "one node at a time, short faults with rests between them, no overlaps",
            Self::Nightly => {
                "never more than a minority down; faults overlap and come in compositions that \
                 find more together than alone"
            }
            Self::Brutal => {
                "no budget: long and dense faults, majorities and whole clusters fail at once"
            }
            Self::Composed => {
                "nothing but compositions that the families asked for can make, with no budget: \
                 for a bug that takes just these together"
            }
            Self::Only(family) if family.about().budget_alone == Budget::Minority => {
                "this family alone, at no more than a minority"
            }
            Self::Only(_) => "this family alone, dense and at every aim, with no budget",
        }
    }

    /// The profile for somebody who asked for these families and no profile: a single family has
    /// its own, so that its faults fill the time.
    pub fn for_families(families: &BTreeSet<Family>) -> Self {
        match families.iter().collect::<Vec<_>>()[..] {
            [family] => Self::Only(*family),
            _ => Self::default(),
        }
    }

    /// The number of nodes that may be down at once, unless the options say otherwise.
    pub fn budget(self) -> Budget {
        self.parameters().budget
    }

    /// The parameters of the profile, in one table.
    pub(super) fn parameters(self) -> Parameters {
        let nightly = Parameters {
            budget: Budget::Minority,
            most: Budget::All,
            longest: 8.0,
            longest_without_majority: 3.0,
            gap: (0.1, 1.8),
            overlap_chance: 0.2,
            composition_chance: 0.3,
            progress_share: 0.5,
        };
        match self {
            Self::Gentle => Parameters {
                budget: Budget::Nodes(1),
                most: Budget::Nodes(1),
                longest: 3.0,
                longest_without_majority: 1.5,
                gap: (1.0, 3.0),
                overlap_chance: 0.0,
                composition_chance: 0.0,
                progress_share: 0.8,
            },
            Self::Nightly => nightly,
            Self::Brutal => Parameters {
                budget: Budget::All,
                longest: 10.0,
                longest_without_majority: 6.0,
                gap: (0.05, 0.5),
                overlap_chance: 0.4,
                composition_chance: 0.45,
                progress_share: 0.25,
                ..nightly
            },
            Self::Composed => Parameters {
                budget: Budget::All,
                longest: 10.0,
                longest_without_majority: 6.0,
                gap: (0.3, 1.0),
                overlap_chance: 0.0,
                composition_chance: 1.0,
                progress_share: 0.25,
                ..nightly
            },
            Self::Only(family) => Parameters {
                budget: family.about().budget_alone,
                composition_chance: 0.0,
                gap: family.about().gap_alone,
                progress_share: 0.4,
                ..nightly
            },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::all().find(|profile| profile.name() == name).ok_or_else(|| UnknownName {
            kind: "profile",
            name: name.to_owned(),
            known: Self::all().map(Self::name).collect(),
        })
    }
}

impl From<Profile> for String {
    fn from(profile: Profile) -> Self {
        profile.name().to_owned()
    }
}

impl TryFrom<String> for Profile {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_found_by_its_name() {
        for profile in Profile::all() {
            assert_eq!(profile.name().parse(), Ok(profile));
            let text = serde_json::to_string(&profile).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
        }
        let error = "mild".parse::<Profile>().unwrap_err().to_string();
        assert!(error.contains("gentle, nightly, brutal, composed, partition"), "{error}");
    }

    #[test]
    fn one_family_alone_has_its_own_profile() {
        let of = |families: &[Family]| Profile::for_families(&families.iter().copied().collect());
        assert_eq!(of(&[Family::Kill]), Profile::Only(Family::Kill));
        assert_eq!(of(&[Family::Kill, Family::Pause]), Profile::Nightly);
        assert_eq!(of(&[]), Profile::Nightly);
    }
}
