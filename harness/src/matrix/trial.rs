//! Under which faults each planted bug shows, over real processes.
//!
//! What a bug's entry in `list bugs` says in words is said here in arguments of `run`.

use target_node::Bug;

/// Arguments of `run` under which a bug shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    pub nodes: u8,
    /// What goes wrong, and for whom; faults that are named for all bugs take its place.
    pub faults: &'static str,
    /// What clients do, and how nodes are started.
    pub clients: &'static str,
}

/// Reads at any node, and reads by lease.
const FOLLOWER_READS: &str = "--read-level follower";
const LEASES: &str = "--read-level lease";

/// Messages that can come twice, late or never, and reads at any node.
const DATAGRAMS: &str = "--read-level follower --node-arg=--transport=udp";

/// The same, with one entry in each message.
const SMALL_DATAGRAMS: &str =
    "--read-level follower --node-arg=--transport=udp --node-arg=--append-bytes=1";

/// Snapshots every few hundred entries, little kept behind them, and counters, in which an entry more or less stays to be seen.
const TINY_SNAPSHOTS: &str = "--workload counter --read-level follower \
     --node-arg=--snapshot-bytes=20000 --node-arg=--retained-entries=50";

impl Trial {
    pub(super) const fn of(bug: Bug) -> Self {
        match bug {
            Bug::FollowerReadLocal | Bug::CasAtPropose | Bug::ApplyNondeterministic => {
                under("--nemesis none")
            }
            Bug::TxnNotAtomic => under("--nemesis none").with("--workload txn"),

            Bug::ReadNoQuorum | Bug::AckOnLocalAppend => under("--nemesis partition"),
            Bug::ReadQuorumMinusOne => {
                under("--nemesis partition --target partition=halves,random-halves")
            }
            Bug::NoTruncate => under("--nemesis partition").with(FOLLOWER_READS),
            Bug::PrevIndexOnly => under("--steps second-successor").with(FOLLOWER_READS),
            Bug::AckByIndex => under("--nemesis partition").with("--operation-timeout 6s"),
            Bug::QuorumHalf => under("--nemesis partition").of_nodes(4),
            Bug::UnknownAsFail | Bug::VoteIgnoreLog | Bug::CommitUnbounded => {
                under("--nemesis partition,kill")
            }

            Bug::DirtyRead => under(
                "--nemesis partition --target partition=leader-alone \
                 --fault-length 600ms..1200ms --fault-interval 200ms..400ms",
            )
            .with(LEASES),
            Bug::ReplyMixup | Bug::VoteClearedSameTerm => under("--nemesis delay,kill"),
            Bug::ReadNoApplyWait => under("--nemesis delay,loss").with(DATAGRAMS),
            Bug::AppendDup => under("--nemesis duplicate").with(DATAGRAMS),
            Bug::MatchOptimistic => under("--steps lost-requests").with(DATAGRAMS),
            Bug::TruncateBlind => under("--steps overtaken-appends")
                .with(DATAGRAMS)
                .of_nodes(3),
            Bug::CountDupVotes => under("--steps votes-twice").with(DATAGRAMS),

            Bug::ReadBeforeNoop => under("--steps slow-first-entry"),
            Bug::ReadindexCtxReuse => under("--steps late-answers"),
            Bug::AcceptStaleLeader => under("--steps late-orders"),
            Bug::CommitOldTerm => under("--steps figure-8").with(SMALL_DATAGRAMS),
            Bug::VoteNoPersist => under("--steps voters-restart"),
            Bug::LeaseCheckThenAct => under("--steps long-naps")
                .with("--read-level lease --operation-timeout 200ms")
                .of_nodes(3),
            Bug::LeaseWallclock => under(
                "--nemesis partition,clock-jump --target partition=leader-alone,clock-jump=leader \
                 --fault-length 600ms..1200ms --fault-interval 200ms..400ms",
            )
            .with(LEASES),

            Bug::NoDedup | Bug::DedupLeaderMemory | Bug::DedupWrongReply => {
                under("--nemesis lost-replies,kill").with("--retry")
            }
            Bug::DedupNotInSnapshot => under("--steps restart-between-tries").with(
                "--retry --node-arg=--snapshot-bytes=1000 --node-arg=--snapshot-factor=0 \
                 --node-arg=--retained-entries=5",
            ),
            Bug::AppliedIndexSplit | Bug::SnapTorn => under("--nemesis kill").with(TINY_SNAPSHOTS),
            Bug::SnapOlder => under("--nemesis duplicate,delay,kill").with(
                "--workload counter --read-level follower --node-arg=--transport=udp \
                 --node-arg=--snapshot-bytes=5000 --node-arg=--retained-entries=10",
            ),

            Bug::NoPrevote => {
                under("--steps returning-follower").with("--max-needless-elections 2")
            }
            Bug::NoCheckQuorum => {
                under("--steps deaf-leader").with("--outage-limit 3s --node-arg=--transport=udp")
            }
            Bug::NoStickiness => under("--steps deaf-follower")
                .with("--max-needless-elections 2 --rate 2 --concurrency 1n"),

            Bug::ConfOverlap | Bug::JointNewOnly => under("--nemesis reconfigure"),
            Bug::ConfNoBarrier => under("--steps two-changes").of_nodes(4),
            Bug::LearnerCounts => under("--steps two-joiners"),
            Bug::AddNoCatchup => under("--nemesis reconfigure,kill"),

            Bug::NoFsync => under("--nemesis blackout"),
            Bug::AckBeforeFsyncFollower => under("--steps blackout-behind-slow-disks"),
            Bug::FsyncErrorIgnored => under("--steps failing-syncs"),
            Bug::CorruptTruncate => under("--steps damaged-voter").of_nodes(3),
            Bug::NoCrc => under("--nemesis bit-flip --range bit-flip=1..2")
                .with("--workload counter --read-level follower"),
            Bug::WipedSameId => under("--steps lost-disk").of_nodes(3),
        }
    }

    const fn of_nodes(self, nodes: u8) -> Self {
        Self { nodes, ..self }
    }

    const fn with(self, clients: &'static str) -> Self {
        Self { clients, ..self }
    }
}

/// Five nodes under these faults.
const fn under(faults: &'static str) -> Trial {
    Trial {
        nodes: 5,
        faults,
        clients: "",
    }
}
