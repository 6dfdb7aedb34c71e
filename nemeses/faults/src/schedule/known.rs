//! Failures of the service that are known, and the faults that trigger them: a schedule can do
//! without these.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Abilities, ClusterLimits, Family, Fault, TimerRange, Wanted};

/// A failure of the service that is known.
///
/// In TOML a table with `name`, `triggers` and, as one likes, `about`; as text
/// `NAME=TRIGGER,TRIGGER: ABOUT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Written")]
pub struct KnownFailure {
    /// The name, without blanks, commas and equals signs: `nats-server#7458`.
    pub name: String,
    /// A sentence or a link about it; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The faults that trigger it, at least one.
    pub triggers: Vec<Trigger>,
}

/// Faults that trigger a known failure. As text `power`, `disk trouble=slow-fsync` or the name of a
/// composition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum Trigger {
    /// The faults of a family which have these fields, with these values where any are said.
    Faults {
        /// Their family.
        family: Family,
        /// All of it if empty.
        fields: BTreeMap<String, Option<String>>,
    },
    /// The faults of the composition of that name. Those of others may be like them.
    Composition(String),
}

/// A known failure as a file has it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    about: String,
    triggers: Vec<Trigger>,
}

/// Something that is no known failure, or no trigger of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKnownFailure {
    /// The text has no name, or one that a command line cannot have in a list.
    #[error("{0:?} is no name of a known failure: it has no blanks, commas or equals signs")]
    Name(String),
    /// The name stands alone.
    #[error(
        "the known failure {0} has no triggers: families of faults, such as power or \
         'disk trouble=slow-fsync', or compositions"
    )]
    NoTriggers(String),
    /// The trigger is no name, or has fields although it is no family.
    #[error(
        "the trigger {0:?} is no family of faults, with FIELD=VALUE behind it, and no composition"
    )]
    Trigger(String),
    /// A fault of that family has no such field.
    #[error(
        "the trigger {trigger:?} means no fault: {family} faults have no field {field}; they have \
         {known}"
    )]
    Field {
        /// The trigger.
        trigger: String,
        /// The family that it names.
        family: Family,
        /// The field that this family has not.
        field: String,
        /// Those that it has.
        known: String,
    },
    /// No fault of that family has such values.
    #[error("the trigger {trigger:?} means no fault: {what}")]
    Value {
        /// The trigger.
        trigger: String,
        /// The value that is none.
        what: String,
    },
}

impl KnownFailure {
    /// The families of which every fault triggers it.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        self.triggers.iter().filter_map(|trigger| match trigger {
            Trigger::Faults { family, fields } if fields.is_empty() => Some(*family),
            _ => None,
        })
    }

    /// The compositions that trigger it.
    pub fn compositions(&self) -> impl Iterator<Item = &str> {
        self.triggers.iter().filter_map(|trigger| match trigger {
            Trigger::Composition(name) => Some(name.as_str()),
            Trigger::Faults { .. } => None,
        })
    }

    /// Returns true if a fault triggers it, as far as the fault alone says.
    pub fn is_triggered_by(&self, fault: &Fault) -> bool {
        self.triggers.iter().any(|trigger| trigger.matches(fault))
    }

    /// Its triggers in words: `power faults, and disk faults with trouble=slow-fsync`.
    pub fn triggers_in_words(&self) -> String {
        let words: Vec<String> = self.triggers.iter().map(Trigger::in_words).collect();
        words.join(", and ")
    }
}

impl TryFrom<Written> for KnownFailure {
    type Error = BadKnownFailure;

    fn try_from(written: Written) -> Result<Self, BadKnownFailure> {
        let Written { name, about, triggers } = written;
        let bad = |it: char| it.is_whitespace() || it == ',' || it == '=';
        if name.is_empty() || name.chars().any(bad) {
            return Err(BadKnownFailure::Name(name));
        }
        if triggers.is_empty() {
            return Err(BadKnownFailure::NoTriggers(name));
        }
        // It is shown on a line.
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Self { name, about, triggers })
    }
}

impl FromStr for KnownFailure {
    type Err = BadKnownFailure;

