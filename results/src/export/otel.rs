//! Spans of OpenTelemetry in its JSON form (OTLP), an `ExportTraceServiceRequest` a line, as the
//! Collector's file exporter writes and its `otlpjsonfile` receiver reads them.
//!
//! Every operation is a trace of its own: a span of the operation, and below it one for each attempt.
//! The run is a trace as well: its phases, and below it its faults. Ids are digests of the run's id
//! and of a place in its history, so that the same history always has the same.

use checker::history::{Attempt, Event, EventType, Process};
use serde_json::{Value, json};

use super::Form;
use super::pairs::Pairs;
use crate::metrics::{RunHistory, fault_intervals, phases};
use crate::words::phase;

/// The spans on a line.
const A_LINE: usize = 500;

/// `SPAN_KIND_INTERNAL` and `SPAN_KIND_CLIENT` of the protocol.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;

/// The origin of a history.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The run's id.
    pub run: String,
    /// The target.
    pub target: String,
    /// The version of the target; empty if it is not known.
    pub target_version: String,
    /// When the run started, in nanoseconds since 1970; 0 if it is not known.
    pub started: u64,
}

/// Writes a history as spans.
#[derive(Debug)]
pub struct Otel {
    source: Source,
    pairs: Pairs,
    /// Events of nemesis and controller.
    others: RunHistory,
    spans: Vec<Value>,
    end: u64,
}

impl Otel {
    /// Of a history of this origin.
    pub fn new(source: Source) -> Otel {
        Otel {
            source,
            pairs: Pairs::default(),
            others: RunHistory::default(),
            spans: Vec::new(),
            end: 0,
        }
    }

    /// A digest in hexadecimal digits, 16 for each salt.
    fn id(&self, salts: &[&str], of: &str) -> String {
        let digest = |salt: &&str| {
            let text = format!("{salt}/{}/{of}", self.source.run);
            let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            // None is all zeros, which would be no id.
            format!("{:016x}", hash.max(1))
        };
        salts.iter().map(digest).collect()
    }

    fn span(&self, span: Span<'_>) -> Value {
        let Span { trace, of, parent, name, kind, start, end, attributes, error } = span;
        let time = |time: u64| (self.source.started + time).to_string();
        let mut json = json!({
            "traceId": self.id(&["trace-1", "trace-2"], trace),
            "spanId": self.id(&["span"], of),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": time(start),
            "endTimeUnixNano": time(end.max(start)),
            "attributes": attributes.into_iter().map(|(key, value)| {
                json!({ "key": key, "value": { "stringValue": value } })
            }).collect::<Vec<_>>(),
        });
        if let Some(parent) = parent {
            json["parentSpanId"] = self.id(&["span"], parent).into();
        }
        if let Some(message) = error {
            json["status"] = json!({ "code": 2, "message": message });
        }
        json
    }

    fn operation(&mut self, invocation: &Event, completion: Option<&Event>) {
        let Process::Client(process) = invocation.process else { return };
        let of = format!("operation {}", invocation.index);
        let outcome = match completion.map(|completion| completion.kind) {
            Some(EventType::Ok) => "ok",
            Some(EventType::Fail) => "fail",
            _ => "info",
        };
        let mut attributes = vec![
            ("stormproof.f", invocation.f.clone()),
            ("stormproof.process", process.to_string()),
            ("stormproof.index", invocation.index.to_string()),
            ("stormproof.value", invocation.value.to_string()),
            ("stormproof.outcome", outcome.to_owned()),
        ];
        let mut more = |name, value: Option<String>| {
            attributes.extend(value.map(|value| (name, value)));
        };
        more("stormproof.key", invocation.key.clone());
        more("stormproof.token", invocation.token.clone());
        if let Some(completion) = completion {
            more("stormproof.result", Some(completion.value.to_string()));
            more("stormproof.node", completion.node.clone());
            more("stormproof.version", completion.version.map(|version| version.to_string()));
        }
        let error = completion.and_then(|completion| completion.error.clone());
        let end = completion.map_or(self.end, |completion| completion.time);
        let operation = self.span(Span {
            trace: &of,
            of: &of,
            parent: None,
            name: &invocation.f,
            kind: INTERNAL,
            start: invocation.time,
            end,
            attributes,
            error: (outcome != "ok").then(|| error.unwrap_or_else(|| outcome.to_owned())),
        });
        self.spans.push(operation);
        let attempts = completion.map_or(&[][..], |completion| &completion.attempts);
        for (number, attempt) in attempts.iter().enumerate() {
            let span = self.attempt(&of, number, attempt, &invocation.f);
            self.spans.push(span);
        }
    }

