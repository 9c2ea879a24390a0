//! Every planted bug: its name, what it breaks, how that is seen, and what brings it to light.

use super::BugClass::{
    self, DirtyRead, Divergence, DoubleApply, LostUpdate, PhantomValue, StaleRead, Unavailable,
};

/// What there is to say about a bug.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) breaks: &'static str,
    pub(super) exposed_by: &'static str,
    pub(super) class: BugClass,
}

macro_rules! catalogue {
    ($($bug:ident, $name:literal, $class:ident: $breaks:literal; $exposed_by:literal.)*) => {
        /// A planted bug, by the name that `--bug` takes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $(#[doc = concat!("`", $name, "`: ", $breaks, ".")] $bug,)*
        }

        impl Bug {
            /// Every bug, in the order of the lists shown to people.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$bug),*];

            pub(super) const fn entry(self) -> Entry {
                match self {
                    $(Self::$bug => Entry {
                        name: $name,
                        breaks: $breaks,
                        exposed_by: $exposed_by,
                        class: $class,
                    },)*
                }
            }
        }
    };
}

catalogue! {
    ReadNoQuorum, "read-no-quorum", StaleRead:
        "a leader answers reads from its own state without a heartbeat round to a majority";
        "partition (leader cut off while clients still reach it)".
    ReadBeforeNoop, "read-before-noop", StaleRead:
        "a new leader answers reads before it has committed an entry of its term, so before it knows what is committed";
        "kill of the leader under load, with slow messages".
    ReadNoApplyWait, "read-no-apply-wait", StaleRead:
        "a follower that was told from which index on it may read reads before it has applied that much";
        "follower reads, slow links".
    FollowerReadLocal, "follower-read-local", StaleRead:
        "every node answers reads from its own applied state, however far behind it is";
        "none needed; any load with reads on several nodes".
    ReadindexCtxReuse, "readindex-ctx-reuse", StaleRead:
        "rounds of heartbeats are told apart by two bits, so that a late answer to an old round confirms a new one";
        "pause of the leader, delayed and repeated messages".
    ReadQuorumMinusOne, "read-quorum-minus-one", StaleRead:
        "a read is confirmed by one node less than a majority";
        "partition of five nodes, leader and one follower cut off".
    LeaseCheckThenAct, "lease-check-then-act", StaleRead:
        "a lease is tested with the time of the step before, so that a pause in between goes unnoticed";
        "pause of the leader, lease reads".
    LeaseWallclock, "lease-wallclock", StaleRead:
        "a lease is measured by the wall clock, which may be set back, and lasts the whole shortest election timeout";
        "wall clock of the leader set back, then partition; lease reads".
    DirtyRead, "dirty-read", DirtyRead:
        "a leader answers reads from entries that are not committed";
        "partition of the leader, then heal".
    VoteNoPersist, "vote-no-persist", LostUpdate:
        "term and vote are not written to disk, so a killed node forgets whom it voted for";
        "kill of voters during elections (kill,partition)".
    VoteIgnoreLog, "vote-ignore-log", LostUpdate:
        "a vote is given without regard to how far the candidate's log reaches";
        "partition or kill of nodes that lag".
    VoteClearedSameTerm, "vote-cleared-same-term", LostUpdate:
        "a candidate that steps back forgets its vote of the same term";
        "contested elections, delays".
    CountDupVotes, "count-dup-votes", LostUpdate:
        "votes are counted, not voters: a repeated yes counts twice";
        "repeated messages among five nodes".
    QuorumHalf, "quorum-half", LostUpdate:
        "half of the voters count as a majority";
        "partition of four nodes into halves".
    LearnerCounts, "learner-counts", LostUpdate:
        "learners count in the majorities that elect and commit";
        "learners added, voters killed".
    AcceptStaleLeader, "accept-stale-leader", LostUpdate:
        "entries of a leader of an earlier term are accepted";
        "pause or partition of the leader, then heal".
    NoPrevote, "no-prevote", Unavailable:
        "an election opens a new term at once, so a node that was cut off disturbs a working leader when it returns";
        "partition and heal of a follower".
    NoCheckQuorum, "no-check-quorum", Unavailable:
        "a leader that hears from no majority goes on leading";
        "partition of the leader, clients that stay with it".
    NoStickiness, "no-stickiness", Unavailable:
        "a node that has just heard from its leader helps another candidate";
        "removed node that keeps campaigning".
    CommitOldTerm, "commit-old-term", LostUpdate:
        "an entry of an earlier term is committed by counting copies (figure 8)";
        "kills and partitions in the order of figure 8".
    AckOnLocalAppend, "ack-on-local-append", LostUpdate:
        "the leader confirms a write when only its own log has it, before a majority";
        "partition or kill of the leader under write load".
    AckBeforeFsyncFollower, "ack-before-fsync-follower", LostUpdate:
        "a follower confirms entries before they are on its disk";
        "power loss of a majority".
    NoTruncate, "no-truncate", Divergence:
        "a follower keeps entries that conflict with its leader's";
        "partition of a leader with entries of its own, then heal".
    TruncateBlind, "truncate-blind", LostUpdate:
        "every append request cuts the log behind what it carries, also a late and shorter one";
        "reordered and repeated messages, then kill of the leader".
    PrevIndexOnly, "prev-index-only", Divergence:
        "a follower compares the index before new entries and not its term";
        "partitions".
    CommitUnbounded, "commit-unbounded", Divergence:
        "a follower commits as far as the leader has, beyond what the request covers";
        "heartbeats right after an election".
    MatchOptimistic, "match-optimistic", LostUpdate:
        "a leader takes what it has sent for what the follower has";
        "loss of messages, then kill of the leader".
    AppendDup, "append-dup", Divergence:
        "entries that arrive twice are appended twice";
        "repeated messages".
    AckByIndex, "ack-by-index", LostUpdate:
        "a request is confirmed by whatever is committed at the index it was given";
        "partition of a leader with requests under way".
    UnknownAsFail, "unknown-as-fail", DirtyRead:
        "a change whose end nobody knows is told as failed";
        "loss of the leader under load".
    CasAtPropose, "cas-at-propose", LostUpdate:
        "the condition of a cas is tested when it arrives and not where it stands in the log";
        "none needed; clients that compare and set the same keys".
    NoDedup, "no-dedup", DoubleApply:
        "a request of a session that comes twice is executed twice";
        "lost answers, kill of the leader, clients that ask again".
    DedupNotInSnapshot, "dedup-not-in-snapshot", DoubleApply:
        "the answers of sessions are not part of snapshots";
        "snapshot and restart between two tries of a request".
    DedupLeaderMemory, "dedup-leader-memory", DoubleApply:
        "who was answered what is known to the leader only, in memory";
        "kill of the leader, clients that ask again".
    DedupWrongReply, "dedup-wrong-reply", StaleRead:
        "a request that comes twice is answered as it would end now, not as it did";
        "lost answers, clients that compare and set or take locks".
    ApplyNondeterministic, "apply-nondeterministic", Divergence:
        "whether a write takes place depends on the node that applies it";
        "loss of the leader, reads on several nodes".
    AppliedIndexSplit, "applied-index-split", LostUpdate:
        "a state and the index it is of are not written as one: the index is ahead";
        "load during snapshots, then kill and restart".
    ReplyMixup, "reply-mixup", PhantomValue:
        "the number of a request that was given up is used again while its answer is under way";
        "slow links, partitions".
    TxnNotAtomic, "txn-not-atomic", DirtyRead:
        "a transaction takes place in two steps, and reads see the first";
        "none needed; transactions of several keys".
    SnapOlder, "snap-older", StaleRead:
        "a snapshot that is older than the state takes its place";
        "late and repeated parts of snapshots, tiny thresholds".
    SnapTorn, "snap-torn", DoubleApply:
        "a snapshot says that it covers one entry less than it does";
        "load during snapshots, then restart".
    ConfNoBarrier, "conf-no-barrier", LostUpdate:
        "a leader changes the members before it has committed an entry of its term";
        "changes by two leaders in turn, four nodes".
    ConfOverlap, "conf-overlap", LostUpdate:
        "a change of the members begins while the one before is not committed";
        "changes in quick succession, partitions".
    JointNewOnly, "joint-new-only", LostUpdate:
        "in a joint change only the new voters are asked";
        "joint change, old and new voters cut apart".
    AddNoCatchup, "add-no-catchup", Unavailable:
        "a new server votes at once, without the log";
        "empty server added, one other killed".
    WipedSameId, "wiped-same-id", LostUpdate:
        "a node that lost its disk is taken for the one it was";
        "wipe and restart of nodes".
    NoFsync, "no-fsync", LostUpdate:
        "what is written to the log is never synced, though it is confirmed";
        "power loss of a majority (--disk power-loss and kill)".
    FsyncErrorIgnored, "fsync-error-ignored", LostUpdate:
        "a sync of the log that failed counts as done, so what the kernel dropped is confirmed";
        "failing syncs, then power loss".
    CorruptTruncate, "corrupt-truncate", LostUpdate:
        "damage in the middle of the log is taken for a torn end, and the node votes with what is left";
        "a bit flipped in one node's log, then a restart and an election".
    NoCrc, "no-crc", PhantomValue:
        "checksums of the log are not checked, so a flipped bit is read back as what was written";
        "bits flipped in a node's log, then a restart".
}
