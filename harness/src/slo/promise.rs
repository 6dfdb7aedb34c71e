//! One promise: limits of some figures, and the faults that they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use faults::coverage::Role;
use faults::fault::Family;
use results::availability::FaultService;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A promise of the service.
///
/// In TOML a table, as text `KEY=VALUE,KEY=VALUE`: `recovery_p99=2s,faults=kill+power,role=leader`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Promise {
    /// The families that it is about; all if empty.
    pub faults: BTreeSet<Family>,
    /// Whom they hit; anyone if none.
    pub role: Option<Role>,
    /// The limit of each figure that it names, at least one: seconds, or a share from 0 to 1.
    pub limits: BTreeMap<Figure, f64>,
}

/// A figure that has a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// The median time to recovery, at most.
    RecoveryMedian,
    /// The time to recovery that 99 of 100 faults do not exceed, at most.
    RecoveryP99,
    /// The time to recovery of every fault, at most.
    RecoveryMax,
    /// The longest time without a success while service is owed, at most.
    Unserved,
    /// The time from a fault to a new leader, at most.
    Election,
    /// The share of operations around faults that fail, at most.
    Failed,
    /// The share of operations around faults whose outcome is unknown, at most.
    Unknown,
    /// The share of the time with service of that in which it is owed, at least.
    Served,
}

impl Figure {
    /// Every figure, in the order in which to name them.
    pub const ALL: [Figure; 8] = [
        Figure::RecoveryMedian,
        Figure::RecoveryP99,
        Figure::RecoveryMax,
        Figure::Unserved,
        Figure::Election,
        Figure::Failed,
        Figure::Unknown,
        Figure::Served,
    ];

    /// The key in files.
    pub fn key(self) -> &'static str {
        match self {
            Figure::RecoveryMedian => "recovery_median",
            Figure::RecoveryP99 => "recovery_p99",
            Figure::RecoveryMax => "recovery_max",
            Figure::Unserved => "unserved_max",
            Figure::Election => "election_max",
            Figure::Failed => "failed",
            Figure::Unknown => "unknown",
            Figure::Served => "served",
        }
    }

    /// The figure in words.
    pub fn words(self) -> &'static str {
        match self {
            Figure::RecoveryMedian => "the median recovery",
            Figure::RecoveryP99 => "the 99th percentile of recovery",
            Figure::RecoveryMax => "the slowest recovery",
            Figure::Unserved => "the longest time without service",
            Figure::Election => "the slowest election",
            Figure::Failed => "the share of failed operations",
            Figure::Unknown => "the share of operations of unknown outcome",
            Figure::Served => "the share of the time with service",
        }
    }

    /// True if its limit is a share, and not a time.
    pub fn is_share(self) -> bool {
        matches!(self, Figure::Failed | Figure::Unknown | Figure::Served)
    }

    /// A limit of it as a person writes it: `1.5s`, `0.1%`.
    pub fn value(self, value: f64) -> String {
        // Without the digits that a computer's fractions add.
        self.rounded(value, 1e6)
    }

    /// A value of it as a person reads it, to the millisecond or to a hundredth of a percent.
    pub fn shown(self, value: f64) -> String {
        self.rounded(value, if self.is_share() { 1e2 } else { 1e3 })
    }

    fn rounded(self, value: f64, to: f64) -> String {
        let rounded = |value: f64| (value * to).round() / to;
        match self.is_share() {
            true => format!("{}%", rounded(value * 100.0)),
            false => format!("{}s", rounded(value)),
        }
    }

    fn read(self, text: &str) -> Result<f64, String> {
        match self.is_share() {
            true => share(text),
            false => time(text),
        }
        .map_err(|why| format!("{} {why}", self.key()))
    }
}

/// The units of times, in seconds.
const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Reads `1.5s`.
fn time(text: &str) -> Result<f64, String> {
    let (number, unit) = parts(text);
    let number = number.ok_or_else(|| format!("takes a time such as \"1.5s\", not {text:?}"))?;
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, seconds) = unit.ok_or_else(|| {
        let known: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
        format!("takes a time with a unit, such as \"1.5s\", not {text:?}: {}", known.join(", "))
    })?;
    Ok(number * seconds)
}

