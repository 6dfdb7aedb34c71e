//! Times in a manifest, and those that the nodes of a service wait for each other.

use std::time::Duration;

use anyhow::Result;
use faults::fault::TimerRange;

use super::schema::{Text, Timers};
use super::source::Source;

/// Understands a time such as `{timeout}` or `100ms`.
///
/// # Errors
/// When it is none.
pub fn time(source: &Source<'_>, text: &Text) -> Result<Duration> {
    let written = source.template(text, &[])?.fill(&|_| serde_json::Value::Null);
    match humantime::parse_duration(&written) {
        Ok(time) if time.is_zero() => Err(source.error(text.span(), "a time of nothing")),
        Ok(time) => Ok(time),
        Err(error) => {
            let what = format!("{written:?} is no time such as 100ms or 2m: {error}");
            Err(source.error(text.span(), what))
        }
    }
}

/// Understands `[timers]`.
///
/// # Errors
/// When one is no time, or elections come sooner than heartbeats.
pub fn range(source: &Source<'_>, timers: &Timers) -> Result<TimerRange> {
    let heartbeat = time(source, &timers.heartbeat)?;
    let election = time(source, &timers.election)?;
    let client = timers.client.as_ref().map(|client| time(source, client)).transpose()?;
    if election <= heartbeat {
        let what = "the election timeout is longer than the interval of heartbeats";
        return Err(source.error(timers.election.span(), what));
    }
    let range = TimerRange::of(heartbeat, election);
    Ok(client.map_or(range, |client| range.with_client(client)))
}
