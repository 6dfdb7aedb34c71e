//! The compositions that a plan draws from, and those that it wants and nothing else.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use faults::schedule::{Composition, Compositions, Profile};

use super::flags::Plan;
use crate::exit::{bad_input, usage};

impl Plan {
    /// The compositions that it names.
    pub(super) fn wanted_compositions(&self) -> impl Iterator<Item = &Composition> {
        self.drawn_from.iter().filter(|it| self.composition.iter().any(|name| name == it.name()))
    }

    /// Refuses names of compositions that do not exist, or that cannot be drawn for this cluster,
    /// from these families and within this budget.
    ///
    /// # Errors
    /// On the first of them.
    pub(super) fn check_wanted_compositions(&self) -> Result<()> {
        if self.composition.is_empty() {
            return Ok(());
        }
        if self.profile.is_some_and(|profile| profile != Profile::Composed) {
            return Err(usage("--composition brings its own profile; leave --profile out"));
        }
        let options = self.schedule_options();
        for name in &self.composition {
            let Some(wanted) = self.drawn_from.iter().find(|it| it.name() == name) else {
                return Err(usage(format!(
                    "there is no composition '{name}'; see list compositions, and --compositions \
                     FILE"
                )));
            };
            if !options.possible_compositions().any(|possible| possible.name() == name) {
                let families = wanted.families().into_iter().map(|family| family.name());
                return Err(usage(format!(
                    "{name} cannot be drawn here: it takes at least {} nodes, a --fault-budget for \
                     the nodes that it hits, and the faults {}",
                    wanted.smallest_cluster(),
                    families.collect::<Vec<_>>().join(",")
                )));
            }
        }
        Ok(())
    }
}

/// Reads a user's own compositions.
///
/// # Errors
/// When the file cannot be read or one of them makes no sense.
pub(super) fn read_compositions(path: &Path) -> Result<Compositions> {
    // To find the shortest command that makes a run again, its plan is resolved once for each flag,
    // and to see that compositions make sense they are drawn thousands of times.
    static LAST: Mutex<Option<(String, Compositions)>> = Mutex::new(None);
    let text = std::fs::read_to_string(path)
        .map_err(|error| bad_input(format!("cannot read {}: {error}", path.display())))?;
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, compositions)) = &*last
        && *known == text
    {
        return Ok(compositions.clone());
    }
    let read = Compositions::read(&text);
    let read = read.map_err(|bad| bad_input(format!("{}: {bad}", path.display())))?;
    *last = Some((text, read.clone()));
    Ok(read)
}
