//! The simulated services.

use serde_json::{Value, json};
use stormproof_checker::history::EventType;

/// The object of the simulated service under each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A value to read, write, compare-and-set and delete.
    Register,
    /// A string to get, put and append to.
    Strings,
    /// A sum to read and add to.
    Counter,
    /// A growing set to read and add to.
    Set,
    /// A queue to enqueue to and dequeue from.
    Queue,
    /// A lock to acquire and release. Where values are unique the owner is the process, else one
    /// of so many names, which clients share.
    Mutex,
    /// The same with a fencing token.
    FencedLock,
    /// A sum that only grows.
    Tally,
    /// A sum to which different powers of two are added, or from which they are taken.
    Powers,
    /// A list to read and append to.
    Lists,
    /// Three accounts that hold 9 each at first, to read and transfer between.
    Bank,
    /// Two registers and a list that transactions read, write and append to.
    Transactions,
    /// Two registers that transactions read, write and delete, of few values.
    RegisterTransactions,
}

/// Takes a request to its effect; answers as the service would.
pub(super) fn serve(
    service: Service,
    state: &mut Value,
    f: &str,
    argument: &Value,
) -> (EventType, Value) {
    match service {
        Service::Set => return serve_set(state, f, argument),
        Service::Queue => return serve_queue(state, f, argument),
        Service::Bank => return serve_bank(state, f, argument),
        Service::Mutex | Service::FencedLock => return serve_lock(service, state, f, argument),
        Service::Register
        | Service::Strings
        | Service::Counter
        | Service::Tally
        | Service::Powers
        | Service::Lists
        | Service::Transactions
        | Service::RegisterTransactions => {}
    }
    match f {
        "read" | "get" => return (EventType::Ok, state.clone()),
        "write" | "put" => *state = argument.clone(),
        "delete" => *state = Value::Null,
        "cas" if *state != argument[0] => return (EventType::Fail, argument.clone()),
        "cas" => *state = argument[1].clone(),
        "append" if !argument.is_string() => {
            let mut list = state.as_array().cloned().unwrap_or_default();
            list.push(argument.clone());
            *state = json!(list);
        }
        "txn" => {
            let steps = argument.as_array().expect("a transaction is a list").iter();
            let answers: Vec<Value> = steps.map(|step| serve_step(state, step)).collect();
            return (EventType::Ok, json!(answers));
        }
        "append" => {
            let old = state.as_str().unwrap_or("");
            *state = json!(format!("{old}{}", argument.as_str().expect("appends are strings")));
        }
        "add" => {
            let amount = argument.as_i64().expect("additions are numbers");
            *state = json!(state.as_i64().unwrap_or(0) + amount);
        }
        other => unreachable!("the simulation does not ask for {other}"),
    }
    (EventType::Ok, argument.clone())
}

/// The state is a list of elements.
fn serve_set(state: &mut Value, f: &str, argument: &Value) -> (EventType, Value) {
    if f == "read" {
        return (EventType::Ok, state.clone());
    }
    let mut elements = state.as_array().cloned().unwrap_or_default();
    if !elements.contains(argument) {
        // In front of the others, so that answers are not in the order of the additions.
        elements.insert(0, argument.clone());
    }
    *state = json!(elements);
    (EventType::Ok, argument.clone())
}

/// The state is a list of elements.
fn serve_queue(state: &mut Value, f: &str, argument: &Value) -> (EventType, Value) {
    let mut elements = state.as_array().cloned().unwrap_or_default();
    let answer = match f {
        "enqueue" => {
            elements.push(argument.clone());
            (EventType::Ok, argument.clone())
        }
        _ if elements.is_empty() => (EventType::Fail, Value::Null),
        _ => (EventType::Ok, elements.remove(0)),
    };
    *state = json!(elements);
    answer
}

/// The balances of a bank at first.
pub(super) fn first_balances() -> Value {
    json!({"a": 9, "b": 9, "c": 9})
}

/// The state are the balances.
fn serve_bank(state: &mut Value, f: &str, argument: &Value) -> (EventType, Value) {
    if state.is_null() {
        *state = first_balances();
    }
    if f == "read" {
        return (EventType::Ok, state.clone());
    }
    let account = |name: &str| argument[name].as_str().expect("a name").to_string();
    let (from, to) = (account("from"), account("to"));
    let [amount, had] =
        [&argument["amount"], &state[&from]].map(|it| it.as_i64().expect("a number"));
    if had < amount {
        return (EventType::Fail, argument.clone());
    }
    state[&from] = json!(had - amount);
    state[&to] = json!(state[&to].as_i64().expect("a number") + amount);
    (EventType::Ok, argument.clone())
}

/// The state is a pair of the holder and the last token.
fn serve_lock(service: Service, state: &mut Value, f: &str, owner: &Value) -> (EventType, Value) {
    let (holder, token) = (state[0].clone(), state[1].as_i64().unwrap_or(0));
    match f {
        "acquire" if holder.is_null() => {
            *state = json!([owner, token + 1]);
            let answer = if service == Service::Mutex { owner.clone() } else { json!(token + 1) };
            (EventType::Ok, answer)
        }
        "release" if holder == *owner => {
            *state = json!([null, token]);
            (EventType::Ok, owner.clone())
        }
        _ => (EventType::Fail, owner.clone()),
    }
}

/// Takes one step of a transaction; answers it with what was read.
fn serve_step(state: &mut Value, step: &Value) -> Value {
    let (f, object) = (step[0].as_str().expect("a name"), step[1].as_str().expect("a name"));
    if state.is_null() {
        *state = json!({});
    }
    match f {
        "r" => return json!([f, object, state.get(object)]),
        "w" => state[object] = step[2].clone(),
        _ => {
            serve(Service::Transactions, &mut state[object], f, &step[2]);
        }
    }
    step.clone()
}
