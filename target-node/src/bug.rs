//! The faults a node can be told to carry: one enum, one set, one branch where each acts.
//!
//! A bug never changes what a healthy node does: a node without bugs takes the other branch everywhere.

use std::{fmt, str::FromStr};

/// A planted bug, by the name that `--bug` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// `read-no-quorum`: a leader answers reads from its own state without a heartbeat round to a majority.
    ReadNoQuorum,
    /// `read-before-noop`: a new leader answers reads before it has committed an entry of its term, so before it knows what is committed.
    ReadBeforeNoop,
    /// `read-no-apply-wait`: a follower that was told from which index on it may read reads before it has applied that much.
    ReadNoApplyWait,
    /// `follower-read-local`: every node answers reads from its own applied state, however far behind it is.
    FollowerReadLocal,
    /// `readindex-ctx-reuse`: rounds of heartbeats are told apart by two bits, so that a late answer to an old round confirms a new one.
    ReadindexCtxReuse,
    /// `read-quorum-minus-one`: a read is confirmed by one node less than a majority.
    ReadQuorumMinusOne,
    /// `lease-check-then-act`: a lease is tested with the time of the step before, so that a pause in between goes unnoticed.
    LeaseCheckThenAct,
    /// `lease-wallclock`: a lease is measured by the wall clock, which may be set back, and lasts the whole shortest election timeout.
    LeaseWallclock,
    /// `dirty-read`: a leader answers reads from entries that are not committed.
    DirtyRead,
    /// `vote-no-persist`: term and vote are not written to disk, so a killed node forgets whom it voted for.
    VoteNoPersist,
    /// `vote-ignore-log`: a vote is given without regard to how far the candidate's log reaches.
    VoteIgnoreLog,
    /// `vote-cleared-same-term`: a candidate that steps back forgets its vote of the same term.
    VoteClearedSameTerm,
    /// `count-dup-votes`: votes are counted, not voters: a repeated yes counts twice.
    CountDupVotes,
    /// `quorum-half`: half of the voters count as a majority.
    QuorumHalf,
    /// `learner-counts`: learners count in the majorities that elect and commit.
    LearnerCounts,
    /// `accept-stale-leader`: entries of a leader of an earlier term are accepted.
    AcceptStaleLeader,
    /// `no-prevote`: an election opens a new term at once, so a node that was cut off disturbs a working leader when it returns.
    NoPrevote,
    /// `no-check-quorum`: a leader that hears from no majority goes on leading.
    NoCheckQuorum,
    /// `no-stickiness`: a node that has just heard from its leader helps another candidate.
    NoStickiness,
    /// `commit-old-term`: an entry of an earlier term is committed by counting copies (figure 8).
    CommitOldTerm,
    /// `ack-on-local-append`: the leader confirms a write when only its own log has it, before a majority.
    AckOnLocalAppend,
    /// `ack-before-fsync-follower`: a follower confirms entries before they are on its disk.
    AckBeforeFsyncFollower,
    /// `no-truncate`: a follower keeps entries that conflict with its leader's.
    NoTruncate,
    /// `truncate-blind`: every append request cuts the log behind what it carries, also a late and shorter one.
    TruncateBlind,
    /// `prev-index-only`: a follower compares the index before new entries and not its term.
    PrevIndexOnly,
    /// `commit-unbounded`: a follower commits as far as the leader has, beyond what the request covers.
    CommitUnbounded,
    /// `match-optimistic`: a leader takes what it has sent for what the follower has.
    MatchOptimistic,
    /// `append-dup`: entries that arrive twice are appended twice.
    AppendDup,
    /// `ack-by-index`: a request is confirmed by whatever is committed at the index it was given.
    AckByIndex,
    /// `unknown-as-fail`: a change whose end nobody knows is told as failed.
    UnknownAsFail,
    /// `cas-at-propose`: the condition of a cas is tested when it arrives and not where it stands in the log.
    CasAtPropose,
    /// `no-dedup`: a request of a session that comes twice is executed twice.
    NoDedup,
    /// `dedup-not-in-snapshot`: the answers of sessions are not part of snapshots.
    DedupNotInSnapshot,
    /// `dedup-leader-memory`: who was answered what is known to the leader only, in memory.
    DedupLeaderMemory,
    /// `dedup-wrong-reply`: a request that comes twice is answered as it would end now, not as it did.
    DedupWrongReply,
    /// `apply-nondeterministic`: whether a write takes place depends on the node that applies it.
    ApplyNondeterministic,
    /// `applied-index-split`: a state and the index it is of are not written as one: the index is ahead.
    AppliedIndexSplit,
    /// `reply-mixup`: the number of a request that was given up is used again while its answer is under way.
    ReplyMixup,
    /// `txn-not-atomic`: a transaction takes place in two steps, and reads see the first.
    TxnNotAtomic,
    /// `snap-older`: a snapshot that is older than the state takes its place.
    SnapOlder,
    /// `snap-torn`: a snapshot says that it covers one entry less than it does.
    SnapTorn,
    /// `conf-no-barrier`: a leader changes the members before it has committed an entry of its term.
    ConfNoBarrier,
    /// `conf-overlap`: a change of the members begins while the one before is not committed.
    ConfOverlap,
    /// `joint-new-only`: in a joint change only the new voters are asked.
    JointNewOnly,
    /// `add-no-catchup`: a new server votes at once, without the log.
    AddNoCatchup,
    /// `wiped-same-id`: a node that lost its disk is taken for the one it was.
    WipedSameId,
    /// `no-fsync`: what is written to the log is never synced, though it is confirmed.
    NoFsync,
    /// `fsync-error-ignored`: a sync of the log that failed counts as done, so what the kernel dropped is confirmed.
    FsyncErrorIgnored,
    /// `corrupt-truncate`: damage in the middle of the log is taken for a torn end, and the node votes with what is left.
    CorruptTruncate,
    /// `no-crc`: checksums of the log are not checked, so a flipped bit is read back as what was written.
    NoCrc,
}

