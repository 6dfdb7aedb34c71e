//! All compositions that a schedule is drawn of: those that come along, and a user's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::Deserialize;
use serde_json::Value;

use super::expression::is_of_name;
use super::field::{Field, Source};
use super::template::{Composition, KNOWN, Template};
use crate::fault::{Abilities, ClusterLimits, Family, Fault, TimerRange};
use crate::schedule::Schedule;
use crate::schedule::planned::{Planned, Streams};

/// The compositions of a schedule. Cheap to clone; the default is those that come along.
#[derive(Debug, Clone, PartialEq)]
pub struct Compositions(Arc<[Composition]>);

/// A composition that cannot be meant, or a file that holds none.
#[derive(Debug, thiserror::Error)]
pub enum BadCompositions {
    /// It is not TOML, or a field is missing or unknown.
    #[error(transparent)]
    NotRead(#[from] toml::de::Error),
    /// There is nothing in it.
    #[error("there is no [[composition]] in it")]
    Empty,
    /// One of them makes no sense.
    #[error("composition {name}: {what}")]
    Invalid {
        /// The name of the composition.
        name: String,
        /// The fault and the field that are wrong, and why.
        what: String,
    },
}

/// A file of compositions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    composition: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    about: String,
    #[serde(default = "one")]
    weight: u32,
    #[serde(default = "three")]
    nodes: usize,
    #[serde(default)]
    draw: BTreeMap<String, Value>,
    fault: Vec<BTreeMap<String, Value>>,
}

fn one() -> u32 {
    1
}

/// Below three nodes there are no elections.
fn three() -> usize {
    3
}

/// The most nodes that a composition may ask for, and the largest weight: a slip of the pen is
/// beyond.
const MOST_NODES: usize = 50;
const MOST_WEIGHT: u32 = 1_000_000;
/// So often is a composition drawn for each size of a cluster before it is taken for good, with all
/// choices as likely: each is met many times, however small its weight.
const TRIES: usize = 400;
/// And so often for each of the choices that a field has, to see what most nodes may be taken down by: a
/// choice that is missed is one of a hundred million.
const TRIES_OF_A_CHOICE: usize = 20;

impl Compositions {
    /// Those that come along.
    pub fn shipped() -> Self {
        static SHIPPED: LazyLock<Compositions> = LazyLock::new(|| {
            let all = read(include_str!("../compositions.toml"));
            Compositions(all.expect("a test reads and checks what comes along").into())
        });
        SHIPPED.clone()
    }

    /// Those that come along and those of a user's file, which replace what has the same name. Each
    /// is drawn many times to see that it makes sense.
    ///
    /// # Errors
    /// On the first that makes none, with its place.
    pub fn read(text: &str) -> Result<Self, BadCompositions> {
        let own = read(text)?;
        if own.is_empty() {
            return Err(BadCompositions::Empty);
        }
        let mut all = Self::shipped().0.to_vec();
        for composition in own {
            named(composition.name(), composition.check())?;
            match all.iter_mut().find(|other| other.name == composition.name) {
                Some(same) => *same = composition,
                None => all.push(composition),
            }
        }
        Ok(Self(all.into()))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Composition> {
        self.0.iter()
    }
}

impl Default for Compositions {
    fn default() -> Self {
        Self::shipped()
    }
}

/// Adds the name of the composition to what is wrong with it.
fn named<T>(name: &str, result: Result<T, String>) -> Result<T, BadCompositions> {
    result.map_err(|what| BadCompositions::Invalid { name: name.to_owned(), what })
}

fn read(text: &str) -> Result<Vec<Composition>, BadCompositions> {
    let File { composition: all } = toml::from_str(text)?;
    let mut names = BTreeSet::new();
    let all = all.into_iter().map(|written| {
        let name = written.name.clone();
        let twice = !names.insert(name.clone());
        let twice = if twice { Err("there are two of this name".to_owned()) } else { Ok(()) };
        named(&name, twice.and_then(|()| Composition::read(written)))
    });
    all.collect()
}

impl Composition {
    fn read(written: Written) -> Result<Self, String> {
        let Written { name, about, weight, nodes, draw, fault } = written;
        if weight > MOST_WEIGHT {
            return Err(format!("`weight` is from 0 to {MOST_WEIGHT}"));
        }
        if !(1..=MOST_NODES).contains(&nodes) {
            return Err(format!("`nodes` is from 1 to {MOST_NODES}"));
        }
        if fault.is_empty() {
            return Err("there is no [[composition.fault]] in it".to_owned());
        }
        let names = names_in_order(draw)?;
        let faults = fault.into_iter().zip(1..).map(|(written, place)| {
            Template::read(written).map_err(|what| format!("fault {place}: {what}"))
        });
        let faults = faults.collect::<Result<_, _>>()?;
        let mut composition = Self { name, about, weight, nodes, names, faults };
        composition.find_the_heaviest()?;
        Ok(composition)
    }

