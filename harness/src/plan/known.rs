//! The known failures of a plan: which it avoids, and which it tests all the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use faults::schedule::{Entry, KnownFailure, Schedule};
use results::summary::KnownInRun;

use super::flags::Plan;
use super::values::ALL;
use crate::exit::usage;

impl Plan {
    /// The known failures whose triggers it leaves out.
    pub fn avoided(&self) -> impl Iterator<Item = &KnownFailure> {
        self.known.iter().filter(|failure| !self.test_known.contains(&failure.name))
    }

    /// Its known failures, each with what comes of it.
    pub fn known_in_run(&self) -> Vec<KnownInRun> {
        let mut known = in_run(&self.known, &self.test_known, &self.schedule);
        let drawn = known.iter().any(|known| known.tested) && self.is_drawn();
        for known in known.iter_mut().filter(|known| drawn && known.tested) {
            known.faults.extend(self.of_compositions(&known.failure));
            known.faults.sort_unstable();
            known.faults.dedup();
        }
        known
    }

    /// The faults of a drawn schedule that are parts of compositions which trigger a failure. Without
    /// these compositions all else would be drawn as it is.
    fn of_compositions(&self, failure: &KnownFailure) -> Vec<u32> {
        let triggers = failure.triggers.iter();
        let triggers = triggers.filter(|trigger| trigger.is_composition()).cloned().collect();
        let mut options = self.schedule_options();
        options.avoided.push(KnownFailure { triggers, ..failure.clone() });
        let without = Schedule::draw(&options).entries;
        let kept: BTreeSet<u32> = without.iter().map(|entry| entry.id).collect();
        let ids = self.schedule.iter().map(|entry| entry.id);
        ids.filter(|id| !kept.contains(id)).collect()
    }

    /// Takes up the known failures `of_the_target` beneath its own, and settles which are tested:
    /// those that are asked for, and those that faults trigger which are `spelled_out`.
    ///
    /// # Errors
    /// When it names a failure or a composition that there is not, or nothing is left to be drawn.
    pub(super) fn settle_known(
        &mut self,
        of_the_target: &[KnownFailure],
        spelled_out: Option<&[Entry]>,
    ) -> Result<()> {
        // Of two of one name the later one counts.
        let all = of_the_target.iter().cloned().chain(self.known.drain(..));
        let by_name: BTreeMap<String, KnownFailure> =
            all.map(|failure| (failure.name.clone(), failure)).collect();
        self.known = by_name.into_values().collect();
        let names: Vec<&str> = self.known.iter().map(|failure| failure.name.as_str()).collect();
        let mut tested = BTreeSet::new();
        for name in self.test_known.drain(..) {
            match name.as_str() {
                ALL => tested.extend(names.iter().map(|name| (*name).to_owned())),
                known if names.contains(&known) => drop(tested.insert(name)),
                _ => {
                    let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                    return Err(usage(format!(
                        "--test-known {name}: no known failure is called so; there are {known}"
                    )));
                }
            }
        }
        for failure in &self.known {
            let triggers = |entry: &Entry| failure.is_triggered_by(&entry.fault);
            if spelled_out.unwrap_or_default().iter().any(triggers) {
                tested.insert(failure.name.clone());
            }
        }
        self.test_known = tested.into_iter().collect();
        self.refuse_when_nothing_is_left(spelled_out.is_some())
    }

    fn refuse_when_nothing_is_left(&self, spelled_out: bool) -> Result<()> {
        let wish = self.wished_families();
        if spelled_out || wish.is_empty() || !self.drawn_families().is_empty() {
            return Ok(());
        }
        let why = wish.iter().filter_map(|family| {
            let failure = self.avoided().find(|it| it.families().any(|it| it == *family))?;
            Some(format!("{family} triggers {}", failure.name))
        });
        let why: Vec<String> = why.collect();
        let names: Vec<&str> = self.avoided().map(|failure| failure.name.as_str()).collect();
        Err(usage(format!(
            "no faults are left without what triggers known failures: {}; --test-known {} tests \
             them all the same",
            why.join(", "),
            names.join(",")
        )))
    }