/// What a bug breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BugClass {
    /// A read misses what was complete before it began.
    StaleRead,
    /// A read shows what never took place.
    DirtyRead,
    /// What was confirmed is gone.
    LostUpdate,
    /// What was asked once took place twice.
    DoubleApply,
    /// Nodes have different states.
    Divergence,
    /// A read shows what nobody wrote.
    PhantomValue,
    /// Nothing is wrong, but nobody is served.
    Unavailable,
}

impl BugClass {
    /// The name in reports; that of the anomaly where there is one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StaleRead => "stale-read",
            Self::DirtyRead => "dirty-read",
            Self::LostUpdate => "lost-update",
            Self::DoubleApply => "double-apply",
            Self::Divergence => "divergence",
            Self::PhantomValue => "phantom-value",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What there is to say about a bug.
struct Entry {
    name: &'static str,
    breaks: &'static str,
    exposed_by: &'static str,
    class: BugClass,
}

const fn entry(
    name: &'static str,
    breaks: &'static str,
    exposed_by: &'static str,
    class: BugClass,
) -> Entry {
    Entry {
        name,
        breaks,
        exposed_by,
        class,
    }
}

impl Bug {
    /// Every bug, in the order of the lists shown to people.
    pub const ALL: [Self; 50] = [
        Self::ReadNoQuorum,
        Self::ReadBeforeNoop,
        Self::ReadNoApplyWait,
        Self::FollowerReadLocal,
        Self::ReadindexCtxReuse,
        Self::ReadQuorumMinusOne,
        Self::LeaseCheckThenAct,
        Self::LeaseWallclock,
        Self::DirtyRead,
        Self::VoteNoPersist,
        Self::VoteIgnoreLog,
        Self::VoteClearedSameTerm,
        Self::CountDupVotes,
        Self::QuorumHalf,
        Self::LearnerCounts,
        Self::AcceptStaleLeader,
        Self::NoPrevote,
        Self::NoCheckQuorum,
        Self::NoStickiness,
        Self::CommitOldTerm,
        Self::AckOnLocalAppend,
        Self::AckBeforeFsyncFollower,
        Self::NoTruncate,
        Self::TruncateBlind,
        Self::PrevIndexOnly,
        Self::CommitUnbounded,
        Self::MatchOptimistic,
        Self::AppendDup,
        Self::AckByIndex,
        Self::UnknownAsFail,
        Self::CasAtPropose,
        Self::NoDedup,
        Self::DedupNotInSnapshot,
        Self::DedupLeaderMemory,
        Self::DedupWrongReply,
        Self::ApplyNondeterministic,
        Self::AppliedIndexSplit,
        Self::ReplyMixup,
        Self::TxnNotAtomic,
        Self::SnapOlder,
        Self::SnapTorn,
        Self::ConfNoBarrier,
        Self::ConfOverlap,
        Self::JointNewOnly,
        Self::AddNoCatchup,
        Self::WipedSameId,
        Self::NoFsync,
        Self::FsyncErrorIgnored,
        Self::CorruptTruncate,
        Self::NoCrc,
    ];

