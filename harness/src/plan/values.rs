//! The values of flags: how they are read off a text, and how they are written.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use faults::fault::Family;
use faults::schedule::Budget;
use faults::trigger::TriggerKind;
use serde::{Serialize, Serializer};

/// The word for "every family within the fault model that the target can have".
pub(super) const ALL: &str = "all";
/// The word for no family.
pub(super) const NONE: &str = "none";
/// The word for a rate that is drawn.
const ANY: &str = "any";

/// The highest rate; no client of ours comes near it. The lowest waits hours between operations.
const HIGHEST_RATE: f64 = 1e6;
const LOWEST_RATE: f64 = 1e-3;

/// A word of a list of names: of one, of all that the target can have, or of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word<T> {
    /// None at all.
    None,
    /// Every one that the target can have; of families, those within the fault model.
    All,
    /// This one.
    One(T),
}

/// A word of `--faults`.
pub(crate) type FaultName = Word<Family>;

/// A word of `--triggers`; without any, every fault begins at its time.
pub(crate) type TriggerName = Word<TriggerKind>;

/// The word for a name that is known.
pub(super) fn word<T: FromStr>(name: String) -> Word<T> {
    match name.as_str() {
        ALL => Word::All,
        name => name.parse().map_or(Word::None, Word::One),
    }
}

impl<T> Word<T> {
    /// The one that it names, if it is one.
    pub fn one(self) -> Option<T> {
        match self {
            Word::One(one) => Some(one),
            Word::None | Word::All => None,
        }
    }
}

impl<T: fmt::Display> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Word::None => serializer.serialize_str(NONE),
            Word::All => serializer.serialize_str(ALL),
            Word::One(one) => serializer.collect_str(one),
        }
    }
}

/// Something that a person may ask for by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A family of faults.
    Family(Family),
    /// A kind of trigger.
    Trigger(TriggerKind),
}

/// Operations a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rate {
    /// So many; 0 for as fast as the clients go.
    PerSecond(f64),
    /// The rate that the seed gives.
    Any,
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Rate::PerSecond(rate) => serializer.serialize_f64(*rate),
            Rate::Any => serializer.serialize_str(ANY),
        }
    }
}

/// Accepts a rate.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    match text.parse::<f64>() {
        _ if text == ANY => Ok(Rate::Any),
        Ok(rate) if rate == 0.0 || (LOWEST_RATE..=HIGHEST_RATE).contains(&rate) => {
            // No negative zero.
            Ok(Rate::PerSecond(rate.abs()))
        }
        Ok(_) => Err(format!("a rate is 0, or {LOWEST_RATE} to {HIGHEST_RATE} a second")),
        Err(_) => Err(format!("not a number, and not {ANY}")),
    }
}

/// Accepts a time within bounds, in seconds: `2.5`, `2.5s`, `1m 30s`.
pub(super) fn seconds(
    least: f64,
    most: f64,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let seconds = match text.parse::<f64>() {
            Ok(seconds) => seconds,
            Err(_) => {
                let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
                time.as_secs_f64()
            }
        };
        match (least..=most).contains(&seconds) {
            // No negative zero.
            true => Ok(seconds.abs()),
            false => Err(format!("it is {} to {}", words(least), words(most))),
        }
    }
}

/// A bound in words: `1ms`, `10m`.
fn words(seconds: f64) -> String {
    humantime::format_duration(Duration::from_secs_f64(seconds)).to_string()
}

/// Accepts how many nodes may be down at once.
pub(super) fn budget(text: &str) -> Result<Budget, String> {
    match text.parse()? {
        Budget::Nodes(0) => Err("it is at least 1; --faults none has no faults".to_owned()),
        budget => Ok(budget),
    }
}

/// Accepts `HOST:PORT`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "it has no address".to_owned())
}

/// Accepts `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

/// Writes settings as a table.
pub(super) fn as_table<S: Serializer>(
    settings: &[(String, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(settings.iter().map(|(name, value)| (name, value)))
}
