//! Jepsen's EDN: a map an event, one a line, as its `history.edn` has them.
//!
//! Names are keywords: processes that are no clients, types, functions, and the steps of
//! transactions, as Knossos and Elle want them. `:key` is a field of its own, and not half of the
//! value as with `jepsen.independent`. The first event says how the history is to be judged, for
//! `stormproof check`: a nil that was read means there that nothing was there.

use checker::history::{Event, EventType, Process, Setting};
use serde_json::Value;

use super::Form;

/// Writes a history as EDN.
#[derive(Debug)]
pub struct Edn {
    setting: Setting,
}

impl Edn {
    /// Of a history that is to be judged like this.
    pub fn new(setting: Setting) -> Edn {
        Edn { setting }
    }
}

impl Form for Edn {
    fn begin(&mut self) -> String {
        let line: Value = serde_json::from_str(&self.setting.line()).expect("it is JSON");
        let setting = edn(&line["value"], false);
        format!("{{:process :controller, :type :info, :f :judging, :value {setting}}}\n")
    }

    fn event(&mut self, event: &Event) -> String {
        let process = match event.process {
            Process::Client(number) => number.to_string(),
            Process::Nemesis => ":nemesis".to_owned(),
            Process::Controller => ":controller".to_owned(),
        };
        let kind = match event.kind {
            EventType::Invoke => ":invoke",
            EventType::Ok => ":ok",
            EventType::Fail => ":fail",
            EventType::Info => ":info",
        };
        let mut text = format!(
            "{{:index {}, :time {}, :process {process}, :type {kind}, :f {}, :value {}",
            event.index,
            event.time,
            name(&event.f),
            edn(&event.value, event.f == "txn")
        );
        let mut field = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                text += &format!(", :{name} {}", string(value));
            }
        };
        field("key", &event.key);
        field("token", &event.token);
        field("node", &event.node);
        field("error", &event.error);
        if let Some(version) = event.version {
            text += &format!(", :version {version}");
        }
        if !event.attempts.is_empty() {
            let attempts = serde_json::to_value(&event.attempts).expect("they are plain data");
            text += &format!(", :attempts {}", edn(&attempts, false));
        }
        text + "}\n"
    }
}

/// A value; in that of a transaction the names of steps are keywords.
fn edn(value: &Value, of_transaction: bool) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text),
        Value::Array(elements) => {
            let is_step = |element: &Value| {
                let named = |name: &str| matches!(name, "r" | "w" | "append");
                element.get(0).and_then(Value::as_str).is_some_and(named)
            };
            let elements = elements.iter().map(|element| match element.as_array() {
                Some(step) if of_transaction && is_step(element) => {
                    let rest = step[1..].iter().map(|part| format!(" {}", edn(part, false)));
                    let kind = step[0].as_str().unwrap_or_default();
                    format!("[:{kind}{}]", rest.collect::<String>())
                }
                _ => edn(element, false),
            });
            format!("[{}]", elements.collect::<Vec<_>>().join(" "))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                let value = edn(value, false);
                format!("{} {value}", name(key))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A name as a keyword, or as a string where a keyword cannot be written so.
fn name(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_.+*!?<>=".contains(it);
    match text.starts_with(|it: char| it.is_ascii_alphabetic()) && text.chars().all(plain) {
        true => format!(":{text}"),
        false => string(text),
    }
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted + "\""
}