    const fn entry(self) -> Entry {
        use BugClass::{
            DirtyRead, Divergence, DoubleApply, LostUpdate, PhantomValue, StaleRead, Unavailable,
        };
        match self {
            Self::ReadNoQuorum => entry(
                "read-no-quorum",
                "a leader answers reads from its own state without a heartbeat round to a majority",
                "partition (leader cut off while clients still reach it)",
                StaleRead,
            ),
            Self::ReadBeforeNoop => entry(
                "read-before-noop",
                "a new leader answers reads before it has committed an entry of its term, so before it knows what is committed",
                "kill of the leader under load, with slow messages",
                StaleRead,
            ),
            Self::ReadNoApplyWait => entry(
                "read-no-apply-wait",
                "a follower that was told from which index on it may read reads before it has applied that much",
                "follower reads, slow links",
                StaleRead,
            ),
            Self::FollowerReadLocal => entry(
                "follower-read-local",
                "every node answers reads from its own applied state, however far behind it is",
                "none needed; any load with reads on several nodes",
                StaleRead,
            ),
            Self::ReadindexCtxReuse => entry(
                "readindex-ctx-reuse",
                "rounds of heartbeats are told apart by two bits, so that a late answer to an old round confirms a new one",
                "pause of the leader, delayed and repeated messages",
                StaleRead,
            ),
            Self::ReadQuorumMinusOne => entry(
                "read-quorum-minus-one",
                "a read is confirmed by one node less than a majority",
                "partition of five nodes, leader and one follower cut off",
                StaleRead,
            ),
            Self::LeaseCheckThenAct => entry(
                "lease-check-then-act",
                "a lease is tested with the time of the step before, so that a pause in between goes unnoticed",
                "pause of the leader, lease reads",
                StaleRead,
            ),
            Self::LeaseWallclock => entry(
                "lease-wallclock",
                "a lease is measured by the wall clock, which may be set back, and lasts the whole shortest election timeout",
                "wall clock of the leader set back, then partition; lease reads",
                StaleRead,
            ),
            Self::DirtyRead => entry(
                "dirty-read",
                "a leader answers reads from entries that are not committed",
                "partition of the leader, then heal",
                DirtyRead,
            ),
            Self::VoteNoPersist => entry(
                "vote-no-persist",
                "term and vote are not written to disk, so a killed node forgets whom it voted for",
                "kill of voters during elections (kill,partition)",
                LostUpdate,
            ),
            Self::VoteIgnoreLog => entry(
                "vote-ignore-log",
                "a vote is given without regard to how far the candidate's log reaches",
                "partition or kill of nodes that lag",
                LostUpdate,
            ),
            Self::VoteClearedSameTerm => entry(
                "vote-cleared-same-term",
                "a candidate that steps back forgets its vote of the same term",
                "contested elections, delays",
                LostUpdate,
            ),
            Self::CountDupVotes => entry(
                "count-dup-votes",
                "votes are counted, not voters: a repeated yes counts twice",
                "repeated messages among five nodes",
                LostUpdate,
            ),
            Self::QuorumHalf => entry(
                "quorum-half",
                "half of the voters count as a majority",
                "partition of four nodes into halves",
                LostUpdate,
            ),
            Self::LearnerCounts => entry(
                "learner-counts",
                "learners count in the majorities that elect and commit",
                "learners added, voters killed",
                LostUpdate,
            ),
            Self::AcceptStaleLeader => entry(
                "accept-stale-leader",
                "entries of a leader of an earlier term are accepted",
                "pause or partition of the leader, then heal",
                LostUpdate,
            ),
            Self::NoPrevote => entry(
                "no-prevote",
                "an election opens a new term at once, so a node that was cut off disturbs a working leader when it returns",
                "partition and heal of a follower",
                Unavailable,
            ),
            Self::NoCheckQuorum => entry(
                "no-check-quorum",
                "a leader that hears from no majority goes on leading",
                "partition of the leader, clients that stay with it",
                Unavailable,
            ),
            Self::NoStickiness => entry(
                "no-stickiness",
                "a node that has just heard from its leader helps another candidate",
                "removed node that keeps campaigning",
                Unavailable,
            ),
            Self::CommitOldTerm => entry(
                "commit-old-term",
                "an entry of an earlier term is committed by counting copies (figure 8)",
                "kills and partitions in the order of figure 8",
                LostUpdate,
            ),
            Self::AckOnLocalAppend => entry(
                "ack-on-local-append",
                "the leader confirms a write when only its own log has it, before a majority",
                "partition or kill of the leader under write load",
                LostUpdate,
            ),
            Self::AckBeforeFsyncFollower => entry(
                "ack-before-fsync-follower",
                "a follower confirms entries before they are on its disk",
                "power loss of a majority",
                LostUpdate,
            ),
            Self::NoTruncate => entry(
                "no-truncate",
                "a follower keeps entries that conflict with its leader's",
                "partition of a leader with entries of its own, then heal",
                Divergence,
            ),
            Self::TruncateBlind => entry(
                "truncate-blind",
                "every append request cuts the log behind what it carries, also a late and shorter one",
                "reordered and repeated messages, then kill of the leader",
                LostUpdate,
            ),
            Self::PrevIndexOnly => entry(
                "prev-index-only",
                "a follower compares the index before new entries and not its term",
                "partitions",
                Divergence,
            ),
            Self::CommitUnbounded => entry(
                "commit-unbounded",
                "a follower commits as far as the leader has, beyond what the request covers",
                "heartbeats right after an election",
                Divergence,
            ),
            Self::MatchOptimistic => entry(
                "match-optimistic",
                "a leader takes what it has sent for what the follower has",
                "loss of messages, then kill of the leader",
                LostUpdate,
            ),
            Self::AppendDup => entry(
                "append-dup",
                "entries that arrive twice are appended twice",
                "repeated messages",
                Divergence,
            ),
            Self::AckByIndex => entry(
                "ack-by-index",
                "a request is confirmed by whatever is committed at the index it was given",
                "partition of a leader with requests under way",
                LostUpdate,
            ),
            Self::UnknownAsFail => entry(
                "unknown-as-fail",
                "a change whose end nobody knows is told as failed",
                "loss of the leader under load",
                DirtyRead,
            ),
            Self::CasAtPropose => entry(
                "cas-at-propose",
                "the condition of a cas is tested when it arrives and not where it stands in the log",
                "none needed; clients that compare and set the same keys",
                LostUpdate,
            ),
            Self::NoDedup => entry(
                "no-dedup",
                "a request of a session that comes twice is executed twice",
                "lost answers, kill of the leader, clients that ask again",
                DoubleApply,
            ),
            Self::DedupNotInSnapshot => entry(
                "dedup-not-in-snapshot",
                "the answers of sessions are not part of snapshots",
                "snapshot and restart between two tries of a request",
                DoubleApply,
            ),
            Self::DedupLeaderMemory => entry(
                "dedup-leader-memory",
                "who was answered what is known to the leader only, in memory",
                "kill of the leader, clients that ask again",
                DoubleApply,
            ),
            Self::DedupWrongReply => entry(
                "dedup-wrong-reply",
                "a request that comes twice is answered as it would end now, not as it did",
                "lost answers, clients that compare and set or take locks",
                StaleRead,
            ),
            Self::ApplyNondeterministic => entry(
                "apply-nondeterministic",
                "whether a write takes place depends on the node that applies it",
                "loss of the leader, reads on several nodes",
                Divergence,
            ),
            Self::AppliedIndexSplit => entry(
                "applied-index-split",
                "a state and the index it is of are not written as one: the index is ahead",
                "load during snapshots, then kill and restart",
                LostUpdate,
            ),
            Self::ReplyMixup => entry(
                "reply-mixup",
                "the number of a request that was given up is used again while its answer is under way",
                "slow links, partitions",
                PhantomValue,
            ),
            Self::TxnNotAtomic => entry(
                "txn-not-atomic",
                "a transaction takes place in two steps, and reads see the first",
                "none needed; transactions of several keys",
                DirtyRead,
            ),
            Self::SnapOlder => entry(
                "snap-older",
                "a snapshot that is older than the state takes its place",
                "late and repeated parts of snapshots, tiny thresholds",
                StaleRead,
            ),
            Self::SnapTorn => entry(
                "snap-torn",
                "a snapshot says that it covers one entry less than it does",
                "load during snapshots, then restart",
                DoubleApply,
            ),
            Self::ConfNoBarrier => entry(
                "conf-no-barrier",
                "a leader changes the members before it has committed an entry of its term",
                "changes by two leaders in turn, four nodes",
                LostUpdate,
            ),
            Self::ConfOverlap => entry(
                "conf-overlap",
                "a change of the members begins while the one before is not committed",
                "changes in quick succession, partitions",
                LostUpdate,
            ),
            Self::JointNewOnly => entry(
                "joint-new-only",
                "in a joint change only the new voters are asked",
                "joint change, old and new voters cut apart",
                LostUpdate,
            ),
            Self::AddNoCatchup => entry(
                "add-no-catchup",
                "a new server votes at once, without the log",
                "empty server added, one other killed",
                Unavailable,
            ),
            Self::WipedSameId => entry(
                "wiped-same-id",
                "a node that lost its disk is taken for the one it was",
                "wipe and restart of nodes",
                LostUpdate,
            ),
            Self::NoFsync => entry(
                "no-fsync",
                "what is written to the log is never synced, though it is confirmed",
                "power loss of a majority (--disk power-loss and kill)",
                LostUpdate,
            ),
            Self::FsyncErrorIgnored => entry(
                "fsync-error-ignored",
                "a sync of the log that failed counts as done, so what the kernel dropped is confirmed",
                "failing syncs, then power loss",
                LostUpdate,
            ),
            Self::CorruptTruncate => entry(
                "corrupt-truncate",
                "damage in the middle of the log is taken for a torn end, and the node votes with what is left",
                "a bit flipped in one node's log, then a restart and an election",
                LostUpdate,
            ),
            Self::NoCrc => entry(
                "no-crc",
                "checksums of the log are not checked, so a flipped bit is read back as what was written",
                "bits flipped in a node's log, then a restart",
                PhantomValue,
            ),
        }
    }

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// What the bug breaks, in one line.
    pub const fn breaks(self) -> &'static str {
        self.entry().breaks
    }

