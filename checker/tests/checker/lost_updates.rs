//! Sentences about services that lose updates: they read what is there and write it back with an
//! addition, without looking whether another one did so in between.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType, History, Process};
use stormproof_checker::{Options, check};

use crate::support::paired;

/// The model that judges a service, and the name of its mutation.
const SERVICES: [(&str, &str); 4] =
    [("append-list", "append"), ("set", "add"), ("kv-append", "append"), ("counter", "add")];

/// The content at first.
fn first(model: &str) -> Value {
    match model {
        "counter" => json!(0),
        "kv-append" => json!(""),
        _ => json!([]),
    }
}

/// The element that a mutation puts there, or the power of two.
fn element(model: &str, number: usize) -> Value {
    match model {
        "counter" => json!(1_u64 << number),
        "kv-append" => json!(format!("{number};")),
        _ => json!(number),
    }
}

fn with(model: &str, state: &Value, element: &Value) -> Value {
    match state {
        Value::Array(list) => {
            let mut list = list.clone();
            // In a set, answers are not in the order of the additions.
            list.insert(if model == "set" { 0 } else { list.len() }, element.clone());
            json!(list)
        }
        Value::String(text) => json!(format!("{text}{}", element.as_str().expect("a text"))),
        sum => json!(sum.as_u64().expect("a sum") + element.as_u64().expect("a number")),
    }
}