/// Reads `99.5%`.
fn share(text: &str) -> Result<f64, String> {
    match parts(text) {
        (Some(percent), "%") if percent <= 100.0 => Ok(percent / 100.0),
        _ => Err(format!("takes a share from 0% to 100%, such as \"99.5%\", not {text:?}")),
    }
}

/// The number and the unit of a text; no number where there is none that is 0 or more.
fn parts(text: &str) -> (Option<f64>, &str) {
    let number =
        text.trim_end_matches(|it: char| it.is_ascii_alphabetic() || it == '%' || it == ' ');
    let value = number.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    (value, text[number.len()..].trim())
}

impl Promise {
    /// True if it is about that fault.
    pub fn is_about(&self, fault: &FaultService) -> bool {
        (self.faults.is_empty() || self.faults.contains(&fault.family))
            && self.role.is_none_or(|role| role == fault.role)
    }

    /// A promise of which nothing is written yet.
    fn empty() -> Promise {
        Promise { faults: BTreeSet::new(), role: None, limits: BTreeMap::new() }
    }

    /// Takes in a key with its values. The complaint says what is known.
    fn take(&mut self, key: &str, values: &[String]) -> Result<(), String> {
        let one = || match values {
            [one] => Ok(one.as_str()),
            _ => Err(format!("{key} takes one value")),
        };
        match key {
            "faults" => {
                let families = values.iter().map(|name| family(name));
                self.faults = families.collect::<Result<_, _>>()?;
            }
            "role" => self.role = Some(role(one()?)?),
            _ => {
                let figure = Figure::ALL.into_iter().find(|figure| figure.key() == key);
                let figure = figure.ok_or_else(|| unknown_key(key))?;
                self.limits.insert(figure, figure.read(one()?)?);
            }
        }
        Ok(())
    }

    /// The promise once all of it is written.
    fn whole(self) -> Result<Promise, String> {
        if self.limits.is_empty() {
            return Err(format!("a promise has a limit: {}", keys()));
        }
        let of_all = self.faults.is_empty() && self.role.is_none();
        if self.limits.contains_key(&Figure::Served) && !of_all {
            let why = "served is of the whole run, so it is a promise without faults and role";
            return Err(why.to_owned());
        }
        Ok(self)
    }
}

fn keys() -> String {
    Figure::ALL.map(Figure::key).join(", ")
}

fn unknown_key(key: &str) -> String {
    format!("there is no {key} in a promise; there are faults, role, {}", keys())
}

fn family(name: &str) -> Result<Family, String> {
    let known = || Family::ALL.map(Family::name).join(", ");
    name.parse().map_err(|_| format!("there are no faults {name:?}; there are {}", known()))
}

fn role(name: &str) -> Result<Role, String> {
    let role = Role::ALL.into_iter().find(|role| role.name() == name);
    role.ok_or_else(|| {
        format!("there is no role {name:?}; there are {}", Role::ALL.map(Role::name).join(", "))
    })
}

impl FromStr for Promise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut promise = Promise::empty();
        for pair in text.split(',') {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                let keys = keys();
                format!(
                    "{pair:?} is no KEY=VALUE, such as recovery_p99=2s; keys are faults, role, {keys}"
                )
            })?;
            let values: Vec<String> = match key.trim() {
                "faults" => value.split('+').map(|name| name.trim().to_owned()).collect(),
                _ => vec![value.trim().to_owned()],
            };
            promise.take(key.trim(), &values)?;
        }
        promise.whole()
    }
}

/// The text that reads as the same promise.
impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.limits.iter();
        let mut pairs: Vec<String> = limits
            .map(|(figure, limit)| format!("{}={}", figure.key(), figure.value(*limit)))
            .collect();
        if !self.faults.is_empty() {
            let families: Vec<&str> = self.faults.iter().map(|family| family.name()).collect();
            pairs.push(format!("faults={}", families.join("+")));
        }
        pairs.extend(self.role.map(|role| format!("role={role}")));
        f.write_str(&pairs.join(","))
    }
}

