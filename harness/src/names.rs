//! Names that flags take, with the nearest match when one is misspelt.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use faults::fault::Family;
use faults::schedule::Profile;
use faults::trigger::TriggerKind;

use crate::targets::{is_manifest, registry};

/// Accepts the name of a workload.
pub fn workload() -> PossibleValuesParser {
    workloads::ALL.iter().map(|workload| workload.name).collect::<Vec<_>>().into()
}

/// Accepts the name of a planted bug.
pub fn bug() -> PossibleValuesParser {
    cluster::bugs::Bug::ALL.iter().map(|bug| bug.name()).collect::<Vec<_>>().into()
}

/// Accepts the name of a target, or of a manifest's file.
pub fn target() -> TargetName {
    TargetName(registry::ALL.iter().map(|target| target.name).collect::<Vec<_>>().into())
}

/// See [`target`].
#[derive(Debug, Clone)]
pub struct TargetName(PossibleValuesParser);

impl TypedValueParser for TargetName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        match value.to_str() {
            Some(file) if is_manifest(file) => Ok(file.to_owned()),
            _ => self.0.parse_ref(command, argument, value),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// Accepts the name of a model.
pub fn model() -> PossibleValuesParser {
    checker::model::ALL.iter().map(|model| model.description().name).collect::<Vec<_>>().into()
}

/// The families of faults that some target can have.
pub fn offered_families() -> impl Iterator<Item = Family> {
    let can = |family: &Family| registry::all_by_default().any(|target| target.can(*family));
    Family::ALL.into_iter().filter(can)
}

/// The profiles of those families, and those of several.
pub fn offered_profiles() -> impl Iterator<Item = Profile> {
    Profile::MIXED.into_iter().chain(offered_families().map(Profile::Only))
}

/// Accepts the name of a profile.
pub fn profile() -> PossibleValuesParser {
    offered_profiles().map(Profile::name).collect::<Vec<_>>().into()
}

/// Accepts the name of a kind of trigger, `all` or `none`.
pub fn triggers() -> PossibleValuesParser {
    let kinds = TriggerKind::ALL.map(TriggerKind::name).into_iter();
    kinds.chain(["all", "none"]).collect::<Vec<_>>().into()
}

/// Accepts the name of a fault family, `all` or `none`.
pub fn faults() -> PossibleValuesParser {
    let families = offered_families().map(Family::name);
    families.chain(["all", "none"]).collect::<Vec<_>>().into()
}
