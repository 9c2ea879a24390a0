//! A world for each planted bug: the troubles and the work that bring it to light, and how soon they do.

use std::{env, time::Duration};

use super::super::{
    settings::{Settings, Workload},
    trouble::Kind,
    world::{Ending, World},
};
use crate::bug::Bug;

/// Worlds that a bug is looked for in.
const SEEDS: u64 = 120;

/// The kind of world that brings a bug to light.
fn world_for(bug: Bug, seed: u64) -> Settings {
    let plain = |nodes| {
        Settings::new(seed, nodes)
            .with_workload(Workload::REGISTERS)
            .with_troubles(&Kind::PLAIN)
    };
    match bug {
        Bug::ReadNoQuorum | Bug::AckOnLocalAppend | Bug::DirtyRead | Bug::AckByIndex => {
            plain(5).with_troubles(&[(3, Kind::IsolateLeader), (1, Kind::Mend)])
        }
        Bug::ReadQuorumMinusOne => {
            plain(5).with_troubles(&[(3, Kind::Split), (1, Kind::IsolateLeader), (1, Kind::Mend)])
        }
        Bug::ReadBeforeNoop => {
            plain(5).with_troubles(&[(2, Kind::CrashLeader), (2, Kind::Slow), (1, Kind::Mend)])
        }
        Bug::ReadNoApplyWait | Bug::FollowerReadLocal => {
            plain(3).with_troubles(&[(2, Kind::Slow), (1, Kind::Mend)])
        }
        Bug::ReadindexCtxReuse => plain(5).with_troubles(&[
            (3, Kind::NapLeader),
            (2, Kind::IsolateLeader),
            (1, Kind::Mend),
        ]),
        Bug::LeaseCheckThenAct => {
            let mut settings = plain(3).with_troubles(&[(1, Kind::NapLeader)]);
            settings.leases = true;
            settings
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
        Bug::CommitOldTerm => plain(5).with_troubles(&[
            (3, Kind::CrashLeader),
            (2, Kind::Split),
            (2, Kind::OneWay),
            (1, Kind::Mend),
        ]),
        Bug::VoteIgnoreLog
        | Bug::AcceptStaleLeader
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
        Bug::SnapOlder | Bug::SnapTorn => {
            let mut settings = snapshots_always(plain(3));
            settings.repeats = 0.2;
            settings
        }
        Bug::ConfNoBarrier | Bug::ConfOverlap => plain(4).with_troubles(&[
            (3, Kind::Add),
            (3, Kind::Remove),
            (2, Kind::Split),
            (2, Kind::IsolateLeader),
            (2, Kind::Mend),
        ]),
        Bug::JointNewOnly => plain(3).with_troubles(&[
            (3, Kind::Replace),
            (3, Kind::Split),
            (1, Kind::IsolateLeader),
            (2, Kind::Mend),
        ]),
        Bug::WipedSameId => plain(3).with_troubles(&[
            (2, Kind::Wipe),
            (2, Kind::Isolate),
            (2, Kind::Crash),
            (2, Kind::Mend),
        ]),
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

/// The first of the worlds that breaks a rule, or in which clients see something impossible.
fn first_found(
    bug: Bug,
    seeds: u64,
    found: fn(&Ending) -> bool,
    to_the_end: bool,
) -> Option<(u64, Ending)> {
    (0..seeds).find_map(|seed| {
        let mut settings = world_for(bug, seed).with_bug(bug);
        settings.to_the_end = to_the_end;
        let ending = World::run(settings);
        found(&ending).then_some((seed, ending))
    })
}

/// Worlds in which a bug is found for certain, where a test of seconds has room for them.
const fn worlds_enough(bug: Bug) -> Option<u64> {
    match bug {
        Bug::ReadNoApplyWait
        | Bug::FollowerReadLocal
        | Bug::DirtyRead
        | Bug::VoteNoPersist
        | Bug::VoteIgnoreLog
        | Bug::VoteClearedSameTerm
        | Bug::QuorumHalf
        | Bug::LearnerCounts
        | Bug::AckOnLocalAppend
        | Bug::AckBeforeFsyncFollower
        | Bug::TruncateBlind
        | Bug::PrevIndexOnly
        | Bug::MatchOptimistic
        | Bug::AppendDup
        | Bug::AckByIndex
        | Bug::SnapTorn
        | Bug::NoTruncate
        | Bug::UnknownAsFail
        | Bug::CasAtPropose
        | Bug::NoDedup
        | Bug::DedupNotInSnapshot
        | Bug::DedupWrongReply
        | Bug::ApplyNondeterministic
        | Bug::TxnNotAtomic => Some(8),
        Bug::ReadNoQuorum
        | Bug::ReadBeforeNoop
        | Bug::CountDupVotes
        | Bug::CommitUnbounded
        | Bug::SnapOlder
        | Bug::DedupLeaderMemory
        | Bug::ReplyMixup => Some(40),
        Bug::ReadindexCtxReuse
        | Bug::ReadQuorumMinusOne
        | Bug::LeaseCheckThenAct
        | Bug::AcceptStaleLeader
        | Bug::CommitOldTerm
        | Bug::ConfNoBarrier
        | Bug::ConfOverlap
        | Bug::JointNewOnly
        | Bug::WipedSameId
        | Bug::NoFsync
        | Bug::FsyncErrorIgnored
        | Bug::CorruptTruncate
        | Bug::NoCrc
        | Bug::NoPrevote
        | Bug::NoCheckQuorum
        | Bug::NoStickiness
        | Bug::AddNoCatchup => None,
    }
}

#[test]
fn planted_bugs_break_a_rule() {
    let mut hunted = 0;
    for bug in Bug::ALL {
        let Some(worlds) = worlds_enough(bug) else {
            continue;
        };
        hunted += 1;
        let found = first_found(bug, worlds, |ending| ending.violation.is_some(), false);
        assert!(found.is_some(), "{bug} breaks nothing in {worlds} worlds");
    }
    assert!(hunted > 10);
}

#[test]
#[ignore = "minutes: the table of all bugs, or of SIM_BUGS, by the worlds it took to find each"]
fn table_of_all_bugs() {
    let wanted = env::var("SIM_BUGS").unwrap_or_default();
    let is_wanted = |bug: &Bug| wanted.is_empty() || wanted.split(',').any(|it| it == bug.name());
    println!("| bug | worlds | rule | worlds | class seen by clients | expected |");
    println!("|---|---|---|---|---|---|");
    for bug in Bug::ALL.into_iter().filter(is_wanted) {
        let broken = first_found(bug, SEEDS, |ending| ending.violation.is_some(), false);
        let seen = first_found(bug, SEEDS, |ending| ending.anomaly.is_some(), true);
        let law = broken.and_then(|(seed, ending)| Some((seed + 1, ending.violation?.law())));
        let class = seen.and_then(|(seed, ending)| Some((seed + 1, ending.anomaly?.0)));
        let law = law.map_or("- | -".into(), |(worlds, law)| format!("{worlds} | {law}"));
        let class = class.map_or("- | -".into(), |(worlds, class)| {
            format!("{worlds} | {class}")
        });
        println!("| {bug} | {law} | {class} | {} |", bug.class().name());
    }
}
