//! Names that flags take, with the nearest match when one is misspelt.

use clap::builder::PossibleValuesParser;

/// Accepts the name of a workload.
pub fn workload() -> PossibleValuesParser {
    workloads::ALL.iter().map(|workload| workload.name).collect::<Vec<_>>().into()
}

/// Accepts the name of a planted bug.
pub fn bug() -> PossibleValuesParser {
    target_cluster::bugs::Bug::ALL.iter().map(|bug| bug.name()).collect::<Vec<_>>().into()
}

/// Accepts the name of a target.
pub fn target() -> PossibleValuesParser {
    ["bundled"].into()
}

/// Accepts the name of a model.
pub fn model() -> PossibleValuesParser {
    checker::model::ALL.iter().map(|model| model.description().name).collect::<Vec<_>>().into()
}

/// Accepts the name of a fault family, `all` or `none`.
pub fn faults() -> PossibleValuesParser {
    let families = nemeses::fault::Family::ALL.iter().map(|family| family.name());
    families.chain(["all", "none"]).collect::<Vec<_>>().into()
}