    /// Refuses triggers that are neither a family nor a composition which there is.
    ///
    /// # Errors
    /// On the first of them.
    pub(super) fn check_known_compositions(&self) -> Result<()> {
        for failure in &self.known {
            for name in failure.compositions() {
                if !self.drawn_from.iter().any(|composition| composition.name() == name) {
                    return Err(usage(format!(
                        "the known failure {} is triggered by {name}, which is no family of faults \
                         (see list faults) and no composition (see list compositions, and \
                         --compositions FILE)",
                        failure.name
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Known failures, with the entries of a schedule that trigger them as far as each alone says.
pub(super) fn in_run(
    known: &[KnownFailure],
    tested: &[String],
    schedule: &[Entry],
) -> Vec<KnownInRun> {
    let of_run = |failure: &KnownFailure| {
        let triggering = schedule.iter().filter(|entry| failure.is_triggered_by(&entry.fault));
        KnownInRun {
            tested: tested.contains(&failure.name),
            faults: triggering.map(|entry| entry.id).collect(),
            failure: failure.clone(),
        }
    };
    known.iter().map(of_run).collect()
}

#[cfg(test)]
mod tests {
    use faults::fault::Family;

    use super::super::Written;
    use super::*;

    fn plan(flags: &[(&str, &str)]) -> Result<Plan> {
        let mut written = Written::default();
        flags.iter().for_each(|(id, value)| written.set(id, value));
        written.resolve()
    }

    fn of(plan: &Plan, family: Family) -> Vec<u32> {
        let entries = plan.schedule.iter();
        entries.filter(|entry| entry.fault.family() == family).map(|entry| entry.id).collect()
    }

    #[test]
    fn what_triggers_a_known_failure_is_left_out_unless_it_is_tested() {
        let usual = plan(&[("seed", "42")]).expect("a plan");
        let power = of(&usual, Family::Power);
        let known = [("seed", "42"), ("known", "lost=power: issue 17")];
        let avoided = plan(&known).expect("a plan");
        let [lost] = &avoided.known_in_run()[..] else { panic!("{:?}", avoided.known) };
        assert_eq!((lost.tested, &lost.faults[..]), (false, &[][..]));
        let rest: Vec<_> =
            usual.schedule.iter().filter(|entry| !power.contains(&entry.id)).cloned().collect();
        assert!(avoided.schedule == rest && !power.is_empty());
        assert!(!avoided.families().contains(&Family::Power), "no engine is needed for it");

        let tested = plan(&[&known[..], &[("test_known", "lost")]].concat()).expect("a plan");
        assert_eq!(tested.schedule, usual.schedule);
        let [lost] = &tested.known_in_run()[..] else { panic!("{:?}", tested.known) };
        assert_eq!((lost.tested, &lost.faults), (true, &power));
    }

    #[test]
    fn faults_of_a_composition_that_is_tested_are_known_by_their_numbers() {
        let flags = [
            ("seed", "3"),
            ("time_limit", "5m"),
            ("known", "lost=killed-in-election"),
            ("test_known", "all"),
        ];
        let tested = plan(&flags).expect("a plan");
        let [lost] = &tested.known_in_run()[..] else { panic!("{:?}", tested.known) };
        let families: BTreeSet<Family> = tested
            .schedule
            .iter()
            .filter(|entry| lost.faults.contains(&entry.id))
            .map(|entry| entry.fault.family())
            .collect();
        assert_eq!(families, [Family::Partition, Family::Kill].into());
        let avoided = plan(&flags[..3]).expect("a plan");
        assert_eq!(avoided.schedule.len() + lost.faults.len(), tested.schedule.len());
    }

    #[test]
    fn a_fault_that_is_spelled_out_tests_what_it_triggers() {
        let text = "[[known]]\nname = \"lost\"\nabout = \"issue 17\"\ntriggers = [\"power\"]\n\
                    [[known]]\nname = \"slow\"\ntriggers = [\"cpu\"]\n\
                    [[fault]]\nat = 1\nlasts = 1\nfamily = \"power\"\naim = \"one\"\n";
        let plan = Written::from_toml(text).and_then(|it| it.resolve()).expect("a plan");
        assert_eq!(plan.test_known, ["lost"]);
        assert_eq!(plan.schedule.len(), 1);
        assert_eq!(plan.known_in_run()[0].faults, [1]);
        assert!(!plan.known_in_run()[1].tested);
    }

    #[test]
    fn what_names_nothing_or_leaves_nothing_is_refused() {
        let check = |flags: &[(&str, &str)], what: &str| {
            let error = plan(flags).expect_err(what).to_string();
            assert!(error.contains(what), "{error}");
        };
        check(
            &[("faults", "power"), ("known", "lost=power")],
            "power triggers lost; --test-known lost tests them all the same",
        );
        check(&[("profile", "power"), ("known", "lost=power")], "power triggers lost");
        check(&[("known", "lost=pwoer")], "pwoer, which is no family of faults");
        check(&[("known", "lost")], "lost has no triggers");
        check(&[("known", "lost=power"), ("test_known", "gone")], "there are lost");
        let none = plan(&[("faults", "none"), ("known", "lost=power")]);
        assert!(none.is_ok(), "nothing was asked for");
    }
}
