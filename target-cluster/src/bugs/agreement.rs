//! The bugs in what nodes agree on: elections, the log, what is durable, snapshots, members.

/// Gives the list to the macro of that name.
macro_rules! agreement {
    ($to:ident) => { $to! {
        /// Term and vote are two records. The vote is sent when the first of them is durable.
        TermAndVoteApart {
            name: "term-and-vote-apart",
            group: Election,
            kind: Safety,
            summary: "term and vote are persisted in two writes, and a vote is given after the first",
            source: "hashicorp/raft#661",
            // Both who stand in the term must have been pre-elected before the vote.
            reach: Simulator,
        }

        /// A candidate counts a vote that it was given in an earlier candidacy.
        StaleVoteCounted {
            name: "stale-vote-counted",
            group: Election,
            kind: Safety,
            summary: "a vote that was given for an earlier term counts in this one",
            source: "little-raft#44",
            reach: Simulator,
        }

        /// A restarted node remembers its term but not for whom it voted.
        VoteForgotten {
            name: "vote-forgotten",
            group: Election,
            kind: Safety,
            summary: "a node forgets at a restart whom it voted for, and votes again in the same term",
            source: "akka-raft#47, akka-raft#62",
            // Pre-votes leave this a moment of a millisecond.
            reach: Faults("--composition voter-killed-between-candidates --nodes 3"),
        }

        /// A barrier is made for entries only: term and vote become durable with the next entries, but
        /// the vote is sent at once.
        VoteNotDurable {
            name: "vote-not-durable",
            group: Election,
            kind: Safety,
            summary: "a vote is given before it is synced to disk; only entries are waited for",
            source: "ahnlich#387",
            // Slow barriers keep a vote volatile for long enough; the leader elected by it must not be
            // heard when the others vote again.
            reach: Faults("--composition election-forgotten --nodes 3"),
        }

        /// A candidate looks at the term of an answer alone: who has moved to its term is taken to be
        /// for it, also one that refused because the log of the candidate is too short.
        RefusalCountedAsVote {
            name: "refusal-counted-as-vote",
            group: Election,
            kind: Safety,
            summary: "an answer from the term of the candidate counts as a vote, also a refusal: a \
                      short log wins",
            source: "databend#16175, jgroups-raft#65",
            reach: Faults("--faults partition"),
        }

        /// A leader that learns of a later term moves to it, but steps down only at its next tick. What
        /// clients ask meanwhile becomes an entry of a term that it was not elected in.
        TermBumpedUnderLeader {
            name: "term-bumped-under-leader",
            group: Election,
            kind: Safety,
            summary: "a leader that learns of a later term stamps entries with it until it steps down \
                      a moment later",
            source: "hashicorp/raft#695",
            // A leader that was stopped for long enough steps down by itself at its first tick.
            reach: Simulator,
        }

        /// A candidate counts answers instead of voters.
        VoteCountedTwice {
            name: "vote-counted-twice",
            group: Election,
            kind: Safety,
            summary: "a vote whose answer is repeated by the network counts twice",
            source: "coyote-samples#8",
            reach: Simulator,
        }

        /// A node that has voted in a later term, and heard no leader of it yet, still takes appends of
        /// the leader before: votes and appends look at different terms.
        AppendUnderOldTerm {
            name: "append-under-old-term",
            group: Election,
            kind: Safety,
            summary: "elections compare the term proposed, replication the one before: a voter still \
                      acknowledges appends of the old leader",
            source: "nebula#685",
            // The first append of the new leader ends the moment in which this can happen.
            reach: Simulator,
        }

        /// A leader commits entries of earlier terms by counting replicas.
        CommitEarlierTerm {
            name: "commit-earlier-term",
            group: Log,
            kind: Safety,
            summary: "entries of an earlier term are committed by counting replicas (Raft paper, \
                      figure 8)",
            source: "logcabin#44",
            // The entry that follows every election leaves this a moment of a millisecond.
            reach: Faults("--composition figure-8 --nodes 3 --values all:100000 --rate 300 \
                        --concurrency 60 --partition-engine switch"),
        }

        /// A heartbeat removes what follows the entry that it speaks of, although that may be an append
        /// which it has overtaken and which was acknowledged.
        HeartbeatTruncates {
            name: "heartbeat-truncates",
            group: Log,
            kind: Safety,
            summary: "a heartbeat removes the entries behind the one it names, also those of an append \
                      in flight",
            source: "willemt/raft#37",
            // Within a round trip of the commit the next append finds the gap, and the leader fills it.
            reach: Simulator,
        }

        /// A heartbeat raises the commit index as far as the log of the follower reaches, although what
        /// lies behind the entry that it names may be of another leader.
        HeartbeatCommitsUnverified {
            name: "heartbeat-commits-unverified",
            group: Log,
            kind: Safety,
            summary: "a heartbeat raises the commit index past the entries that it has verified",
            source: "scylladb#9965",
            // A leader that was cut off comes back with entries of its own.
            reach: Faults("--faults partition"),
        }

        /// A leader that steps down keeps the clients that wait, and answers them when the index of
        /// their entry is applied, whichever entry that is.
        ReplyForTruncatedEntry {
            name: "reply-for-truncated-entry",
            group: Log,
            kind: Safety,
            summary: "a write is acknowledged when its index is committed, though a new leader put \
                      another entry there",
            source: "redpanda#3003",
            reach: Faults("--composition leader-parted-for-an-election --attempt-timeout 3s"),
        }

        /// A follower takes entries from a leader whose term is over, and puts them over those of its
        /// successor.
        CatchUpOfOldTerm {
            name: "catch-up-of-old-term",
            group: Log,
            kind: Safety,
            summary: "entries for a follower that lags are accepted although the term of their leader \
                      is over",
            source: "nats-server#6951",
            // The append must arrive later than those of the next leader.
            reach: Simulator,
        }

        /// A leader that steps down removes what it does not know to be committed; what a leader before
        /// it had committed may be among that.
        RollbackOnStepDown {
            name: "rollback-on-step-down",
            group: Log,
            kind: Safety,
            summary: "a leader that steps down removes the entries that it does not know to be \
                      committed",
            source: "CCF#5674",
            // It must step down between its election and its first commit.
            reach: Simulator,
        }

        /// Records count as durable once they are written, before they are synced, with leaders and
        /// followers alike; the barrier is made once a second.
        AckBeforeFsync {
            name: "ack-before-fsync",
            group: Persistence,
            kind: Safety,
            summary: "writes are acknowledged, by leader and followers, before they are synced to disk",
            source: "nats-server#7564, yugabyte#32875, d-engine#447",
            reach: Faults("--composition power-fails-after-acknowledgement"),
        }

        /// A follower accepts entries as soon as it has them; its barrier comes later.
        FollowerAcksBeforeFsync {
            name: "follower-acks-before-fsync",
            group: Persistence,
            kind: Safety,
            summary: "a follower acknowledges entries before they are synced to disk",
            source: "yugabyte#32875",
            // Slow barriers leave something to lose.
            reach: Faults("--composition power-fails-at-slow-majority --nodes 3"),
        }

        /// A leader counts itself for an entry as soon as it has it; its barrier comes later.
        LeaderCountsBeforeFsync {
            name: "leader-counts-before-fsync",
            group: Persistence,
            kind: Safety,
            summary: "a leader counts its own copy of an entry before it is synced to disk",
            source: "d-engine#447",
            // Slow barriers leave something to lose.
            reach: Faults("--composition power-fails-at-slow-majority --nodes 3"),
        }

        /// A sync that failed is tried again. It succeeds, because the kernel has forgotten what there
        /// was to write.
        FsyncErrorRetried {
            name: "fsync-error-retried",
            group: Persistence,
            kind: Safety,
            summary: "a failed fsync is tried again, and its success taken for that of the first",
            source: "rostam#94",
            reach: Faults("--composition power-fails-after-eio"),
        }

        /// A node whose log is gone starts as if it were new, although the note beside the log says how
        /// much there was.
        WipedLogRejoins {
            name: "wiped-log-rejoins",
            group: Persistence,
            kind: Safety,
            summary: "a node whose log was wiped rejoins under its old name, and votes",
            source: "restate#2415",
            // No family of faults wipes a log.
            reach: Simulator,
        }

        /// A follower removes what follows an entry that its own log has dropped, when an append speaks of
        /// that: it cannot look up the term there, and takes that for a conflict.
        DroppedTakenForConflict {
            name: "dropped-taken-for-conflict",
            group: Snapshots,
            kind: Safety,
            summary: "an append that begins before the log's first entry is taken for a conflict, and \
                      committed entries are removed",
            source: "openraft#511",
            // The append must come late or twice.
            reach: Simulator,
        }

        /// A follower installs a snapshot although it has applied more than is in it.
        StaleSnapshotInstalled {
            name: "stale-snapshot-installed",
            group: Snapshots,
            kind: Safety,
            summary: "a snapshot that is older than what was applied is installed: the state goes back",
            source: "openraft#543",
            // The snapshot must come late or twice.
            reach: Simulator,
        }

        /// A follower that installs a snapshot keeps what it had: keys that were deleted are there again.
        SnapshotMerged {
            name: "snapshot-merged",
            group: Snapshots,
            kind: Safety,
            summary: "installing a snapshot merges it into the state instead of replacing that",
            source: "jgroups-raft#301",
            reach: Simulator,
        }

        /// Snapshots hold the items, and not the sessions of clients.
        SessionsLeftOut {
            name: "sessions-left-out",
            group: Snapshots,
            kind: Safety,
            summary: "client sessions are left out of snapshots: after a restart or an install, a retry \
                      is applied again",
            source: "Raft thesis, §6.3",
            reach: Simulator,
        }

        /// A new file of the log is synced, and the directory that names it is not.
        NamesNotSynced {
            name: "names-not-synced",
            group: Snapshots,
            kind: Safety,
            summary: "a new file of the log is not made durable in its directory: the power failure \
                      takes it with all that was synced to it",
            source: "etcd#6368",
            reach: Simulator,
        }

        /// A snapshot tells of the founders, although others are members by then.
        StaleMembersInSnapshot {
            name: "stale-members-in-snapshot",
            group: Members,
            kind: Safety,
            summary: "a snapshot keeps the members that the cluster was founded with: who starts from it \
                      goes by other majorities than the others",
            source: "openraft#1808",
            // Who starts from a snapshot goes by the three that founded it.
            reach: Faults("--faults partition,kill --set spare=2 --set snapshot_entries=200"),
        }

        /// The incarnations of data directories are not looked at: a voter whose disk was replaced by an empty
        /// one votes and acknowledges under its old name.
        WipedVoterVotes {
            name: "wiped-voter-votes",
            group: Members,
            kind: Safety,
            summary: "a voter that lost its disk comes back under its old name, and votes again in a term in \
                      which it voted",
            source: "restate#2415",
            // No family of faults replaces the disk of a member.
            reach: Simulator,
        }

        /// A leader adds or removes one voter without a joint configuration, which is safe, and before an
        /// entry of its own term is committed, which is not.
        ChangeBeforeOwnTerm {
            name: "change-before-own-term",
            group: Members,
            kind: Safety,
            summary: "a leader changes one voter before it knows which configuration its predecessor left \
                      behind: two changes overlap",
            source: "Ongaro, raft-dev 2015",
            reach: Simulator,
        }

        /// A leader appends the next configuration before the last one is committed.
        ChangeBeforeTheLast {
            name: "change-before-the-last",
            group: Members,
            kind: Safety,
            summary: "the next configuration is appended before the last one is committed",
            source: "redpanda#17675",
            reach: Simulator,
        }

        /// A configuration is in force once it is known to be committed. A node that starts again knows that
        /// of none, and goes by the members of long ago.
        MembersFromApply {
            name: "members-from-apply",
            group: Members,
            kind: Safety,
            summary: "a configuration is in force once it is applied instead of once it is appended: \
                      who starts again goes by other majorities than the others",
            source: "etcd#7280",
            reach: Simulator,
        }

        /// A leader counts what a learner holds as if a voter held it.
        LearnerCounted {
            name: "learner-counted",
            group: Members,
            kind: Safety,
            summary: "a new node counts in majorities before it has caught up and votes",
            source: "Raft thesis, §4.2.1",
            // Of an even number of voters, one short of a majority can be lost by no election.
            reach: Faults("--composition halved-with-a-learner --nodes 4"),
        }

        /// A leader that is no voter any more goes on.
        RemovedLeaderStays {
            name: "removed-leader-stays",
            group: Members,
            kind: Liveness,
            summary: "a leader that is removed or becomes a learner never steps down",
            source: "scylladb#10618",
            reach: Simulator,
        }

        /// A node that knows it is a member no more stands all the same, and does not ask first.
        RemovedNodeStands {
            name: "removed-node-stands",
            group: Members,
            kind: Liveness,
            summary: "a node that was removed goes on to stand in higher and higher terms, which end \
                      the others' leaderships",
            source: "hashicorp/raft#524",
            reach: Simulator,
        }
    } };
}

pub(super) use agreement;