fn has(state: &Value, element: &Value) -> bool {
    match state {
        Value::Array(list) => list.contains(element),
        Value::String(text) => {
            let wanted = element.as_str().expect("a text").trim_end_matches(';');
            text.split(';').any(|it| it == wanted)
        }
        sum => sum.as_u64().expect("a sum") & element.as_u64().expect("a number") != 0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Invocation,
    Look,
    Write,
    Completion,
}

/// A history, and the numbers of the operations that overwrote each element.
struct Recorded {
    history: History,
    overwritten: BTreeMap<String, Vec<usize>>,
}

/// Records a service that looks and writes at different times, and loses what was written in
/// between.
fn record(model: &str, f: &str, seed: u64) -> Recorded {
    const OPERATIONS: usize = 24;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let clients = random.random_range(2..5);
    let (mut state, mut events) = (first(model), Vec::new());
    let mut overwritten: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut requests: Vec<(bool, Value)> = Vec::new();
    let mut agenda = BinaryHeap::new();
    for client in 0..clients {
        agenda.push(Reverse((client as u64, Step::Invocation, client, 0)));
    }
    while let Some(Reverse((time, step, client, number))) = agenda.pop() {
        let event = |kind, f: &str, value| Event {
            time: time * 1_000_000,
            ..Event::new(Process::Client(client as u64), kind, f, value)
        };
        match step {
            Step::Invocation if requests.len() == OPERATIONS => {}
            Step::Invocation => {
                let number = requests.len();
                let reads = random.random_bool(0.4);
                requests.push((reads, Value::Null));
                let value = if reads { Value::Null } else { element(model, number) };
                let name = match (reads, model) {
                    (true, "kv-append") => "get",
                    (true, _) => "read",
                    _ => f,
                };
                events.push(event(EventType::Invoke, name, value));
                let look = time + random.random_range(1..30);
                let write = look + random.random_range(1..15);
                let end = write + random.random_range(1..30);
                for (time, step) in
                    [(look, Step::Look), (write, Step::Write), (end, Step::Completion)]
                {
                    agenda.push(Reverse((time, step, client, number)));
                }
            }
            Step::Look => requests[number].1 = state.clone(),
            Step::Write if requests[number].0 => {}
            Step::Write => {
                let seen = &requests[number].1;
                for other in (0..requests.len()).map(|other| element(model, other)) {
                    if has(&state, &other) && !has(seen, &other) {
                        overwritten.entry(other.to_string()).or_default().push(number);
                    }
                }
                state = with(model, seen, &element(model, number));
            }
            Step::Completion => {
                let (reads, seen) = &requests[number];
                let answer = if *reads { seen.clone() } else { element(model, number) };
                let name = match (reads, model) {
                    (true, "kv-append") => "get",
                    (true, _) => "read",
                    _ => f,
                };
                events.push(event(EventType::Ok, name, answer));
                agenda.push(Reverse((time + 1, Step::Invocation, client, 0)));
            }
        }
    }
    for (index, event) in events.iter_mut().enumerate() {
        event.index = index as u64;
    }
    Recorded { history: History { events }, overwritten }
}

/// The sentence about a history: events of process, type, function and value.
fn sentence(model: &str, f: [&str; 2], events: &[(u64, &str, usize, &str)]) -> String {
    let [read, write] = f;
    let log: Vec<String> = events
        .iter()
        .map(|(process, kind, function, value)| {
            let function = [read, write][*function];
            format!("{process} :{kind} :{function} {value}\n")
        })
        .collect();
    let reading = stormproof_checker::history::read(log.concat().as_bytes()).expect("it is a log");
    let options = Options { model: Some(model.into()), ..Options::default() };
    let analysis = check(&reading.operations, &options).expect("it can be judged");
    analysis.counterexample.expect("it is invalid").sentence
}

const READ: usize = 0;
const WRITE: usize = 1;

/// Two writes, the second of which began before the first was over, and two reads, of which the
/// second may be left out.
fn two_at_once<'a>(
    [one, two]: [&'a str; 2],
    [first, second]: [Option<&'a str>; 2],
) -> Vec<(u64, &'a str, usize, &'a str)> {
    let mut events = vec![
        (0, "invoke", WRITE, one),
        (1, "invoke", WRITE, two),
        (0, "ok", WRITE, one),
        (1, "ok", WRITE, two),
    ];
    for (process, answer) in [(2, first), (3, second)] {
        let Some(answer) = answer else { continue };
        events.push((process, "invoke", READ, "nil"));
        events.push((process, "ok", READ, answer));
    }
    events
}

#[test]
fn an_element_that_is_lost_is_told_from_a_stale_read() {
    let says = |model, f, events: &[_], expected: &str| {
        assert_eq!(sentence(model, f, events), expected, "{model}");
    };
    let list = ["read", "append"];
    says(
        "append-list",
        list,
        &two_at_once(["1", "2"], [Some("[2]"), Some("[2]")]),
        "process 2 read [2] at event 5, without 1, which had been appended at event 2; the one read \
         after that, by process 3 at event 7, lacks 1 too; 2 (process 1 at event 3) was under way when \
         1 came in and is there, as if it had overwritten it",
    );
    says(
        "append-list",
        list,
        &two_at_once(["1", "2"], [Some("[2]"), Some("[2 1]")]),
        "process 2 read [2] at event 5, without 1, which had been appended at event 2; 1 was seen again \
         by process 3 at event 7",
    );
    says(
        "append-list",
        list,
        &two_at_once(["1", "2"], [Some("[]"), None]),
        "process 2 read [] at event 5, without 1, which had been appended at event 2; no read came \
         after that; 2 (process 1 at event 3) was under way when 1 came in, and is not there either",
    );
    says(
        "set",
        ["read", "add"],
        &two_at_once(["1", "2"], [Some("[2]"), Some("[2]")]),
        "process 2 read [2] at event 5, without 1, which had been added at event 2; the one read after \
         that, by process 3 at event 7, lacks 1 too; 2 (process 1 at event 3) was under way when 1 came \
         in and is there, as if it had overwritten it",
    );
    says(
        "kv-append",
        ["get", "append"],
        &two_at_once(["\"a\"", "\"b\""], [Some("\"b\""), Some("\"b\"")]),
        "process 2 read \"b\" at event 5, without \"a\", which had been appended at event 2; the one read \
         after that, by process 3 at event 7, lacks \"a\" too; \"b\" (process 1 at event 3) was under way \
         when \"a\" came in and is there, as if it had overwritten it",
    );
    let counter = ["read", "add"];
    says(
        "counter",
        counter,
        &two_at_once(["3", "5"], [Some("5"), Some("5")]),
        "process 2 read 5 at event 5, although the additions that had been acknowledged make 8 and no \
         other had begun, as if the addition of 3 (process 0 at event 2) were missing; the read of \
         process 3 at event 7 lacks it too; 5 (process 1 at event 3) was under way when it was added, as \
         if that had overwritten it",
    );
    says(
        "counter",
        counter,
        &two_at_once(["3", "5"], [Some("5"), Some("8")]),
        "process 2 read 5 at event 5, although the additions that had been acknowledged make 8 and no \
         other had begun, as if the addition of 3 (process 0 at event 2) were missing; process 3 at \
         event 7 counted it",
    );
    says(
        "counter",
        counter,
        &two_at_once(["3", "5"], [Some("0"), Some("8")]),
        "process 2 read 0 at event 5, although the additions that had been acknowledged make 8 and no \
         other had begun; what was read later, 8 by process 3 at event 7, lacks nothing",
    );
}

/// An element cannot have been overwritten by another one where nothing was under way.
#[test]
fn an_element_that_nothing_can_have_overwritten_says_so() {
    let one_after_the_other = |one, two, answer| {
        [
            (0, "invoke", WRITE, one),
            (0, "ok", WRITE, one),
            (1, "invoke", WRITE, two),
            (1, "ok", WRITE, two),
            (2, "invoke", READ, "nil"),
            (2, "ok", READ, answer),
        ]
    };
    for (model, f) in [("append-list", ["read", "append"]), ("set", ["read", "add"])] {
        let sentence = sentence(model, f, &one_after_the_other("1", "2", "[2]"));
        let end = "; no read came after that; nothing that was under way when 1 came in can have \
                   overwritten it";
        assert!(sentence.ends_with(end), "{model}: {sentence}");
    }
    let sentence = sentence("counter", ["read", "add"], &one_after_the_other("3", "5", "5"));
    let end = "as if the addition of 3 (process 0 at event 1) were missing; no read came after that; \
               nothing that was under way when it was added can have overwritten it";
    assert!(sentence.ends_with(end), "{sentence}");
}

/// A sentence names the operation that overwrote an element, or one that overwrote that, and never
/// denies that any can have.
#[test]
fn what_overwrote_an_element_is_named() {
    for (model, f) in SERVICES {
        let (mut invalid, mut named) = (0, 0);
        for seed in 0..400 {
            let Recorded { history, overwritten } = record(model, f, seed);
            let options =
                Options { model: Some(model.into()), initial: first(model), ..Options::default() };
            let analysis = check(&paired(&history), &options).expect("it can be judged");
            let Some(counterexample) = analysis.counterexample else { continue };
            invalid += 1;
            let sentence = &counterexample.sentence;
            assert!(!sentence.contains("can have overwritten it"), "{model} {seed}: {sentence}");
            let Some((before, after)) = sentence.split_once(" under way when ") else {
                continue;
            };
            let lost = match model {
                "counter" => sentence.split_once("as if the addition of ").map(|it| it.1),
                _ => Some(after),
            };
            let lost = lost.and_then(|it| it.split_once(' ')).expect("an element").0;
            let rivals = before.rsplit("; ").next().expect("a clause");
            let is_named =
                |number: &usize| rivals.contains(&format!("{} (process", element(model, *number)));
            // What overwrote it may have been overwritten itself.
            let mut by: Vec<usize> = overwritten.get(lost).cloned().unwrap_or_default();
            let mut at = 0;
            while let Some(number) = by.get(at) {
                let more = overwritten.get(&element(model, *number).to_string());
                let more: Vec<usize> =
                    more.into_iter().flatten().copied().filter(|it| !by.contains(it)).collect();
                by.extend(more);
                at += 1;
            }
            assert!(by.iter().any(is_named), "{model} {seed}: {sentence}: {lost} by {by:?}");
            named += 1;
        }
        assert!(invalid > 200, "{model}: only {invalid} are invalid");
        assert!(named * 10 > invalid * 7, "{model}: only {named} of {invalid}");
    }
}
