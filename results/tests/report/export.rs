//! Histories in the forms of other tools.

use std::collections::{BTreeMap, BTreeSet};

use checker::history::{
    Event, EventType, Format, History, OperationRef, Process, Reading, Setting,
};
use checker::model::NilReads;
use checker::{check, verdict::Verdict};
use serde_json::{Value, json};
use stormproof_results::export::{Edn, Form, Otel, Porcupine, Source};

use crate::sample::{Options, Sample, judged, models, sample};

fn exported(form: &mut dyn Form, history: &History) -> String {
    let mut text = form.begin();
    history.events.iter().for_each(|event| text += &form.event(event));
    text + &form.end()
}

fn as_edn(history: &History, model: Option<&str>) -> Reading {
    let mut setting = Setting::default();
    setting.model = model.map(str::to_owned);
    setting.nil_reads = Some(NilReads::Absent);
    let text = exported(&mut Edn::new(setting.clone()), history);
    let reading = checker::history::read(text.as_bytes());
    let reading = reading.unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((reading.format, &reading.setting), (Format::JepsenEdn, &setting));
    reading
}

/// All that an operation says.
fn told(operation: OperationRef<'_>) -> Value {
    json!([
        operation.process(),
        operation.f(),
        operation.key(),
        operation.input().to_value(),
        operation.output().to_value(),
        format!("{:?}", operation.outcome()),
        operation.start(),
        operation.end(),
        operation.token(),
        operation.node(),
        operation.version(),
    ])
}

/// The history comes back as it was: every operation, and the verdict.
fn comes_back(history: &History, model: Option<&str>) -> Verdict {
    let reading = as_edn(history, model);
    let operations = checker::history::Operations::of(history).expect("a history");
    let before: Vec<Value> = operations.iter().map(told).collect();
    let after: Vec<Value> = reading.operations.iter().map(told).collect();
    assert_eq!(before, after);
    let options = reading.setting.options(reading.format);
    let [before, after] = [&operations, &reading.operations]
        .map(|operations| check(operations, &options).expect("it can be judged"));
    assert_eq!(before, after);
    after.verdict
}

#[test]
fn edn_of_every_model_is_read_back_as_it_was_and_judged_alike() {
    for model in models() {
        let mut history = judged(model).history;
        history.events.retain(|event| matches!(event.process, Process::Client(_)));
        assert_eq!(comes_back(&history, Some(model)), Verdict::Invalid, "{model}");
    }
    let run = sample(&Options { seconds: 10, rate: 60, faults: true, verdict: Verdict::Invalid });
    comes_back(&run.history, None);
}

/// A stream of numbers that is the same every time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 12] =
            ["a", "\"", "\\", "\n", "ü", "\u{1}", ":key", "nil", " ", "#{", ";", "🦀"];
        (0..self.below(4)).map(|_| PARTS[self.below(12) as usize]).collect()
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(1_000) as i64 - 500),
            3 => json!(u64::MAX - self.below(9)),
            4 => json!(self.below(1_000) as f64 / 8.0 - 60.0),
            5 => json!(self.text()),
            6 => json!(["r", "nil", "true", "read", "+1"][self.below(5) as usize]),
            7 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let members = (0..self.below(4)).map(|_| (self.text(), self.value(depth - 1)));
                Value::Object(members.collect())
            }
        }
    }
}

#[test]
fn edn_of_any_values_is_read_back_as_it_was() {
    let mut random = Random(7);
    for _ in 0..200 {
        let mut history = History::default();
        let (mut open, mut next) = (BTreeMap::new(), 0);
        for index in 0..40 {
            let process = match open.len() as u64 {
                0 => None,
                many => open.keys().nth(random.below(many + 1) as usize).copied(),
            };
            let event = match process {
                None => {
                    next += 1;
                    let f = ["read", "write", "cas", "txn", "own op"][random.below(5) as usize];
                    let invocation = Event {
                        key: (random.below(3) > 0).then(|| format!("k{}", random.text())),
                        token: (random.below(3) > 0).then(|| format!("t{next}")),
                        ..Event::new(Process::Client(next), EventType::Invoke, f, random.value(3))
                    };
                    open.insert(next, invocation.clone());
                    invocation
                }
                Some(process) => {
                    let invocation = open.remove(&process).expect("it is open");
                    let kinds = [EventType::Ok, EventType::Fail, EventType::Info];
                    let kind = kinds[random.below(3) as usize];
                    let ok = kind == EventType::Ok;
                    Event {
                        kind,
                        value: if ok { random.value(3) } else { invocation.value.clone() },
                        node: ok.then(|| "n1".to_owned()),
                        version: (ok && random.below(2) == 0).then(|| random.below(99)),
                        error: (!ok).then(|| random.text() + "!"),
                        ..invocation
                    }
                }
            };
            history.events.push(Event { index, time: index * 10, ..event });
        }
        let operations = checker::history::Operations::of(&history).expect("a history");
        let before: Vec<Value> = operations.iter().map(told).collect();
        let reading = as_edn(&history, Some("register"));
        let after: Vec<Value> = reading.operations.iter().map(told).collect();
        assert_eq!(before, after);
    }
}

