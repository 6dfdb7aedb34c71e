//! Jepsen's and Knossos' EDN histories.

use std::io::BufRead;

use crate::history::edn::Reader;
use crate::history::edn_forms::{Form, Forms};
use crate::history::event_line::{LooseEvent, event_type};
use crate::history::foreign::Foreign;
use crate::history::pairing::Actor;
use crate::history::{Datum, Format, OwnedDatum, ReadError, Reading};

/// Reads one vector (or list) of maps, or one map after the other.
pub(super) fn read(input: impl BufRead) -> Result<Reading, ReadError> {
    let mut forms = Forms::new(input, "expected an event, which is a map: {:process 0 …}");
    let mut foreign = Foreign::default();
    loop {
        match forms.next()? {
            Form::End => break,
            Form::CutOff { line } => {
                foreign.cut_off(line);
                break;
            }
            Form::Map { text, line, column } => {
                let mut reader = Reader::new(&text, line, column);
                reader.take(b'{')?;
                let members = reader.members(b'}')?;
                let event = event(members).map_err(|reason| ReadError::on_line(line, reason))?;
                foreign.push(&event, line)?;
            }
        }
    }
    foreign.finish(Format::JepsenEdn)
}

/// Makes an event of the members of a map; of several with one name the last counts.
fn event(members: Vec<(String, String)>) -> Result<LooseEvent, String> {
    let member = |name: &str| {
        let text = members.iter().rev().find(|(found, _)| found == name).map(|(_, text)| text);
        text.map_or(Datum::Null, |text| Datum::of_canonical(text))
    };
    let text = |name| member(name).as_name().map(|text| text.into_owned());
    let actor = actor(member("process"))?;
    let kind = match member("type").as_text() {
        Some(name) => event_type(&name).ok_or_else(|| {
            format!("unknown :type :{name}; there are :invoke, :ok, :fail, :info")
        })?,
        None => return Err("the event has no :type".to_string()),
    };
    let index = match member("index") {
        Datum::Null => None,
        index => {
            let number = index.as_integer().and_then(|index| u64::try_from(index).ok());
            Some(number.ok_or_else(|| format!("{index} is not an :index"))?)
        }
    };
    // The nemesis may note something a moment before the clock's zero.
    let time = member("time").as_integer().and_then(|time| u64::try_from(time).ok());
    Ok(LooseEvent {
        index,
        time: time.unwrap_or(0),
        actor,
        kind,
        f: text("f"),
        key: text("key"),
        value: member("value").to_owned(),
        token: text("token"),
        node: text("node"),
        version: member("version").as_integer().and_then(|it| u64::try_from(it).ok()),
        error: text("error"),
        attempts: member("attempts").as_list().map(|_| member("attempts").to_string()),
    })
}

/// Jepsen numbers its clients and names everybody else.
pub(super) fn actor(process: Datum<'_>) -> Result<Actor, String> {
    match process {
        Datum::Null => Ok(Actor::Anonymous),
        Datum::Integer(number) => u64::try_from(number)
            .map(Actor::Client)
            .map_err(|_| format!("{number} is not the number of a process")),
        other => match other.as_text().as_deref() {
            Some("controller") => Ok(Actor::Controller),
            Some(_) => Ok(Actor::Nemesis),
            None => Err(format!("{other} is not a process")),
        },
    }
}

/// A value that needs no text.
pub(super) const NOTHING: OwnedDatum = OwnedDatum::Plain(Datum::Null);
