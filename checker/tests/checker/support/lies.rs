//! Answers of services that are not linearizable, each in its own way.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use stormproof_checker::history::{Event, EventType};

use super::recording::Recording;
use super::service::{Service, first_balances};

/// Spoils as many answers as the recipe says, or fewer if there are not so many to spoil.
pub(super) fn tell(
    recording: Recording,
    events: &mut [Event],
    past: &[Vec<Value>],
    random: &mut ChaCha8Rng,
) {
    for _ in 0..recording.lies {
        match recording.service {
            Service::Set => about_a_set(events, past, random),
            Service::Queue => about_a_queue(events, random),
            Service::Mutex => about_a_lock(events, false, random),
            Service::FencedLock => about_a_lock(events, true, random),
            Service::Register
            | Service::Strings
            | Service::Counter
            | Service::Tally
            | Service::Powers
            | Service::Bank
            | Service::Lists
            | Service::Transactions
            | Service::RegisterTransactions => return in_reads(recording, events, past, random),
        }
    }
}

/// One of the completions that are such.
fn any<'a>(
    events: &'a mut [Event],
    random: &mut ChaCha8Rng,
    wanted: impl Fn(&Event) -> bool,
) -> Option<&'a mut Event> {
    let places: Vec<usize> = (0..events.len()).filter(|place| wanted(&events[*place])).collect();
    let place = *places.get(random.random_range(0..places.len().max(1)))?;
    Some(&mut events[place])
}

fn is_ok(event: &Event, f: &str) -> bool {
    event.kind == EventType::Ok && event.f == f
}

/// An old answer, one that lacks an element, or one that has an element twice.
fn about_a_set(events: &mut [Event], past: &[Vec<Value>], random: &mut ChaCha8Rng) {
    let Some(read) = any(events, random, |event| is_ok(event, "read")) else { return };
    let key: usize = read.key.as_deref().map_or(0, |key| key[1..].parse().expect("a number"));
    let mut elements = read.value.as_array().cloned().unwrap_or_default();
    match random.random_range(0..4) {
        0 | 1 => {
            read.value = past[key][random.random_range(0..past[key].len())].clone();
            return;
        }
        2 if !elements.is_empty() => {
            elements.remove(random.random_range(0..elements.len()));
        }
        3 if !elements.is_empty() => {
            elements.push(elements[random.random_range(0..elements.len())].clone());
        }
        _ => {}
    }
    read.value = json!(elements);
}

/// An element in the place of another, an element although the queue was empty, or empty although
/// there was an element.
fn about_a_queue(events: &mut [Event], random: &mut ChaCha8Rng) {
    let is_dequeue = |event: &Event| {
        event.f == "dequeue" && matches!(event.kind, EventType::Ok | EventType::Fail)
    };
    let element = any(events, random, |event| event.f == "enqueue").map(|it| it.value.clone());
    let Some(one) = any(events, random, is_dequeue) else { return };
    match random.random_range(0..4) {
        0 => (one.kind, one.value) = (EventType::Fail, Value::Null),
        1 => {
            if let Some(element) = element {
                (one.kind, one.value) = (EventType::Ok, element);
            }
        }
        _ => {
            // Two that answer what the other one was given.
            let taken = (one.kind, one.value.clone());
            let place = one.index;
            let Some(other) = any(events, random, is_dequeue) else { return };
            let given = (other.kind, other.value.clone());
            (other.kind, other.value) = taken;
            if let Some(one) = any(events, random, |event| event.index == place) {
                (one.kind, one.value) = given;
            }
        }
    }
}

/// Done although it was refused, refused although it was done, or a token of another time.
fn about_a_lock(events: &mut [Event], has_tokens: bool, random: &mut ChaCha8Rng) {
    let token = |random: &mut ChaCha8Rng| json!(random.random_range(1..=4));
    if has_tokens && random.random_bool(0.5) {
        if let Some(acquisition) = any(events, random, |event| is_ok(event, "acquire")) {
            acquisition.value = token(random);
        }
        return;
    }
    let is_answer = |event: &Event| matches!(event.kind, EventType::Ok | EventType::Fail);
    let Some(answer) = any(events, random, is_answer) else { return };
    answer.kind = match answer.kind {
        EventType::Ok => EventType::Fail,
        _ => EventType::Ok,
    };
    if has_tokens && is_ok(answer, "acquire") {
        answer.value = token(random);
    }
}

/// Lets reads answer what the key held at another time.
fn in_reads(
    recording: Recording,
    events: &mut [Event],
    past: &[Vec<Value>],
    random: &mut ChaCha8Rng,
) {
    let mut reads: Vec<usize> = (0..events.len())
        .filter(|index| events[*index].kind == EventType::Ok)
        .filter(|index| matches!(events[*index].f.as_str(), "read" | "get" | "txn"))
        .collect();
    for _ in 0..recording.lies {
        if reads.is_empty() {
            return;
        }
        let read = &mut events[reads.swap_remove(random.random_range(0..reads.len()))];
        let key: usize = read.key.as_deref().map_or(0, |key| key[1..].parse().expect("a number"));
        let other = &past[key][random.random_range(0..past[key].len())];
        match (recording.service, &mut read.value) {
            (Service::Transactions | Service::RegisterTransactions, Value::Array(steps)) => {
                let step = random.random_range(0..steps.len());
                if steps[step][0] == "r" {
                    let object = steps[step][1].as_str().expect("a name").to_string();
                    steps[step][2] = other.get(object).cloned().unwrap_or_default();
                }
            }
            // Some lists are answered in another order.
            (Service::Lists, Value::Array(list)) if list.len() > 1 && random.random_bool(0.3) => {
                list.swap(0, 1);
            }
            // Some sums are off by a little.
            (Service::Tally, Value::Number(sum)) if random.random_bool(0.5) => {
                let sum = sum.as_i64().expect("a whole number");
                read.value = json!(sum + random.random_range(-2..=2));
            }
            // Some balances are off by a little, at one account or at two.
            (Service::Bank, balances) if random.random_bool(0.5) => {
                for (account, by) in [("a", 1), ("b", -random.random_range(0..=1))] {
                    balances[account] = json!(balances[account].as_i64().expect("a number") + by);
                }
            }
            (Service::Bank, balances) if other.is_null() => *balances = first_balances(),
            (_, value) => *value = other.clone(),
        }
    }
}