fn run() -> Sample {
    sample(&Options { seconds: 10, rate: 60, faults: true, verdict: Verdict::Valid })
}

#[test]
fn porcupine_gets_every_operation_that_may_have_happened() {
    let Sample { history, .. } = run();
    let text = exported(&mut Porcupine::default(), &history);
    let operations: Vec<Value> = serde_json::from_str(&text).expect("it is an array");
    let invoked = |event: &&Event| {
        event.kind == EventType::Invoke && matches!(event.process, Process::Client(_))
    };
    let failed = |event: &&Event| {
        event.kind == EventType::Fail && matches!(event.process, Process::Client(_))
    };
    let count = history.events.iter().filter(invoked).count();
    assert_eq!(operations.len(), count - history.events.iter().filter(failed).count());
    let last = history.events.iter().map(|event| event.time).max().expect("it has events");
    let mut unknown = 0;
    for operation in &operations {
        // Nothing but what Go's struct has: another name would be dropped without a word.
        let names: BTreeSet<&str> =
            operation.as_object().expect("an object").keys().map(String::as_str).collect();
        let expect = ["ClientId", "Input", "Call", "Output", "Return"];
        assert_eq!(names, expect.into_iter().collect());
        let time = |name: &str| operation[name].as_i64().expect("an int64");
        assert!(time("Call") <= time("Return"), "{operation}");
        if operation["Output"]["unknown"] == true {
            unknown += 1;
            assert!(time("Return") > last as i64, "it may happen at any later time");
        }
    }
    let known = history
        .events
        .iter()
        .filter(|event| event.kind == EventType::Ok && matches!(event.process, Process::Client(_)));
    assert_eq!(unknown, operations.len() - known.count());
    assert!(unknown > 0, "the sample has operations of unknown outcome");
    assert_eq!(exported(&mut Porcupine::default(), &History::default()), "[\n]\n");
}

#[test]
fn every_attempt_is_a_span_below_its_operation_and_ids_are_always_the_same() {
    let Sample { history, .. } = run();
    let source = || Source {
        run: "a-run".to_owned(),
        target: "bundled".to_owned(),
        target_version: "1".to_owned(),
        started: 1_800_000_000_000_000_000,
    };
    let text = exported(&mut Otel::new(source()), &history);
    assert_eq!(text, exported(&mut Otel::new(source()), &history));
    let mut spans: BTreeMap<(String, String), Value> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let below = &line["resourceSpans"][0]["scopeSpans"][0]["spans"];
        for span in below.as_array().expect("it has spans") {
            let id = |name: &str| span[name].as_str().expect("an id").to_owned();
            let (trace, id) = (id("traceId"), id("spanId"));
            assert_eq!((trace.len(), id.len()), (32, 16), "{span}");
            assert!((trace + &id).bytes().all(|byte| byte.is_ascii_hexdigit()));
            let key = (span["traceId"].to_string(), span["spanId"].to_string());
            assert!(spans.insert(key, span.clone()).is_none(), "an id stands twice");
        }
    }
    let time = |span: &Value, name: &str| -> u64 {
        span[name].as_str().expect("64 bits are text").parse().expect("a number")
    };
    let mut attempts = 0;
    for span in spans.values() {
        assert!(time(span, "startTimeUnixNano") >= 1_800_000_000_000_000_000);
        assert!(time(span, "startTimeUnixNano") <= time(span, "endTimeUnixNano"));
        let parent = span
            .get("parentSpanId")
            .map(|parent| &spans[&(span["traceId"].to_string(), parent.to_string())]);
        if span["kind"] == 3 {
            attempts += 1;
            let parent = parent.expect("an attempt is part of an operation");
            let name = format!("{} at ", parent["name"].as_str().expect("a text"));
            assert!(span["name"].as_str().expect("a text").starts_with(&name));
        }
    }
    let recorded: usize = history.events.iter().map(|event| event.attempts.len()).sum();
    assert!(attempts == recorded && attempts > 0, "{attempts} of {recorded}");
    let faults = spans.values().filter(|span| {
        let attributes = span["attributes"].as_array().expect("a list");
        attributes.iter().any(|it| it["key"] == "stormproof.fault.family")
    });
    assert!(faults.count() > 0);
}