    /// The nemesis that brings the bug to light, in one line.
    pub const fn exposed_by(self) -> &'static str {
        self.entry().exposed_by
    }

    /// The class of trouble that is expected to be seen.
    pub const fn class(self) -> BugClass {
        self.entry().class
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A `--bug` name that no bug has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown bug {name:?} (known: {})", known_names())]
pub struct UnknownBug {
    name: String,
}

fn known_names() -> String {
    Bug::ALL.map(Bug::name).join(", ")
}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        Self::ALL
            .into_iter()
            .find(|bug| bug.name() == name)
            .ok_or_else(|| UnknownBug { name: name.into() })
    }
}

/// The bugs one node carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BugSet(u64);

impl BugSet {
    /// Whether `bug` is switched on.
    pub const fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u64) != 0
    }

    /// The bugs of the set, in the order of [`Bug::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Bug> {
        Bug::ALL.into_iter().filter(move |&bug| self.has(bug))
    }

    /// The names of the set, in the order of [`Bug::ALL`].
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Bug::name).collect()
    }
}

impl FromIterator<Bug> for BugSet {
    fn from_iter<I: IntoIterator<Item = Bug>>(bugs: I) -> Self {
        Self(bugs.into_iter().fold(0, |set, bug| set | 1 << bug as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_known() {
        for bug in Bug::ALL {
            assert_eq!(bug.to_string().parse(), Ok(bug));
        }
        let error = "read-no-quroum".parse::<Bug>().unwrap_err().to_string();
        assert!(error.contains("read-no-quroum") && error.contains("vote-no-persist"));
    }

    #[test]
    fn a_set_holds_exactly_what_was_put_in() {
        let set: BugSet = [Bug::VoteNoPersist, Bug::ReadNoQuorum]
            .into_iter()
            .collect();
        assert_eq!(set.names(), ["read-no-quorum", "vote-no-persist"]);
        assert!(!set.has(Bug::AckOnLocalAppend));
        assert_eq!(BugSet::default().iter().count(), 0);
    }
}