    fn attempt(&self, operation: &str, number: usize, attempt: &Attempt, f: &str) -> Value {
        let Attempt { node, start, end, error, definite } = attempt;
        let mut attributes = vec![
            ("stormproof.node", node.clone()),
            ("stormproof.attempt", (number + 1).to_string()),
        ];
        attributes.extend(definite.map(|it| ("stormproof.definite", it.to_string())));
        self.span(Span {
            trace: operation,
            of: &format!("{operation} attempt {number}"),
            parent: Some(operation),
            name: &format!("{f} at {node}"),
            kind: CLIENT,
            start: *start,
            end: *end,
            attributes,
            error: error.clone(),
        })
    }

    /// The trace of the run: itself, its phases, its faults.
    fn run(&mut self) {
        let mut spans = vec![self.span(Span {
            trace: "run",
            of: "run",
            parent: None,
            name: "run",
            kind: INTERNAL,
            start: 0,
            end: self.end,
            attributes: vec![("stormproof.run", self.source.run.clone())],
            error: None,
        })];
        let phases = phases(&self.others);
        for (number, interval) in phases.iter().enumerate() {
            let last = number + 1 == phases.len();
            spans.push(self.span(Span {
                trace: "run",
                of: &format!("phase {number}"),
                parent: Some("run"),
                name: phase(interval.phase),
                kind: INTERNAL,
                start: interval.start,
                end: if last { self.end } else { interval.end },
                attributes: Vec::new(),
                error: None,
            }));
        }
        for fault in fault_intervals(&self.others).iter() {
            let nodes: Vec<&str> = fault.nodes.iter().map(String::as_str).collect();
            let mut attributes = vec![
                ("stormproof.fault.family", fault.family.name().to_owned()),
                ("stormproof.fault.number", fault.fault.to_string()),
                ("stormproof.fault.nodes", nodes.join(",")),
                ("stormproof.fault.outcome", fault.outcome_name().to_owned()),
            ];
            attributes
                .extend(fault.reason().map(|why| ("stormproof.fault.reason", why.to_owned())));
            spans.push(self.span(Span {
                trace: "run",
                of: &format!("fault {} {}", fault.fault, fault.index),
                parent: Some("run"),
                name: &fault.name,
                kind: INTERNAL,
                start: fault.start,
                end: fault.end.unwrap_or(self.end),
                attributes,
                error: None,
            }));
        }
        self.spans.extend(spans);
    }

    fn line(&mut self) -> String {
        let spans = std::mem::take(&mut self.spans);
        let Source { run, target, target_version, .. } = &self.source;
        let attribute =
            |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        let line = json!({ "resourceSpans": [{
            "resource": { "attributes": [
                attribute("service.name", target),
                attribute("service.version", target_version),
                attribute("service.instance.id", run),
            ] },
            "scopeSpans": [{
                "scope": { "name": "stormproof", "version": env!("CARGO_PKG_VERSION") },
                "spans": spans,
            }],
        }] });
        format!("{line}\n")
    }
}

/// A span before it has ids.
struct Span<'a> {
    trace: &'a str,
    of: &'a str,
    parent: Option<&'a str>,
    name: &'a str,
    kind: u8,
    start: u64,
    end: u64,
    attributes: Vec<(&'static str, String)>,
    error: Option<String>,
}

impl Form for Otel {
    fn event(&mut self, event: &Event) -> String {
        self.end = self.end.max(event.time);
        match self.pairs.take(event) {
            Some((invocation, completion)) => self.operation(&invocation, Some(&completion)),
            None if matches!(event.process, Process::Client(_)) => {}
            None => self.others.push(event.clone()),
        }
        if self.spans.len() >= A_LINE { self.line() } else { String::new() }
    }

    fn end(&mut self) -> String {
        for invocation in self.pairs.left() {
            self.operation(&invocation, None);
        }
        self.run();
        self.line()
    }
}