    fn from_str(text: &str) -> Result<Self, BadKnownFailure> {
        let (name, rest) = text.split_once('=').unwrap_or((text, ""));
        // No trigger has a colon with a blank behind it.
        let (triggers, about) = rest.split_once(": ").unwrap_or((rest, ""));
        let triggers = triggers.split(',').map(str::trim).filter(|trigger| !trigger.is_empty());
        let triggers = triggers.map(Trigger::from_str).collect::<Result<_, _>>()?;
        Written { name: name.trim().to_owned(), about: about.to_owned(), triggers }.try_into()
    }
}

impl fmt::Display for KnownFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let triggers: Vec<String> = self.triggers.iter().map(Trigger::to_string).collect();
        write!(out, "{}={}", self.name, triggers.join(","))?;
        if self.about.is_empty() { Ok(()) } else { write!(out, ": {}", self.about) }
    }
}

impl Trigger {
    /// Returns true if it means that fault, as far as the fault alone says: which composition one
    /// belongs to does not stand in it.
    pub fn matches(&self, fault: &Fault) -> bool {
        match self {
            Self::Faults { family, fields } => {
                *family == fault.family()
                    && fields.iter().all(|(name, value)| has(fault, name, value.as_deref()))
            }
            Self::Composition(_) => false,
        }
    }

    /// Returns true if it is a composition.
    pub fn is_composition(&self) -> bool {
        matches!(self, Self::Composition(_))
    }

    fn in_words(&self) -> String {
        match self {
            Self::Faults { family, fields } if fields.is_empty() => format!("{family} faults"),
            Self::Faults { family, fields } => {
                format!("{family} faults with {}", as_text(fields).join(" "))
            }
            Self::Composition(name) => format!("the composition {name}"),
        }
    }
}

impl FromStr for Trigger {
    type Err = BadKnownFailure;

    fn from_str(text: &str) -> Result<Self, BadKnownFailure> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let Ok(family) = name.parse::<Family>() else {
            return match words.next() {
                None if !name.is_empty() => Ok(Self::Composition(name.to_owned())),
                _ => Err(BadKnownFailure::Trigger(text.to_owned())),
            };
        };
        let mut fields = BTreeMap::new();
        for word in words {
            let (field, value) = match word.split_once('=') {
                Some((field, value)) => (field, Some(value.to_owned())),
                None => (word, None),
            };
            check(family, text, field, value.as_deref())?;
            fields.insert(field.to_owned(), value);
        }
        Ok(Self::Faults { family, fields })
    }
}

impl TryFrom<String> for Trigger {
    type Error = BadKnownFailure;

    fn try_from(text: String) -> Result<Self, BadKnownFailure> {
        text.parse()
    }
}

impl From<Trigger> for String {
    fn from(trigger: Trigger) -> Self {
        trigger.to_string()
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults { family, fields } => {
                let fields = as_text(fields).into_iter().map(|field| format!(" {field}"));
                write!(out, "{family}{}", fields.collect::<String>())
            }
            Self::Composition(name) => out.write_str(name),
        }
    }
}

/// `trouble=slow-fsync` or `loss_percent`, for each field.
fn as_text(fields: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let field = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => name.clone(),
    };
    fields.iter().map(field).collect()
}

/// Returns true if a fault has that value in a field, or has the field at all if there is no value.
fn has(fault: &Fault, field: &str, value: Option<&str>) -> bool {
    match value {
        // What a file need not say has a value all the same.
        Some(value) => with(fault, field, value).is_ok_and(|same| same == *fault),
        None => serde_json::to_value(fault).is_ok_and(|fault| fault.get(field).is_some()),
    }
}

/// A fault with another value in a field.
fn with(fault: &Fault, field: &str, value: &str) -> Result<Fault, serde_json::Error> {
    let mut fields = serde_json::to_value(fault)?;
    // A number or a truth, and else a name.
    fields[field] = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    serde_json::from_value(fields)
}

/// Refuses fields and values that no fault of a family can have.
fn check(
    family: Family,
    trigger: &str,
    field: &str,
    value: Option<&str>,
) -> Result<(), BadKnownFailure> {
    let trigger = || trigger.to_owned();
    let known = family.about().fields;
    if !known.contains(&field) {
        let (field, known) = (field.to_owned(), known.join(", "));
        return Err(BadKnownFailure::Field { trigger: trigger(), family, field, known });
    }
    let Some(value) = value else { return Ok(()) };
    let mut what = String::new();
    for fault in drawn(family) {
        match with(&fault, field, value) {
            Ok(_) => return Ok(()),
            Err(error) => what = error.to_string(),
        }
    }
    Err(BadKnownFailure::Value { trigger: trigger(), what })
}

