//! The situations that a simulation should reach, and how often each was: what was never met was
//! never tested.

/// Makes [`Situation`] of the list.
macro_rules! situations {
    ($($(#[doc = $doc:literal])+ $situation:ident: $name:literal,)*) => {
        /// Something that happened, and that faults and bugs depend on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Situation {
            $($(#[doc = $doc])+ $situation,)*
        }

        impl Situation {
            /// Every situation, in the order in which they are listed.
            pub const ALL: [Situation; [$($name),*].len()] = [$(Situation::$situation),*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Situation::$situation => $name,)* }
            }
        }
    };
}

situations! {
    /// A node asked whether it could win, and was refused.
    PreVoteRefused: "pre-vote refused",
    /// A vote was granted.
    VoteGranted: "vote granted",
    /// A vote was refused.
    VoteRefused: "vote refused",
    /// A candidate got no majority in time.
    ElectionLost: "election lost",
    /// A node was elected.
    ElectionWon: "election won",
    /// A leader of a term that is over heard of a later one.
    LeaderDeposed: "leader deposed by a later term",
    /// A leader heard no majority, and gave up by itself.
    LeaderAlone: "leader stepped down without a majority",
    /// A follower refused the request of an earlier term.
    StaleTermRefused: "request of an earlier term refused",
    /// A follower's log did not fit what a leader sent.
    LogConflict: "conflict of logs",
    /// Entries that were never committed were removed.
    LogTruncated: "entries removed",
    /// A leader committed entries of an earlier term along with one of its own.
    EarlierTermCommitted: "entries of an earlier term committed",
    /// An entry was committed.
    EntryCommitted: "entry committed",
    /// A retried command was recognised by its token and not applied again.
    RetryRecognised: "retry recognised",
    /// A read got no answer because its leader stepped down.
    ReadLost: "read without a majority",
    /// A command was in a log when its leader stepped down.
    LeadershipLost: "command outlived its leader",
    /// A command was refused because leadership was being handed over.
    TransferRefusedCommand: "command refused during a transfer",
    /// A transfer of leadership succeeded.
    TransferDone: "transfer done",
    /// A transfer of leadership did not.
    TransferFailed: "transfer failed",
    /// A transfer was refused, because the successor lacked too much of the log.
    TransferRefused: "transfer refused, successor behind",
    /// A leader asked its successor to stand.
    SuccessorAsked: "successor asked to stand",
    /// A leader answered a read by its lease.
    LeaseRead: "read by a lease",
    /// A voter refused a vote because a leader may hold a lease.
    VoteRefusedForLease: "vote refused for a lease",
    /// A follower answered a read with an index of its leader.
    FollowerRead: "read at a follower",
    /// A read was answered through the log.
    LogRead: "read through the log",
    /// The members were changed, and a client heard of it.
    MembersChanged: "members changed",
    /// A change of the members was refused because another one was under way.
    ChangeRefused: "second change refused",
    /// A node was too slow or silent to become a voter.
    NotCaughtUp: "learner did not catch up",
    /// A leader appended a joint configuration.
    JointAppended: "joint configuration appended",
    /// A leader found a joint configuration in its log, and went on to the new one.
    JointTakenOver: "joint configuration of another leader left",
    /// An entry with a configuration was removed, so that an earlier one is in force again.
    ConfigurationUndone: "configuration undone",
    /// A leader that is no voter any more stepped down.
    LeaderRetired: "leader stepped down that is no voter",
    /// A node that joined was elected.
    NewcomerElected: "newcomer elected",
    /// A snapshot was installed by a node that was not a founder.
    NewcomerInstalled: "snapshot installed by a newcomer",
    /// A snapshot became durable.
    SnapshotSaved: "snapshot saved",
    /// Entries were dropped that a snapshot holds.
    LogCut: "log cut behind a snapshot",
    /// A snapshot of another node took the place of a log.
    SnapshotInstalled: "snapshot installed",
    /// A part of a snapshot was sent again, since it or its answer was lost.
    SnapshotResumed: "transfer of a snapshot resumed",
    /// A node was offered a snapshot and had all that is in it.
    SnapshotHeld: "snapshot offered to one who had it",
    /// A crash came while a snapshot was written.
    CrashDuringSave: "crash while a snapshot was written",
    /// A process was killed, and the machine ran on.
    ProcessKilled: "process killed",
    /// A machine lost power.
    PowerLost: "power lost",
    /// A crash came when some effects of a step were done and others not.
    CrashBetweenEffects: "crash between two effects",
    /// A crash came while a barrier was under way.
    CrashDuringBarrier: "crash during a barrier",
    /// A power failure took what was written and not synced.
    UnsyncedLost: "unsynced writes lost",
    /// A torn record was cut off at a restart.
    TornTailCutOff: "torn write cut off",
    /// A sync failed, and the node stopped.
    SyncFailed: "failed sync stopped a node",
    /// There was no room for a record, and the node stopped.
    DiskFull: "full disk stopped a node",
    /// A node with a damaged log refused to start.
    DamageRefused: "damaged log refused",
    /// A member got an empty disk, and so many others held its incarnation that it must be refused.
    DiskReplaced: "disk of a member replaced",
    /// A node heard that the others count on another disk under its name.
    DisplacedRefused: "member without its disk refused",
    /// A node started again.
    Restarted: "node started again",
    /// A message was lost by chance.
    MessageLost: "message lost",
    /// A message was lost because the way was cut.
    MessageCutOff: "message stopped by a cut",
    /// A message came twice.
    MessageRepeated: "message repeated",
    /// A message came after one that was sent later.
    MessageOvertaken: "message overtaken",
    /// A leader was stopped for a while and went on.
    LeaderPaused: "paused leader went on",
    /// The clock of a machine was changed.
    ClockChanged: "clock changed",
    /// A node stopped because its clock ran at another rate than the others.
    ClockStopped: "clock off, node stopped",
    /// A barrier stalled.
    DiskStalled: "disk stalled",
    /// A client does not know what became of its operation.
    OutcomeUnknown: "operation of unknown outcome",
    /// An operation surely did not happen, and its client gave up.
    OperationFailed: "operation given up",
    /// A client followed a node's hint who leads.
    HintFollowed: "hint followed",
    /// A majority served while a minority was faulty.
    MinorityFaulty: "served with a faulty minority",
}

/// The number of times that each situation was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situations([u64; Situation::ALL.len()]);

impl Default for Situations {
    fn default() -> Situations {
        Situations([0; Situation::ALL.len()])
    }
}

impl Situations {
    /// It was reached once more; returns how often before.
    pub fn note(&mut self, situation: Situation) -> u64 {
        let count = &mut self.0[situation as usize];
        *count += 1;
        *count - 1
    }

    /// The number of times that it was reached.
    pub fn count(&self, situation: Situation) -> u64 {
        self.0[situation as usize]
    }

    /// Adds those of another simulation.
    pub fn add(&mut self, other: &Situations) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Those that were never reached.
    pub fn never(&self) -> impl Iterator<Item = Situation> {
        Situation::ALL.into_iter().filter(|situation| self.count(*situation) == 0)
    }
}
