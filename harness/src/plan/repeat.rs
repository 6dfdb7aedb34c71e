//! A plan carried out many times.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use faults::fault::Family;
use faults::schedule::{Budget, Entry};
use rand::RngExt;
use serde_json::Value;
use workloads::stream;

use super::flags::Plan;
use super::values::FaultName;
use super::written::Written;

/// Seeds of repeats are below it: short enough to say aloud, and so many that two of them are
/// hardly ever the same.
const SEEDS: u64 = 1_000_000_000;

impl Plan {
    /// The plan of its repeat of this number, counted from 0: the same faults at the same times, on
    /// the same lots, in clusters and with clients that are alike. All else that is drawn while it
    /// runs, such as the operations, their order and the order in which nodes start, comes from a
    /// seed that follows from the plan's seed and the number.
    pub fn repeat(&self, number: u64) -> Plan {
        let seed = stream(self.seed, &format!("repeat {number}")).random_range(0..SEEDS);
        Plan { seed, fault_budget: self.budget_in_words(), ..self.clone() }
    }

    /// The same with faults that are spelled out, and nothing that says how to draw them.
    pub fn with_schedule_of_its_own(&self, faults: Vec<Entry>) -> Plan {
        let families: BTreeSet<Family> = faults.iter().map(|fault| fault.fault.family()).collect();
        Plan {
            fault_budget: self.budget_in_words(),
            faults: families.into_iter().map(FaultName::One).collect(),
            profile: None,
            composition: Vec::new(),
            compositions: None,
            schedule: faults,
            ..self.clone()
        }
    }

    /// The budget of its faults, said outright: faults that are not the seed's own count as spelled
    /// out, which may hit any number of nodes.
    fn budget_in_words(&self) -> Option<Budget> {
        if self.fault_budget.is_some() || self.schedule.is_empty() || !self.is_drawn() {
            return self.fault_budget;
        }
        let most = self.most_down();
        Some(match most == Budget::Minority.limit(self.nodes) {
            true => Budget::Minority,
            false => Budget::Nodes(most),
        })
    }

    /// The plan as a file with the fewest lines that mean it.
    ///
    /// # Errors
    /// Never in practice: a plan can be written and read.
    pub fn to_short_toml(&self) -> Result<String> {
        let mut kept = Written::from_toml(&self.to_toml()?)?;
        for id in kept.ids() {
            let fewer = kept.clone().without(&id);
            if fewer.resolve().is_ok_and(|plan| plan == *self) {
                kept = fewer;
            }
        }
        let ids = kept.ids();
        let said = |key: &str| ids.iter().any(|id| id == key);
        // As TOML it would lose the order of its fields.
        let Value::Object(mut plan) = serde_json::to_value(self).context("a plan is plain data")?
        else {
            bail!("a plan is a table");
        };
        plan.retain(|key, value| match value {
            Value::Object(clients) if key == "clients" => {
                clients.retain(|key, _| said(key));
                !clients.is_empty()
            }
            _ => key == "fault" || said(key),
        });
        let faults = plan.get_mut("fault").and_then(Value::as_array_mut);
        for (fault, place) in faults.into_iter().flatten().zip(1..) {
            let Some(fault) = fault.as_object_mut() else { continue };
            for (key, default) in [("id", place), ("pick", 0)] {
                if fault.get(key).and_then(Value::as_u64) == Some(default) {
                    fault.shift_remove(key);
                }
            }
        }
        let text = toml::to_string_pretty(&plan).context("cannot write the plan as TOML")?;
        // Without a word about them, faults are drawn when the plan is read.
        Ok(if self.schedule.is_empty() { format!("fault = []\n{text}") } else { text })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Written;

    #[test]
    fn a_repeat_has_the_same_faults_and_other_streams() {
        let plan = Written::from_toml("seed = 7\nfaults = [\"kill\", \"partition\"]").unwrap();
        let plan = plan.resolve().unwrap();
        assert!(plan.is_drawn() && plan.schedule.len() > 2, "there is something to keep");
        let again = |number| {
            let toml = plan.repeat(number).to_toml().unwrap();
            Written::from_toml(&toml).unwrap().resolve().unwrap()
        };
        let (first, second) = (again(0), again(1));
        assert_eq!(first, again(0));
        assert_ne!(first.seed, second.seed);
        for repeat in [first, second] {
            assert_ne!(repeat.seed, plan.seed);
            assert_eq!(repeat.schedule, plan.schedule);
            assert_eq!(repeat.most_down(), plan.most_down());
            assert_eq!(repeat.client_plan().clients(), plan.client_plan().clients());
            assert_eq!(repeat.clients, plan.clients);
            assert_eq!((repeat.keys, repeat.rate), (plan.keys, plan.rate));
        }
    }

    #[test]
    fn a_short_file_means_the_same_and_says_no_more_than_it_must() {
        let text = "seed = 7\nnodes = 3\nbug = \"stale-read\"\nrate = 100.0\nkeys = 1\n\
                    concurrency = 2\n[clients]\nrouting = \"pinned\"\nvalues = \"numbers\"\n\
                    [[fault]]\nat = 2.0\nlasts = 0.5\nfamily = \"partition\"\n\
                    shape = \"isolate-leader\"\n";
        let plan = Written::from_toml(text).unwrap().resolve().unwrap();
        let short = plan.to_short_toml().unwrap();
        let again = Written::from_toml(&short).unwrap().resolve().unwrap();
        assert_eq!(again, plan);
        let lines: Vec<&str> = short.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            lines,
            [
                "nodes = 3",
                "bug = \"stale-read\"",
                "rate = 100.0",
                "concurrency = 2",
                "keys = 1",
                "seed = 7",
                "[clients]",
                "routing = \"pinned\"",
                "[[fault]]",
                "at = 2.0",
                "lasts = 0.5",
                "family = \"partition\"",
                "shape = \"isolate-leader\"",
            ]
        );
    }
}