    /// So many drawings for a cluster of that size, of which anything may go down.
    pub(super) fn drawings(
        &self,
        nodes: usize,
        tries: usize,
    ) -> impl Iterator<Item = Result<Vec<Planned>, String>> + use<> {
        let mut even = self.clone();
        let names = even.names.iter_mut().map(|(_, field)| field);
        let fields = even.faults.iter_mut().flat_map(|fault| fault.fields.values_mut());
        names.chain(fields).for_each(|field| *field = field.even());
        let (timers, abilities) = (TimerRange::default(), Abilities::default());
        let limits = ClusterLimits { nodes, most: nodes, most_down: nodes, timers, abilities };
        let (mut random, mut streams) = (ChaCha8Rng::seed_from_u64(0), Streams::new(0));
        (0..tries).map(move |_| even.draw(&limits, &mut random, &mut streams))
    }

    /// Finds for each fault one of those that it may be that takes the most nodes down.
    fn find_the_heaviest(&mut self) -> Result<(), String> {
        let nodes = self.nodes.max(three());
        for drawn in self.drawings(nodes, TRIES_OF_A_CHOICE * self.most_choices()) {
            for (template, drawn) in self.faults.iter_mut().zip(drawn?) {
                let down = |fault: &Fault| fault.nodes_down(nodes);
                if template.heaviest.as_ref().is_none_or(|most| down(most) < down(&drawn.fault)) {
                    template.heaviest = Some(drawn.fault);
                }
            }
        }
        Ok(())
    }

    /// The choices of the field that has the most.
    fn most_choices(&self) -> usize {
        let names = self.names.iter().map(|(_, field)| field);
        let fields = self.faults.iter().flat_map(|fault| fault.fields.values());
        names.chain(fields).map(|field| field.sources().count()).max().unwrap_or(1)
    }

    /// Draws it many times for clusters of several sizes.
    fn check(&self) -> Result<(), String> {
        for nodes in [0, 1, 2, 4].map(|more| self.nodes + more) {
            for planned in self.drawings(nodes, TRIES) {
                let mut planned = planned?;
                planned.sort_by(|left, right| left.begins.total_cmp(&right.begins));
                let entries = planned.into_iter().zip(1..);
                let entries = entries.map(|(planned, id)| planned.entry(id));
                let schedule = Schedule { entries: entries.collect() };
                schedule.validate(nodes).map_err(|nonsense| {
                    let (place, what) = (nonsense.place, nonsense.what);
                    format!("fault {place}, in a cluster of {nodes}: {what}")
                })?;
            }
        }
        Ok(())
    }
}

impl Template {
    fn read(mut written: BTreeMap<String, Value>) -> Result<Self, String> {
        let mut take =
            |name: &str| written.remove(name).ok_or_else(|| format!("missing field `{name}`"));
        if take("id").is_ok() {
            return Err("an `id` is given to it when it has its place in a schedule".to_owned());
        }
        let (family, at, lasts) = (take("family")?, take("at")?, take("lasts")?);
        let family = family.as_str().ok_or("`family` is a name")?;
        let family: Family = family.parse().map_err(|unknown| format!("{unknown}"))?;
        let read = |name: &str, written: &Value| {
            Field::read(written).map_err(|what| format!("`{name}`: {what}"))
        };
        let (at, lasts) = (read("at", &at)?, read("lasts", &lasts)?);
        let when = match written.remove("when") {
            None => BTreeMap::new(),
            Some(Value::Object(when)) => {
                let fields = when.iter().map(|(name, field)| {
                    Ok::<_, String>((name.clone(), read(&format!("when.{name}"), field)?))
                });
                fields.collect::<Result<_, _>>()?
            }
            Some(_) => return Err("`when` is a table: { seen = \"disk\", … }".to_owned()),
        };
        let mut fields = BTreeMap::new();
        for (name, written) in written {
            fields.insert(name.clone(), read(&name, &written)?);
        }
        Ok(Self { family, at, lasts, when, fields, heaviest: None })
    }
}

/// Reads the names, and puts each behind those that it refers to.
fn names_in_order(written: BTreeMap<String, Value>) -> Result<Vec<(String, Field)>, String> {
    let mut left = BTreeMap::new();
    for (name, written) in written {
        if name.is_empty() || !name.chars().all(is_of_name) || KNOWN.contains(&&*name) {
            return Err(format!("`draw`: {name:?} cannot be a name of yours"));
        }
        let field = Field::read(&written).map_err(|what| format!("${name}: {what}"))?;
        left.insert(name, field);
    }
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |field: &Field| {
            field.sources().flat_map(Source::names).any(|name| left.contains_key(name))
        };
        let Some(next) = left.iter().find(|(_, field)| !waits(field)) else {
            let names: Vec<_> = left.keys().map(|name| format!("${name}")).collect();
            return Err(format!("`draw`: each of {} waits for another", names.join(", ")));
        };
        let next = next.0.clone();
        let field = left.remove(&next).expect("it was found in there");
        ordered.push((next, field));
    }
    Ok(ordered)
}
