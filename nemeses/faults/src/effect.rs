//! Measurements of a fault's effect, each with its unit.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The measurements of a fault, the most important first: names in the plural of what is counted
/// (`packets_dropped`), or of what took a time (`cut_after`).
///
/// In JSON an object whose names end with the unit, such as
/// `{"packets_dropped":312,"cut_after_ms":11.2}`; see [`Measurement`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effect(Vec<(String, Measurement)>);

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub enum Measurement {
    /// A count of what the name says.
    Count(u64),
    /// A number without a unit.
    Number(f64),
    /// A time in milliseconds. Its name ends with `_ms` in JSON.
    Milliseconds(f64),
    /// The distance of a clock from the right time, in milliseconds, negative when it is behind.
    /// Its name ends with `_offset_ms` in JSON.
    Offset(f64),
    /// A share of a hundred. Its name ends with `_percent` in JSON.
    Percent(f64),
    /// Seconds that pass on a clock in a second. Its name is `rate` in JSON.
    Rate(f64),
    /// A value that cannot be counted, such as a place in a file.
    Text(String),
}

/// The name of a clock's rate.
const RATE: &str = "rate";

impl Measurement {
    /// The end of the names of such measurements in JSON.
    fn suffix(&self) -> &'static str {
        match self {
            Self::Count(_) | Self::Number(_) | Self::Rate(_) | Self::Text(_) => "",
            Self::Milliseconds(_) => "_ms",
            Self::Offset(_) => "_offset_ms",
            Self::Percent(_) => "_percent",
        }
    }

    /// The name and the measurement that a field of a JSON object stands for.
    fn read(field: &str, value: Value) -> (String, Self) {
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            _ => None,
        };
        let Some(number) = number else {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return (field.to_owned(), Self::Text(text));
        };
        // The longer suffix first: each offset is a number of milliseconds too.
        let units: [fn(f64) -> Self; 3] = [Self::Offset, Self::Milliseconds, Self::Percent];
        for measurement in units.map(|unit| unit(number)) {
            if let Some(name) = field.strip_suffix(measurement.suffix()) {
                return (name.to_owned(), measurement);
            }
        }
        let measurement = match value.as_u64() {
            _ if field == RATE => Self::Rate(number),
            Some(count) => Self::Count(count),
            None => Self::Number(number),
        };
        (field.to_owned(), measurement)
    }

    /// The distance from what is right, for what is right again in the end: the clocks.
    fn error(&self) -> Option<f64> {
        match self {
            Self::Offset(offset) => Some(offset.abs()),
            Self::Rate(rate) => Some((rate - 1.0).abs()),
            _ => None,
        }
    }
}

impl Effect {
    /// Nothing measured.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more measurement, which replaces one of the same name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, measurement: Measurement) -> Self {
        self.set(name, measurement);
        self
    }

    /// The same with one more count.
    #[must_use]
    pub fn counting(self, name: impl Into<String>, count: u64) -> Self {
        self.with(name, Measurement::Count(count))
    }

    /// Adds a measurement behind the others, or puts it in the place of one of the same name and
    /// unit.
    pub fn set(&mut self, name: impl Into<String>, measurement: Measurement) {
        let name = name.into();
        let same = |(other, old): &&mut (String, Measurement)| {
            *other == name && old.suffix() == measurement.suffix()
        };
        match self.0.iter_mut().find(same) {
            Some((_, old)) => *old = measurement,
            None => self.0.push((name, measurement)),
        }
    }

    /// Adds all measurements of `other`, see [`set`](Self::set).
    pub fn extend(&mut self, other: Self) {
        other.0.into_iter().for_each(|(name, measurement)| self.set(name, measurement));
    }

    /// Takes over what was measured later of the same fault: the later value stands, as it is the
    /// total; but of clocks, which are right again in the end, the farthest that they were off.
    pub fn absorb(&mut self, later: &Self) {
        for (name, measurement) in later.iter() {
            let before = self.get(name).and_then(Measurement::error);
            let nearer = before.zip(measurement.error()).is_some_and(|(before, now)| now < before);
            if !nearer {
                self.set(name, measurement.clone());
            }
        }
    }

    /// The first measurement of this name.
    pub fn get(&self, name: &str) -> Option<&Measurement> {
        self.iter().find_map(|(other, measurement)| (other == name).then_some(measurement))
    }

    /// The count of this name; none where there is none or it is no count.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.iter().find_map(|(other, measurement)| match measurement {
            Measurement::Count(count) if other == name => Some(*count),
            _ => None,
        })
    }

    /// Every measurement with its name, the most telling first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Measurement)> {
        self.0.iter().map(|(name, measurement)| (name.as_str(), measurement))
    }

    /// Returns true if nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Effect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, measurement) in self.iter() {
            let field = format!("{name}{}", measurement.suffix());
            match measurement {
                Measurement::Count(count) => map.serialize_entry(&field, count)?,
                Measurement::Text(text) => map.serialize_entry(&field, text)?,
                Measurement::Number(number)
                | Measurement::Milliseconds(number)
                | Measurement::Offset(number)
                | Measurement::Percent(number)
                | Measurement::Rate(number) => map.serialize_entry(&field, number)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Effect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Effect;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of measurements")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Effect, A::Error> {
                let mut effect = Effect::new();
                while let Some((field, value)) = map.next_entry::<String, Value>()? {
                    let (name, measurement) = Measurement::read(&field, value);
                    effect.set(name, measurement);
                }
                Ok(effect)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_carries_its_unit_and_its_name_in_json_ends_with_it() {
        let effect = Effect::new()
            .counting("packets_dropped", 312)
            .with("cut_after", Measurement::Milliseconds(11.2))
            .with("wall", Measurement::Offset(-5000.0))
            .with("limit", Measurement::Percent(5.0))
            .with("rate", Measurement::Rate(1.05))
            .with("balance", Measurement::Number(-1.5))
            .with("damaged", Measurement::Text("log, byte 7".to_owned()));
        let text = serde_json::to_string(&effect).unwrap();
        assert_eq!(
            text,
            r#"{"packets_dropped":312,"cut_after_ms":11.2,"wall_offset_ms":-5000.0,"#.to_owned()
                + r#""limit_percent":5.0,"rate":1.05,"balance":-1.5,"damaged":"log, byte 7"}"#
        );
        assert_eq!(serde_json::from_str::<Effect>(&text).unwrap(), effect);
    }

    #[test]
    fn what_is_no_measurement_is_kept_as_text() {
        let effect: Effect = serde_json::from_str(r#"{"stalled":true,"odd":[1,2]}"#).unwrap();
        assert_eq!(effect.get("stalled"), Some(&Measurement::Text("true".to_owned())));
        assert_eq!(effect.get("odd"), Some(&Measurement::Text("[1,2]".to_owned())));
    }

    #[test]
    fn the_later_value_stands_but_of_clocks_the_farthest() {
        let mut effect = Effect::new()
            .with("wall", Measurement::Offset(-400.0))
            .counting("packets_dropped", 2)
            .with("rate", Measurement::Rate(1.1));
        let later = Effect::new()
            .counting("packets_dropped", 1)
            .with("wall", Measurement::Offset(0.1))
            .with("rate", Measurement::Rate(0.8));
        effect.absorb(&later);
        assert_eq!(effect.count("packets_dropped"), Some(1));
        assert_eq!(effect.get("wall"), Some(&Measurement::Offset(-400.0)));
        assert_eq!(effect.get("rate"), Some(&Measurement::Rate(0.8)), "farther");
    }
}
