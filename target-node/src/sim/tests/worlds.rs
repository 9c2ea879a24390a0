//! The world for each planted bug: the troubles and the work that bring it to light.

use std::time::Duration;

use super::{
    super::{
        settings::{Settings, Workload},
        trouble::Kind,
    },
    plans,
};
use crate::bug::Bug;

/// The kind of world that brings a bug to light.
pub(super) fn world_for(bug: Bug, seed: u64) -> Settings {
    let plain = |nodes| {
        Settings::new(seed, nodes)
            .with_workload(Workload::REGISTERS)
            .with_troubles(&Kind::PLAIN)
    };
    match bug {
        Bug::ReadNoQuorum | Bug::AckOnLocalAppend | Bug::DirtyRead | Bug::AckByIndex => {
            plain(5).with_troubles(&[(3, Kind::IsolateLeader), (1, Kind::Mend)])
        }
        Bug::ReadQuorumMinusOne => plain(5).with_plan(plans::leader_in_a_minority_of_two(seed)),
        Bug::ReadBeforeNoop => {
            plain(5).with_troubles(&[(2, Kind::CrashLeader), (2, Kind::Slow), (1, Kind::Mend)])
        }
        Bug::ReadNoApplyWait | Bug::FollowerReadLocal => {
            plain(3).with_troubles(&[(2, Kind::Slow), (1, Kind::Mend)])
        }
        Bug::ReadindexCtxReuse => {
            let mut settings = crowded(plain(3)).with_plan(plans::late_answers(seed));
            settings.election_max = Duration::from_millis(600);
            settings
        }
        Bug::LeaseCheckThenAct => leased(crowded(plain(3))).with_plan(plans::long_naps(seed)),
        Bug::LeaseWallclock => {
            leased(crowded(plain(3))).with_plan(plans::cut_off_and_set_back(seed))
        }
        Bug::VoteNoPersist | Bug::VoteClearedSameTerm => plain(3).contested(),
        Bug::CountDupVotes => {
            let mut settings = plain(5).contested();
            settings.repeats = 0.3;
            settings
        }
        Bug::QuorumHalf => plain(4).with_troubles(&[(2, Kind::Split), (1, Kind::Mend)]),
        Bug::LearnerCounts => plain(3).with_troubles(&[
            (2, Kind::Learn),
            (3, Kind::Split),
            (2, Kind::Crash),
            (1, Kind::Mend),
        ]),
        Bug::CommitOldTerm => {
            let mut settings = plain(5).with_plan(plans::figure_8(seed));
            settings.clients = 16;
            settings.append_bytes_max = 1;
            settings
        }
        Bug::AcceptStaleLeader => plain(5).with_plan(plans::late_orders(seed)),
        Bug::VoteIgnoreLog
        | Bug::NoTruncate
        | Bug::TruncateBlind
        | Bug::PrevIndexOnly
        | Bug::CommitUnbounded
        | Bug::MatchOptimistic => plain(5),
        Bug::AppendDup => {
            let mut settings = plain(3);
            settings.repeats = 0.3;
            settings
        }
        Bug::SnapOlder | Bug::SnapTorn | Bug::AppliedIndexSplit => {
            let mut settings = snapshots_always(plain(3));
            settings.repeats = 0.2;
            settings
        }
        Bug::ConfNoBarrier => plain(4).with_plan(plans::changes_of_two_leaders(seed)),
        Bug::ConfOverlap => plain(5).with_plan(plans::two_removals_at_once(seed)),
        Bug::JointNewOnly => plain(3).with_plan(plans::replaced_unawares(seed)),
        Bug::WipedSameId => {
            let mut settings = plain(3);
            // Whom nobody met before is no stranger.
            settings.introductions = true;
            settings.with_troubles(&[
                (2, Kind::Wipe),
                (2, Kind::Isolate),
                (2, Kind::Crash),
                (2, Kind::Mend),
            ])
        }
        Bug::AckBeforeFsyncFollower | Bug::NoFsync | Bug::FsyncErrorIgnored => {
            let troubles = [(3, Kind::Crash), (2, Kind::DiskError), (2, Kind::CutShort)];
            plain(3).with_troubles(&troubles)
        }
        Bug::CorruptTruncate | Bug::NoCrc => {
            let mut settings = plain(3).with_troubles(&[(3, Kind::Flip), (1, Kind::Isolate)]);
            settings.snapshots.bytes_min = 100_000;
            settings
        }
        Bug::UnknownAsFail => plain(3).with_troubles(&[(3, Kind::IsolateLeader), (2, Kind::Mend)]),
        Bug::CasAtPropose => plain(3).with_workload(Workload {
            cas: 6,
            ..Workload::REGISTERS
        }),
        Bug::NoDedup | Bug::DedupLeaderMemory | Bug::DedupWrongReply => {
            let mut settings = plain(3).with_workload(Workload::ONCE);
            settings.sessions = Some(Duration::from_secs(60));
            settings.with_troubles(&[
                (3, Kind::OneWay),
                (2, Kind::CrashLeader),
                (2, Kind::IsolateLeader),
                (2, Kind::Mend),
            ])
        }
        Bug::DedupNotInSnapshot => {
            let mut settings = snapshots_always(plain(3)).with_workload(Workload::ONCE);
            settings.sessions = Some(Duration::from_secs(60));
            settings.with_troubles(&[(3, Kind::OneWay), (4, Kind::CrashLeader), (2, Kind::Mend)])
        }
        Bug::ApplyNondeterministic => plain(3),
        Bug::ReplyMixup => plain(3).with_troubles(&[
            (4, Kind::Slow),
            (2, Kind::OneWay),
            (2, Kind::IsolateLeader),
            (1, Kind::Mend),
        ]),
        Bug::TxnNotAtomic => plain(3).with_workload(Workload {
            read: 6,
            append: 1,
            transact: 4,
            ..Workload::ONCE
        }),
        Bug::NoPrevote | Bug::NoCheckQuorum | Bug::NoStickiness | Bug::AddNoCatchup => plain(3),
    }
}

/// A snapshot after every entry, and nothing of the log behind it.
fn snapshots_always(mut settings: Settings) -> Settings {
    settings.snapshots.bytes_min = 0;
    settings.snapshots.factor = 0;
    settings.retained_entries = 0;
    settings
}

/// Many clients, so that some are wherever there is something to see.
const fn crowded(mut settings: Settings) -> Settings {
    settings.clients = 10;
    settings
}

const fn leased(mut settings: Settings) -> Settings {
    settings.leases = true;
    settings
}
