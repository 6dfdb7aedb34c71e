//! Mangled messages of peers and clients: no bytes make a node panic, and what it takes for a message
//! is one that it could have made itself.

use std::fmt::Debug;

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::bugs::Bugs;
use crate::kv::{EncodedCommand, Operation, RequestBody, Store};
use crate::wire::{self, Endpoint, Malformed};

/// The number of mangled copies of each body.
const COPIES: usize = 20_000;

/// Pieces that parsers stumble over.
const PIECES: [&str; 17] = [
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "-",
    "1e999",
    "-0",
    "18446744073709551615",
    "null",
    "\u{feff}",
    "\u{1f980}",
];

/// Changes some bytes, or puts in, doubles or removes a piece.
fn mangle(random: &mut ChaCha8Rng, body: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes.truncate(at),
            2 => {
                let piece = PIECES.choose(random).expect("there are some").bytes();
                bytes.splice(at..at, piece).for_each(drop);
            }
            3 => {
                let end = random.random_range(at..=bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = random.random_range(at..=bytes.len());
                let twice = bytes[at..end].to_vec();
                bytes.splice(at..at, twice).for_each(drop);
            }
            _ => {
                let other = others.choose(random).expect("there are some");
                let from = random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

/// Calls `take` with mangled copies of each body; at least some must be taken for what they are, or
/// the test shows nothing.
fn mangled(seed: u64, bodies: &[Value], mut take: impl FnMut(&[u8]) -> bool) {
    let bodies: Vec<Vec<u8>> = bodies.iter().map(|body| body.to_string().into_bytes()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut taken = 0;
    for body in &bodies {
        for _ in 0..COPIES {
            taken += usize::from(take(&mangle(&mut random, body, &bodies)));
        }
    }
    assert!(taken * 100 > bodies.len() * COPIES, "only {taken} were messages");
    assert!(taken * 2 < bodies.len() * COPIES, "{taken} were messages still");
}

/// True if the bytes are a message of some endpoint, which is the same when it is written and read again.
fn is_message<M: PartialEq + Debug>(
    bytes: &[u8],
    read: impl Fn(Endpoint, &[u8]) -> Result<M, Malformed>,
    write: impl Fn(&M) -> Vec<u8>,
) -> bool {
    let messages = Endpoint::ALL.map(|endpoint| {
        let message = read(endpoint, bytes).ok()?;
        assert_eq!(read(endpoint, &write(&message)).expect("it is one"), message);
        Some(message)
    });
    messages.iter().any(Option::is_some)
}

#[test]
fn no_bytes_of_a_peer_are_more_than_a_message_or_a_refusal() {
    let command = |value: Value| json!({"mutation": {"write": {"key": "k", "value": value}}});
    let entry = |index: u64, payload: Value| json!({"index": index, "term": 3, "payload": payload});
    let append = |entries: Value| {
        json!({"term": 4, "leaderId": "n1", "prevLogIndex": 7, "prevLogTerm": 3,
            "entries": entries, "leaderCommit": 6, "readRound": 2})
    };
    let requests = [
        json!({"term": 4, "candidateId": "n1", "lastLogIndex": 7, "lastLogTerm": 3}),
        append(json!([])),
        append(json!([entry(8, json!("noop")), entry(9, json!({"command": command(json!(1.5))}))])),
        append(json!([entry(8, json!({"command": command(json!({"a": ["\u{e4}", null]}))}))])),
        json!({"term": 4, "leaderId": "n1"}),
    ];
    mangled(1, &requests, |bytes| is_message(bytes, Endpoint::request, wire::request_body));
    let responses = [
        json!({"term": 5, "askedTerm": 4, "voteGranted": true}),
        json!({"term": 5, "success": true, "matchIndex": 9, "readRound": 2}),
        json!({"term": 5, "success": false, "readRound": 2, "conflict":
            {"prevLogIndex": 7, "conflictIndex": 5, "conflictTerm": 2}}),
        json!({"term": 5}),
    ];
    mangled(2, &responses, |bytes| is_message(bytes, Endpoint::response, wire::response_body));
}

#[test]
fn no_bytes_of_a_client_are_more_than_an_operation_or_a_refusal() {
    let requests = [
        json!({"f": "read", "key": "k"}),
        json!({"f": "write", "key": "k", "value": {"a": [1, 2.5, "x"]}, "token": "r7f3:4:9"}),
        json!({"f": "cas", "key": "k", "value": [12, 40], "token": "r7f3:4:10"}),
        json!({"f": "append", "key": "l", "value": 1e-7}),
        json!({"f": "add", "key": "c", "value": -3, "token": ":1"}),
        json!({"f": "insert", "key": "s", "value": [1]}),
        json!({"f": "enqueue", "key": "q", "value": "x"}),
        json!({"f": "dequeue", "key": "q"}),
        json!({"f": "acquire", "key": "m", "value": "p4"}),
        json!({"f": "release", "key": "m", "value": "p4"}),
        json!({"f": "txn", "key": "g", "value": [["r", "x", null], ["append", "y", 1], ["w", "z", 2]]}),
    ];
    let mut store = Store::new(&Bugs::new());
    let mut replica = Store::new(&Bugs::new());
    mangled(3, &requests, |bytes| {
        let Ok(body) = serde_json::from_slice::<RequestBody>(bytes) else { return false };
        match body.into_operation() {
            Ok(Operation::Query(query)) => drop(store.query(&query)),
            Ok(Operation::Command(command)) => {
                // As it is sent to a follower, stored there, and read back.
                let encoded = EncodedCommand::new(&command);
                let text = serde_json::to_vec(&encoded).expect("it is JSON");
                let stored: EncodedCommand = serde_json::from_slice(&text).expect("it is JSON");
                assert_eq!(encoded.decode(), command);
                let index = store.applied() + 1;
                assert_eq!(store.apply(index, &encoded), replica.apply(index, &stored));
            }
            Err(_) => return false,
        }
        true
    });
    assert_eq!(store, replica);
    assert!(store.applied() > 100);
}
