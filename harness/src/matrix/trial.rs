//! Under which faults each planted bug shows, over real processes.
//!
//! What a bug's entry in `list bugs` says in words is said here in arguments of `run`.

use target_node::Bug;

/// Arguments of `run` under which a bug shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    pub nemesis: &'static str,
    pub nodes: u8,
    /// Further arguments.
    pub further: &'static [&'static str],
}

const FIVE: Trial = Trial {
    nemesis: "partition",
    nodes: 5,
    further: &[],
};

/// Clients that ask again until they know how a change ended.
const RETRY: &[&str] = &["--retry"];

/// Clients that wait for an answer longer than a partition lasts.
const PATIENT: &[&str] = &["--operation-timeout=6s"];

/// Reads at any node, and reads by lease.
const FOLLOWER_READS: &[&str] = &["--read-level=follower"];
const LEASES: &[&str] = &["--read-level=lease"];

/// Messages that can come twice, late or never, and reads at any node.
const DATAGRAMS: &[&str] = &["--read-level=follower", "--node-arg=--transport=udp"];

/// Snapshots every few hundred entries, and little kept behind them.
const TINY_SNAPSHOTS: &[&str] = &[
    "--retry",
    "--read-level=follower",
    "--node-arg=--snapshot-bytes=20000",
    "--node-arg=--retained-entries=50",
];

impl Trial {
    pub(super) const fn of(bug: Bug) -> Self {
        match bug {
            Bug::FollowerReadLocal | Bug::CasAtPropose | Bug::TxnNotAtomic => FIVE.under("none"),

            Bug::ReadNoQuorum
            | Bug::ReadQuorumMinusOne
            | Bug::NoPrevote
            | Bug::NoCheckQuorum
            | Bug::AckOnLocalAppend => FIVE,
            Bug::NoTruncate | Bug::PrevIndexOnly => FIVE.with(FOLLOWER_READS),
            Bug::AckByIndex => FIVE.with(PATIENT),
            Bug::QuorumHalf => FIVE.of_nodes(4),

            Bug::VoteIgnoreLog
            | Bug::CommitOldTerm
            | Bug::CommitUnbounded
            | Bug::ApplyNondeterministic
            | Bug::UnknownAsFail => FIVE.under("partition,kill"),

            Bug::DirtyRead => FIVE.under("delay").with(FOLLOWER_READS),
            Bug::ReadNoApplyWait => FIVE.under("delay,rate,loss").with(FOLLOWER_READS),
            Bug::ReadBeforeNoop | Bug::VoteClearedSameTerm | Bug::ReplyMixup => {
                FIVE.under("delay,kill")
            }
            Bug::AppendDup => FIVE.under("duplicate").with(DATAGRAMS),
            Bug::MatchOptimistic => FIVE.under("loss,partition").with(DATAGRAMS),
            Bug::CountDupVotes => FIVE.under("duplicate,partition,kill").with(DATAGRAMS),
            Bug::TruncateBlind => FIVE.under("reorder,duplicate,kill").with(DATAGRAMS),

            Bug::ReadindexCtxReuse | Bug::AcceptStaleLeader => FIVE.under("partition,pause,delay"),
            Bug::LeaseCheckThenAct => FIVE.under("partition,pause").with(LEASES),
            Bug::LeaseWallclock => FIVE.under("partition,clock-jump").with(LEASES),

            Bug::NoDedup | Bug::DedupLeaderMemory | Bug::DedupWrongReply => {
                FIVE.under("lost-replies,kill").with(RETRY)
            }
            Bug::DedupNotInSnapshot | Bug::AppliedIndexSplit => {
                FIVE.under("lost-replies,kill").with(TINY_SNAPSHOTS)
            }
            Bug::SnapOlder | Bug::SnapTorn => FIVE.under("partition,kill").with(TINY_SNAPSHOTS),

            Bug::NoStickiness
            | Bug::LearnerCounts
            | Bug::ConfNoBarrier
            | Bug::ConfOverlap
            | Bug::JointNewOnly
            | Bug::AddNoCatchup => FIVE.under("partition,kill,member"),

            Bug::VoteNoPersist => FIVE.under("partition,blackout"),
            Bug::NoFsync => FIVE.under("blackout"),
            Bug::AckBeforeFsyncFollower => FIVE.under("disk-slow,blackout"),
            Bug::FsyncErrorIgnored => FIVE.under("disk-eio,blackout"),
            Bug::CorruptTruncate | Bug::NoCrc => FIVE.under("bit-flip,kill"),
            Bug::WipedSameId => FIVE.under("truncate,kill"),
        }
    }

    const fn under(self, nemesis: &'static str) -> Self {
        Self { nemesis, ..self }
    }

    const fn of_nodes(self, nodes: u8) -> Self {
        Self { nodes, ..self }
    }

    const fn with(self, further: &'static [&'static str]) -> Self {
        Self { further, ..self }
    }
}
