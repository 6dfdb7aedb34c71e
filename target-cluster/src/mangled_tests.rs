//! Mangled messages of peers and clients: no bytes make a node panic, and what it takes for a message
//! is one that it could have made itself.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::bugs::Bugs;
use crate::core::{
    APPLY_ENTRIES_MAX, AppendRequest, AppendResponse, AppendResult, Effect, Entry, Input, Log,
    Node, Options, Payload, Proposal, Recovered, Request, Response, RoleName, Settings,
    SnapshotOptions, Stamp, Time, Timings, VoteResponse,
};
use crate::kv::{Command, EncodedCommand, Mutation, Operation, RequestBody, Store};
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

/// Numbers at which indices, terms and counts of the nodes below change their meaning, or those of any.
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "2",
    "4",
    "5",
    "6",
    "9",
    "10",
    "11",
    "4294967300",
    "4294967301",
    "9007199254740991",
    "18446744073709551614",
    "18446744073709551615",
];

/// Puts another number in the place of one of those in the text.
fn replace_number(random: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let starts: Vec<usize> =
        (0..bytes.len()).filter(|at| is_digit(*at) && !is_digit(at.wrapping_sub(1))).collect();
    let Some(&start) = starts.choose(random) else { return };
    let end = (start..).find(|at| !is_digit(*at)).expect("the text ends");
    let number = NUMBERS.choose(random).expect("there are some");
    bytes.splice(start..end, number.bytes()).for_each(drop);
}

