//! Under which faults each planted bug shows, over real processes.
//!
//! What a bug's entry in `list bugs` says in words is said here in arguments of `run`.

use target_node::Bug;

/// Arguments of `run` under which a bug shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    pub nemesis: &'static str,
    pub nodes: u8,
    pub node_args: &'static [&'static str],
}

const FIVE: Trial = Trial {
    nemesis: "partition",
    nodes: 5,
    node_args: &[],
};

/// Snapshots every few hundred entries, and little kept behind them.
const TINY_SNAPSHOTS: &[&str] = &["--snapshot-bytes=20000", "--retained-entries=50"];

/// A kill takes what was not synced.
const POWER_LOSS: &[&str] = &["--disk=power-loss"];

impl Trial {
    pub(super) const fn of(bug: Bug) -> Self {
        match bug {
            Bug::FollowerReadLocal | Bug::CasAtPropose | Bug::TxnNotAtomic => FIVE.under("none"),

            Bug::ReadNoQuorum
            | Bug::ReadQuorumMinusOne
            | Bug::DirtyRead
            | Bug::NoPrevote
            | Bug::NoCheckQuorum
            | Bug::AckOnLocalAppend
            | Bug::NoTruncate
            | Bug::PrevIndexOnly
            | Bug::AckByIndex
            | Bug::UnknownAsFail
            | Bug::ReplyMixup => FIVE,
            Bug::QuorumHalf => FIVE.of_nodes(4),

            Bug::ReadBeforeNoop
            | Bug::ReadNoApplyWait
            | Bug::VoteNoPersist
            | Bug::VoteIgnoreLog
            | Bug::VoteClearedSameTerm
            | Bug::CountDupVotes
            | Bug::CommitOldTerm
            | Bug::TruncateBlind
            | Bug::CommitUnbounded
            | Bug::MatchOptimistic
            | Bug::AppendDup
            | Bug::NoDedup
            | Bug::DedupLeaderMemory
            | Bug::DedupWrongReply
            | Bug::ApplyNondeterministic => FIVE.under("partition,kill"),

            Bug::ReadindexCtxReuse
            | Bug::LeaseCheckThenAct
            | Bug::LeaseWallclock
            | Bug::AcceptStaleLeader => FIVE.under("partition,pause"),

            Bug::DedupNotInSnapshot | Bug::AppliedIndexSplit | Bug::SnapOlder | Bug::SnapTorn => {
                FIVE.under("partition,kill").with(TINY_SNAPSHOTS)
            }

            Bug::NoStickiness
            | Bug::LearnerCounts
            | Bug::ConfNoBarrier
            | Bug::ConfOverlap
            | Bug::JointNewOnly
            | Bug::AddNoCatchup => FIVE.under("partition,kill,member"),

            Bug::AckBeforeFsyncFollower
            | Bug::NoFsync
            | Bug::FsyncErrorIgnored
            | Bug::WipedSameId
            | Bug::CorruptTruncate
            | Bug::NoCrc => FIVE.under("partition,kill").of_nodes(3).with(POWER_LOSS),
        }
    }

    const fn under(self, nemesis: &'static str) -> Self {
        Self { nemesis, ..self }
    }

    const fn of_nodes(self, nodes: u8) -> Self {
        Self { nodes, ..self }
    }

    const fn with(self, node_args: &'static [&'static str]) -> Self {
        Self { node_args, ..self }
    }
}
