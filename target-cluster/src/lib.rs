//! The bundled Raft key-value service: what stormproof tests when nothing else is named, written as
//! a user would write a service of their own.
//!
//! [`core`] decides (a sans-IO Raft node), [`kv`] is the replicated state machine, [`storage`] the
//! write-ahead log, [`server`] the HTTP service around them, [`world`] the simulated world around the
//! same core, [`bugs`] the faults that can be planted.
//!
//! # The endpoints
//!
//! All bodies are JSON. With a node that listens on port 7001:
//!
//! ```text
//! curl localhost:7001/status
//!     {"id":"n1","role":"leader","term":1,"leader":"n1","commit":1,"applied":1,"last_index":1,
//!      "voters":["n1","n2","n3"],"version":"0.1.0"}             and "bugs":[…] when some are on
//! curl localhost:7001/health
//!     200 {"healthy":true,"leader":"n1"}, or 503 while it knows no leader
//! curl localhost:7001/kv -d '{"f":"write","key":"k3","value":12,"token":"r7f3:4:9"}'
//!     200 {"type":"ok","value":null,"version":2}
//! curl localhost:7001/admin/transfer -d '{"to":"n3"}'
//!     200 {"type":"ok","leader":"n3","term":2}     once n3 leads; at once if it does already
//! ```
//!
//! | `f` | `value` asked | `value` answered |
//! |---|---|---|
//! | `read` | | the value, `null` if there is none |
//! | `write` | any; `null` deletes | `null` |
//! | `cas` | `[expected,new]`; `null` expects none | `null` |
//! | `append` | the new element of the list | the new length |
//! | `delete` | | `null` |
//! | `add` | an integer | the new value of the counter |
//! | `counter` | | the value of the counter, 0 if there is none |
//!
//! | answer | status | meaning |
//! |---|---|---|
//! | `{"type":"ok","value":…,"version":…}` | 200 | it took effect, or was read, at that log index |
//! | `{"type":"fail","error":…,"value":…,"version":…}` | 412 | `precondition_failed` or `wrong_type`: nothing was changed; `value` is what was found |
//! | `{"type":"refused","error":…,"definite":…}` | see below | no answer |
//!
//! | refusal | status | definite | |
//! |---|---|---|---|
//! | `not_leader` | 421 | yes | with `leader` and `leader_address`, or `null` |
//! | `leadership_lost` | 503 | no | the entry was appended, then the leader stepped down |
//! | `no_quorum_for_read` | 503 | yes | the leader stepped down before a majority confirmed a read |
//! | `overloaded` | 503 | yes | too many requests wait |
//! | `stale_token` | 409 | no | a later command of the token's session was applied |
//! | `timeout` | 504 | of a read | no answer within the server's deadline |
//! | `stopping` | 503 | of a read | the node is going down |
//! | `transferring` | 503 | yes | the leader hands over, and takes neither commands nor another transfer |
//! | `transfer_failed` | 503 | no | only of a transfer: the other one was not heard to lead within an election timeout (800 ms); the leader serves again if it still leads |
//! | `bad_request` | 400 | yes | with `reason` |
//!
//! `POST /raft/pre-vote`, `/raft/request-vote` ([`core::VoteRequest`], [`core::VoteResponse`]),
//! `/raft/append-entries` and `/raft/heartbeat`, which is an append without entries
//! ([`core::AppendRequest`], [`core::AppendResponse`]), and `/raft/timeout-now`
//! ([`core::TimeoutNowRequest`], [`core::TimeoutNowResponse`]) are for the other voters.
//!
//! # The event stream
//!
//! On stdout, one JSON object a line:
//!
//! ```text
//! {"event":"listening","address":"127.0.0.1:7001"}
//! {"event":"role","role":"leader","term":4,"leader":"n1"}
//! {"event":"commit","index":17}
//! ```
//!
//! `commit` comes at most every 100 ms. On stderr stands a log for people.
//!
//! # When the disk fails
//!
//! | exit code | what stderr says | |
//! |---|---|---|
//! | 65 | `n2: …/raft.log: the log is corrupt at byte …` | it does not start: what had been durable is damaged or gone |
//! | 70 | `n2: the raft core failed: …` | an assertion failed: some promise was broken |
//! | 74 | `n2: the disk failed: fsync of …/raft.log: …` | it stops at once, or does not start: what is on disk is unknown |
//! | 75 | `n2: …/raft.log is in use by another process` | it does not start |
//!
//! A disk that is slow or stalls keeps only those waiting for whom something must become durable.
//! What a power failure leaves of writes that were not synced is cut off at the next start. Damage
//! to what had been synced is noticed, but for damage to the last records of a node that was killed
//! within 100 ms of writing them, or lost power: nothing tells that those had been durable.

pub mod bugs;
pub mod core;
pub mod kv;
pub mod server;
pub mod storage;
pub mod world;