/// Changes some bytes, or puts in, doubles or removes a piece, or changes a number.
fn mangle(random: &mut ChaCha8Rng, body: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..8) {
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
            5 | 6 => replace_number(random, &mut bytes),
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

/// The bodies of requests between nodes.
fn requests() -> Vec<Value> {
    let command = |value: Value| json!({"mutation": {"write": {"key": "k", "value": value}}});
    let entry = |index: u64, payload: Value| json!({"index": index, "term": 3, "payload": payload});
    let append = |entries: Value| {
        json!({"term": 4, "leaderId": "n1", "prevLogIndex": 7, "prevLogTerm": 3,
            "entries": entries, "leaderCommit": 6, "readRound": 2})
    };
    vec![
        json!({"term": 4, "candidateId": "n1", "lastLogIndex": 7, "lastLogTerm": 3}),
        append(json!([])),
        append(json!([entry(8, json!("noop")), entry(9, json!({"command": command(json!(1.5))}))])),
        append(json!([entry(8, json!({"command": command(json!({"a": ["\u{e4}", null]}))}))])),
        append(json!([entry(
            8,
            json!({"configuration": {"voters": ["n1", "n4"], "outgoing": ["n1"],
            "learners": ["n5"], "addresses": {"n4": "a:1"}}})
        )])),
        json!({"term": 4, "leaderId": "n1"}),
        json!({"term": 4, "leaderId": "n1", "lastIncludedIndex": 8, "lastIncludedTerm": 3,
            "offset": 0, "data": "[\"snapshot\",{}]\n", "done": false}),
        json!({"term": 4, "nodeId": "n1", "number": 7}),
    ]
}

/// The bodies of responses between nodes.
fn responses() -> Vec<Value> {
    vec![
        json!({"term": 5, "askedTerm": 4, "voteGranted": true}),
        json!({"term": 5, "success": true, "matchIndex": 9, "readRound": 2}),
        json!({"term": 5, "success": false, "readRound": 2, "conflict":
            {"prevLogIndex": 7, "conflictIndex": 5, "conflictTerm": 2}}),
        json!({"term": 5}),
        json!({"term": 5, "lastIncludedIndex": 8, "offset": 20, "installed": false}),
        json!({"term": 5, "success": true, "readRound": 2, "promisedNanos": 400_000_000}),
        json!({"term": 5, "number": 7, "readIndex": 6}),
        json!({"term": 5, "life": 7, "clockNanos": 6}),
    ]
}

#[test]
fn no_bytes_of_a_peer_are_more_than_a_message_or_a_refusal() {
    mangled(1, &requests(), |bytes| is_message(bytes, Endpoint::request, wire::request_body));
    mangled(2, &responses(), |bytes| is_message(bytes, Endpoint::response, wire::response_body));
}

/// The time at which the nodes below are what they are.
const NOW: Time = Duration::from_secs(60);

/// Steps a node, makes durable what it writes, and steps it again.
fn step(node: &mut Node, now: Time, input: Input) {
    let mut effects = node.step(now, input);
    let sequence = |effect: &Effect| match effect {
        Effect::Persist { sequence, .. } => Some(*sequence),
        _ => None,
    };
    while let Some(through) = effects.iter().filter_map(sequence).max() {
        effects = node.step(now, Input::Persisted { through });
    }
}

/// The voter n2 of three in each role, with nine entries of terms 1 to 3, of which six are committed.
/// It follows in term 4, or stands and leads in term 5, where the tenth entry is its own.
fn nodes() -> Vec<Node> {
    let mutation = Mutation::Write { key: "k".into(), value: 1.into() };
    let command = EncodedCommand::new(&Command { mutation, token: None });
    let mut log = Log::default();
    for (index, term) in (1..).zip([1, 1, 2, 2, 3, 3, 3, 3, 3]) {
        let payload = Payload::Command(command.clone());
        log.append(Arc::new(Entry { index, term, payload }));
    }
    let options = Options {
        id: "n2".into(),
        voters: ["n1", "n2", "n3"].map(Into::into).into(),
        timings: Timings::default(),
        apply_entries_max: APPLY_ENTRIES_MAX,
        snapshots: SnapshotOptions::NEVER,
        settings: Settings::default(),
        seed: 1,
        incarnation: None,
        life: 1,
        bugs: Bugs::new(),
    };
    let mut node =
        Node::new(options, Recovered { term: 4, vote: None, log, snapshot: None }, Time::ZERO);
    let request = Request::Append(AppendRequest {
        term: 4,
        leader: "n1".into(),
        previous_index: 9,
        previous_term: 3,
        entries: Vec::new(),
        commit: 6,
        round: 0,
    });
    let mut nodes = Vec::new();
    let vote = VoteResponse { term: 4, asked: 5, granted: true };
    let voted = Response::Vote(VoteResponse { term: 5, ..vote.clone() });
    let answered = |response| Input::Response {
        from: "n3".into(),
        sent: NOW,
        stamp: Stamp::default(),
        response,
    };
    for (input, role) in [
        (Input::Request { call: 1, stamp: Stamp::default(), request }, RoleName::Follower),
        (Input::Tick, RoleName::PreCandidate),
        (answered(Response::PreVote(vote)), RoleName::Candidate),
        (answered(voted), RoleName::Leader),
    ] {
        let now = if role == RoleName::Follower { Time::ZERO } else { NOW };
        step(&mut node, now, input);
        assert_eq!((node.role(), node.commit(), node.applied()), (role, 6, 6));
        nodes.push(node.clone());
    }
    nodes
}

/// Lets a node go on after a message: it hears of a leader that all is committed, or as a leader takes
/// another command and hears that all have it; and it applies what that commits.
fn go_on(node: &mut Node) {
    let now = NOW + Duration::from_millis(1);
    let mutation = Mutation::Write { key: "k".into(), value: 2.into() };
    let command = EncodedCommand::new(&Command { mutation, token: None });
    step(node, now, Input::Propose(vec![Proposal { request: 7, command }]));
    let (term, last) = (node.term(), node.log().last_index());
    let response = |result| {
        let promise = Duration::ZERO;
        Response::Append(AppendResponse { term, round: 0, result, promise })
    };
    for result in [AppendResult::Heard, AppendResult::Accepted(last)] {
        let response = response(result);
        step(
            node,
            now,
            Input::Response { from: "n3".into(), sent: NOW, stamp: Stamp::default(), response },
        );
    }
    let request = Request::Append(AppendRequest {
        term,
        leader: "n1".into(),
        previous_index: last,
        previous_term: node.log().last_term(),
        entries: Vec::new(),
        commit: last,
        round: 0,
    });
    step(node, now, Input::Request { call: 9, stamp: Stamp::default(), request });
    assert_eq!(node.commit(), last);
    for later in 1..=3 {
        step(node, now + later * Duration::from_secs(1), Input::Tick);
    }
}

/// True if a node stops for it, because entries that it knows to be committed would be replaced.
fn replaces_what_is_committed(node: &Node, request: &Request) -> bool {
    let Request::Append(append) = request else { return false };
    let differs = |entry: &Arc<Entry>| node.log().term_at(entry.index) != Some(entry.term);
    append.entries.iter().any(|entry| entry.index <= node.commit() && differs(entry))
}

#[test]
fn no_message_of_a_peer_ends_a_node() {
    let nodes = nodes();
    let take = |input: Input| {
        for node in &nodes {
            let is_fatal = matches!(&input, Input::Request { request, .. }
                if replaces_what_is_committed(node, request));
            if !is_fatal {
                let mut node = node.clone();
                step(&mut node, NOW, input.clone());
                go_on(&mut node);
            }
        }
    };
    let inputs = |bytes: &[u8], read: &dyn Fn(Endpoint, &[u8]) -> Option<Input>| {
        let inputs: Vec<Input> =
            Endpoint::ALL.into_iter().filter_map(|endpoint| read(endpoint, bytes)).collect();
        let is_message = !inputs.is_empty();
        inputs.into_iter().for_each(take);
        is_message
    };
    mangled(4, &requests(), |bytes| {
        inputs(bytes, &|endpoint, bytes| {
            let request = endpoint.request(bytes).ok()?;
            Some(Input::Request { call: 8, stamp: Stamp::default(), request })
        })
    });
    mangled(5, &responses(), |bytes| {
        inputs(bytes, &|endpoint, bytes| {
            let response = endpoint.response(bytes).ok()?;
            Some(Input::Response {
                from: "n3".into(),
                sent: NOW,
                stamp: Stamp::default(),
                response,
            })
        })
    });
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
