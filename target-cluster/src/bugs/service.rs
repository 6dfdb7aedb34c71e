//! The bugs in how a cluster serves: reads, leases, clients, transfers, disturbances, restarts.

/// Adds the list to the one before, and makes the type of a bug of both.
macro_rules! service {
    ($($before:tt)*) => { bugs! {
        $($before)*

        /// A leader answers reads from its own state without asking a majority, and stays leader
        /// although it hears no other node.
        StaleRead {
            name: "stale-read",
            group: Reads,
            kind: Safety,
            summary: "a leader answers reads without asking a majority, and does not step down when it \
                      hears nobody",
            source: "etcd 0.4.1 (Jepsen); RedisLabs/raft#24",
            reach: Faults("--faults partition"),
        }

        /// A leader confirms reads before an entry of its own term is committed: until then it does not
        /// know how far its predecessors' are.
        ReadIndexTooEarly {
            name: "read-index-too-early",
            group: Reads,
            kind: Safety,
            summary: "a new leader serves reads before it has committed an entry of its own term",
            source: "etcd#7331, tikv#6340",
            // Slow barriers delay the first commit, and not the heartbeats that confirm the reads.
            reach: Faults("--composition leader-unheard-in-slow-fsync"),
        }

        /// A leader answers a confirmed read although it has not applied all that the read must see.
        ReadBeforeApplied {
            name: "read-before-applied",
            group: Reads,
            kind: Safety,
            summary: "a new leader serves reads before its log is applied",
            source: "redpanda#5090",
            // A node that was restarted applies its log in parts.
            reach: Faults("--faults kill --rate 0 --concurrency 50"),
        }

        /// A leader measures by the wall clock how long ago it heard a majority. While that was within
        /// the shortest election timeout it stays leader, and trusts its lease.
        WallClockLease {
            name: "wall-clock-lease",
            group: Leases,
            kind: Safety,
            summary: "a leader trusts its last contact with a majority, and answers reads without \
                      asking one, for as long as it is young by the wall clock",
            source: "nebula#2723",
            reach: Faults("--composition parted-leader-out-of-time"),
        }

        /// A leader takes its lease for valid until the tick deposes it at which it notices that it hears no
        /// majority. One that was stopped answers what waits before that tick.
        LeaseByTicks {
            name: "lease-by-ticks",
            group: Leases,
            kind: Safety,
            summary: "a leader trusts its lease until a tick finds that no majority is heard, however long \
                      it was stopped before that",
            source: "tikv#964",
            reach: Simulator,
        }

        /// A command whose token was seen before is applied again.
        IgnoreTokens {
            name: "ignore-tokens",
            group: Clients,
            kind: Safety,
            summary: "a retried command is applied a second time",
            source: "jetcd 0.8.2 (Jepsen)",
            reach: Faults("--composition killed-behind-its-answers --workload append"),
        }

        /// The answers by which a retry is recognised are kept in the memory of the leader that gave
        /// them, not in the replicated state.
        TokensOfLeaderOnly {
            name: "tokens-of-leader-only",
            group: Clients,
            kind: Safety,
            summary: "a retry is recognised only by the leader that answered the first attempt",
            source: "curvine#676",
            reach: Faults("--composition killed-behind-its-answers --workload append"),
        }

        /// A leader that steps down tells those who wait that it does not lead: a definite error, also
        /// for an entry that is committed later.
        NotLeaderForAppended {
            name: "not-leader-for-appended",
            group: Clients,
            kind: Safety,
            summary: "a write is refused as never done, though its entry was appended and may be \
                      committed",
            source: "redisraft#23",
            reach: Faults("--composition leader-parted-for-an-election --deadline 700ms \
                        --attempt-timeout 2s"),
        }

        /// A leader that steps down forgets the clients that wait for it.
        RequestNeverAnswered {
            name: "request-never-answered",
            group: Clients,
            kind: Liveness,
            summary: "those who wait for a leader that steps down are never answered",
            source: "atomix#466",
            // Clients of real nodes give up before they would notice.
            reach: Simulator,
        }

        /// A leader goes on to take commands while it hands over, and counts its successor for them
        /// without its answer.
        WritesLostInTransfer {
            name: "writes-lost-in-transfer",
            group: Transfer,
            kind: Safety,
            summary: "commands that come during a transfer count as replicated to the successor, and \
                      are lost with it",
            source: "hashicorp/raft#487",
            // Clients must write while leadership moves.
            reach: Faults("--faults leadership --nodes 3"),
        }

        /// A transfer that does not succeed has no end, and while it lasts no command is taken.
        TransferWithoutEnd {
            name: "transfer-without-end",
            group: Transfer,
            kind: Liveness,
            summary: "a transfer to a node that does not answer blocks writes for ever",
            source: "openraft#2088, hashicorp/raft#493",
            // Nothing is lost, and healed it serves again: service is owed while the fault lasts.
            reach: Faults("--composition handed-over-to-parted-follower"),
        }

        /// A leader that asked another node to stand goes on trusting its lease, from which voters were
        /// released by that.
        LeaseKeptInTransfer {
            name: "lease-kept-in-transfer",
            group: Transfer,
            kind: Safety,
            summary: "a leader that hands over keeps its lease, and reads while its successor already \
                      leads",
            source: "tikv#1593",
            // The leader must not hear that its successor was elected.
            reach: Simulator,
        }

        /// A leader checks that an entry of its own term is committed, and then tells followers the index
        /// that it knew before it was elected.
        StaleReadIndex {
            name: "stale-read-index",
            group: Transfer,
            kind: Safety,
            summary: "for a moment after it took over, a leader tells followers a read index from before",
            source: "tikv#9239",
            // The moment ends with the first heartbeat.
            reach: Simulator,
        }

        /// A request for a pre-vote from an old term is not answered, so its sender never learns the
        /// term of the others.
        OldPreVoteIgnored {
            name: "old-pre-vote-ignored",
            group: PreVote,
            kind: Liveness,
            summary: "a pre-vote from an old term is not answered: a node that is behind cannot be \
                      elected, nor others without it",
            source: "canonical/raft#279",
            // Healed, the cluster serves again, and only then does a run ask if it does.
            reach: Simulator,
        }

        /// To grant a pre-vote counts as contact with a leader: the voter waits again, and refuses
        /// others meanwhile.
        PreVoteResetsTimer {
            name: "pre-vote-resets-timer",
            group: PreVote,
            kind: Liveness,
            summary: "nodes that can ask but not be answered keep the others from standing for \
                      election",
            source: "hashicorp/raft#609",
            // Healed, the cluster serves again, and only then does a run ask if it does.
            reach: Simulator,
        }

        /// A leader that hears no other node stays leader, and those who hear it follow.
        NoCheckQuorum {
            name: "no-check-quorum",
            group: PreVote,
            kind: Liveness,
            summary: "a leader that can send but hears no other stays leader, and nothing is committed",
            source: "RedisLabs/raft#24",
            // A connection takes both directions: a leader that hears no other is soon heard by none.
            reach: Simulator,
        }

        /// A restart takes the first bad record for the end of the log, leaves it there and appends
        /// behind it: the next restart finds nothing of that.
        AppendAfterTornTail {
            name: "append-after-torn-tail",
            group: Recovery,
            kind: Safety,
            summary: "a restart leaves a torn record in the log and appends behind it, where the next \
                      restart does not look",
            source: "cqlite#1390",
            // Slow barriers leave something to tear. The first power failure tears the log, the next
            // finds the end of it.
            reach: Faults("--composition power-fails-again"),
        }

        /// A restart takes the torn end of a log, an ordinary thing after a power failure, for damage.
        TornTailRefused {
            name: "torn-tail-refused",
            group: Recovery,
            kind: Liveness,
            summary: "a node whose log ends in a torn record does not start any more",
            source: "etcd#14098",
            // Slow barriers leave something to tear.
            reach: Faults("--composition power-fails-again"),
        }

        /// A restart takes a damaged record for the torn end of the log, and cuts off all that follows
        /// it.
        CorruptMiddleCutOff {
            name: "corrupt-middle-cut-off",
            group: Recovery,
            kind: Safety,
            summary: "a damaged record in the middle of the log is taken for its end, and the rest cut \
                      off",
            source: "camunda#6098",
            // The others must lack what was cut off, or not be there.
            reach: Faults("--composition followers-damaged-behind-parted-leader --nodes 3"),
        }

        /// A restart that finds the log damaged discards it, with the term and vote in it, and starts
        /// as if the node were new: the others will send everything again.
        CorruptLogDiscarded {
            name: "corrupt-log-discarded",
            group: Recovery,
            kind: Safety,
            summary: "a node whose log is damaged discards it and votes without it: damage to a \
                      minority loses what was acknowledged",
            source: "nats-server#7549",
            // The others must lack what was discarded, or not be there.
            reach: Faults("--composition followers-damaged-behind-parted-leader --nodes 3"),
        }

        /// A restart does not look at the note beside the log, which says how much of it had been
        /// durable.
        LostLogStillVotes {
            name: "lost-log-still-votes",
            group: Recovery,
            kind: Safety,
            summary: "a node whose log lost its end starts as if nothing were missing, and votes",
            source: "NuRaft#185",
            // The others must lack what was lost, or not be there.
            reach: Faults("--composition followers-cut-short-behind-parted-leader --nodes 3"),
        }
    } };
}

pub(super) use service;