/// So many faults of a family have each kind of it among them.
const SAMPLES: usize = 200;

/// Many faults of a family.
fn drawn(family: Family) -> impl Iterator<Item = Fault> {
    let (timers, abilities) = (TimerRange::default(), Abilities::default());
    let limits = ClusterLimits { nodes: 5, most: 5, most_down: 5, timers, abilities };
    let wanted = Wanted { limits, lasts: 1.0, longest: 1.0, parts_leader: false };
    let mut random = ChaCha8Rng::seed_from_u64(0);
    (0..SAMPLES).filter_map(move |_| (family.about().draw)(&wanted, &mut random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Aim, Disk, DiskFault, Kill, Pattern};

    #[track_caller]
    fn known(text: &str) -> KnownFailure {
        text.parse().expect(text)
    }

    #[test]
    fn a_known_failure_is_the_same_as_text_and_in_a_file() {
        for text in [
            "lost=power",
            "nats-server#7458=power,disk trouble=slow-fsync,killed-in-election",
            "lost=packet corrupt_percent: https://example.com/17, since 2.1: never mended",
            "lost=disk aim=leader trouble=slow-fsync",
        ] {
            let failure = known(text);
            assert_eq!(failure.to_string(), text);
            let file = toml::to_string(&failure).expect("it is TOML");
            assert_eq!(toml::from_str::<KnownFailure>(&file).expect(&file), failure);
        }
        let failure = known("lost = power , disk  trouble=slow-fsync: a  sentence");
        assert_eq!(failure.to_string(), "lost=power,disk trouble=slow-fsync: a sentence");
    }

    #[test]
    fn a_trigger_means_the_faults_that_have_its_values() {
        let disk = |trouble| Fault::Disk(Disk { aim: Aim::Leader, trouble });
        let slow = disk(DiskFault::SlowFsync { delay_ms: 50.0, jitter_ms: 0.0 });
        let stalled = disk(DiskFault::StalledFsync);
        let once = Fault::Kill(Kill::once(Aim::One));
        let rolling = Fault::Kill(Kill { aim: Aim::All, rhythm: Pattern::Rolling });
        for (trigger, meant) in [
            ("disk", vec![&slow, &stalled]),
            ("disk trouble=slow-fsync", vec![&slow]),
            ("disk trouble=slow-fsync delay_ms=50", vec![&slow]),
            ("disk trouble=slow-fsync delay_ms=51", vec![]),
            ("disk delay_ms", vec![&slow]),
            ("disk aim=leader", vec![&slow, &stalled]),
            ("kill rhythm", vec![&rolling]),
            // It is what a kill is that says nothing of it.
            ("kill rhythm=once", vec![&once]),
            ("power", vec![]),
            ("killed-in-election", vec![]),
        ] {
            let failure = known(&format!("lost={trigger}"));
            let all = [&slow, &stalled, &once, &rolling];
            let found = all.into_iter().filter(|fault| failure.is_triggered_by(fault));
            assert_eq!(found.collect::<Vec<_>>(), meant, "{trigger}");
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for (text, what) in [
            ("", "is no name"),
            ("lost data=power", "is no name"),
            ("lost", "lost has no triggers"),
            ("lost=", "lost has no triggers"),
            ("lost=power trouble=slow", "no field trouble; they have aim"),
            ("lost=disk trouble=slowfsync", "expected one of `slow`, `slow-fsync`"),
            ("lost=disk aim=boss", "unknown variant `boss`"),
            ("lost=pwoer sector=512", "no family of faults"),
        ] {
            let error = text.parse::<KnownFailure>().expect_err(text).to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
        let error = toml::from_str::<KnownFailure>("name = \"a\"\ntriggers = [\"disk x=1\"]");
        assert!(error.expect_err("no field").to_string().contains("no field x"));
    }

    #[test]
    fn triggers_are_told_in_words() {
        let failure = known("lost=power,disk trouble=slow-fsync,killed-in-election");
        assert_eq!(
            failure.triggers_in_words(),
            "power faults, and disk faults with trouble=slow-fsync, and the composition \
             killed-in-election"
        );
    }
}
