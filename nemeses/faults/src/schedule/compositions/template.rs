//! One composition: what of it is fixed, and what is drawn each time.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::expression::Rounding;
use super::field::{Field, Names};
use crate::fault::{Abilities, Aim, ClusterLimits, Family, Fault};
use crate::schedule::Entry;
use crate::schedule::planned::{Planned, Streams};
use crate::schedule::written::read_entry;

/// The names of what is known of every cluster: its size, and the range of its timers.
pub(super) const KNOWN: [&str; 3] = ["nodes", "shortest_ms", "longest_ms"];

/// Faults that belong together, and what of them is drawn each time.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) weight: u32,
    /// The smallest cluster that it makes sense in.
    pub(super) nodes: usize,
    /// Values that are drawn once and used by name; each refers only to those before it.
    pub(super) names: Vec<(String, Field)>,
    pub(super) faults: Vec<Template>,
}

/// A fault of a composition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    pub family: Family,
    /// Its beginning, in seconds after that of the composition.
    pub at: Field,
    /// For how many seconds it lasts.
    pub lasts: Field,
    /// The fields of its `when`, by the names that schedules have for them; empty where it has none.
    pub when: BTreeMap<String, Field>,
    /// Everything else, by the names that schedules have for it.
    pub fields: BTreeMap<String, Field>,
    /// Of all the faults that it can be, one that takes the most nodes down: an aim must fit it.
    pub heaviest: Option<Fault>,
}

impl Composition {
    /// The name, unique among all compositions.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One sentence for `stormproof list compositions`.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The weight that it is drawn with among all; with 0 only where it is named.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// The smallest cluster that it makes sense in.
    pub fn smallest_cluster(&self) -> usize {
        self.nodes
    }

    /// The families that it takes.
    pub fn families(&self) -> BTreeSet<Family> {
        self.faults.iter().map(|fault| fault.family).collect()
    }

    /// Says if it makes sense in such a cluster: each fault has nodes that it can be aimed at.
    pub(in crate::schedule) fn fits(&self, limits: &ClusterLimits) -> bool {
        let has_choices = |fault: &Template| {
            fault.fields.iter().all(|(name, field)| {
                let can_be = |word: &Value| fault.can_be(name, word, limits);
                self.meant(field).sources().any(|source| source.word().is_none_or(can_be))
            })
        };
        limits.nodes >= self.nodes && self.faults.iter().all(has_choices)
    }

    /// The field that is meant by one that is a name.
    fn meant<'a>(&'a self, mut field: &'a Field) -> &'a Field {
        while let Some(named) = field.as_name().and_then(|name| self.name_of(name)) {
            field = named;
        }
        field
    }

    fn name_of(&self, name: &str) -> Option<&Field> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, field)| field)
    }

    /// Draws its faults. Times and names come from the stream `random`, everything else from that
    /// of each fault's family, so that leaving a family out changes nothing about the others.
    ///
    /// # Errors
    /// When what was drawn is no fault, with its place.
    pub(in crate::schedule) fn draw(
        &self,
        limits: &ClusterLimits,
        random: &mut ChaCha8Rng,
        streams: &mut Streams,
    ) -> Result<Vec<Planned>, String> {
        let (shortest, longest) = limits.timers.within_compositions();
        let values = [limits.nodes as f64, shortest, longest];
        let mut names: Names = KNOWN.into_iter().zip(values.map(number)).collect();
        for (name, field) in &self.names {
            let fits = |value: &Value| {
                let fields = self.faults.iter().flat_map(|fault| {
                    fault.fields.iter().map(move |(of, field)| (fault, of, field))
                });
                let mut meant = fields.filter(|(_, _, field)| field.as_name() == Some(name));
                meant.all(|(fault, of, _)| fault.can_be(of, value, limits))
            };
            let value = field
                .draw(Rounding::AsWritten, &names, fits, random)
                .map_err(|what| format!("${name}: {what}"))?;
            names.insert(name, value);
        }
        let planned = self.faults.iter().zip(1..).map(|(fault, place)| {
            let drawn = fault.draw(limits, &names, random, streams.of(fault.family));
            drawn.map_err(|what| format!("fault {place}: {what}"))
        });
        planned.collect()
    }
}

impl Template {
    /// Says if the field of that name may be this in such a cluster.
    fn can_be(&self, name: &str, value: &Value, limits: &ClusterLimits) -> bool {
        let Abilities { changes, work } = limits.abilities;
        match (self.family, name) {
            (Family::Membership, "change") => is_one_of(value, changes),
            (Family::Maintenance, "work") => is_one_of(value, work),
            _ => !is_aim(name) || self.can_aim(value, limits),
        }
    }

    /// Says if there are such nodes, and no more of them than a fault may have.
    fn can_aim(&self, aim: &Value, limits: &ClusterLimits) -> bool {
        // What is no aim is found when the fault is read.
        let Ok(aim) = serde_json::from_value::<Aim>(aim.clone()) else { return true };
        let down = |fault: &Fault| fault.clone().aimed_at(aim).nodes_down(limits.nodes);
        (1..=limits.most).contains(&aim.count(limits.nodes))
            && self.heaviest.as_ref().map_or(0, down) <= limits.most_down
    }

    fn draw(
        &self,
        limits: &ClusterLimits,
        names: &Names,
        times: &mut ChaCha8Rng,
        random: &mut ChaCha8Rng,
    ) -> Result<Planned, String> {
        let pick: u32 = random.random();
        let mut written = BTreeMap::from([
            ("id".to_owned(), 0.into()),
            ("pick".to_owned(), pick.into()),
            ("family".to_owned(), self.family.name().into()),
        ]);
        let mut draw = |name: &str, field: &Field, rounding, random: &mut ChaCha8Rng| {
            let fits = |value: &Value| self.can_be(name, value, limits);
            let value = field.draw(rounding, names, fits, random);
            let value = value.map_err(|what| format!("`{name}`: {what}"))?;
            written.insert(name.to_owned(), value);
            Ok::<_, String>(())
        };
        draw("at", &self.at, Rounding::Never, times)?;
        draw("lasts", &self.lasts, Rounding::Never, times)?;
        for (name, field) in &self.fields {
            draw(name, field, Rounding::AsWritten, random)?;
        }
        if !self.when.is_empty() {
            let mut trigger = serde_json::Map::new();
            for (name, field) in &self.when {
                let value = field.draw(when_rounding(name), names, |_| true, random);
                let value = value.map_err(|what| format!("`when.{name}`: {what}"))?;
                trigger.insert(name.clone(), value);
            }
            written.insert("when".to_owned(), trigger.into());
        }
        let Entry { at, lasts, pick, named, on, when, fault, .. } = read_entry(written)?;
        let (begins, lasts) = (at.as_secs_f64(), lasts.as_secs_f64());
        Ok(Planned { begins, lasts, pick, named, on, when, fault, composition: None })
    }
}

/// A number as it is written: whole ones without a point.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { (value as i64).into() } else { value.into() }
}

/// The rounding of a field of a trigger: times are never rounded.
fn when_rounding(name: &str) -> Rounding {
    if ["within", "after"].contains(&name) { Rounding::Never } else { Rounding::AsWritten }
}

/// Says if it is one of these. What is nothing of the kind is found when the fault is read.
fn is_one_of<T: DeserializeOwned + PartialEq>(value: &Value, known: &[T]) -> bool {
    serde_json::from_value(value.clone()).map_or(true, |value: T| known.contains(&value))
}

/// Says if a field of this name holds an [`Aim`].
fn is_aim(name: &str) -> bool {
    ["aim", "to"].contains(&name)
}
