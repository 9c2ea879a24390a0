//! A world for each planted bug: the troubles and the work that bring it to light, and how soon they do.

use std::env;

use super::{
    super::world::{Ending, World},
    assert_healthy,
    worlds::world_for,
};
use crate::bug::Bug;

/// Worlds that a bug is looked for in.
const SEEDS: u64 = 120;

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

/// Worlds in which a bug is found for certain. None where only availability suffers (`availability`), and where
/// worlds are too many or too slow for a test of seconds: the table below has those.
const fn worlds_enough(bug: Bug) -> Option<u64> {
    match bug {
        Bug::NoPrevote
        | Bug::NoCheckQuorum
        | Bug::NoStickiness
        | Bug::AddNoCatchup
        | Bug::CommitOldTerm => None,
        Bug::ReadNoQuorum
        | Bug::ReadBeforeNoop
        | Bug::LeaseCheckThenAct
        | Bug::CountDupVotes
        | Bug::CommitUnbounded
        | Bug::DedupLeaderMemory
        | Bug::ReplyMixup
        | Bug::SnapOlder
        | Bug::ConfNoBarrier
        | Bug::CorruptTruncate
        | Bug::NoCrc => Some(40),
        Bug::ReadNoApplyWait
        | Bug::FollowerReadLocal
        | Bug::ReadindexCtxReuse
        | Bug::ReadQuorumMinusOne
        | Bug::LeaseWallclock
        | Bug::DirtyRead
        | Bug::VoteNoPersist
        | Bug::VoteIgnoreLog
        | Bug::VoteClearedSameTerm
        | Bug::QuorumHalf
        | Bug::LearnerCounts
        | Bug::AcceptStaleLeader
        | Bug::AckOnLocalAppend
        | Bug::AckBeforeFsyncFollower
        | Bug::NoTruncate
        | Bug::TruncateBlind
        | Bug::PrevIndexOnly
        | Bug::MatchOptimistic
        | Bug::AppendDup
        | Bug::AckByIndex
        | Bug::UnknownAsFail
        | Bug::CasAtPropose
        | Bug::NoDedup
        | Bug::DedupNotInSnapshot
        | Bug::DedupWrongReply
        | Bug::ApplyNondeterministic
        | Bug::AppliedIndexSplit
        | Bug::TxnNotAtomic
        | Bug::SnapTorn
        | Bug::ConfOverlap
        | Bug::JointNewOnly
        | Bug::WipedSameId
        | Bug::NoFsync
        | Bug::FsyncErrorIgnored => Some(8),
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
    assert_eq!(hunted, Bug::ALL.len() - 5);
}

/// The same worlds are nothing to a node without bugs.
#[test]
fn healthy_nodes_live_in_the_worlds_of_bugs() {
    const SEEDS: u64 = 2;
    let worlds = |bug| (0..SEEDS).map(move |seed| world_for(bug, seed));
    let all = assert_healthy(Bug::ALL.into_iter().flat_map(worlds));
    assert!(all.troubles > 500 && all.changes > 10 && all.elections > 100);
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