/// A value of a table: a text, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text in quotes, or a list of such")]
enum Value {
    One(String),
    Several(Vec<String>),
}

/// A key is taken in as its value is read, so that a complaint about either has its line.
impl<'de> Deserialize<'de> for Promise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Promise;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a promise, which is a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Promise, A::Error> {
        let mut promise = Promise::empty();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(Entry(&mut promise, &key))?;
        }
        promise.whole().map_err(A::Error::custom)
    }
}

struct Entry<'a>(&'a mut Promise, &'a str);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Entry(promise, key) = self;
        let values = match Value::deserialize(deserializer)? {
            Value::One(one) => vec![one],
            Value::Several(several) => several,
        };
        promise.take(key, &values).map_err(D::Error::custom)
    }
}

impl Serialize for Promise {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Several(Vec<&'static str>),
        }
        let limits = self.limits.iter();
        let mut table: BTreeMap<&str, Written> = limits
            .map(|(figure, limit)| (figure.key(), Written::One(figure.value(*limit))))
            .collect();
        if !self.faults.is_empty() {
            let families = self.faults.iter().map(|family| family.name());
            table.insert("faults", Written::Several(families.collect()));
        }
        if let Some(role) = self.role {
            table.insert("role", Written::One(role.to_string()));
        }
        table.serialize(serializer)
    }
}

/// A value of `--slo`: a promise, or a file of them until the plan is resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Promised {
    /// A file that ends in `.toml`.
    File(PathBuf),
    /// A promise.
    Promise(Promise),
}

impl FromStr for Promised {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.ends_with(".toml") {
            true => Ok(Promised::File(text.into())),
            false => text.parse().map(Promised::Promise),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_read_back_from_its_text_and_from_its_table() {
        for text in [
            "recovery_p99=2s",
            "recovery_median=0.25s,recovery_max=90s,faults=partition+kill,role=leader",
            "failed=0.1%,unknown=12.5%,role=former-leader",
            "served=99.95%",
        ] {
            let promise: Promise = text.parse().expect("it is one");
            assert_eq!(promise.to_string(), text);
            let table = toml::Table::try_from(&promise).expect("a table");
            assert_eq!(table.try_into::<Promise>().expect("a promise"), promise);
        }
    }

    #[test]
    fn times_have_units_and_shares_are_in_percent() {
        let limits = |text: &str| text.parse::<Promise>().map(|promise| promise.limits);
        let same = limits("unserved_max=1500ms").expect("a time");
        assert_eq!(limits("unserved_max=1.5 s"), Ok(same));
        let complaints = [
            ("recovery_p99=2", "a time with a unit, such as \"1.5s\", not \"2\": ms, s, m, h"),
            ("recovery_p99=2 parsecs", "not \"2 parsecs\": ms, s, m, h"),
            ("recovery_p99=-2s", "recovery_p99 takes a time such as \"1.5s\", not \"-2s\""),
            ("served=101%", "served takes a share from 0% to 100%"),
            ("served=0.99", "such as \"99.5%\", not \"0.99\""),
            (
                "recovery=2s",
                "there is no recovery in a promise; there are faults, role, recovery_m",
            ),
            (
                "recovery_max=2s,faults=quantum",
                "there are no faults \"quantum\"; there are partition",
            ),
            ("recovery_max=2s,role=king", "there is no role \"king\"; there are leader, follower"),
            ("faults=kill", "a promise has a limit: recovery_median"),
            ("served=99%,role=leader", "served is of the whole run"),
            ("2s", "\"2s\" is no KEY=VALUE"),
        ];
        for (text, expected) in complaints {
            let complaint = limits(text).expect_err(text);
            assert!(complaint.contains(expected), "{text}: {complaint}");
        }
    }
}
