//! Durations in files: seconds, to the millisecond, so that a time reads as people say it and is
//! the same after it was written and read.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// The longest time a file may name: a year. Beyond it is a slip of the pen.
const LONGEST_SECONDS: f64 = 365.0 * 24.0 * 3600.0;

pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_millis() as f64 / 1e3)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(from)?;
    if !(0.0..=LONGEST_SECONDS).contains(&seconds) {
        return Err(D::Error::custom(format!("{seconds} is no number of seconds of a run")));
    }
    Ok(Duration::from_millis((seconds * 1e3).round() as u64))
}
