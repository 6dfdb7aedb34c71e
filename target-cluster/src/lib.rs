//! The bundled Raft key-value service: what stormproof tests when nothing else is named, written as
//! a user would write a service of their own.
//!
//! [`core`] decides (a sans-IO Raft node), [`kv`] is the replicated state machine, [`storage`] the
//! write-ahead log, `driver` what a shell around them decides, [`server`] the HTTP service that is
//! one, [`world`] the simulated world that is another, [`bugs`] the faults that can be planted.
//!
//! # The endpoints
//!
//! All bodies are JSON. With a node that listens on port 7001:
//!
//! ```text
//! curl localhost:7001/status
//!     {"id":"n1","role":"leader","state":"leader","term":1,"leader":"n1","commit":1,"applied":1,"last_index":1,
//!      "base":0,"snapshot":0,"voters":["n1","n2","n3"],"outgoing":[],"learners":[],"noted":["n1","n2","n3"],
//!      "incarnation":"5e0c6e2f9a1d4b77","cluster":"stormproof-9d4f…","version":"0.1.0","reads":"readindex"}
//!      and "off":[…], "bugs":[…] when something is off, or a bug on, "displaced":"…" when the others count on
//!      another data directory under this node's name
//! curl localhost:7001/health
//!     200 {"healthy":true,"leader":"n1","can_commit":true,"can_read":true}, or 503 while it knows no
//!     leader, or leads and cannot commit; with ?can=commit or ?can=read, 503 unless it can itself
//! curl localhost:7001/kv -d '{"f":"write","key":"k3","value":12,"token":"r7f3:4:9"}'
//!     200 {"type":"ok","value":null,"version":2}
//! curl localhost:7001/admin/transfer -d '{"to":"n3"}'
//!     200 {"type":"ok","leader":"n3","term":2}     once n3 leads; at once if it does already
//! curl localhost:7001/admin/members -d '{"add":"n4","address":"localhost:7104"}'
//!     200 {"type":"ok","members":{"voters":["n1","n2","n3","n4"],"addresses":{"n4":"localhost:7104"}}}
//! curl -X POST localhost:7001/admin/snapshot
//!     200 {"type":"ok","index":2}                 once a snapshot through that index is durable
//! curl localhost:7001/admin/applied?after=0
//!     200 [{"index":2,"token":"r7f3:4:9","applied":true,"result":"ok"}]
//! ```
//!
//! [`kv::RequestBody`] has the operations: registers, lists, counters, sets, queues, locks and
//! transactions.
//!
//! | answer | status | meaning |
//! |---|---|---|
//! | `{"type":"ok","value":…,"version":…}` | 200 | it took effect, or was read, at that log index |
//! | `{"type":"fail","error":…,"value":…,"version":…}` | 412 | `precondition_failed`, `wrong_type`, `empty` or `too_large`: nothing was changed; `value` is what was found, left out if that is large |
//! | `{"type":"refused","error":…,"definite":…}` | see below | no answer |
//!
//! A client may rely on this: when an operation has completed with version `r`, a query that begins
//! after that answers `r` or more, a command that begins after that (under a token of its own) more
//! than `r`. No two commands have the same version. A query sees the effects of exactly the commands
//! whose versions are not above its own.
//!
//! | refusal | status | definite | |
//! |---|---|---|---|
//! | `not_leader` | 421 | yes | with `leader` and `leader_address`, or `null` |
//! | `leadership_lost` | 503 | no | the entry was appended, then the leader stepped down |
//! | `no_quorum_for_read` | 503 | yes | the leader stepped down before a majority confirmed a read, or the follower that was asked lost its leader |
//! | `overloaded` | 503 | yes | too many requests wait, or too many bytes of them; with a `reason`, too many connections are open |
//! | `request_timeout` | 408 | yes | the rest of the request did not come in time |
//! | `token_reused` | 409 | yes | another command was applied under this token; every command needs one of its own |
//! | `stale_token` | 409 | no | a later command of the token's session was applied |
//! | `timeout` | 504 | of a read | no answer within the server's deadline |
//! | `stopping` | 503 | of a read | the node is going down |
//! | `transferring` | 503 | yes | the leader hands over, and takes neither commands nor reads through the log, nor another transfer |
//! | `successor_behind` | 503 | yes | only of a transfer: the other one lacks what only a snapshot holds, did not come close to the end of the log within the longest election timeout (800 ms), while commands were taken, or did not get the rest within the shortest (400 ms), while they were refused |
//! | `transfer_failed` | 503 | no | only of a transfer: the other one was asked to stand and not heard to lead within the shortest election timeout (400 ms); the leader serves again if it still leads |
//! | `not_a_voter` | 400 | yes | only of a transfer: the node that is to lead is none |
//! | `term_not_committed` | 503 | yes | only of a change of the members: this leader was elected just now, and does not know yet which members there are |
//! | `change_under_way` | 409 | yes | only of a change of the members: another one is not over |
//! | `bad_change` | 400 | yes | only of a change of the members, with `reason`: it would leave no voter, or the node is not what it would have to be |
//! | `not_caught_up` | 503 | no | only of a change of the members, with `reason`: the node that is to vote is too slow or cannot be reached; it stays a learner |
//! | `nothing_applied` | 503 | yes | only of a snapshot: there is nothing yet that it could hold |
//! | `bad_request` | 400, 404, 405 | yes | with `reason`, such as that the body has more than 1 MiB |
//! | `forgotten` | 410 | yes | only of `/admin/applied`: it is known from the index `first` on what became of commands |
//!
//! # Reads
//!
//! `--reads` chooses how nodes answer queries; `reads` in `/status` says what was chosen. All nodes of a
//! cluster should have the same.
//!
//! | `--reads` | who answers | promise | cost |
//! |---|---|---|---|
//! | `readindex` | the leader | linearizable | a round trip to a majority, which many reads share |
//! | `log` | the leader | linearizable | an entry of the log, which the reads of a turn share, with its barriers |
//! | `lease` | the leader | linearizable while no clock runs faster than another by more than `--clock-drift` per cent | none while the lease lasts; else as `readindex` |
//! | `follower` | every node that hears the leader, learners too | linearizable | a question to the leader and its round trip to a majority |
//! | `stale` | every node | what some node had applied at some time; `version` says how far | none |
//!
//! A lease is made of promises: a voter that hears its leader elects no other for the shortest election
//! timeout (400 ms), by a clock that never goes back. The leader counts that from when it sent what was
//! answered, and takes it to be 10 % shorter (`--clock-drift 10`), so a lease is good as long as no clock
//! runs by more than that faster than another. What clocks show does not matter, nor do wall clocks. A
//! voter that was restarted elects no one for as long; at a transfer the leader gives its lease up. With
//! `--reads lease` nodes also compare how fast their clocks run, from two readings and more of each other
//! some hundred milliseconds apart. One whose clock differs from the median by more than 80 % of the bound
//! ends with exit code 71 and says by how much. That takes about half a second, in which stale reads may
//! be answered; a clock that a machine sets right by slewing differs by 0.05 % at most.
//!
//! # Experiments
//!
//! `--off` leaves out what a node has for good reasons; it says so at its start, and `off` in `/status`
//! does.
//!
//! | `--off` | what comes of it |
//! |---|---|
//! | `pre-vote` | a node that comes back deposes a leader that all others hear |
//! | `check-quorum` | a leader that hears no majority stays leader, and nothing is committed |
//! | `random-timeouts` | nodes stand for election at the same time, and none wins |
//! | `learner-catch-up` | a newcomer votes before it has the log, and writes wait for it |
//! | `joint-consensus` | one voter comes or goes in a single step, which is safe as well |
//! | `pipelining` | an entry may wait for a round trip before its own |
//! | `batching` | each entry has an append and a barrier of its own |
//! | `fsync` | a power failure takes what was acknowledged; snapshots are still synced |
//!
//! `--append-entries` bounds the entries of an append, which are 512 as a rule: with few of them it shows
//! what batches are good for. `append_entries` in `/status` says so.
//!
//! # Limits of clients
//!
//! The head of a request has to come within 10 s, and so has its body; a client has to read 256 KiB of
//! its answer, or the rest, every 10 s; a connection without requests is closed after 90 s. Up to 4096
//! connections are served at a time, fewer where the process may not open so many descriptors, of which
//! some are kept for the other nodes and the log. When all are taken, a newcomer gets the place of the
//! connection that has kept the node waiting for a request, or for the rest of one, for the longest
//! time.
//!
//! # The audit
//!
//! `GET /admin/applied?after=INDEX` answers what this node applied behind that index (0 if it is left
//! out), from its own log, in any role:
//!
//! ```text
//! curl localhost:7002/admin/applied?after=16
//!     200 [{"index":17,"token":"r7f3:4:9","applied":true,"result":"ok"},
//!          {"index":18,"token":"r7f3:4:9","applied":false,"result":"duplicate"}]
//! ```
//!
//! `applied` says whether the mutation took effect here, `result` what became of it: `ok`, `fail` (a
//! precondition), `duplicate` (a retry, recognised), `reused` (left out: its
//! token is another command's), `stale` (left out: its session is past it). The
//! indices at which the mutation of a token took effect are those with `applied`. `token` is `null`
//! for a command without one; entries without a command are left out. A page has up to 4096 commands,
//! and what follows the last of them is the next page; an empty one means that the node has applied
//! no more. It knows of the last 200,000 commands, also of those that only snapshots tell of; from
//! further back it refuses with `forgotten` rather than to begin in the middle. A node that was restarted
//! learns only from the leader how far its log is committed: `applied` in `/status` says how far it is.
//!
//! `GET /admin/contents?after=KEY` answers all that this node holds, however far it is, in pages by
//! key, with the index through which it has applied its log, and on the last page a digest of the
//! sessions:
//!
//! ```text
//! curl localhost:7002/admin/contents
//!     200 {"applied":17,"items":[["k3","value",12]],"more":false,"sessions":"c2f0…"}
//! ```
//!
//! # Members
//!
//! `POST /admin/members` changes who belongs to the cluster, one change at a time, by joint consensus. It
//! is answered once the change is committed; a client that hears `timeout` or `leadership_lost` looks at
//! `/status` of the leader, and may ask again: what is done already is answered with `ok`.
//!
//! | body | |
//! |---|---|
//! | `{"add":"n4","address":"HOST:PORT"}` | n4 gets the log as a learner, and votes once it has caught up |
//! | `{"add":"n4","address":"HOST:PORT","learner":true}` | n4 gets the log and does not vote |
//! | `{"remove":"n2"}` | n2 is a member no more; if it leads, it hands over once that is committed |
//! | `{"replace":"n2","by":"n4","address":"HOST:PORT"}` | n4 comes as n2 leaves |
//! | `{"demote":"n2"}` | n2 becomes a learner, so that no commit waits for its disk |
//! | `{"promote":"n4"}` | a learner votes once it has caught up |
//!
//! The address is the one for the other nodes. A node that comes is started with `--join` and the id of
//! the cluster (`cluster` in `/status`), with the founders as `--peer`s; it waits until it is added. What
//! its command line says of founders only ever founded the cluster: from the first change on the members
//! stand in the log. A node that was removed may be stopped once the change is answered.
//!
//! A member that comes back with an empty disk is refused, since it has forgotten for whom it voted and what
//! it acknowledged; it goes on running, and is of use again once it is removed and added. It is known by the
//! incarnation of its data directory, which a leader notes in the log as soon as it hears of it (`noted` in
//! `/status`): until the others hold that, it may still be taken for itself.
//!
//! # Between the nodes
//!
//! On a port of its own a node serves the others: `POST /raft/pre-vote`, `/raft/request-vote`,
//! `/raft/append-entries`, `/raft/heartbeat`, which is an append without entries, `/raft/install-snapshot`,
//! `/raft/timeout-now`, `/raft/read-index` and `/raft/clock`. The bodies have the names of the Raft paper (`wire.rs`). Every message says in
//! its headers `raft-cluster`, `raft-sender`, `raft-version` and `raft-clients-at` which cluster it
//! belongs to (`cluster` in `/status`), who sends it, in which version of the protocol, and where
//! clients reach the sender; one without them, or with others, is refused with 403 and the reason.
//! `raft-incarnation` is that of the sender's data directory, `raft-incarnation-meant` the one that it knows
//! the receiver by, both in requests and answers; of a message where one differs from what is noted nothing is
//! heeded. The data directory says the same of its owner (`identity.json`), and serves no other. A term that is
//! more than 2^32 ahead of a node's own is not heeded, and reported on stderr: no election leads there.
//!
//! # Snapshots
//!
//! After every 100,000 entries, or 64 MiB of them, or an hour in which any came (`--snapshot-entries`,
//! `--snapshot-bytes`, `--snapshot-interval`), a node writes its state to `snapshot-INDEX-TERM` in its data
//! directory, while it goes on: the state is shared, not copied, and a thread of its own writes it. The two
//! newest are kept, and the log reaches back to the older one, as `base` and `snapshot` in `/status` say;
//! what it holds of entries before that goes when files of it are not needed any more. Sessions of clients
//! and the results of the last commands are part of a snapshot. A follower that lags behind the base of the
//! leader's log gets the state over `/raft/install-snapshot`, in parts of some 256 KiB, and at no more than
//! 48 MiB a second (`--snapshot-rate`), so that clients are served meanwhile.
//!
//! # The event stream
//!
//! On stdout, one JSON object a line, unless the node is asked for none:
//!
//! ```text
//! {"event":"listening","address":"127.0.0.1:7001"}
//! {"event":"role","role":"leader","term":4,"leader":"n1","at":512004}
//! {"event":"commit","index":17,"applied":17,"last":19,"at":613377}
//! {"event":"vote-asked","of":"n2","term":5,"pre":true,"at":2104980}
//! {"event":"vote-refused","to":"n1","term":5,"pre":true,"after":11,"reason":"has-leader","at":2105460}
//! {"event":"append","to":"n2","since":99210,"until":804,"calls":12,"entries":340,"heartbeats":1,
//!  "answers":12,"accepted":4711,"at":613377}
//! {"event":"timeout-now","to":"n3","term":5,"at":7000112}
//! ```
//!
//! `at` is microseconds of the node's own monotonic clock since its start. Of votes and pre-votes,
//! `vote-asked`, `vote-received` and `vote-not-received` come from the candidate, `vote-granted` and
//! `vote-refused` from the voter (`to` the candidate), so many microseconds `after` it was asked; it refuses
//! for a `reason`: `stale-term`, `has-leader`, `lease`, `voted` or `log-behind`. `append` sums up what went
//! `to` a follower, which has the log through `accepted`, or came `from` the leader: appends (`calls`) with
//! their entries, heartbeats, `parts` of snapshots, the first and the last of them `since` and `until` so
//! many microseconds before. It and `commit` come at most every 100 ms, when there is news, and before
//! each change of role or term, so that no sum goes over one. `timeout-now` asks a node to stand at once. Where a reader does not keep up, lines are left out, and
//! the next one says by `left_out` how many. On stderr stands a log for people. What events cost is less
//! than a bench can see (`cargo bench -p stormproof --bench throughput -- tmpfs 'no events'`).
//!
//! # The end
//!
//! Asked to end by SIGTERM or SIGINT, a leader hands over to the voter that holds most of its log, and
//! ends once that one leads, or after two election timeouts; its clients hear `transferring`,
//! `leadership_lost` or `not_leader`. Then, as any other node, it ends with exit code 0.
//!
//! # When the disk fails
//!
//! | exit code | what stderr says | |
//! |---|---|---|
//! | 65 | `n2: …/raft.log: the log is corrupt at byte …` | it does not start: what had been durable is damaged or gone |
//! | 65 | `n2: …: no whole snapshot reaches the log …` | it does not start: the snapshots that its log goes on from are damaged, each with file, byte and defect |
//! | 70 | `n2: the raft core failed: …` | an assertion failed: some promise was broken |
//! | 71 | `n2: the clock of this node runs 12 % faster than those …` | it stops: leases would not be sound |
//! | 74 | `n2: the disk failed: fsync of …/raft.log: …` | it stops at once, or does not start: what is on disk is unknown |
//! | 75 | `n2: …/raft.log is in use by another process` | it does not start |
//! | 78 | `n2: … belongs to n1 of the cluster …` | it does not start: the data is another node's, or of another cluster |
//!
//! A disk that is slow or stalls keeps only those waiting for whom something must become durable.
//! The rest that a power failure leaves of writes that were not synced is cut off at the next start.
//! Damage to what had been synced is noticed, but for damage to the last records of a node that was
//! killed within 100 ms of writing them, or lost power: nothing shows that those had been durable.

pub mod bugs;
pub mod core;
mod driver;
pub mod kv;
#[cfg(test)]
mod mangled_tests;
pub mod server;
pub mod storage;
mod wire;
pub mod world;
